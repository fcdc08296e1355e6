"""Who is in the workspace, and where they talk."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.demo.workspace.refusal import Json

TEAM_ID = "T0NIGHT"
TEAM_NAME = "Northwind"


@dataclass(frozen=True)
class Person:
    """A member of the workspace. `colour` is the background of the initials that stand for a face."""

    id: str
    name: str
    real_name: str
    title: str
    colour: str
    is_bot: bool = False

    @property
    def initials(self) -> str:
        """One or two letters."""
        words = self.real_name.split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()

    def as_slack(self, base_url: str) -> Json:
        """The `user` object of users.info."""
        picture = f"{base_url}/avatars/{self.id}.svg"
        profile = {
            "real_name": self.real_name,
            "display_name": self.name,
            "title": self.title,
            "image_48": picture,
            "image_72": picture,
            "team": TEAM_ID,
        }
        return {
            "id": self.id,
            "team_id": TEAM_ID,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": False,
            "color": self.colour.lstrip("#"),
            "tz": "Etc/UTC",
            "tz_offset": 0,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "profile": profile,
        }


@dataclass(frozen=True)
class Group:
    """A user group, such as @payments-oncall."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...]

    def as_slack(self) -> Json:
        """The `usergroup` object."""
        return {
            "id": self.id,
            "team_id": TEAM_ID,
            "is_usergroup": True,
            "handle": self.handle,
            "name": self.name,
            "date_delete": 0,
            "user_count": len(self.members),
        }


@dataclass
class Channel:
    """A public channel, or with `direct_with` the conversation between the bot and that person."""

    id: str
    name: str
    topic: str = ""
    members: set[str] = field(default_factory=set)
    direct_with: str | None = None

    @property
    def kind(self) -> str:
        """The `channel_type` of message events."""
        return "im" if self.direct_with else "channel"

    def as_slack(self, viewer: str) -> Json:
        """The `channel` object as one member sees it."""
        seen: Json = {
            "id": self.id,
            "is_archived": False,
            "is_im": self.direct_with is not None,
            "is_channel": self.direct_with is None,
            "is_private": self.direct_with is not None,
            "is_member": viewer in self.members,
            "created": 1_700_000_000,
        }
        if self.direct_with:
            return {**seen, "user": self.direct_with}
        return {
            **seen,
            "name": self.name,
            "name_normalized": self.name,
            "num_members": len(self.members),
            "topic": {"value": self.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }


@dataclass(frozen=True)
class App:
    """The bot as Slack knows it, with the shortcuts and commands that its manifest registers."""

    name: str = "Nightdesk"
    user_id: str = "U0NIGHTDESK"
    bot_id: str = "B0NIGHTDESK"
    app_id: str = "A0NIGHTDESK"
    message_shortcuts: tuple[tuple[str, str], ...] = (("triage_this", "Triage this"),)
    commands: tuple[str, ...] = ("/nightdesk",)

    @property
    def person(self) -> Person:
        """The bot's own user."""
        return Person(self.user_id, self.name.lower(), self.name, "On-call colleague", "#1f2a44", is_bot=True)

    @property
    def profile(self) -> Json:
        """The `bot_profile` of its messages."""
        return {"id": self.bot_id, "app_id": self.app_id, "name": self.name, "team_id": TEAM_ID, "deleted": False}


MINA = Person("U0MINA", "mina", "Mina Okafor", "Payments, on call", "#b4325a")
TOM = Person("U0TOM", "tom", "Tom Lindqvist", "Payments", "#2f6db5")
AIKO = Person("U0AIKO", "aiko", "Aiko Tanabe", "Databases", "#2c7a5b")
RAJ = Person("U0RAJ", "raj", "Raj Mehta", "Sales, may not approve", "#8a5a1f")

PEOPLE = (MINA, TOM, AIKO, RAJ)
GROUPS = (Group("S0ONCALL", "payments-oncall", "Payments on call", ("U0MINA", "U0AIKO")),)
CHANNELS = (
    ("C0PAYMENTS", "payments-oncall", "Alerts and decisions for payments"),
    ("C0DEPLOYS", "deploys", "What went out, and when"),
    ("C0GENERAL", "general", "Everyone"),
)

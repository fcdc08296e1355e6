"""The state of the workspace. Every change is told to the listeners: the bot, the page and whoever waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.demo.workspace.files import Shelf
from bot.demo.workspace.people import CHANNELS, GROUPS, PEOPLE, App, Channel, Group, Person
from bot.demo.workspace.posts import Ledger, Post, Timestamps
from bot.demo.workspace.refusal import Json, Refusal


class Happened(StrEnum):
    """What can happen."""

    POSTED = "posted"
    CHANGED = "changed"
    DELETED = "deleted"
    REACTED = "reacted"
    UNREACTED = "unreacted"
    WHISPERED = "whispered"
    JOINED = "joined"
    VIEW = "view"
    STATUS = "status"


@dataclass(frozen=True)
class Happening:
    """One change. Which of the fields are set follows from `what`."""

    what: Happened
    post: Post | None = None
    before: Json | None = None
    user: str | None = None
    channel: str | None = None
    reaction: str | None = None
    status: str | None = None


Listener = Callable[[Happening], None]


@dataclass
class Team:
    """People, channels, messages and files, and the moves that change them."""

    clock: Callable[[], float] = time.time
    app: App = field(default_factory=App)
    base_url: str = "http://127.0.0.1"
    people: dict[str, Person] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    whispers: list[Post] = field(default_factory=list)
    shelf: Shelf = field(default_factory=Shelf)
    listeners: list[Listener] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.timestamps = Timestamps(self.clock)

    @classmethod
    def seeded(
        cls,
        *,
        clock: Callable[[], float] = time.time,
        people: Iterable[Person] = PEOPLE,
        groups: Iterable[Group] = GROUPS,
        channels: Iterable[tuple[str, str, str]] = CHANNELS,
        app: App | None = None,
    ) -> Team:
        """A team in which everyone, the bot too, is a member of every channel."""
        team = cls(clock=clock, app=app or App())
        team.people = {person.id: person for person in (*people, team.app.person)}
        team.groups = {group.id: group for group in groups}
        team.channels = {id_: Channel(id_, name, topic, set(team.people)) for id_, name, topic in channels}
        return team

    def person(self, user: str) -> Person:
        """That member. Raises: Refusal `user_not_found`."""
        if user not in self.people:
            raise Refusal("user_not_found")
        return self.people[user]

    def channel(self, name: str) -> Channel:
        """The channel of that id or `#name`; a user's id means the direct conversation with them.

        Raises:
            Refusal: `channel_not_found`.
        """
        if name in self.channels:
            return self.channels[name]
        for channel in self.channels.values():
            if name.removeprefix("#") == channel.name:
                return channel
        if name in self.people and name != self.app.user_id:
            return self.direct(name)
        raise Refusal("channel_not_found")

    def direct(self, user: str) -> Channel:
        """The conversation between the bot and that person, made when first asked for."""
        id_ = f"D0{user.removeprefix('U0')}"
        return self.channels.setdefault(id_, Channel(id_, "", "", {user, self.app.user_id}, direct_with=user))

    def tell(self, happening: Happening) -> None:
        """Let everyone who listens know."""
        for listener in tuple(self.listeners):
            listener(happening)

    def speak(self, user: str, channel: str, text: str, thread: str | None = None) -> Post:
        """A person says something; `thread` is the message that it answers.

        Raises:
            Refusal: `user_not_found`, `channel_not_found`, `message_not_found`.
        """
        author, place = self.person(user).id, self.channel(channel).id
        answered = self.ledger.find(place, thread) if thread else None
        root = answered.thread_ts or answered.ts if answered else None
        return self.post(Post(place, self.timestamps.mint(), text, user=author, thread_ts=root))

    def post(self, post: Post, *, quietly: bool = False) -> Post:
        """Put a message into its channel; quietly: as history that nobody is told about."""
        self.ledger.add(post)
        if not quietly:
            self.tell(Happening(Happened.POSTED, post=post))
        return post

    def change(self, post: Post, *, by: str, text: str | None = None, blocks: Sequence[Json] | None = None) -> None:
        """Give a message new words; it is marked as edited."""
        before = post.as_slack()
        post.text = post.text if text is None else text
        post.blocks = post.blocks if blocks is None else list(blocks)
        post.edited_by, post.edited_ts = by, self.timestamps.mint()
        self.tell(Happening(Happened.CHANGED, post=post, before=before))

    def extend(self, post: Post, text: str, blocks: list[Json]) -> None:
        """Let a message that is being streamed grow; that is no edit."""
        before = post.as_slack()
        post.text, post.blocks = text, blocks
        self.tell(Happening(Happened.CHANGED, post=post, before=before))

    def remove(self, post: Post) -> None:
        """Take a message away; of one that has replies a tombstone stays."""
        if post.only_for:
            self.whispers.remove(post)
        elif len(self.ledger.thread(post.channel, post.ts)) > 1:
            self._bury(post)
            return
        else:
            self.ledger.remove(post)
        self.tell(Happening(Happened.DELETED, post=post, before=post.as_slack()))

    def _bury(self, post: Post) -> None:
        before = post.as_slack()
        post.text, post.gone = "This message was deleted.", True
        post.blocks, post.attachments, post.files = [], [], []
        self.tell(Happening(Happened.CHANGED, post=post, before=before))

    def whisper(self, post: Post) -> Post:
        """Show a message to one person only."""
        self.whispers.append(post)
        self.tell(Happening(Happened.WHISPERED, post=post, user=post.only_for))
        return post

    def react(self, post: Post, user: str, name: str) -> None:
        """Add a reaction. Raises: Refusal `already_reacted`."""
        users = post.reactions.setdefault(name, [])
        if user in users:
            raise Refusal("already_reacted")
        users.append(user)
        self.tell(Happening(Happened.REACTED, post=post, user=user, reaction=name))

    def unreact(self, post: Post, user: str, name: str) -> None:
        """Take a reaction back. Raises: Refusal `no_reaction`."""
        if user not in post.reactions.get(name, ()):
            raise Refusal("no_reaction")
        post.reactions[name].remove(user)
        if not post.reactions[name]:
            del post.reactions[name]
        self.tell(Happening(Happened.UNREACTED, post=post, user=user, reaction=name))

    def join(self, channel: Channel, user: str) -> None:
        """Make someone a member."""
        if user not in channel.members:
            channel.members.add(user)
            self.tell(Happening(Happened.JOINED, channel=channel.id, user=user))

    def visible(self, ts: str) -> Post:
        """The message of that name, an ephemeral one too. Raises: Refusal `message_not_found`."""
        return next((post for post in self.whispers if post.ts == ts), None) or self.ledger.by_ts(ts)

"""A local workspace that speaks Slack's API to the bot and looks like Slack to people."""

from bot.demo.workspace.delivery import Answer, sign
from bot.demo.workspace.faults import Faults, Trouble
from bot.demo.workspace.interactions import Submission
from bot.demo.workspace.people import AIKO, MINA, RAJ, TOM, App, Channel, Group, Person
from bot.demo.workspace.refusal import Refusal
from bot.demo.workspace.team import Team
from bot.demo.workspace.workspace import Workspace

__all__ = [
    "AIKO",
    "MINA",
    "RAJ",
    "TOM",
    "Answer",
    "App",
    "Channel",
    "Faults",
    "Group",
    "Person",
    "Refusal",
    "Submission",
    "Team",
    "Trouble",
    "Workspace",
    "sign",
]

"""The playbook engine: what you draw is what runs. docs/playbooks.md is the language's reference."""

from bot.canvas.faults import Fault, NotAPlaybook, Place
from bot.canvas.formatting import format_text
from bot.canvas.outcome import Change, Judgement, Outcome, Step, Walked
from bot.canvas.playbook import Kind, Playbook, parse, read
from bot.canvas.store import MemoryStore, RedisStore, Store, decide
from bot.canvas.walk import walk
from bot.canvas.world import Clock, WallClock, World

__all__ = [
    "Change",
    "Clock",
    "Fault",
    "Judgement",
    "Kind",
    "MemoryStore",
    "NotAPlaybook",
    "Outcome",
    "Place",
    "Playbook",
    "RedisStore",
    "Step",
    "Store",
    "Walked",
    "WallClock",
    "World",
    "decide",
    "format_text",
    "parse",
    "read",
    "walk",
]

"""The Memory Manager: what the channels said, what past incidents taught, and what of it matters now."""

from bot.memory.condensing import Condensed, Condenser
from bot.memory.manager import MemoryManager

__all__ = ["Condensed", "Condenser", "MemoryManager"]

"""Whether a playbook may run: every rule, and the findings in words."""

from bot.canvas.lint.case import Case
from bot.canvas.lint.check import lint, sound
from bot.canvas.lint.report import as_github, as_text
from bot.canvas.lint.tools import ToolSpec

__all__ = ["Case", "ToolSpec", "as_github", "as_text", "lint", "sound"]

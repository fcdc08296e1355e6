"""What a triage looks at first, whatever the trouble."""

from __future__ import annotations

from bot.agents.tools import Parameters

LOOKS = ("metrics.look", "logs.requests", "logs.look", "traces.look", "database.look", "changes.look")
"""The general playbook draws these; a diagnosis of a recorded case, which is what is measured, makes those of them for
which the case has something; and who asks how things stand is answered from them."""


class Look(Parameters):
    """No choice: the incident's service and everything that it stands on."""

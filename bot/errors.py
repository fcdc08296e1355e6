"""Every error that Nightdesk raises on purpose.

* NightdeskError
  * Misconfigured         a setting, a catalogue or a policy that cannot be used
  * BadInput              something from outside that cannot be understood
    * UnknownSource       an alert source that does not exist
    * TooLarge            more bytes than the door takes
  * Overloaded            more than can be taken now; nothing of it was taken
  * Denied                the speaker may not do that
  * SourceUnavailable     a telemetry source did not answer, or answered with an error
    * ConnectionsExhausted  a database has no connection left; that is itself evidence
  * IllegalTransition     the incident is not in a state in which that may happen
  * NotFound              a record that does not exist
  * PlaybookError         a playbook that cannot be read or run
  * RemediationError      an action that cannot be proposed or carried out
    * PreconditionFailed  the world has changed since the action was approved; nothing was done
    * EffectFailed        the effect was tried and the target refused it; nothing was changed
    * EffectUnknown       the effect was started and nobody knows whether it happened
  * SlackRefused          Slack said no, or the payload breaks one of its limits
  * ModelUnavailable      no language model answered; nothing depends on one
  * BudgetSpent           a stated budget of tokens, money or time is reached; nobody was asked

Rooms refine them where they are raised: `alerts.decode.NotJson`, `alerts.auth.NotAuthenticated` and `NotLocal`,
`canvas.faults.NotAPlaybook`, `work.world.CannotPropose`.
"""

from __future__ import annotations


class NightdeskError(Exception):
    """The root; its text is a sentence that a person can act on."""


class Misconfigured(NightdeskError):
    """A setting, a catalogue or a policy that cannot be used."""


class BadInput(NightdeskError):
    """Something from outside that cannot be understood."""


class UnknownSource(BadInput):
    """An alert source that does not exist."""


class TooLarge(BadInput):
    """More bytes than the door takes."""


class Overloaded(NightdeskError):
    """More than can be taken now; nothing of it was taken."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Denied(NightdeskError):
    """The speaker may not do that."""


class SourceUnavailable(NightdeskError):
    """A telemetry source did not answer, or answered with an error: a gap in the evidence.

    Args:
        status: the HTTP status that it answered with, if it did.
        wait_s: for how long it asks to be left alone, if it is longer than we wait; infinite where it names a date.
        reached: whether the question can have got there at all.
    """

    def __init__(self, message: str, *, status: int | None = None, wait_s: float = 0.0, reached: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.wait_s = wait_s
        self.reached = reached


class ConnectionsExhausted(SourceUnavailable):
    """A database has no connection left; that is itself evidence."""


class IllegalTransition(NightdeskError):
    """The incident is not in a state in which that may happen."""

    def __init__(self, message: str, *, phase: str) -> None:
        super().__init__(message)
        self.phase = phase


class NotFound(NightdeskError):
    """A record that does not exist."""


class PlaybookError(NightdeskError):
    """A playbook that cannot be read or run."""


class RemediationError(NightdeskError):
    """An action that cannot be proposed or carried out."""


class NotNow(RemediationError):
    """Nothing speaks against it, but what must be read before it cannot be read at the moment. Nothing was touched."""


class PreconditionFailed(RemediationError):
    """The world has changed since the action was approved; nothing was done."""


class EffectFailed(RemediationError):
    """The effect was tried and the target refused it; nothing was changed."""


class EffectUnknown(RemediationError):
    """The effect was started, and nobody knows whether it happened."""


class SlackRefused(NightdeskError):
    """Slack said no, or the payload breaks one of its limits."""


class ModelUnavailable(NightdeskError):
    """No language model answered; nothing depends on one."""


class BudgetSpent(NightdeskError):
    """A stated budget of tokens, money or time is reached; nobody was asked."""

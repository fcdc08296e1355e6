"""The policy in force: what its file says at this moment, not what it said when the process began."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

from bot.documents import bytes_of, in_short
from bot.errors import Misconfigured, NotNow
from bot.remediation.rules import Policy, policy_in
from bot.settings import RemediationSettings

log = structlog.get_logger(__name__)


class Lawbook:
    """Reads the policy for every decision. While it cannot be read, nothing is proposed, approved or run.

    Args:
        find: the file that holds it now, None where there is none and the settings alone count.
    """

    def __init__(self, find: Callable[[], Path | None], settings: RemediationSettings) -> None:
        self._find = find
        self._settings = settings
        self._file: Path | None = None
        self._read: tuple[bytes, Policy] | None = None

    def policy(self) -> Policy:
        """The policy as it is written now.

        A file that was there and is gone is a doubt, not leave to go on without its rules.

        Raises:
            Misconfigured: it cannot be read or used; naming the file, the place and what to do.
        """
        self._file = self._find() or self._file
        if self._file is None:
            return Policy().under(self._settings)
        written = bytes_of(self._file, whole="policy")
        if self._read is None or self._read[0] != written:
            policy = policy_in(written, self._file).under(self._settings)
            if self._read is not None:
                log.info("policy.changed", file=str(self._file))
            self._read = written, policy
        return self._read[1]

    def now(self) -> Policy:
        """The policy for a decision.

        Raises:
            NotNow: it cannot be used, in a sentence for the thread.
        """
        try:
            return self.policy()
        except Misconfigured as unusable:
            log.error("policy.unusable", why=str(unusable), mend="nightdesk policy lint")  # noqa: TRY400 - a person's slip
            raise NotNow(
                f"The approval policy cannot be used now, so nothing can be approved or run. {in_short(unusable)} "
                "It is read again at the next try; `nightdesk policy lint` says what to mend."
            ) from None

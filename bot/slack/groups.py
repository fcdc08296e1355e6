"""Who belongs to a user group. When that cannot be told, nobody does."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.errors import Denied, SlackRefused
from bot.slack.client import Slack, refusals

CURRENT_S = 60.0
"""How old an answer may be: a person taken out of the group loses the right to approve within this time."""


class Groups:
    """Membership, by `usergroups.users.list`.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, slack: Slack, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._slack = slack
        self._clock = clock
        self._members: dict[str, tuple[float, frozenset[str]]] = {}

    async def is_member(self, user: str, group: str) -> bool:
        """Whether the user belongs to the group now.

        Raises:
            Denied: Slack could not be asked.
        """
        asked_at, members = self._members.get(group, (float("-inf"), frozenset()))
        if self._clock() - asked_at >= CURRENT_S:
            members = await self._ask(group)
            self._members[group] = (self._clock(), members)
        return user in members

    async def _ask(self, group: str) -> frozenset[str]:
        try:
            with refusals(f"the members of group {group}"):
                answer = await self._slack.asking.usergroups_users_list(usergroup=group)
        except SlackRefused as refusal:
            raise Denied(
                f"Who is in the approvers' group cannot be read now, so the answer is no. {refusal}"
            ) from refusal
        return frozenset(answer["users"])

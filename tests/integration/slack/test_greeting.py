"""What the log says of Slack when the bot starts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.demo.workspace import Workspace
from bot.settings import SlackSettings
from bot.slack import scopes
from bot.slack.client import Slack
from bot.slack.greeting import greet, greeting
from tests.servers.process import wait_until


def settings(workspace: Workspace, token: str) -> SlackSettings:
    return SlackSettings(
        bot_token=SecretStr(token), signing_secret=SecretStr(workspace.signing_secret), api_url=workspace.api_url
    )


async def test_a_token_that_slack_does_not_know_is_in_the_log_and_is_not_repeated(workspace: Workspace) -> None:
    with capture_logs() as logs:
        async with Slack.open(settings(workspace, "xoxb-wrong")) as slack:
            await greet(slack)
    assert [(one["event"], one["log_level"]) for one in logs] == [("slack.refused", "warning")]
    assert "nightdesk doctor" in logs[0]["mend"]
    assert "xoxb-wrong" not in str(logs)


async def test_who_the_bot_is_and_what_its_app_lacks_is_in_the_log(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(scopes.SCOPES, "canvases:write", "write a post-mortem")
    with capture_logs() as logs:
        async with Slack.open(settings(workspace, workspace.token)) as slack, greeting(slack):
            await wait_until(lambda: _said(logs), within_s=10, what="both lines")
    assert (logs[0]["event"], logs[0]["user"]) == ("slack.connected", workspace.team.app.user_id)
    assert (logs[1]["event"], logs[1]["scopes"]) == ("slack.scopes_missing", ["canvases:write"])


async def _said(logs: Sequence[object]) -> bool:
    return len(logs) >= 2

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bot.slack import listeners, scopes

MANIFEST = Path(__file__).parents[3] / "slack-manifest.yaml"


def manifest() -> Any:
    return YAML(typ="safe").load(MANIFEST.read_text(encoding="utf-8"))


def test_the_manifest_asks_for_exactly_the_scopes_that_doctor_checks() -> None:
    assert sorted(manifest()["oauth_config"]["scopes"]["bot"]) == sorted(scopes.SCOPES)


def test_the_manifest_subscribes_to_exactly_the_events_that_are_heard() -> None:
    assert sorted(manifest()["settings"]["event_subscriptions"]["bot_events"]) == sorted(scopes.EVENTS)


def test_the_manifest_registers_the_command_and_the_shortcut() -> None:
    features = manifest()["features"]
    assert [command["command"] for command in features["slash_commands"]] == [listeners.COMMAND]
    assert [shortcut["callback_id"] for shortcut in features["shortcuts"]] == [listeners.TRIAGE]


def test_what_was_not_granted_is_named_with_its_purpose() -> None:
    granted = set(scopes.SCOPES) - {"usergroups:read"}
    assert scopes.missing(granted) == {"usergroups:read": "check who may approve"}
    assert scopes.missing(scopes.SCOPES) == {}

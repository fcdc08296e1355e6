"""What is not in the catalogue of actions cannot be done."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.catalog import Catalog, Database
from bot.errors import Misconfigured, RemediationError
from bot.remediation.catalogue import Actions, actions
from bot.remediation.restart import Restart
from bot.settings import HttpCallTemplate, RemediationSettings, RestartTarget

CATALOG = Catalog(databases={"payments": Database(dsn_env="A", action_dsn_env="B")})
SETTINGS = RemediationSettings(
    http_calls={"drain": HttpCallTemplate(url="https://ops.example.com/drain", effect="Drained.")},
    restarts={"worker": RestartTarget(command=("/bin/true",))},
)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, module: str, name: str, points_at: str = "offer") -> None:
    """Put a package that brings one action on the path, as an installer would."""
    (folder / f"{module}.py").write_text(
        "from bot.remediation.restart import Restart\n"
        "class Extra(Restart):\n"
        f"    name = {name!r}\n"
        "def offer(catalog, settings):\n"
        "    return [Extra(catalog, settings.restarts)]\n"
    )
    description = folder / f"{module}-1.0.dist-info"
    description.mkdir()
    (description / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (description / "entry_points.txt").write_text(f"[nightdesk.actions]\nextra = {module}:{points_at}\n")
    monkeypatch.syspath_prepend(folder)


def test_with_nothing_allowed_there_is_no_action() -> None:
    found = actions(Catalog(), RemediationSettings(), action_dsns={}, installed=())
    assert list(found) == []
    with pytest.raises(RemediationError, match="There is no action"):
        found.resolve("process.restart", {"target": "worker"})


def test_what_the_settings_allow_is_there() -> None:
    found = actions(CATALOG, SETTINGS, action_dsns={"payments": SecretStr("")}, installed=())
    assert sorted(action.name for action in found) == [
        "http.call",
        "postgres.cancel_query",
        "postgres.terminate_backend",
        "process.restart",
    ]
    assert "process.restart" in found


def test_resolving_gives_the_action_and_its_parameters() -> None:
    found = actions(CATALOG, SETTINGS, action_dsns={}, installed=())
    action, params = found.resolve("process.restart", {"target": "worker"})
    assert (action.name, params.model_dump()) == ("process.restart", {"target": "worker"})


def test_unknown_parameters_are_refused_without_repeating_their_values() -> None:
    found = actions(CATALOG, SETTINGS, action_dsns={}, installed=())
    with pytest.raises(RemediationError, match="cannot take these parameters") as refused:
        found.resolve("process.restart", {"target": "worker", "command": "rm -rf hunter2"})
    assert "hunter2" not in str(refused.value)


def test_an_installed_package_may_add_actions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, module="nightdesk_adds", name="extra.restart")
    assert "extra.restart" in actions(CATALOG, SETTINGS, action_dsns={})


def test_an_installed_package_cannot_replace_an_action(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, module="nightdesk_replaces", name="process.restart")
    with pytest.raises(Misconfigured, match=r"Two actions are named 'process\.restart'"):
        actions(CATALOG, SETTINGS, action_dsns={})


def test_a_package_that_cannot_be_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, module="nightdesk_breaks", name="extra.restart", points_at="missing")
    with pytest.raises(Misconfigured, match="nightdesk_breaks:missing"):
        actions(CATALOG, SETTINGS, action_dsns={})


def test_the_names_there_are_help_against_a_typing_error() -> None:
    with pytest.raises(RemediationError, match=r"There are: process\.restart"):
        Actions([Restart(CATALOG, SETTINGS.restarts)]).named("process.restrat")

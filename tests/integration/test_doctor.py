"""The doctor: what is well, and for each broken thing one line that says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.demo.workspace import Workspace
from bot.doctor import Check, checks, examine
from bot.incidents.aside import SPOOL, Aside
from bot.settings import BearerAuth, RemediationSettings, Settings, SlackSettings
from bot.settings.sources import FilesSource, LokiSource, TempoSource
from bot.slack import scopes
from bot.storage import connect, embedded_redis
from tests.servers.model import Fails, Says, ScriptedModel
from tests.servers.postgres import PostgresDatabase
from tests.servers.process import free_port
from tests.servers.web import serving

ROOT = Path(__file__).parents[2]
Configured = Callable[..., Settings]


@pytest.fixture
def services(tmp_path: Path) -> Path:
    """A catalogue with one database."""
    file = tmp_path / "services.yaml"
    file.write_text(
        json.dumps(
            {
                "services": {"payments": {"databases": ["orders"], "owners": {"users": ["U0MINA"]}}},
                "databases": {"orders": {"dsn_env": "ORDERS_READER", "action_dsn_env": "ORDERS_ACTOR"}},
            }
        )
    )
    return file


@pytest.fixture
def settings(redis_url: str, services: Path, tmp_path: Path) -> Configured:
    """Settings that are well on this machine, with changes."""
    log = tmp_path / "payments.jsonl"
    log.write_text("{}\n")

    def configured(**changes: Any) -> Settings:
        return Settings(
            **{
                "redis_url": SecretStr(redis_url),
                "data_dir": tmp_path / "data",
                "services_file": services,
                "playbooks_dir": ROOT / "playbooks",
                "logs": (FilesSource(kind="files", path=str(tmp_path / "*.jsonl"), service="payments"),),
                "remediation": RemediationSettings(approver_groups=("S0ONCALL",)),
                **changes,
            }
        )

    return configured


async def found(settings: Settings) -> dict[str, Check]:
    return {check.what: check async for check in checks(settings)}


async def only(settings: Settings, what: str) -> Check:
    return (await found(settings))[what]


async def test_a_healthy_installation_is_called_well(
    settings: Configured,
    workspace: Workspace,
    prometheus_url: str,
    postgres_database: PostgresDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERS_READER", postgres_database.reader.get_secret_value())
    monkeypatch.setenv("ORDERS_ACTOR", postgres_database.actor.get_secret_value())
    slack = SlackSettings(
        bot_token=SecretStr(workspace.token),
        signing_secret=SecretStr(workspace.signing_secret),
        api_url=workspace.api_url,
    )
    lines: list[str] = []
    code = await examine(settings(slack=slack, prometheus_url=prometheus_url), lines.append)
    assert code == 0, "\n".join(lines)
    assert lines[-1] == "\nAll is well."
    assert "✓ Slack scopes: all there" in lines
    assert "✓ Database orders: read only as nightdesk_reader" in lines
    assert not [line for line in lines if line.startswith("✗")]


async def test_anything_wrong_is_counted_and_is_the_exit_code(settings: Configured) -> None:
    lines: list[str] = []
    assert await examine(settings(), lines.append) == 1
    assert lines[-1] == "\n2 things to mend."  # Slack, and the database without a connection string


async def test_a_redis_that_does_not_answer(settings: Configured) -> None:
    check = await only(settings(redis_url=SecretStr(f"redis://:s3cret@127.0.0.1:{free_port()}/0")), "Redis")
    assert check.state == "wrong"
    assert "Check NIGHTDESK_REDIS_URL" in str(check)
    assert "s3cret" not in str(check)


async def test_alerts_that_found_no_place_are_told_with_what_to_do(settings: Configured, redis_url: str) -> None:
    async with connect(redis_url) as redis:
        entry_id = str(await redis.xadd(SPOOL, {"ticket": "", "alert": "{}"}))
        await Aside(redis).put([entry_id], "this version cannot read it")
    check = await only(settings(), "Alerts")
    assert (check.state, check.said) == ("wrong", "1 alert found no place, kept aside")
    assert "nightdesk alert aside --again" in check.mend


async def test_a_private_redis(settings: Configured) -> None:
    check = await only(settings(redis_url=None), "Redis")
    assert (check.state, "a private one" in check.said) == ("ok", True)


async def test_a_private_redis_that_a_running_bot_keeps(settings: Configured, tmp_path: Path) -> None:
    async with embedded_redis(tmp_path / "data"):
        check = await only(settings(redis_url=None), "Redis")
    assert (check.state, "a private one" in check.said) == ("ok", True)


async def test_a_catalogue_with_a_mistake(settings: Configured, services: Path) -> None:
    services.write_text("services: {a: {depends_on: [b]}}")
    check = await only(settings(), "Service catalogue")
    assert check.state == "wrong"
    assert "a depends on 'b'" in check.said
    assert "nothing can be approved or run" in check.mend


async def test_a_catalogue_that_is_missing_does_not_end_the_examination(settings: Configured, tmp_path: Path) -> None:
    looked = await found(settings(services_file=tmp_path / "none.yaml"))
    assert looked["Service catalogue"].state == "wrong"
    assert looked["Playbooks"].state == "ok"


async def test_no_workspace(settings: Configured) -> None:
    check = await only(settings(), "Slack")
    assert "slack-manifest.yaml" in check.mend


async def test_a_token_that_slack_does_not_know(settings: Configured, workspace: Workspace) -> None:
    slack = SlackSettings(bot_token=SecretStr("xoxb-wrong"), signing_secret=SecretStr("s"), api_url=workspace.api_url)
    check = await only(settings(slack=slack), "Slack")
    assert check.state == "wrong"
    assert "SLACK_BOT_TOKEN" in check.said
    assert "xoxb-wrong" not in str(check)


@pytest.mark.parametrize("name", ["bot_token", "app_token"])
async def test_a_slack_token_that_no_header_may_hold(settings: Configured, name: str) -> None:
    slack = SlackSettings.model_validate({"bot_token": "xoxb-1", "app_token": "xapp-1"} | {name: "xo\nx-ö"})
    check = await only(settings(slack=slack), "Slack")
    assert check.state == "wrong"
    assert check.said.startswith(f"SLACK_{name.upper()} holds a line end or letters that no token has")
    assert "x-ö" not in str(check)


async def test_a_token_that_no_header_may_hold_turns_off_its_own_source_only(
    settings: Configured, prometheus_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOKI_TOKEN", "wäre\nes")
    seen = await found(
        settings(
            prometheus_url=prometheus_url,
            prometheus={"token": "t\nX-Admin: yes"},
            logs=(LokiSource(kind="loki", url="http://127.0.0.1:1", token_env="LOKI_TOKEN"),),
            changes={"sources": {"shop": {"kind": "gitlab", "token": "ö", "projects": {"a/b": "payments"}}}},
            model={"url": "http://127.0.0.1:1/v1", "name": "small", "key": "ö"},
        )
    )
    named = {
        "Prometheus": "NIGHTDESK_PROMETHEUS__TOKEN",
        "Logs": "the variable LOKI_TOKEN",
        "Changes from shop": "NIGHTDESK_CHANGES__SOURCES__SHOP__TOKEN",
        "Model small": "NIGHTDESK_MODEL__KEY",
    }
    told = {what: (seen[what].state, variable in seen[what].said) for what, variable in named.items()}
    assert told == dict.fromkeys(named, ("wrong", True))
    assert seen["Playbooks"].state == "ok"


async def test_a_workspace_that_cannot_be_reached(settings: Configured) -> None:
    slack = SlackSettings(
        bot_token=SecretStr("xoxb-1"), signing_secret=SecretStr("s"), api_url=f"http://127.0.0.1:{free_port()}/api/"
    )
    assert (await only(settings(slack=slack), "Slack")).state == "wrong"


async def test_a_missing_scope_is_named_with_what_will_not_work(
    settings: Configured, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(scopes.SCOPES, "canvases:write", "write a post-mortem")
    slack = SlackSettings(
        bot_token=SecretStr(workspace.token), app_token=SecretStr("xapp-1"), api_url=workspace.api_url
    )
    looked = await found(settings(slack=slack))
    assert "Socket Mode" in looked["Slack"].said
    assert looked["Slack scopes"].said == "missing: canvases:write (write a post-mortem)"
    assert "install it again" in looked["Slack scopes"].mend


async def test_doors_with_and_without_a_secret(settings: Configured) -> None:
    open_door = await only(settings(), "Alert doors")
    assert (open_door.state, "this machine only" in open_door.said) == ("note", True)
    guarded = settings(alerts={"grafana": {"auth": BearerAuth(token=SecretStr("t"))}})
    assert (await only(guarded, "Alert doors")).said == "authenticated: grafana"


async def test_a_door_whose_format_nobody_knows(settings: Configured) -> None:
    check = await only(settings(alerts={"legacy": {"format": "nagios"}}), "Alert doors")
    assert (check.state, check.mend) == ("wrong", "docs/alerts.md lists the formats.")
    assert "legacy" in check.said


async def test_the_knowledge_folder_is_looked_into(settings: Configured, tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "disk.md").write_text("# Disk\n")
    well = await only(settings(knowledge_dir=tmp_path / "runbooks"), "Knowledge")
    assert (well.state, well.said) == ("ok", f"1 Markdown file in {tmp_path / 'runbooks'}")
    gone = await only(settings(knowledge_dir=tmp_path / "gone"), "Knowledge")
    assert (gone.state, "NIGHTDESK_KNOWLEDGE_DIR" in gone.said) == ("wrong", True)


async def test_a_prometheus_that_does_not_answer(settings: Configured) -> None:
    check = await only(settings(prometheus_url=f"http://127.0.0.1:{free_port()}"), "Prometheus")
    assert (check.state, "NIGHTDESK_PROMETHEUS_URL" in check.mend) == ("wrong", True)


async def test_logs_that_are_not_there(settings: Configured, tmp_path: Path) -> None:
    missing = settings(logs=(FilesSource(kind="files", path=str(tmp_path / "gone-*.log")),))
    check = await only(missing, "Logs")
    assert (check.state, "gone-*.log" in check.said) == ("wrong", True)
    assert (await only(settings(logs=()), "Logs")).state == "note"


async def test_a_log_server_that_does_not_answer_is_named(settings: Configured) -> None:
    loki = LokiSource(kind="loki", url=f"http://127.0.0.1:{free_port()}")
    check = await only(settings(logs=(loki,)), "Logs")
    assert (check.state, check.mend) == ("wrong", "Check entry 0 of NIGHTDESK_LOGS.")
    assert "did not answer" in check.said


async def test_a_trace_server_that_does_not_answer_is_named(settings: Configured) -> None:
    assert (await only(settings(), "Traces")).state == "note"
    tempo = TempoSource(kind="tempo", url=f"http://127.0.0.1:{free_port()}")
    check = await only(settings(traces=(tempo,)), "Traces")
    assert (check.state, check.mend) == ("wrong", "Check entry 0 of NIGHTDESK_TRACES.")


async def test_a_database_without_a_connection_string(settings: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORDERS_READER", raising=False)
    check = await only(settings(), "Database orders")
    assert check.state == "wrong"
    assert check.mend == "Set ORDERS_READER to a connection string of a read-only role (docs/services.md says which)."


async def test_a_database_that_does_not_answer(settings: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERS_READER", f"postgresql://u:s3cret@127.0.0.1:{free_port()}/d")
    check = await only(settings(), "Database orders")
    assert (check.state, "s3cret" in str(check)) == ("wrong", False)
    assert "Check ORDERS_READER" in check.mend


async def test_a_database_role_that_could_write(
    settings: Configured, postgres_database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_READER", postgres_database.app.get_secret_value())
    check = await only(settings(), "Database orders")
    assert (check.state, check.said) == ("wrong", "the role app may write")


async def test_a_database_role_that_sees_little(
    settings: Configured, postgres_database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_READER", postgres_database.actor.get_secret_value())
    check = await only(settings(), "Database orders")
    assert (check.state, check.mend) == ("note", "GRANT pg_monitor TO nightdesk_actor;")


async def test_a_database_without_a_role_for_actions(
    settings: Configured, postgres_database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_READER", postgres_database.reader.get_secret_value())
    monkeypatch.delenv("ORDERS_ACTOR", raising=False)
    assert (await only(settings(), "Database orders")).said == "read only as nightdesk_reader; no role for actions"


async def test_nobody_who_may_approve(settings: Configured, services: Path) -> None:
    services.write_text("services: {payments: {}}")
    check = await only(settings(remediation=RemediationSettings()), "Approvers")
    assert (check.state, "APPROVER_GROUPS" in check.mend) == ("wrong", True)


async def test_a_sound_policy_is_read_again_at_every_decision(settings: Configured, tmp_path: Path) -> None:
    check = await only(with_policy(settings, tmp_path, "version: 1"), "Policy")
    assert (check.state, check.mend) == ("ok", "")
    assert check.said.endswith("sound, 0 prohibitions, 0 freezes; read again at every decision")


async def test_a_policy_that_cannot_be_used_stops_the_gate(settings: Configured, tmp_path: Path) -> None:
    check = await only(with_policy(settings, tmp_path, "tiers: {high: {approvals: 1}}"), "Policy")
    assert check.state == "wrong"
    assert "tiers.high.approvals" in check.said
    assert "nothing can be proposed, approved or run" in check.mend


def with_policy(settings: Configured, folder: Path, text: str) -> Settings:
    file = folder / "policy.yaml"
    file.write_text(text)
    return settings(remediation=RemediationSettings(approver_users=("UANN",), policy_file=file))


async def test_a_playbook_with_a_fault(settings: Configured, tmp_path: Path) -> None:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "broken.md").write_text("# no drawing\n")
    check = await only(settings(playbooks_dir=folder), "Playbooks")
    assert check.state == "wrong"
    assert "broken.md" in check.said
    assert check.mend == f"nightdesk playbook lint {folder}"


async def test_no_playbooks(settings: Configured, tmp_path: Path) -> None:
    check = await only(settings(playbooks_dir=tmp_path / "none"), "Playbooks")
    assert (check.state, check.mend) == ("wrong", "Check NIGHTDESK_PLAYBOOKS_DIR.")


async def test_an_encoder_that_is_not_there(settings: Configured, tmp_path: Path) -> None:
    check = await only(settings(encoder=str(tmp_path / "no-model")), "Recall")
    assert check.state == "wrong"
    assert "NIGHTDESK_ENCODER" in check.said


async def test_a_source_of_changes_that_does_not_answer_is_wrong_and_the_open_door_is_noted(
    settings: Configured,
) -> None:
    nowhere = {"kind": "argocd", "url": f"http://127.0.0.1:{free_port()}"}
    lines = await found(settings(changes={"sources": {"argo": nowhere}}))
    assert lines["Changes"].state == "note"
    assert "NIGHTDESK_CHANGES__AUTH__TOKEN" in lines["Changes"].mend
    assert (lines["Changes from argo"].state, "did not answer" in lines["Changes from argo"].said) == ("wrong", True)
    guarded = settings(changes={"auth": {"kind": "bearer", "token": "t"}})
    assert (await only(guarded, "Changes")).state == "ok"


async def test_each_model_is_asked_and_none_is_needed(settings: Configured, scripted_model: ScriptedModel) -> None:
    assert (await only(settings(), "Model")).state == "note"
    server = {"url": scripted_model.url, "name": "small", "roles": {"judge": "strong"}}
    scripted_model.script = lambda body: Says("OK") if body["model"] == "small" else Fails(404, "no such model")
    lines = await found(settings(model={**server, "off_in": ["C0LEGAL"]}))
    assert (lines["Model"].state, "never asked for C0LEGAL" in lines["Model"].said) == ("note", True)
    assert (lines["Model small"].state, scripted_model.url in lines["Model small"].said) == ("ok", True)
    assert (lines["Model strong"].state, "NIGHTDESK_MODEL__NAME" in lines["Model strong"].said) == ("wrong", True)


@pytest.mark.parametrize(
    ("answer", "room", "state", "said", "mend"),
    [
        (Says("", thought="Well", finish="length"), 0, "wrong", "no answer within 200 tokens", "THINKING_TOKENS"),
        (Says("<think>Well", finish="length"), 0, "wrong", "no answer within 200 tokens", "THINKING_TOKENS"),
        (Says("", finish="length"), 4000, "wrong", "no answer within 4,200 tokens", "THINKING_TOKENS"),
        (Says("OK", thought="Well", usage=(20, 180)), 0, "note", "about one word for 180 tokens", "THINKING_TOKENS"),
        (Says("OK", thought="Well", usage=(20, 180)), 4000, "ok", "answers in", ""),
        (Says(""), 0, "wrong", "answers without a word", "made for chat"),
    ],
)  # fmt: skip
async def test_a_model_that_thinks_or_says_nothing_is_told_apart(
    settings: Configured, scripted_model: ScriptedModel, answer: Says, room: int, state: str, said: str, mend: str
) -> None:
    scripted_model.script = lambda _: answer
    server = {"url": scripted_model.url, "name": "small", "thinking_tokens": room}
    check = await only(settings(model=server), "Model small")
    assert (check.state, said in check.said, mend in check.mend) == (state, True, True), check


async def test_a_second_model_that_thinks_is_told_by_the_name_of_its_own_setting(
    settings: Configured, scripted_model: ScriptedModel
) -> None:
    scripted_model.script = lambda _: Says("", thought="Well", finish="length")
    server = {"url": scripted_model.url, "name": "small"}
    seen = await found(settings(model={**server, "fallback": {**server, "name": "other"}}))
    assert "Set NIGHTDESK_MODEL__THINKING_TOKENS," in seen["Model small"].mend
    assert "Set NIGHTDESK_MODEL__FALLBACK__THINKING_TOKENS," in seen["Model other"].mend


async def test_a_prometheus_that_wants_credentials_or_a_tenant(settings: Configured) -> None:
    async def answer(request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer t":
            return Response("who are you?", 401)
        vector = [{"metric": {}, "value": [0, "3"]}] if request.headers.get("x-scope-orgid") == "shop" else []
        return JSONResponse({"status": "success", "data": {"resultType": "vector", "result": vector}})

    with serving(Starlette(routes=[Route("/api/v1/query", answer, methods=["POST"])])) as port:
        url = f"http://127.0.0.1:{port}"
        stranger = await only(settings(prometheus_url=url), "Prometheus")
        assert (stranger.state, "NIGHTDESK_PROMETHEUS__TOKEN" in stranger.mend) == ("wrong", True)
        nobody = await only(settings(prometheus_url=url, prometheus={"token": "t"}), "Prometheus")
        assert (nobody.state, "X-Scope-OrgID" in nobody.mend) == ("note", True)
        tenant = {"token": "t", "headers": {"X-Scope-OrgID": "shop"}}
        assert (await only(settings(prometheus_url=url, prometheus=tenant), "Prometheus")).said == "answers, 3 targets"

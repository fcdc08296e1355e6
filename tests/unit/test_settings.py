"""Settings: where they come from, which wins, and what is said about each wrong one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.errors import Misconfigured
from bot.settings import SLACK_NAMES, BearerAuth, HmacAuth, Settings, SlackSettings, load, secret_from_environment
from bot.settings.changes import GitLabSource


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder, and none of the developer's own variables."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("NIGHTDESK_") or name in SLACK_NAMES]:
        monkeypatch.delenv(name)


def complaint(**overrides: object) -> str:
    with pytest.raises(Misconfigured) as refused:
        load(**overrides)
    return str(refused.value)


def test_nothing_needs_to_be_set() -> None:
    settings = load()
    assert settings.config is None
    assert settings.redis_url is None
    assert settings.loopback
    assert not settings.slack.configured


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("nightdesk.toml").write_text("port = 1111\n[triage]\nwindow_s = 60\nbaseline_s = 120\n")
    monkeypatch.setenv("NIGHTDESK_TRIAGE__WINDOW_S", "30")
    settings = load()
    assert settings.config == Path("nightdesk.toml")
    assert (settings.port, settings.triage.window_s, settings.triage.baseline_s) == (1111, 30, 120)


def test_the_file_may_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("port = 2222")
    monkeypatch.setenv("NIGHTDESK_CONFIG", "other.toml")
    assert load().port == 2222


def test_a_named_file_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDESK_CONFIG", "gone.toml")
    assert complaint() == "NIGHTDESK_CONFIG names gone.toml, which is not a file."


def test_slack_is_set_by_the_names_that_every_slack_app_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    settings = load()
    assert settings.slack.configured
    assert settings.slack.bot_token
    assert settings.slack.bot_token.get_secret_value() == "xoxb-1"


def test_our_own_name_wins_over_the_common_one_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("nightdesk.toml").write_text('[slack]\napi_url = "http://file/"\nchannel = "C0FILE"\n')
    monkeypatch.setenv("SLACK_API_URL", "http://common/")
    assert (load().slack.api_url, load().slack.channel) == ("http://common/", "C0FILE")
    monkeypatch.setenv("NIGHTDESK_SLACK__API_URL", "http://ours/")
    assert load().slack.api_url == "http://ours/"


@pytest.mark.parametrize("name", ["NIGHTDESK_REDIS_URL", "NIGHTDESK_SLACK__CHANNEL", "SLACK_BOT_TOKEN"])
def test_an_empty_variable_counts_as_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "")
    settings = load()
    assert (settings.redis_url, settings.slack.channel, settings.slack.bot_token) == (None, None, None)


@pytest.mark.parametrize("blank", ["", " "])
def test_what_is_empty_in_the_file_or_in_a_section_is_not_set_either(
    blank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("nightdesk.toml").write_text(
        f'redis_url = "{blank}"\nencoder = "{blank}"\nknowledge_dir = "{blank}"\n'
        f'[model]\nurl = "{blank}"\nkey = "{blank}"\n'
    )
    monkeypatch.setenv("NIGHTDESK_SLACK", f'{{"bot_token": "{blank}"}}')
    settings = load()
    assert (settings.redis_url, settings.encoder, settings.knowledge_dir, settings.model.url) == (None,) * 4
    assert settings.model.key is None
    assert not settings.slack.configured


def test_a_secret_that_is_empty_does_not_open_a_door() -> None:
    guarded = {"kind": "bearer", "token": ""}
    assert "NIGHTDESK_ALERTS__ONE__AUTH" in complaint(alerts={"one": {"auth": guarded}})


def test_a_model_without_a_name_and_an_address_that_is_none_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDESK_MODEL__URL", " http://127.0.0.1:1/v1/ ")
    assert "must say which model is asked" in complaint()
    monkeypatch.setenv("NIGHTDESK_MODEL__NAME", "small")
    assert load().model.url == "http://127.0.0.1:1/v1"
    monkeypatch.setenv("NIGHTDESK_MODEL__URL", "127.0.0.1:1")
    assert "NIGHTDESK_MODEL__URL: give an address such as https://host/v1" in complaint()


def test_every_wrong_value_is_named_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDESK_PORT", "abc")
    monkeypatch.setenv("NIGHTDESK_LOG_LEVEL", "loud")
    monkeypatch.setenv("NIGHTDESK_WORK__LEASE_S", "0")
    said = complaint()
    assert said.startswith("3 settings cannot be used:")
    for name in ("NIGHTDESK_PORT: ", "NIGHTDESK_LOG_LEVEL: ", "NIGHTDESK_WORK__LEASE_S: "):
        assert name in said


def test_a_misspelt_name_is_named_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDESK_PROT", "8080")
    assert complaint().endswith("NIGHTDESK_PROT: there is no such setting; did you mean NIGHTDESK_PORT?")


def test_a_misspelt_name_of_a_section_is_named_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDESK_SLACK__CHANEL", "C0PAY")
    assert "NIGHTDESK_SLACK__CHANEL: there is no such setting; did you mean NIGHTDESK_SLACK__CHANNEL?" in complaint()


def test_what_a_half_configured_workspace_lacks_is_said_by_name() -> None:
    assert SlackSettings(bot_token=SecretStr("xoxb-1")).lacking == "SLACK_SIGNING_SECRET (or SLACK_APP_TOKEN)"
    assert SlackSettings(app_token=SecretStr("xapp-1")).lacking == "SLACK_BOT_TOKEN"
    assert SlackSettings(app_token=SecretStr("xapp-1"), bot_token=SecretStr("xoxb-1")).lacking == ""


def test_a_misspelt_name_in_the_file_is_named_too() -> None:
    Path("nightdesk.toml").write_text('[slack]\ncanal = "C0"\n')
    assert "NIGHTDESK_SLACK__CANAL: there is no such setting; did you mean NIGHTDESK_SLACK__CHANNEL?" in complaint()


@pytest.mark.parametrize("text", ["port = ", "port", "\x00"])
def test_a_file_that_is_no_toml_is_one_message(text: str) -> None:
    Path("nightdesk.toml").write_text(text)
    assert complaint().startswith("nightdesk.toml cannot be read: ")


@pytest.mark.parametrize("name", ["NIGHTDESK_LOGS", "NIGHTDESK_REMEDIATION__APPROVER_USERS"])
def test_a_variable_that_is_no_json_is_named_without_its_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "U0MINA")
    said = complaint()
    assert said == f'1 setting cannot be used:\n  {name}: a list or a whole section is written as JSON, such as ["…"]'


def test_a_misspelt_name_hides_no_wrong_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDESK_PROT", "1")
    monkeypatch.setenv("NIGHTDESK_PORT", "abc")
    said = complaint()
    assert said.startswith("2 settings cannot be used:")
    assert "NIGHTDESK_PROT: there is no such setting" in said
    assert "NIGHTDESK_PORT: Input should be a valid integer" in said


@pytest.mark.parametrize("url", ["localhost", "localhost:6379", "redis://host:port/0", "http://redis", "unix://"])
def test_an_address_that_is_none_of_redis_is_said_and_not_repeated(url: str) -> None:
    said = complaint(redis_url=url)
    assert "NIGHTDESK_REDIS_URL: give an address such as redis://" in said
    assert "port/0" not in said


@pytest.mark.parametrize("url", ["redis://:p@redis:6379/0", "rediss://redis", "unix:///run/redis.sock?db=1"])
def test_an_address_of_redis_is_taken(url: str) -> None:
    assert load(redis_url=url).redis == url


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prometheus_url": "localhost:9090"}, "NIGHTDESK_PROMETHEUS_URL: give an address such as http://"),
        ({"slack": {"timezone": "Mars"}}, "NIGHTDESK_SLACK__TIMEZONE: 'Mars' is no IANA time zone"),
        ({"slack": {"timezone": "../etc"}}, "NIGHTDESK_SLACK__TIMEZONE: '../etc' is no IANA time zone"),
    ],
)
def test_what_could_only_fail_later_is_said_at_once(given: dict[str, object], said: str) -> None:
    assert said in complaint(**given)


def test_a_secret_is_in_no_message_and_in_no_picture_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDESK_REDIS_URL", "redis://:s3cret@host/0")
    assert "s3cret" not in repr(load())
    monkeypatch.setenv("NIGHTDESK_ALERTS__AM__AUTH", "s3cret")
    assert "s3cret" not in complaint()


def test_a_source_gets_its_secret_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDESK_ALERTS__PROMETHEUS__FORMAT", "alertmanager")
    monkeypatch.setenv("NIGHTDESK_ALERTS__PROMETHEUS__AUTH__KIND", "bearer")
    monkeypatch.setenv("NIGHTDESK_ALERTS__PROMETHEUS__AUTH__TOKEN", "t0ken")
    source = load().alerts["prometheus"]
    assert isinstance(source.auth, BearerAuth)
    assert (source.format, source.auth.token.get_secret_value()) == ("alertmanager", "t0ken")


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("bearer", "TOKEN"), ("basic", "PASSWORD"), ("hmac", "SECRET"), ("token", "TOKEN"), ("sns", "TOPICS")],
)
def test_the_name_in_a_complaint_is_the_name_to_set_it_by(
    kind: str, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTDESK_ALERTS__AM__AUTH__KIND", kind)
    assert f"NIGHTDESK_ALERTS__AM__AUTH__{missing}: Field required" in complaint()


def test_without_an_authenticated_source_the_server_does_not_open_to_other_machines() -> None:
    said = complaint(host="0.0.0.0")
    assert "no authenticated alert source" in said
    assert "NIGHTDESK_HOST=127.0.0.1" in said


def test_what_the_refusal_advises_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    advice = complaint(host="0.0.0.0").rpartition("e.g. ")[2]
    for assignment in advice.split(" and "):
        name, _, value = assignment.partition("=")
        monkeypatch.setenv(name, value)
    assert not load(host="0.0.0.0").loopback


def test_one_open_source_among_guarded_ones_keeps_the_server_closed() -> None:
    alerts = {"grafana": {"auth": {"kind": "hmac", "secret": "s"}}, "generic": {}}
    assert "alert sources without authentication (generic)" in complaint(host="::", alerts=alerts)
    guarded = load(host="::", alerts={"grafana": alerts["grafana"]})
    assert isinstance(guarded.alerts["grafana"].auth, HmacAuth)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_this_machine_alone_no_secret_is_needed(host: str) -> None:
    assert load(host=host).loopback


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"kind": "files"}, "NIGHTDESK_LOGS__0__PATH: Field required"),
        ({"kind": "journald"}, "NIGHTDESK_LOGS__0__UNIT: Field required"),
        ({"kind": "syslog"}, "'files', 'journald', 'loki'"),
        ({"kind": "loki", "url": "loki:3100"}, "NIGHTDESK_LOGS__0__URL: give an address such as https://host/path"),
        ({"kind": "loki", "url": "http://eve:pw@loki:3100"}, "without credentials"),
        ({"kind": "loki", "url": "http://loki", "label": "app-name"}, "letters, digits and _"),
        ({"kind": "loki", "url": "http://loki", "service": "pay"}, "a 'selector' must choose its lines"),
        ({"kind": "loki", "url": "http://loki", "username": "u"}, "'username' and 'password_env' go together"),
        ({"kind": "loki", "url": "http://loki", "token_env": "T", "token_file": "f"}, "give one of 'token_env'"),
        ({"kind": "elasticsearch", "url": "http://es", "index": "../_all"}, "a pattern such as logs-*"),
        ({"kind": "kubernetes", "namespaces": ["a/b"]}, "a-z, 0-9 and -"),
    ],
)
def test_a_log_source_says_what_it_lacks(source: dict[str, object], said: str) -> None:
    assert said in complaint(logs=[source])


@pytest.mark.parametrize("target", [{}, {"unit": "a.service", "command": ["a"]}])
def test_a_restart_target_names_one_way(target: dict[str, object]) -> None:
    said = complaint(remediation={"restarts": {"mail": target}})
    assert "either a systemd 'unit' or a 'command' vector" in said


def test_settings_do_not_change_while_the_bot_runs() -> None:
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_a_secret_that_the_catalogue_names_is_read_when_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_DSN", raising=False)
    assert secret_from_environment("SHOP_DSN") is None
    monkeypatch.setenv("SHOP_DSN", "postgresql://a:b@c/d")
    found = secret_from_environment("SHOP_DSN")
    assert found
    assert (found.get_secret_value(), str(found)) == ("postgresql://a:b@c/d", "**********")


def test_a_source_of_changes_is_in_the_file_and_its_token_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("nightdesk.toml").write_text(
        '[changes.sources.github]\nkind = "github"\nrepositories = { "acme/shop" = "shop" }\n'
    )
    monkeypatch.setenv("NIGHTDESK_CHANGES__SOURCES__GITHUB__TOKEN", "t")
    source = load().changes.sources["github"]
    assert source.token is not None
    assert source.token.get_secret_value() == "t"


def test_a_source_of_changes_can_be_set_by_variables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTDESK_CHANGES__SOURCES__LAB__KIND", "gitlab")
    monkeypatch.setenv("NIGHTDESK_CHANGES__SOURCES__LAB__PROJECTS", '{"acme/shop": "shop"}')
    monkeypatch.setenv("NIGHTDESK_CHANGES__SOURCES__LAB__ENVIRONMENTS", "[]")
    source = load().changes.sources["lab"]
    assert isinstance(source, GitLabSource)
    assert (source.projects, source.environments) == ({"acme/shop": "shop"}, ())
    monkeypatch.setenv("NIGHTDESK_CHANGES__SOURCES__LAB__PROJECTS", "acme/shop")
    assert "NIGHTDESK_CHANGES__SOURCES__LAB__PROJECTS: write it as JSON" in complaint()


@pytest.mark.parametrize(("source", "said"), [
    ({"kind": "github"}, "NIGHTDESK_CHANGES__SOURCES__X__REPOSITORIES: Field required"),
    ({"kind": "github", "repositories": {"shop": "shop"}}, "named 'owner/name'"),
    ({"kind": "argocd", "url": "argo.example.com"}, "NIGHTDESK_CHANGES__SOURCES__X__URL: give an address"),
    ({"kind": "svn"}, "does not match any of the expected tags"),
])  # fmt: skip
def test_a_source_of_changes_says_what_it_lacks(source: dict[str, object], said: str) -> None:
    assert said in complaint(changes={"sources": {"x": source}})

"""What is shipped to be deployed: the image, the composition and its configuration fit the program and each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.alerts.formats import known
from bot.catalog import load_catalog
from bot.serve import SHUTDOWN_S
from bot.settings import BearerAuth, Settings, load
from bot.work.stopping import LEAVING_S
from bot.work.tasks import GRACE_S

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
LOCKS = sorted(ROOT.glob("requirements*.lock"))
SECRETS = {
    "REDIS_PASSWORD": "r3dis",
    "ALERT_TOKEN": "t0ken",
    "AUDIT_KEY": "k3y",
    "POSTGRES_PASSWORD": "p",
    "READER_PASSWORD": "r",
    "ACTOR_PASSWORD": "a",
}


@pytest.fixture(scope="module")
def compose() -> Any:
    return YAML(typ="safe").load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    """Its instructions, one a line."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def filled_in(text: str) -> str:
    """As Compose would fill it in from an env file with every secret and nothing else."""
    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", lambda m: SECRETS.get(m[1], m[3] if m[2] == "-" else ""), text)


@pytest.fixture
def composed(compose: Any, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings as the bot reads them in its container, with the repository's files in their places."""
    for name, value in compose["services"]["bot"]["environment"].items():
        monkeypatch.setenv(name, filled_in(value))
    monkeypatch.setenv("NIGHTDESK_CONFIG", str(DEPLOY / "nightdesk.toml"))
    monkeypatch.setenv("NIGHTDESK_HOST", "0.0.0.0")
    return load()


def test_the_container_is_open_to_its_network_only_because_every_alert_source_has_a_secret(composed: Settings) -> None:
    assert not composed.loopback
    assert known(composed) == ("alertmanager",)
    auth = composed.alerts["alertmanager"].auth
    assert isinstance(auth, BearerAuth)
    assert auth.token.get_secret_value() == SECRETS["ALERT_TOKEN"]


def test_the_bot_logs_in_to_redis(composed: Settings) -> None:
    assert composed.redis_url
    assert composed.redis_url.get_secret_value() == "redis://:r3dis@redis:6379/0"


def test_what_the_env_file_leaves_empty_counts_as_not_set(composed: Settings) -> None:
    assert composed.slack.channel is None
    assert not composed.slack.configured


def test_the_env_example_names_what_the_composition_asks_for(compose: Any) -> None:
    asked = set(re.findall(r"\$\{(\w+):", (ROOT / "compose.yaml").read_text()))
    offered = set(re.findall(r"^(\w+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    assert asked == offered


def test_redis_has_a_password_keeps_everything_and_is_not_published(compose: Any) -> None:
    redis = compose["services"]["redis"]
    command = " ".join(redis["command"])
    for needed in ("--requirepass", "--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction"):
        assert needed in command
    assert "ports" not in redis
    assert all(compose["networks"][name]["internal"] for name in redis["networks"])


@pytest.mark.parametrize("service", ["bot", "executor"])
def test_a_container_is_not_killed_while_it_still_stops_in_order(compose: Any, service: str) -> None:
    seconds = int(compose["services"][service]["stop_grace_period"].removesuffix("s"))
    assert seconds > SHUTDOWN_S + GRACE_S + LEAVING_S


def test_every_published_port_is_for_this_machine_only(compose: Any) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_mounted_file_is_there(compose: Any) -> None:
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", [])]
    sources = [mount.partition(":")[0] for mount in mounts]
    for source in sources:
        assert (ROOT / source).exists() if source.startswith("./") else source in compose["volumes"]


def test_the_alertmanager_reads_its_token_from_the_secret_that_it_is_given(compose: Any) -> None:
    config = YAML(typ="safe").load((DEPLOY / "alertmanager.yml").read_text())
    (webhook,) = next(r["webhook_configs"] for r in config["receivers"] if r["name"] == "nightdesk")
    authorization = webhook["http_config"]["authorization"]
    assert authorization["type"] == "Bearer"
    assert authorization["credentials_file"] == f"/run/secrets/{compose['services']['alertmanager']['secrets'][0]}"
    assert compose["secrets"]["alert_token"] == {"environment": "ALERT_TOKEN"}


def test_the_catalogue_names_variables_that_the_composition_sets(compose: Any) -> None:
    catalog = load_catalog(DEPLOY / "services.yaml")
    given = set(compose["services"]["executor"]["environment"])
    for database in catalog.databases.values():
        assert {database.dsn_env, database.action_dsn_env} <= given


def test_the_executor_alone_is_given_what_changes_production_and_nobody_can_reach_it(compose: Any) -> None:
    catalog = load_catalog(DEPLOY / "services.yaml")
    bot, executor = (compose["services"][name] for name in ("bot", "executor"))
    assert (bot["command"], executor["command"]) == (["serve", "--role", "worker"], ["serve", "--role", "executor"])
    hands = {database.action_dsn_env for database in catalog.databases.values()} | {"NIGHTDESK_AUDIT_KEY"}
    assert set(executor["environment"]) - set(bot["environment"]) == hands | {"NIGHTDESK_HOST"}
    assert executor["environment"]["NIGHTDESK_HOST"] == "127.0.0.1"
    assert "ports" not in executor


def test_the_image_runs_as_nobody_in_particular(dockerfile: list[str]) -> None:
    final = dockerfile[max(place for place, line in enumerate(dockerfile) if line.startswith("FROM ")) :]
    assert "USER nightdesk" in final
    assert final.index("USER nightdesk") < final.index('ENTRYPOINT ["nightdesk"]') < final.index('CMD ["serve"]')
    assert "VOLUME /data" in final
    assert any(line.startswith("HEALTHCHECK") and "/healthz" in line for line in final)


def test_the_image_holds_only_what_is_pinned_by_hash(dockerfile: list[str]) -> None:
    installs = [part for line in dockerfile for part in line.split("&&") if "pip install" in part]
    assert installs
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)


def test_all_that_the_image_copies_passes_the_dockerignore(dockerfile: list[str]) -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [line.split()[1:-1] for line in dockerfile if line.startswith("COPY ") and "--from" not in line]
    assert {name for names in copied for name in names} == allowed
    assert all((ROOT / name).exists() for name in allowed)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    packages = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert packages
    assert all("==" in package and "--hash=sha256:" in package for package in packages)


def test_the_encoder_is_tested_with_the_packages_that_are_shipped() -> None:
    """`scripts/lock` writes both; a lock that was written without it is seen here."""
    shipped, tested = (_pins(ROOT / name) for name in ("requirements.lock", "requirements-embeddings.lock"))
    assert shipped <= tested
    assert not [pin for pin in tested if pin.startswith(("torch==", "nvidia-", "triton=="))]


def _pins(lock: Path) -> set[str]:
    return {
        line.rstrip(" \\") for line in lock.read_text().splitlines() if "==" in line and not line.startswith((" ", "#"))
    }

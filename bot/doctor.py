"""`nightdesk doctor`: every connection, scope, playbook and the catalogue, one line each, with what to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bot.catalog import Catalog, load_catalog
from bot.errors import Misconfigured, NightdeskError, SlackRefused, SourceUnavailable
from bot.plural import many
from bot.settings import Settings, secret_from_environment

LINT = "nightdesk policy lint"
NO_CATALOGUE = "Until it is mended nothing can be approved or run, and no process starts."
NO_POLICY = f"{LINT}; until it is mended nothing can be proposed, approved or run."
MARKS = {"ok": "✓", "note": "–", "wrong": "✗"}


@dataclass(frozen=True)
class Check:
    """One line of the examination."""

    state: Literal["ok", "note", "wrong"]
    what: str
    said: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f"\n    → {self.mend}" if self.mend else ""
        return f"{MARKS[self.state]} {self.what}: {self.said}{mend}"


async def examine(settings: Settings, out: Callable[[str], None]) -> int:
    """Print every check; 1 if anything is wrong."""
    wrong = 0
    async for check in checks(settings):
        wrong += check.state == "wrong"
        out(str(check))
    out(f"\n{many(wrong, 'thing')} to mend." if wrong else "\nAll is well.")
    return 1 if wrong else 0


async def checks(settings: Settings) -> AsyncIterator[Check]:
    """Every check, in the order in which a new user mends things."""
    yield _settings(settings)
    async for check in _redis(settings):
        yield check
    catalog, check = _catalog(settings.services_file)
    yield check
    async for check in _slack(settings):
        yield check
    yield _doors(settings)
    yield await _prometheus(settings)
    async for check in _logs(settings):
        yield check
    async for check in _traces(settings):
        yield check
    async for check in _changes(settings):
        yield check
    for name in catalog.databases:
        yield await database_check(name, catalog)
    approvers = _approvers(settings, catalog)
    yield approvers
    if approvers.state == "ok":  # with nobody named, policy has nothing else to say
        yield _policy(settings)
    yield _playbooks(settings)
    if settings.knowledge_dir:
        yield _knowledge(settings.knowledge_dir)
    yield await _encoder(settings)
    async for check in _models(settings):
        yield check


def _settings(settings: Settings) -> Check:
    return Check("ok", "Settings", f"read from {settings.config or 'the environment'}; data in {settings.data_dir}")


async def _redis(settings: Settings) -> AsyncIterator[Check]:
    from bot.incidents.aside import MEND, Aside
    from bot.storage import KEEP_EVERY_WRITE, KEEP_IT, keeps, keeps_every_write, redis_at_hand, require_usable

    try:
        async with redis_at_hand(settings.redis, settings.data_dir) as redis:
            version = await require_usable(redis)
            if settings.redis is None:
                yield Check("ok", "Redis", f"a private one, {version}, in {settings.data_dir}")
            elif await keeps_every_write(redis) and await keeps(redis):
                yield Check("ok", "Redis", f"{version} answers, and writes to disk as it goes")
            elif await keeps(redis):
                said = f"{version} answers, but may lose its last second when it restarts"
                yield Check("note", "Redis", said, KEEP_EVERY_WRITE)
            else:
                yield Check("note", "Redis", f"{version} answers, but forgets the latest when it restarts", KEEP_IT)
            if aside := await Aside(redis).count():
                yield Check("wrong", "Alerts", f"{many(aside, 'alert')} found no place, kept aside", f"{MEND}.")
    except Misconfigured as error:
        yield Check("wrong", "Redis", str(error))


def _catalog(file: Path) -> tuple[Catalog, Check]:
    try:
        catalog = load_catalog(file)
    except Misconfigured as error:
        return Catalog(), Check("wrong", "Service catalogue", str(error), NO_CATALOGUE)
    known = f"{len(catalog.services)} services, {len(catalog.databases)} databases"
    said = f"{known} in {file}; read again at every decision"
    return catalog, Check("ok" if catalog.services else "note", "Service catalogue", said)


async def _slack(settings: Settings) -> AsyncIterator[Check]:
    from bot.slack.client import Slack, token_of
    from bot.slack.scopes import missing

    if not settings.slack.configured:
        mend = f"Install the app from slack-manifest.yaml, then set {settings.slack.lacking} (docs/slack.md)."
        begun = settings.slack.bot_token or settings.slack.signing_secret or settings.slack.app_token
        said = f"{settings.slack.lacking} is not set" if begun else "no workspace is configured"
        yield Check("wrong", "Slack", said, mend)
        return
    try:
        token_of(settings.slack)
        async with Slack.open(settings.slack) as slack:
            identity = await slack.identity()
    except Misconfigured as error:
        yield Check("wrong", "Slack", str(error))
        return
    except SlackRefused as error:
        mend = "Check SLACK_BOT_TOKEN (xoxb-…, from 'Install App') and that this machine reaches Slack."
        yield Check("wrong", "Slack", str(error), mend)
        return
    mode = "Socket Mode" if settings.slack.app_token else "HTTP: POST /slack/events"
    yield Check("ok", "Slack", f"connected to {identity.url} as {identity.user} ({mode})")
    lacking = missing(identity.scopes)
    if lacking:
        mend = "Add them to the app (slack-manifest.yaml lists them all) and install it again."
        named = "; ".join(f"{name} ({why})" for name, why in lacking.items())
        yield Check("wrong", "Slack scopes", f"missing: {named}", mend)
    else:
        yield Check("ok", "Slack scopes", "all there")


def _doors(settings: Settings) -> Check:
    from bot.alerts.formats import known, reader

    for name in settings.alerts:
        try:
            reader(name, settings)
        except NightdeskError as error:
            return Check("wrong", "Alert doors", str(error), "docs/alerts.md lists the formats.")
    guarded = [name for name, source in settings.alerts.items() if source.auth]
    if not guarded:
        said = f"open to this machine only, {many(len(known(settings)), 'source')} (docs/alerts.md)"
        return Check("note", "Alert doors", said, _OPEN_A_DOOR)
    return Check("ok", "Alert doors", f"authenticated: {', '.join(sorted(guarded))}")


_OPEN_A_DOOR = (
    "To open one to others: NIGHTDESK_ALERTS__ALERTMANAGER__AUTH__KIND=bearer and "
    "NIGHTDESK_ALERTS__ALERTMANAGER__AUTH__TOKEN=…"
)


async def _prometheus(settings: Settings) -> Check:
    from bot.work.metering import prometheus_of

    client = prometheus_of(settings)
    if client is None:
        return Check(
            "note", "Prometheus", "none configured", "Set NIGHTDESK_PROMETHEUS_URL to let the bot see metrics."
        )
    async with client as prometheus:
        try:
            answer = await prometheus.query("count(up)")
        except SourceUnavailable as error:
            return Check("wrong", "Prometheus", str(error), _PROMETHEUS_MEND.get(error.status or 0, _PROMETHEUS_UP))
    targets = answer.single.last if answer.single else 0
    if answer.warnings:
        return Check("note", "Prometheus", f"answers in part: {answer.warnings[0]}", "See what its log says.")
    if not targets:
        return Check("note", "Prometheus", "answers, but has no series `up`", _PROMETHEUS_EMPTY)
    return Check("ok", "Prometheus", f"answers, {targets:.0f} targets")


_PROMETHEUS_UP = "Check NIGHTDESK_PROMETHEUS_URL and that it is up."
_PROMETHEUS_EMPTY = 'With several tenants, name yours: NIGHTDESK_PROMETHEUS__HEADERS=\'{"X-Scope-OrgID": "…"}\'.'
_PROMETHEUS_CREDENTIALS = "Set NIGHTDESK_PROMETHEUS__TOKEN, or __USERNAME and __PASSWORD; or the tenant's header."
_PROMETHEUS_MEND = {401: _PROMETHEUS_CREDENTIALS, 403: _PROMETHEUS_CREDENTIALS}


async def _logs(settings: Settings) -> AsyncIterator[Check]:
    from bot.telemetry.probe import logs_seen

    if not settings.logs:
        yield Check("note", "Logs", "no source configured", "Set NIGHTDESK_LOGS to let the bot read logs.")
    for place, source in enumerate(settings.logs):
        yield await _seen("Logs", f"entry {place} of NIGHTDESK_LOGS", logs_seen(source, datetime.now(UTC)))


async def _traces(settings: Settings) -> AsyncIterator[Check]:
    from bot.telemetry.probe import traces_seen

    if not settings.traces:
        yield Check("note", "Traces", "no source configured", "Set NIGHTDESK_TRACES to let the bot read traces.")
    for place, source in enumerate(settings.traces):
        yield await _seen("Traces", f"entry {place} of NIGHTDESK_TRACES", traces_seen(source, datetime.now(UTC)))


async def _seen(what: str, entry: str, looking: Awaitable[str]) -> Check:
    try:
        return Check("ok", what, await looking)
    except (SourceUnavailable, Misconfigured) as error:
        return Check("wrong", what, str(error), f"Check {entry}.")


async def _changes(settings: Settings) -> AsyncIterator[Check]:
    from bot.changes.sources import client

    if settings.changes.auth:
        yield Check("ok", "Changes", "POST /changes is authenticated")
    else:
        mend = "To let CI post, set NIGHTDESK_CHANGES__AUTH__KIND=bearer and NIGHTDESK_CHANGES__AUTH__TOKEN."
        yield Check("note", "Changes", "POST /changes is open to this machine only", mend)
    for name, source in settings.changes.sources.items():
        what = f"Changes from {name}"
        try:
            async with client(name, source) as asked:
                yield Check("ok", what, await asked.check())
        except SourceUnavailable as error:
            yield Check("wrong", what, str(error), f"Check the section changes.sources.{name} and its token.")


async def database_check(name: str, catalog: Catalog) -> Check:
    """Whether one database answers, and its role can see and cannot write."""
    entry, what = catalog.databases[name], f"Database {name}"
    dsn = secret_from_environment(entry.dsn_env)
    if dsn is None:
        mend = f"Set {entry.dsn_env} to a connection string of a read-only role (docs/services.md says which)."
        return Check("wrong", what, f"the variable {entry.dsn_env} is not set", mend)
    from bot.databases import SEE_EVERYBODY, observed, role_in

    try:
        role = await role_in(observed(name, entry, dsn))
    except SourceUnavailable as error:
        return Check("wrong", what, str(error), f"Check {entry.dsn_env}, the role and the network.")
    if role.may_write:
        return Check("wrong", what, f"the role {role.name} may write", "Give the bot a role that can only read.")
    if not role.monitors:
        mend = SEE_EVERYBODY[entry.engine].format(role=role.name)
        return Check("note", what, f"{role.name} sees only its own sessions", mend)
    if role.may_write is None:
        mend = "Let the user run ACL WHOAMI and ACL DRYRUN (Redis 7.0 or newer), or look at its rules yourself."
        return Check("note", what, f"whether {role.name} may write, the server does not tell", mend)
    acts = "" if entry.action_dsn_env and secret_from_environment(entry.action_dsn_env) else "; no role for actions"
    return Check("ok", what, f"read only as {role.name}{acts}")


def _approvers(settings: Settings, catalog: Catalog) -> Check:
    from bot.gate import policy_of

    try:
        policy = policy_of(settings)
    except Misconfigured as error:
        return Check("wrong", "Policy", str(error), NO_POLICY)
    owners = [name for name, service in catalog.services.items() if service.owners.users or service.owners.groups]
    named = [*policy.approvers.users, *policy.approvers.groups]
    if not (named or owners):
        mend = "Set NIGHTDESK_REMEDIATION__APPROVER_GROUPS, or name them in policy.yaml or as owners in the catalogue."
        return Check("wrong", "Approvers", "nobody may approve anything", mend)
    return Check("ok", "Approvers", f"{len(named)} for everything, and the owners of {many(len(owners), 'service')}")


def _policy(settings: Settings) -> Check:
    from bot.policy_command import lint

    try:
        said, code = lint(settings, None)
    except NightdeskError as error:
        return Check("wrong", "Policy", str(error), NO_POLICY)
    return Check("wrong" if code else "ok", "Policy", f"{said}; read again at every decision", LINT if code else "")


def _playbooks(settings: Settings) -> Check:
    from bot.canvas.library import load_library
    from bot.work.specs import shipped_specs

    if not settings.playbooks_dir.is_dir():
        return Check("wrong", "Playbooks", f"no folder {settings.playbooks_dir}", "Check NIGHTDESK_PLAYBOOKS_DIR.")
    library = load_library(settings.playbooks_dir, shipped_specs())
    if library.faults:
        mend = f"nightdesk playbook lint {settings.playbooks_dir}"
        return Check(
            "wrong", "Playbooks", f"{many(len(library.faults), 'fault')}, the first: {library.faults[0]}", mend
        )
    return Check("ok", "Playbooks", f"{len(library.playbooks)} sound in {settings.playbooks_dir}")


def _knowledge(folder: Path) -> Check:
    from bot.memory.knowledge import pages

    try:
        found = len(pages(folder))
    except Misconfigured as error:
        return Check("wrong", "Knowledge", str(error))
    return Check("ok" if found else "note", "Knowledge", f"{many(found, 'Markdown file')} in {folder}")


async def _encoder(settings: Settings) -> Check:
    if settings.encoder is None:
        return Check(
            "ok", "Recall", "lexical; for meaning as well: pip install 'nightdesk[embeddings]', NIGHTDESK_ENCODER"
        )
    from bot.memory import MemoryManager

    try:
        async with MemoryManager.open(encoder=settings.encoder):
            return Check("ok", "Recall", f"encoder {settings.encoder} loads")
    except NightdeskError as error:
        return Check("wrong", "Recall", str(error))


async def _models(settings: Settings) -> AsyncIterator[Check]:
    """Every model is asked one short question: nothing else shows that key, name and address fit together."""
    from bot.llm.probe import probed

    if not settings.model.url:
        yield Check("note", "Model", "none is configured, and none is needed", "To have one: docs/model.md.")
        return
    if off := settings.model.off_in:
        yield Check("note", "Model", f"never asked for {', '.join(sorted(off))} (NIGHTDESK_MODEL__OFF_IN)")
    async for one in probed(settings.model):
        yield Check(one.state, f"Model {one.name}", one.said, one.mend)

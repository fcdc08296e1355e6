"""The command `nightdesk`. Only what a command needs is imported, when it runs."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from bot import __version__
from bot.errors import BadInput, NightdeskError

app = typer.Typer(
    name="nightdesk",
    help="The on-call colleague in Slack: looks back, looks around, proposes one remediation, waits for approval.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
T = TypeVar("T")
FACTS_HELP = "YAML with any of: given, finds (step → facts), answers (node → outcome)."
playbook_app = typer.Typer(help="Check, draw and rehearse playbooks.", no_args_is_help=True)
alert_app = typer.Typer(help="Alerts: how they are read, and those that found no place.", no_args_is_help=True)
audit_app = typer.Typer(help="The audit trail: who approved what, and what came of it.", no_args_is_help=True)
policy_app = typer.Typer(help="The approval policy: who may approve what.", no_args_is_help=True)
services_app = typer.Typer(help="The service catalogue.", no_args_is_help=True)
app.add_typer(playbook_app, name="playbook")
app.add_typer(alert_app, name="alert")
app.add_typer(services_app, name="services")
app.add_typer(policy_app, name="policy")
app.add_typer(audit_app, name="audit")


def main() -> None:
    """Run a command; an expected error is one clear message and exit code 1 (2 for bad input)."""
    try:
        app()
    except BadInput as error:
        _fail(str(error), 2)
    except NightdeskError as error:
        _fail(str(error), 1)


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


@app.command()
def serve(
    role: Annotated[
        Literal["all", "worker", "executor"] | None,
        typer.Option(help="'executor' alone holds the credentials of actions, 'worker' does all else; default: all."),
    ] = None,
) -> None:
    """Run the bot until Ctrl-C.

    Alert webhooks, Slack and background work. Settings come from NIGHTDESK_* and nightdesk.toml.
    """
    from bot.observability import configure_logging
    from bot.settings import load

    settings = load(**({"role": role} if role else {}))
    configure_logging(settings.log_level, settings.log_format)
    from bot.serve import serve as run  # slow to import: a wrong setting is told before

    _run(lambda: run(settings))


@app.command()
def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Play it without a browser, click, print the thread.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the workspace page; 0 picks a free one.")] = 3000,
    folder: Annotated[Path | None, typer.Option(help="Keep logs and data here instead of a temporary folder.")] = None,
) -> None:
    """Show it on a real failure, on this machine alone.

    In a local workspace that looks like Slack: open the page, read the thread, press Approve.
    """
    from bot.demo.command import play

    raise typer.Exit(_run(lambda: play(headless=headless, port=port, folder=folder)))


@app.command()
def doctor() -> None:
    """Check the whole setup, and say what to do.

    Every connection, token scope, playbook and the catalogue, one line each. Exit code 1 if there is something to mend.
    """
    from bot.doctor import examine
    from bot.observability import configure_logging
    from bot.settings import load

    settings = load()
    configure_logging("error", settings.log_format)  # what it would warn of are the lines of the examination
    raise typer.Exit(_run(lambda: examine(settings, print)))


@app.command()
def diagnose(
    case: Annotated[Path, typer.Option("--case", help="A folder with case.json and recorded telemetry.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Name the likely causes of a recorded incident.

    Best first. Needs no Redis, no Slack and no model; docs/diagnosis.md describes a case.
    """
    from bot.diagnosis import command

    print(command(case, as_json=as_json))


@app.command()
def report(
    days: Annotated[int, typer.Option(min=1, max=400, help="How far back.")] = 30,
    before: Annotated[
        float | None, typer.Option(min=0, help="Minutes to recovery before the bot, by your own records.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """What the bot was worth, counted from its record.

    Incidents and nights, time to brief, proposal and recovery, what became of proposals, and a comparison.
    """
    from bot.report import report as summarise
    from bot.settings import load

    before_s = None if before is None else before * 60
    _run(lambda: summarise(load(), days=days, as_json=as_json, out=print, before_s=before_s))


@alert_app.command("parse")
def alert_parse(
    file: Annotated[str, typer.Argument(help="A file, or - for standard input.")],
    source: Annotated[str, typer.Option(help="Format or configured source; 'auto' recognises the sender.")] = "auto",
) -> None:
    """Print the alerts of a webhook body as Nightdesk reads them (JSON)."""
    from bot.alerts.formats import parse, render
    from bot.settings import load

    print(render(parse(source, _read(file), load())))


@alert_app.command("aside")
def alert_aside(
    again: Annotated[bool, typer.Option("--again", help="Have all of them sorted again.")] = False,
) -> None:
    """Show the alerts that found no place, and why. They are kept until a person has them sorted again."""
    from bot.aside_command import aside
    from bot.settings import load

    _run(lambda: aside(load(), print, again=again))


@playbook_app.command("lint")
def playbook_lint(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    form: Annotated[Literal["text", "github"], typer.Option("--format", help="'github' annotates pull requests.")] = (
        "text"
    ),
) -> None:
    """Check playbooks: form, flow, tools, gates. Exit code 1 if anything is wrong."""
    from bot.rehearsal import lint

    text, code = lint(paths, form)
    print(text)
    raise typer.Exit(code)


@playbook_app.command("format")
def playbook_format(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    check: Annotated[bool, typer.Option("--check", help="Only say which are not canonical; exit code 1.")] = False,
) -> None:
    """Write playbooks canonically."""
    from bot.canvas.commands import format_command

    text, code = format_command(paths, check=check)
    print(text)
    raise typer.Exit(code if check else 0)


@playbook_app.command("render")
def playbook_render(
    file: Annotated[Path, typer.Argument(help="A playbook, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="An .svg, .png or .txt file; a folder for a folder.")],
    check: Annotated[bool, typer.Option("--check", help="Draw nothing; exit code 1 where a .png is stale.")] = False,
) -> None:
    """Draw a playbook without a browser."""
    from bot.canvas.commands import render_command

    text, code = render_command(file, out, check=check)
    print(text)
    raise typer.Exit(code)


@playbook_app.command("run")
def playbook_run(
    file: Annotated[Path, typer.Argument(help="A playbook.")],
    facts: Annotated[Path | None, typer.Option(help=FACTS_HELP)] = None,
    case: Annotated[Path | None, typer.Option(help="A recorded case: case.json, telemetry, facts.yaml.")] = None,
) -> None:
    """Rehearse a playbook: the path that it takes.

    On given facts or on a recorded case. Changes are only simulated.
    """
    from bot.rehearsal import rehearse

    text, code = _run(lambda: rehearse(file, facts, case))
    print(text)
    raise typer.Exit(code)


@services_app.command("schema")
def services_schema() -> None:
    """Print the JSON Schema of services.yaml, for editors."""
    from bot.catalog import json_schema

    print(json_schema(), end="")


@services_app.command("check")
def services_check(file: Annotated[Path, typer.Argument(help="The catalogue.")] = Path("services.yaml")) -> None:
    """Check a service catalogue."""
    from bot.catalog import load_catalog
    from bot.plural import many

    catalog = load_catalog(file)
    print(f"{file} is sound: {many(len(catalog.services), 'service')}, {many(len(catalog.databases), 'database')}.")


@audit_app.command("verify")
def audit_verify(
    export: Annotated[Path | None, typer.Option(help="An earlier export: shows a tail that was cut off.")] = None,
) -> None:
    """Check that nobody has changed the audit trail. Exit code 1 and the place, if somebody has."""
    from bot.audit_command import verify
    from bot.settings import load

    _run(lambda: verify(load(), export, print))


@audit_app.command("export")
def audit_export() -> None:
    """Print the audit trail, one JSON object a line; keep it elsewhere."""
    from bot.audit_command import export
    from bot.settings import load

    _run(lambda: export(load(), print))


@policy_app.command("lint")
def policy_lint(file: Annotated[Path | None, typer.Argument(help="Default: the one in force.")] = None) -> None:
    """Check a policy: form, names, tiers that nobody may decide on. Exit code 1 if anything is wrong."""
    from bot.policy_command import lint
    from bot.settings import load

    text, code = lint(load(), file)
    print(text)
    raise typer.Exit(code)


@policy_app.command("explain")
def policy_explain(
    action: Annotated[str, typer.Argument(help="Such as kubernetes.restart_rollout.")],
    parameters: Annotated[str | None, typer.Option("--with", help="Its parameters as JSON, where configured.")] = None,
    service: Annotated[str | None, typer.Option(help="The service or database that it acts on.")] = None,
    risk: Annotated[Literal["read-only", "low", "medium", "high"], typer.Option(help="Of the action by itself.")] = (
        "medium"
    ),
    reach: Annotated[Literal["session", "service", "unknown"], typer.Option(help="What is interrupted.")] = "service",
    reversible: Annotated[bool, typer.Option(help="Whether it can be undone.")] = False,
    confidence: Annotated[float, typer.Option(min=0, max=1, help="In the cause that it removes.")] = 0.9,
    at: Annotated[datetime | None, typer.Option(help="When, for freezes; default: now.")] = None,
) -> None:
    """Tell how a decision about an action comes about.

    Each step to its risk, who must approve, for how long.
    """
    from bot.models import Risk
    from bot.policy_command import explanation
    from bot.settings import load

    print(
        explanation(
            load(),
            action,
            parameters=parameters,
            service=service,
            risk=Risk(risk),
            reach=reach,
            reversible=reversible,
            confidence=confidence,
            at=at or datetime.now(UTC),
        )
    )


@policy_app.command("schema")
def policy_schema() -> None:
    """Print the JSON Schema of policy.yaml, for editors."""
    from bot.remediation.rules import json_schema

    print(json_schema(), end="")


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What the work gives; Ctrl-C and SIGTERM end it in order and without a trace."""
    try:
        return asyncio.run(_cancelled_by_sigterm(work))
    except (KeyboardInterrupt, asyncio.CancelledError) as ended:
        print("Stopped.", file=sys.stderr)
        number = signal.SIGINT if isinstance(ended, KeyboardInterrupt) else signal.SIGTERM
        raise typer.Exit(128 + number) from None


async def _cancelled_by_sigterm(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """As asyncio does it for Ctrl-C: what is open is closed, children end, temporary folders go."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    before = signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(task.cancel))
    try:
        return await work()
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(message: str, code: int) -> None:
    print(f"nightdesk: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()

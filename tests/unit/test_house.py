"""The rules of the house: who may import what, where the outside is touched, and that the papers say what is true."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
import typer
from pydantic import BaseModel

from bot.cli import app
from bot.rehearsal import lint
from bot.settings import Settings
from bot.settings.sources import LogsKind

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "bot").rglob("*.py"))
DOCS = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
LONGEST_MODULE = 450
LISTED = {"logs", "traces", "http_calls", "restarts", "kubernetes", "jobs", "workflows", "flags", "redis_servers",
          "fallback", "prices"}  # fmt: skip
"""Settings that hold many of a kind: their fields are documented behind a '›'."""
HEAVY = ("bm25s", "celpy", "docket", "drain3", "lark", "matplotlib", "mermaidx", "numpy", "psycopg", "pymysql",
         "sentence_transformers", "slack_bolt", "torch")  # fmt: skip
TOUCHING_THE_ENVIRONMENT = {
    "bot/settings/whole.py",
    "bot/demo/child.py",  # hands its own environment on to a child
    "bot/demo/payments/__main__.py",  # programs of their own: their connection string is no argument that `ps` shows
    "bot/demo/payments/report.py",
    "bot/memory/encoder.py",  # reads nothing: tells a library what it can be told in no other way
}


def name_of(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


@cache
def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def imported(module: Path) -> set[str]:
    """The packages that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)


def test_rooms_import_only_what_they_may() -> None:
    done = run("-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 kept, 0 broken" in done.stdout


def test_httpx_is_imported_in_one_room() -> None:
    importing = {name_of(module) for module in MODULES if "httpx" in imported(module)}
    assert {name.rpartition("/")[0] for name in importing} == {"bot/http"}


def test_settings_are_read_from_the_environment_in_one_place() -> None:
    touching = {
        name_of(module)
        for module in MODULES
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}
    }
    assert touching == TOUCHING_THE_ENVIRONMENT


def test_what_catches_everything_says_why() -> None:
    unexplained = [
        f"{name_of(module)}:{handler.lineno}"
        for module in MODULES
        for handler in ast.walk(tree_of(module))
        if isinstance(handler, ast.ExceptHandler) and _catches_everything(handler)
        if "# boundary: " not in module.read_text().splitlines()[handler.lineno - 1]
    ]
    assert unexplained == []


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    """Cleaning up and raising it again is no catching."""
    if handler.type and isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None:
        return False
    caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else set()
    return handler.type is None or bool(caught & {"Exception", "BaseException"})


def test_a_line_of_the_log_is_named_by_its_room_and_what_happened() -> None:
    said = {
        f"{name_of(module)}:{call.lineno}": call.args[0].value
        for module in MODULES
        for call in ast.walk(tree_of(module))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func.value) == "log"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and call.func.attr != "open"
    }
    assert len(said) > 100
    assert {place: name for place, name in said.items() if not re.fullmatch(r"[a-z]+(\.[a-z_]+)+", str(name))} == {}


def test_there_is_no_shell() -> None:
    shells = [
        f"{name_of(module)}:{node.lineno}"
        for module in MODULES
        for node in ast.walk(tree_of(module))
        if (isinstance(node, ast.keyword) and node.arg == "shell")
        or (isinstance(node, ast.Attribute) and node.attr in {"system", "popen", "create_subprocess_shell"})
    ]  # fmt: skip
    assert shells == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_is_not_too_long(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) < LONGEST_MODULE


@pytest.mark.parametrize("arguments", [["--help"], ["version"], ["playbook", "--help"]], ids=" ".join)
def test_a_command_imports_only_what_it_needs(arguments: list[str]) -> None:
    script = (
        "import json, sys\nfrom bot.cli import app\n"
        f"try:\n    app({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))"
    )
    done = run("-c", script)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_every_playbook_that_ships_is_sound() -> None:
    said, code = lint([ROOT / "playbooks"], "text")
    assert code == 0, said


@pytest.mark.parametrize("what", ["services", "policy"])
def test_a_schema_is_the_one_that_the_command_prints(what: str) -> None:
    done = run("-m", "bot.cli", what, "schema")
    assert done.stdout == (ROOT / "schemas" / f"{what}.schema.json").read_text()


def settings_of(model: type[BaseModel], prefix: str) -> Iterator[str]:
    """The names of all settings as configuration.md writes them."""
    for name, field in model.model_fields.items():
        path = f"{prefix}{name.upper()}"
        inner = list(models_in(field.annotation))
        if not inner:
            yield path
        elif name in LISTED:
            yield path
            yield from (f"{path} › {part}" for kind in inner for part in kind.model_fields)
        else:
            named = "NAME__" if name in {"alerts", "sources"} else ""
            for model_ in inner:
                yield from settings_of(model_, f"{path}__{named}")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections behind an annotation: itself, or those of a union, a mapping or a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in {Union, UnionType, Annotated, tuple} or annotation is not None:
        for argument in get_args(annotation):
            yield from models_in(argument)


def documented() -> dict[str, str]:
    """Setting → the cell after it, from the tables of configuration.md."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| `(NIGHTDESK_\w+)`( › `\w+`)? \| (.*?) \|", text, re.MULTILINE)
    return {f"{name}{part.replace('`', '')}": cell for name, part, cell in rows}


def test_the_papers_name_every_setting_and_none_that_does_not_exist() -> None:
    assert set(documented()) == set(settings_of(Settings, "NIGHTDESK_"))


def test_the_papers_name_the_defaults_as_they_are() -> None:
    plain = {
        f"NIGHTDESK_{prefix}{name.upper()}": field.default
        for prefix, model in _sections()
        for name, field in model.model_fields.items()
        if isinstance(field.default, str | int | float | Path)
    }
    assert len(plain) > 15
    cells = documented()
    assert {name: cells[name] for name in plain} == {name: f"`{_written(value)}`" for name, value in plain.items()}


def _written(value: object) -> str:
    """As it is written in TOML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    yield "", Settings
    for name in ("grouping", "slack", "triage", "prometheus", "changes", "remediation", "work"):
        (section,) = models_in(Settings.model_fields[name].annotation)
        yield f"{name.upper()}__", section


def test_a_section_of_a_list_is_found_by_the_check_itself() -> None:
    assert list(models_in(Settings.model_fields["logs"].annotation)) == list(get_args(LogsKind))


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_links_between_the_papers_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_tests_and_modules_that_the_papers_name_exist(page: Path) -> None:
    named = re.findall(r"`((?:tests|bot|deploy|scripts|playbooks)/[\w./-]*\w/?)(?::\w+)?`", page.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_modules_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = re.findall(r"`([a-z_]+(?:/[a-z_]+)+)(?:\.py)?(?::\w+)?`|\[([a-z_]+/[a-z_]+)\]", text)
    paths = {quoted or drawn for quoted, drawn in named}
    assert len(paths) > 30
    known = {name_of(module).removesuffix(".py").removesuffix("/__init__") for module in MODULES}
    assert {path for path in paths if not known & {path, f"bot/{path}"} and not (ROOT / f"{path}.py").exists()} == set()


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_commands_and_options_that_the_papers_name_exist(page: Path) -> None:
    said = re.findall(r"(?:^\$? *|`|&& )nightdesk ((?:[a-z]+\b ?)+)([^`\n|#]*)", page.read_text(), re.MULTILINE)
    assert [f"{words}{rest}" for words, rest in said if not _is_command(words.split(), rest)] == []


def _is_command(words: list[str], rest: str) -> bool:
    """Whether the first words are a command, and every option behind them is one of its own."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if word not in getattr(command, "commands", {}):
            break
        command = command.commands[word]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return command.name in words and set(re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", rest)) <= options | {"--help"}


def test_settings_that_our_own_words_name_exist() -> None:
    """An error that advises to set what does not exist helps nobody."""
    known = [re.escape(name.partition(" ")[0]).replace("NAME__", r"[A-Z0-9_]+?__") for name in documented()]
    one = re.compile(rf"(?:{'|'.join(known)})(?:__.*)?")
    places = [*MODULES, *(page for page in DOCS if page.name != "configuration.md"), *(ROOT / "deploy").rglob("*.*")]
    unknown = {
        f"{name_of(place)}: {name}"
        for place in places
        for name in re.findall(r"\bNIGHTDESK_[A-Z0-9_]*[A-Z0-9]", place.read_text(encoding="utf-8"))
        if not one.fullmatch(name) and not any(setting.startswith(f"{name}__") for setting in documented())
    }
    assert {name.partition(": ")[2] for name in unknown} <= {"NIGHTDESK_PYTHON", "NIGHTDESK_URL", "NIGHTDESK_TOKEN"}


def test_decisions_are_numbered_listed_and_of_one_form() -> None:
    folder = ROOT / "docs" / "decisions"
    texts = {file.name: file.read_text() for file in sorted(folder.glob("[0-9]*.md"))}
    titles = {name: text.splitlines()[0].removeprefix("# ") for name, text in texts.items()}
    assert [name for name, title in titles.items() if title[:5] != f"{name[:3]}: "] == []
    parts = ("**Context.**", "**Choice.**", "**Given up.**")
    assert [name for name, text in texts.items() if any(part not in text for part in parts)] == []
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", (folder / "README.md").read_text(), re.MULTILINE)
    assert listed == [(title, name) for name, title in titles.items()]

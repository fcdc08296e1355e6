"""The service catalogue: names, neighbours, and what is said about a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.catalog import Catalog, Service, json_schema, load_catalog
from bot.errors import Misconfigured

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "examples" / "services.yaml"


@pytest.fixture
def shop() -> Catalog:
    return load_catalog(SHOP)


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "services.yaml"
    file.write_text(text)
    return file


def complaint(file: Path) -> str:
    with pytest.raises(Misconfigured) as refused:
        load_catalog(file)
    return str(refused.value)


@pytest.mark.parametrize("spoken", ["checkout", "Scan-To-Pay", "PAYMENTS"])
def test_a_service_is_known_by_its_name_and_aliases_in_any_case(shop: Catalog, spoken: str) -> None:
    assert shop.resolve(spoken) == "checkout"


@pytest.mark.parametrize("spoken", [None, "", "check", "orders-db"])
def test_what_is_no_service_is_none(shop: Catalog, spoken: str | None) -> None:
    assert shop.resolve(spoken) is None


@pytest.mark.parametrize(
    "spoken",
    ["pаyments", "payment\u017f", "pay\u200bments", "payments\ufe0f", "ｐayments", "pa\u0443ments", "payments\n"],
)
def test_a_name_that_looks_like_a_services_is_another_name(spoken: str) -> None:
    assert Catalog(services={"payments": Service()}).resolve(spoken) is None


def test_the_kelvin_sign_is_no_k() -> None:
    """Folding its case makes a k of it, so case is folded only where nothing else is hidden."""
    assert Catalog(services={"kafka": Service()}).resolve("\u212aafka") is None


def test_dependencies_are_nearest_first(shop: Catalog) -> None:
    assert shop.dependencies("web") == ("checkout", "catalogue", "mail", "orders-db", "products-db", "product-cache")


def test_dependants_are_found_from_a_database_up(shop: Catalog) -> None:
    assert shop.dependants("orders-db") == ("checkout", "web")
    assert shop.dependants("web") == ()


def test_the_databases_of_a_service_are_its_own_and_those_it_stands_on(shop: Catalog) -> None:
    assert shop.databases_of("web") == ("orders-db", "products-db", "product-cache")
    assert shop.databases_of("mail") == ()


def test_a_circle_of_dependencies_ends() -> None:
    catalog = Catalog(services={"a": Service(depends_on=("b",)), "b": Service(depends_on=("a",))})
    assert (catalog.dependencies("a"), catalog.dependants("a")) == (("b",), ("b",))


@given(st.dictionaries(st.sampled_from("abcdef"), st.frozensets(st.sampled_from("abcdef"))))
def test_whoever_depends_on_something_is_among_its_dependants(edges: dict[str, frozenset[str]]) -> None:
    needed = {name: edges.get(name, frozenset()) for name in "abcdef"}
    catalog = Catalog(services={name: Service(depends_on=tuple(others)) for name, others in needed.items()})
    for name in needed:
        assert name not in catalog.dependencies(name)
        assert all(name in catalog.dependants(other) for other in catalog.dependencies(name))


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    said = complaint(tmp_path / "services.yaml")
    assert "There is no service catalogue at" in said
    assert "NIGHTDESK_SERVICES_FILE" in said


@pytest.mark.parametrize("text", ["services: [", "\tservices: {}", "services: {a: {}, a: {}}"])
def test_a_file_that_is_no_yaml_is_one_message(tmp_path: Path, text: str) -> None:
    assert "is not readable YAML" in complaint(written(tmp_path, text))


def test_bytes_that_are_no_text_are_one_message(tmp_path: Path) -> None:
    file = tmp_path / "services.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    assert "is not readable YAML" in complaint(file)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "services: {}"])
def test_an_empty_catalogue_is_sound(tmp_path: Path, text: str) -> None:
    assert load_catalog(written(tmp_path, text)).services == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {a: {aliases: [x]}, b: {aliases: [X]}}", "'X' names both a and b"),
        ("services: {a: {depends_on: [z]}}", "a depends on 'z', which is neither a service nor a database here"),
        ("services: {a: {databases: [d]}}", "a uses database 'd', which the section databases does not have"),
        ("services: {a: {tear: critical}}", "services.a.tear: there is no such name here; did you mean tier?"),
        ("services: {a: {tier: vital}}", "services.a.tier: Input should be"),
        ("databases: {d: {engine: postgres}}", "databases.d.dsn_env: Field required"),
        ("databases: {d: {engine: oracle, dsn_env: D}}", "databases.d.engine: Input should be"),
        (
            "databases: {d: {engine: redis, dsn_env: D, action_dsn_env: E}}",
            "databases.d: there are no actions on a redis database: leave action_dsn_env out",
        ),
        ("- a\n- b", "catalogue: "),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert said in complaint(written(tmp_path, text))


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    said = complaint(written(tmp_path, "services: {a: {tier: vital, tear: 1}}\ndatabases: {d: {}}"))
    assert "has 3 problems" in said


def test_the_schema_describes_the_fields_for_an_editor() -> None:
    schema: dict[str, Any] = json.loads(json_schema())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$defs"]["Service"]["properties"]["selectors"]["description"]
    assert schema["$defs"]["Service"]["additionalProperties"] is False


@pytest.mark.parametrize("file", ["examples/services.yaml", "deploy/services.yaml"])
def test_the_examples_that_ship_are_sound_and_name_the_schema(file: str) -> None:
    assert load_catalog(ROOT / file).services
    first = (ROOT / file).read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schemas/services.schema.json"

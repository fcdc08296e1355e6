"""From a source's name and bytes to alerts, and alerts as JSON."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from bot.alerts import formats
from bot.alerts.decode import NotJson
from bot.errors import BadInput, Misconfigured, TooLarge, UnknownSource
from bot.settings import AlertSourceSettings, BearerAuth, Settings
from tests.unit.alerts.payloads import names, payload, raw

MAPPING = {"alerts": "events", "name": "check.title"}


def configured(**sources: AlertSourceSettings) -> Settings:
    return Settings(alerts=sources)


@pytest.mark.parametrize("body", [body for body in names() if body != "generic/mapped"])
def test_the_sender_is_recognised_by_the_shape_of_its_body(body: str) -> None:
    assert body.partition("/")[0] == formats.recognise(payload(body)).NAME


@pytest.mark.parametrize("body", [body for body in names() if body != "generic/mapped"])
def test_auto_gives_what_the_named_source_gives(body: str) -> None:
    source = body.partition("/")[0]

    assert formats.parse("auto", raw(body), Settings()) == formats.parse(source, raw(body), Settings())


def test_a_form_is_recognised_too() -> None:
    form = urlencode(payload("statuscake/firing")).encode()

    assert formats.parse("auto", form, Settings()) == formats.parse("statuscake", form, Settings())


@pytest.mark.parametrize("body", [b"hello", b"{'a': 1}", b"[1,", b"a=1&b", b"\xff=1"])
def test_what_is_neither_json_nor_a_form_is_refused_as_json(body: bytes) -> None:
    with pytest.raises(NotJson, match=r"not JSON|not UTF-8"):
        formats.parse("auto", body, Settings())


def test_a_body_of_no_known_shape_asks_for_the_source() -> None:
    with pytest.raises(BadInput, match=r"name the source: .*alertmanager"):
        formats.parse("auto", b'{"hello": "world"}', Settings())


def test_a_source_of_its_own_name_uses_the_format_that_its_settings_name() -> None:
    settings = configured(eu=AlertSourceSettings(format="alertmanager"))
    (alert,) = formats.parse("eu", raw("alertmanager/firing"), settings)

    assert (alert.source, alert.name) == ("eu", "PaymentErrorsHigh")


def test_a_source_with_a_mapping_is_read_by_it() -> None:
    settings = configured(checks=AlertSourceSettings(format="generic", mapping=MAPPING))

    assert [alert.name for alert in formats.parse("checks", raw("generic/mapped"), settings)] == ["Queue is long"] * 2


def test_an_unknown_source_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownSource, match=r"no alert source 'nagios'.*alertmanager.*generic.*grafana"):
        formats.parse("nagios", b"{}", Settings())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (AlertSourceSettings(), "needs a setting 'format'"),
        (AlertSourceSettings(format="nagios"), "needs a setting 'format', one of"),
        (AlertSourceSettings(format="grafana", mapping=MAPPING), "remove the mapping"),
        (AlertSourceSettings(format="generic", mapping={"name": "]"}), "not JMESPath"),
    ],
)
def test_a_source_that_cannot_work_is_the_operators_error(source: AlertSourceSettings, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        formats.reader("checks", configured(checks=source))


def test_this_machine_alone_may_use_every_format_and_others_only_what_is_configured() -> None:
    source = AlertSourceSettings(format="grafana", auth=BearerAuth.model_validate({"token": "t"}))

    assert formats.known(configured(eu=source)) == tuple(sorted([*formats.FORMATS, "eu"]))
    assert formats.known(Settings(host="0.0.0.0", alerts={"eu": source})) == ("eu",)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"alerts": [\n  {"labels": }\n]}', "line 2 column 14"),
        (b"", "The body is empty"),
        (b"\xff\xfe\xfd", "not UTF-8|not JSON"),
        (b'{"a": "\xe4"}', "not UTF-8: byte 7"),
        (b"[" * 100_000, "cannot be read as JSON"),
        (b"[" * 500 + b"]" * 500, "more than 64 deep"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "more than 64 deep"),
        (b"9" * 5_000, "cannot be read as JSON"),
    ],
)
def test_bytes_that_are_no_json_are_refused_with_the_place(body: bytes, said: str) -> None:
    with pytest.raises(NotJson, match=said):
        formats.parse("alertmanager", body, Settings())


def test_a_request_with_thousands_of_alerts_is_refused() -> None:
    body = json.dumps([{"name": "A"}] * (formats.MAX_ALERTS + 1)).encode()

    with pytest.raises(TooLarge, match="5001 alerts"):
        formats.parse("generic", body, Settings())


def test_alerts_are_rendered_as_a_json_list_that_reads_back() -> None:
    alerts = formats.parse("alertmanager", raw("alertmanager/odd"), Settings())
    rendered = formats.render(alerts)

    assert "決済エラー 🔥" in rendered
    assert [entry["fingerprint"] for entry in json.loads(rendered)] == [alert.fingerprint for alert in alerts]
    assert formats.render([]) == "[]"

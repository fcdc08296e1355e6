"""Every body in `payloads/` against what it is read as, kept in `golden/`: one look shows what a change changes.

`python -m tests.unit.alerts.test_golden` writes the golden files anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.alerts import formats, generic
from bot.alerts.text import VALUE_CHARS
from bot.models import Alert, AlertStatus
from bot.settings import AlertSourceSettings, Settings
from tests.unit.alerts.payloads import names, payload, raw

GOLDEN = Path(__file__).parent / "golden"
MAPPING = {"alerts": "events", "name": "check.title"}
UNMAPPED = [name for name in names() if name != "generic/mapped"]
PAIRS = {
    "alertmanager": ("firing", "resolved"),
    "azure": ("fired", "resolved"),
    "checkly": ("firing", "resolved"),
    "checkmk": ("firing", "resolved"),
    "coralogix": ("firing", "resolved"),
    "datadog": ("triggered", "recovered"),
    "dynatrace": ("firing", "resolved"),
    "elastic": ("firing", "resolved"),
    "gcp": ("open", "closed"),
    "grafana": ("firing", "resolved"),
    "icinga2": ("firing", "resolved"),
    "netdata": ("firing", "resolved"),
    "newrelic": ("activated", "closed"),
    "opsgenie": ("create", "close"),
    "pagerduty": ("triggered", "resolved"),
    "pingdom": ("firing", "resolved"),
    "sentry": ("metric-critical", "metric-resolved"),
    "statuscake": ("firing", "resolved"),
    "sumologic": ("firing", "resolved"),
    "uptime_kuma": ("down", "up"),
    "zabbix": ("problem", "recovery"),
}
"""By format: the same alert, firing and over."""
MORE_PAIRS = (
    ("cloudwatch/sns-alarm", "cloudwatch/raw-ok"),
    ("cloudwatch/event", "cloudwatch/raw-ok"),
    ("datadog/other-names", "datadog/other-names-recovered"),
    ("elastic/old-names", "elastic/old-names-recovered"),
    ("icinga2/stream-problem", "icinga2/stream-recovery"),
    ("newrelic/legacy-open", "newrelic/legacy-closed"),
    ("sentry/issue-alert", "sentry/issue-resolved"),
    ("sentry/legacy", "sentry/issue-resolved"),
    ("zabbix/dates", "zabbix/dates-recovered"),
)
"""Further ways of a sender to tell of one alert."""
TELL_NO_END = {"splunk", "graylog", "wazuh"}
"""They tell of what has happened; it is people who end such an incident."""


def read(name: str) -> list[Alert]:
    """The alerts in one body."""
    source = name.partition("/")[0]
    if name == "generic/mapped":
        return generic.parse(payload(name), MAPPING)
    return formats.parse(source, raw(name), Settings(alerts={source: AlertSourceSettings()}))


def written(alerts: list[Alert]) -> str:
    """As the golden files have it: what is empty is left out."""
    said = [alert.model_dump(mode="json", exclude_defaults=True) for alert in alerts]
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", names())
def test_a_documented_body_is_read_as_it_was(name: str) -> None:
    assert written(read(name)) == (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


def test_there_is_a_body_for_every_golden_file() -> None:
    assert sorted(f"{file.parent.name}/{file.stem}" for file in GOLDEN.glob("*/*.json")) == names()


@pytest.mark.parametrize("name", UNMAPPED)
def test_no_two_formats_claim_the_same_body(name: str) -> None:
    claimed = [form.NAME for form in formats.FORMATS.values() if form is not generic and form.recognises(payload(name))]
    assert claimed == [source for source in [name.partition("/")[0]] if source != "generic"]


@pytest.mark.parametrize("form", sorted(PAIRS))
def test_an_alert_that_is_over_is_the_one_that_fired(form: str) -> None:
    firing, over = (read(f"{form}/{name}")[0] for name in PAIRS[form])
    assert (firing.status, over.status) == (AlertStatus.FIRING, AlertStatus.RESOLVED)
    assert firing.fingerprint == over.fingerprint


@pytest.mark.parametrize(("fired", "ended"), MORE_PAIRS)
def test_an_alert_is_the_same_in_every_way_in_which_its_sender_tells_of_it(fired: str, ended: str) -> None:
    firing, over = read(fired)[0], read(ended)[0]
    assert (firing.status, over.status) == (AlertStatus.FIRING, AlertStatus.RESOLVED)
    assert firing.fingerprint == over.fingerprint
    assert firing.starts_at


def test_every_format_shows_how_an_alert_fires_and_ends_or_says_that_its_sender_tells_no_end() -> None:
    assert {*PAIRS} | TELL_NO_END | {"cloudwatch", "generic"} == set(formats.FORMATS)


@pytest.mark.parametrize("form", sorted(TELL_NO_END))
def test_what_happens_again_is_the_same_alert(form: str) -> None:
    (first,), (again,) = read(f"{form}/firing"), read(f"{form}/again")
    assert (again.fingerprint, again.status) == (first.fingerprint, AlertStatus.FIRING)


@pytest.mark.parametrize("name", [name for name in names() if name.endswith("/odd")])
def test_what_an_odd_body_does_not_say_stays_empty_and_what_is_too_long_is_cut(name: str) -> None:
    for alert in read(name):
        assert len(alert.summary or "") <= VALUE_CHARS
        assert None not in alert.labels.values()
        assert alert.url is None or alert.url.startswith("http")


def rewrite(name: str) -> Any:
    """Write one golden file anew."""
    file = GOLDEN / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file.write_text(written(read(name)), encoding="utf-8")


if __name__ == "__main__":
    for body in names():
        rewrite(body)

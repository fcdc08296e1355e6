"""The formats by name, and the way from a source's bytes to alerts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from bot.alerts import (
    alertmanager,
    azure,
    checkly,
    checkmk,
    cloudwatch,
    coralogix,
    datadog,
    dynatrace,
    elastic,
    gcp,
    generic,
    grafana,
    graylog,
    icinga2,
    netdata,
    newrelic,
    opsgenie,
    pagerduty,
    pingdom,
    sentry,
    splunk,
    statuscake,
    sumologic,
    uptime_kuma,
    wazuh,
    zabbix,
)
from bot.alerts.decode import NotJson, decode, from_form
from bot.errors import BadInput, Misconfigured, TooLarge, UnknownSource
from bot.models import Alert
from bot.settings import AlertSourceSettings, Settings

AUTO = "auto"
"""As a source or as a format: the body's shape tells who sends."""
MAX_ALERTS = 5_000
"""Of one request."""


class Format(Protocol):
    """What a format's module offers."""

    NAME: str

    def recognises(self, body: object) -> bool:
        """Whether the body looks like this sender's."""
        ...

    def parse(self, body: object) -> list[Alert]:
        """The alerts in it, or `BadInput`."""
        ...


_ALL: tuple[Format, ...] = (
    grafana,
    alertmanager,
    pagerduty,
    opsgenie,
    datadog,
    newrelic,
    cloudwatch,
    sentry,
    azure,
    gcp,
    zabbix,
    uptime_kuma,
    dynatrace,
    splunk,
    elastic,
    graylog,
    coralogix,
    sumologic,
    icinga2,
    checkmk,
    netdata,
    pingdom,
    statuscake,
    checkly,
    wazuh,
    generic,
)
FORMATS: Mapping[str, Format] = {form.NAME: form for form in _ALL}
"""By name, in the order in which `recognise` asks them: the most particular first, `generic` last."""


def parse(source: str, body: bytes, settings: Settings) -> list[Alert]:
    """The alerts in a body that came to the source.

    Raises:
        UnknownSource: no such source and no such format.
        NotJson: the body is not JSON.
        TooLarge: more than `MAX_ALERTS` alerts.
        BadInput: it is JSON of another shape.
    """
    read = reader(source, settings)
    alerts = read(document(source, body, settings))
    if len(alerts) > MAX_ALERTS:
        raise TooLarge(f"One request holds {len(alerts)} alerts, more than {MAX_ALERTS}: send smaller groups.")
    if source in (AUTO, *FORMATS):
        return alerts
    return [alert.model_copy(update={"source": source}) for alert in alerts]


def reader(source: str, settings: Settings) -> Callable[[object], list[Alert]]:
    """What turns the source's decoded bodies into alerts.

    Raises:
        UnknownSource: no such source and no such format.
        Misconfigured: its format does not exist, or its mapping cannot be used.
    """
    configured = settings.alerts.get(source)
    name = format_of(source, settings)
    if name == AUTO:
        return lambda body: recognise(body).parse(body)
    if name not in FORMATS:
        raise _no_format(source, configured, settings)
    mapping = configured.mapping if configured else {}
    if mapping:
        return _mapped(source, name, mapping)
    return FORMATS[name].parse


def takes_plain_text(source: str, settings: Settings) -> bool:
    """Whether the source's sender may declare its JSON as text/plain, as Amazon SNS does."""
    return format_of(source, settings) in {cloudwatch.NAME, AUTO}


def takes_form(source: str, settings: Settings) -> bool:
    """Whether the source's sender may post a form instead of JSON, as StatusCake does."""
    return format_of(source, settings) in {statuscake.NAME, AUTO}


def document(source: str, body: bytes, settings: Settings) -> object:
    """The value that a body holds, which is JSON, or a form where the sender may post one.

    Raises:
        NotJson: it is neither.
    """
    form = format_of(source, settings)
    if form == statuscake.NAME:
        return from_form(body)
    try:
        return decode(body)
    except NotJson:
        if form != AUTO or body.lstrip()[:1] in {b"{", b"[", b""}:
            raise
        with suppress(NotJson):
            return from_form(body)
        raise


def format_of(source: str, settings: Settings) -> str:
    """The name of the source's format, whether there is such a format or not."""
    configured = settings.alerts.get(source)
    return (configured.format if configured else None) or source


def known(settings: Settings) -> tuple[str, ...]:
    """The sources that have a door: those configured and, on this machine alone, every format by its name."""
    local = FORMATS if settings.loopback else ()
    return tuple(sorted({*settings.alerts, *local}))


def recognise(body: object) -> Format:
    """The format whose shape the body has.

    Raises:
        BadInput: no format recognises it.
    """
    for form in FORMATS.values():
        if form.recognises(body):
            return form
    raise BadInput(f"No known sender sends a body of this shape; name the source: {', '.join(FORMATS)}.")


def render(alerts: Sequence[Alert]) -> str:
    """The alerts as a JSON list, for people and programs."""
    return json.dumps([alert.model_dump(mode="json") for alert in alerts], indent=2, ensure_ascii=False)


def _mapped(source: str, name: str, mapping: Mapping[str, str]) -> Callable[[object], list[Alert]]:
    if name != generic.NAME:
        raise Misconfigured(
            f"The alert source '{source}' has a mapping, but the format '{name}' knows its fields: "
            "remove the mapping, or set the format to 'generic'."
        )
    generic.compiled(mapping)
    return lambda body: generic.parse(body, mapping)


def _no_format(source: str, configured: AlertSourceSettings | None, settings: Settings) -> Exception:
    if configured:
        return Misconfigured(
            f"The alert source '{source}' needs a setting 'format', one of {', '.join((*FORMATS, AUTO))}."
        )
    names = sorted({*settings.alerts, *FORMATS})
    return UnknownSource(f"There is no alert source '{source[:100]}'. There are: {', '.join(names)}.")

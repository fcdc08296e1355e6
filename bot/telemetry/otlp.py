"""Spans in OpenTelemetry's JSON, as Tempo and Jaeger give them.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from bot.telemetry.spans import Span, SpanKind
from bot.telemetry.tracing import INSTANCE, LONGEST, PEER, first_of

KINDS: Mapping[str, SpanKind] = {
    "1": "internal", "2": "server", "3": "client", "4": "producer", "5": "consumer",
    "SPAN_KIND_INTERNAL": "internal", "SPAN_KIND_SERVER": "server", "SPAN_KIND_CLIENT": "client",
    "SPAN_KIND_PRODUCER": "producer", "SPAN_KIND_CONSUMER": "consumer",
}  # fmt: skip
FAILED = {"2", "STATUS_CODE_ERROR"}


def spans_of(document: Mapping[str, Any]) -> Iterator[Span]:
    """Every span of a document with `resourceSpans` (of old: `batches`); what cannot be read is passed over."""
    for resource_spans in _list(document.get("resourceSpans", document.get("batches"))):
        resource = attributes(_dict(resource_spans.get("resource")).get("attributes"))
        for scope_spans in _list(resource_spans.get("scopeSpans", resource_spans.get("instrumentationLibrarySpans"))):
            for span in _list(scope_spans.get("spans")):
                if (found := _span(span, resource)) is not None:
                    yield found


def attributes(found: object) -> dict[str, str]:
    """Attributes by name, values as text; lists and maps are left out."""
    return {
        str(each["key"]): str(next(iter(each["value"].values())))
        for each in _list(found)
        if "key" in each and isinstance(each.get("value"), dict) and each["value"]
        if not isinstance(next(iter(each["value"].values())), list | dict)
    }


def _span(span: Mapping[str, Any], resource: Mapping[str, str]) -> Span | None:
    own = attributes(span.get("attributes"))
    trace, identity = _identity(span.get("traceId"), 32), _identity(span.get("spanId"), 16)
    try:
        start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    except (KeyError, TypeError, ValueError):
        return None
    service = resource.get("service.name")
    if trace is None or identity is None or not service:
        return None
    return Span(
        trace=trace,
        id=identity,
        parent=_identity(span.get("parentSpanId"), 16),
        service=service[:LONGEST],
        operation=str(span.get("name", ""))[:LONGEST],
        start_s=start / 1e9,
        duration_s=max(0, end - start) / 1e9,
        instance=first_of(resource, INSTANCE) or "",
        kind=KINDS.get(str(span.get("kind")), "unknown"),
        failed=str(_dict(span.get("status")).get("code")) in FAILED,
        peer=first_of(own, PEER),
    )


def _identity(value: object, digits: int) -> str | None:
    """Hexadecimal digits; some servers write the bytes in base64, as protobuf's own JSON does. Nothing for a root."""
    if not isinstance(value, str) or not value:
        return None
    text = value.lower()
    if len(text) != digits or not set(text) <= set("0123456789abcdef"):
        try:
            text = base64.b64decode(value, validate=True).hex()
        except (binascii.Error, ValueError):
            return None
    return text if text.strip("0") else None


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []

"""Logs that can be grepped, and the counters behind `/metrics`."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog
from prometheus_client import Counter, Histogram

EVENTS = Counter("nightdesk_incident_events_total", "Events appended to incidents", ["kind"])
SET_ASIDE = Counter("nightdesk_alerts_set_aside_total", "Alerts that found no place and are kept aside")
TO_FIRST_CARD = Histogram(
    "nightdesk_alert_to_card_seconds",
    "From the alert being accepted to its card and the first messages of the thread",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 15, 60),
)
TO_PROPOSAL = Histogram(
    "nightdesk_alert_to_proposal_seconds",
    "From the alert being accepted to the proposal",
    buckets=(1, 2, 5, 10, 15, 30, 60, 300),
)
TO_RECOVERY = Histogram(
    "nightdesk_alert_to_recovery_seconds",
    "From the alert being accepted to the verified recovery",
    buckets=(15, 30, 60, 120, 300, 900, 3600),
)
MODEL_CALLS = Counter("nightdesk_model_calls_total", "Questions to a language model", ["role", "outcome"])
MODEL_TOKENS = Counter("nightdesk_model_tokens_total", "Tokens of questions and answers", ["role", "kind"])
MODEL_MONEY = Counter("nightdesk_model_money_total", "Their price, in the currency of the budget", ["role"])
MODEL_SECONDS = Histogram(
    "nightdesk_model_seconds", "From the question to its whole answer", ["role"], buckets=(0.5, 1, 2, 5, 10, 30, 60)
)

QUIET = (
    "docket",
    "httpx",
    "httpcore",
    "slack_bolt",
    "slack_sdk",
    "uvicorn.access",
    "aiohttp.access",
    "matplotlib",
    "drain3",
)
"""Libraries that are heard only when something is wrong."""


def configure_logging(level: Literal["debug", "info", "warning", "error"], form: Literal["console", "json"]) -> None:
    """One line an event on standard error, with the incident's id where there is one."""
    number = getattr(logging, level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor
    if form == "json":
        shared.append(structlog.processors.format_exc_info)
        last = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        last = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=24,
            exception_formatter=structlog.dev.plain_traceback,  # never with local variables: they may hold a token
        )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))

"""Messages for stories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.models import Alert, AlertStatus, Incident, Message, Phase

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def said(
    text: str,
    minute: float = 0,
    *,
    name: str | None = None,
    user: str = "ana",
    channel: str = "C1",
    thread: str | None = None,
) -> Message:
    """One message, `minute` minutes after noon."""
    at = NOON + timedelta(minutes=minute)
    name = name or f"{at.timestamp():.6f}"
    link = f"https://example.slack.com/archives/{channel}/p{name.replace('.', '')}"
    return Message(id=name, channel=channel, thread=thread, user=user, text=text, sent_at=at, permalink=link)


def incident(*, rule: str = "PaymentErrors", service: str = "payments", minute: float = 60) -> Incident:
    """An incident that has just been opened."""
    alert = Alert(
        source="generic", name=rule, status=AlertStatus.FIRING, service=service, fingerprint=f"{rule}/{service}",
        summary=f"{service} fails",
    )  # fmt: skip
    at = NOON + timedelta(minutes=minute)
    return Incident(
        id="inc-1", phase=Phase.INVESTIGATING, opened_at=at, alert=alert, alerts=(alert,), service=service, channel="C1"
    )

"""The client of the configured metrics server."""

from __future__ import annotations

import base64

from bot.settings import PrometheusSettings, Settings
from bot.telemetry.prometheus import Prometheus


def prometheus_of(settings: Settings) -> Prometheus | None:
    """The client, where a server is configured."""
    if not settings.prometheus_url:
        return None
    asked = settings.prometheus
    return Prometheus(
        settings.prometheus_url,
        headers=headers_for(asked),
        timeout_s=asked.timeout_s,
        token_file=asked.token_file,
        ca_file=asked.ca_file,
    )


def headers_for(settings: PrometheusSettings) -> dict[str, str]:
    """Credentials and further headers of every request."""
    headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    if settings.username is not None and settings.password is not None:
        said = f"{settings.username}:{settings.password.get_secret_value()}"
        headers["Authorization"] = f"Basic {base64.b64encode(said.encode()).decode('ascii')}"
    return headers

"""One Kubernetes cluster as actions see it: a few documented requests of its REST API.

A change is a JSON patch whose first operations test what was seen, so the server itself refuses it when the object has
changed meanwhile; the same patch is sent as a server-side dry run first.
https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from bot.catalog import Workload
from bot.errors import PreconditionFailed, SourceUnavailable
from bot.http import Transport
from bot.remediation.target import HttpTarget
from bot.settings.targets import KubernetesCluster

JSON_PATCH = "application/json-patch+json"
MANAGER = "nightdesk"
Json = dict[str, Any]


class Cluster:
    """Reads and patches objects of one cluster."""

    def __init__(
        self, name: str, settings: KubernetesCluster, token: SecretStr, transport: Transport | None = None
    ) -> None:
        self.name = name
        self.settings = settings
        self._target = HttpTarget(
            f"Kubernetes cluster {name}",
            settings.api_url,
            authorization=f"Bearer {token.get_secret_value()}",
            timeout_s=settings.timeout_s,
            ca_file=Path(settings.ca_file) if settings.ca_file else None,
            transport=transport,
        )

    async def read(self, path: str, **params: str) -> Json:
        """The object, or the list of objects.

        Raises:
            PreconditionFailed: it cannot be read.
        """
        try:
            found = await self._target.read(path, params or None)
        except SourceUnavailable as error:
            raise PreconditionFailed(f"Nothing was done: {error}") from None
        if not isinstance(found, dict):
            raise PreconditionFailed(f"Nothing was done: cluster {self.name} answered with something else.")
        return found

    async def patch(self, path: str, operations: Sequence[Mapping[str, Any]], *, dry_run: bool) -> None:
        """Apply the operations, all or none; with `dry_run` the server checks and admits them, and keeps nothing.

        Raises:
            EffectFailed: the server refused; nothing was changed.
            EffectUnknown: no clear answer came.
        """
        params = {"fieldManager": MANAGER, **({"dryRun": "All"} if dry_run else {})}
        await self._target.change("PATCH", path, list(operations), params=params, content_type=JSON_PATCH)


def workload_path(workload: Workload) -> str:
    """Where the workload is."""
    return f"/apis/apps/v1/namespaces/{quote(workload.namespace)}/{workload.kind}s/{quote(workload.name)}"


def unchanged(seen: Mapping[str, Any]) -> list[Json]:
    """The operations that make a patch fail unless its object is still the one that was seen, as it was seen."""
    return [
        {"op": "test", "path": f"/metadata/{field}", "value": seen[field]}
        for field in ("uid", "generation")
        if field in seen
    ]

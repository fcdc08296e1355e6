"""Logs of Kubernetes pods, from the API server: what each container writes, and what it wrote before its last restart.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
The role needs `list` on pods and `get` on pods/log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from bot.errors import SourceUnavailable
from bot.http import HttpSource
from bot.models import Window
from bot.settings.sources import KubernetesSource
from bot.telemetry.loglines import LogLine, as_seconds
from bot.telemetry.logs import LEAST, QUOTA, Batch, Thinnings
from bot.telemetry.portions import together
from bot.telemetry.stitching import Stitching

PODS = 500
MOST_PAGES = 20
MOST_STREAMS = 80
"""Containers that one read asks for."""
BYTES = 64_000_000
"""What all containers together may send; each gets its part."""


@dataclass(frozen=True)
class _Stream:
    """The output of one container; `previous`: of the run before its last restart."""

    service: str | None
    namespace: str
    pod: str
    container: str
    previous: bool = False

    @property
    def path(self) -> str:
        return f"api/v1/namespaces/{quote(self.namespace, safe='')}/pods/{quote(self.pod, safe='')}/log"

    def __str__(self) -> str:
        return f"{self.namespace}/{self.pod} {self.container}{' before its restart' if self.previous else ''}"


class PodLogs:
    """The pods of some namespaces that carry the label."""

    def __init__(self, http: HttpSource, settings: KubernetesSource, *, quota: int = QUOTA) -> None:
        self._http = http
        self._settings = settings
        self._quota = quota
        self.name = http.name

    async def services(self, window: Window) -> Sequence[str]:
        """The services whose pods there are; those of pods without a name for them are left out.

        Raises:
            SourceUnavailable: the pods cannot be listed, or none carries the label.
        """
        known = {stream.service for stream in await self._streams(window) if stream.service}
        if not known:
            namespaces = ", ".join(self._settings.namespaces)
            raise SourceUnavailable(f"{self.name} has no pod with the label {self._settings.label} in {namespaces}.")
        return sorted(known)

    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[Batch, None]:
        """The lines of the window; each container has its own portion.

        Raises:
            SourceUnavailable: the pods cannot be listed.
        """
        wanted = {service.casefold() for service in services} if services is not None else None
        found = [stream for stream in await self._streams(window) if _is_of(stream, wanted)]
        if len(found) > MOST_STREAMS:
            yield Batch((), (f"of {len(found)} containers only {MOST_STREAMS} were read.",))
            found = found[:MOST_STREAMS]
        share = max(1, len(found))
        quota, most_bytes = max(LEAST, self._quota // share), BYTES // share
        work = [self._output(stream, window, quota, most_bytes) for stream in found]
        async with aclosing(together(work)) as batches:
            async for batch in batches:
                yield batch

    async def _streams(self, window: Window) -> list[_Stream]:
        """Of each service the current outputs first, then earlier ones; services take turns, so none is left out."""
        pods = [pod for namespace in self._settings.namespaces for pod in await self._pods(namespace)]
        found: dict[str | None, list[_Stream]] = {}
        for pod in pods:
            for stream in _streams(pod, self._settings, window):
                found.setdefault(stream.service, []).append(stream)
        ordered = [sorted(streams, key=lambda stream: stream.previous) for _, streams in sorted(
            found.items(), key=lambda item: str(item[0]))]  # fmt: skip
        longest = max(map(len, ordered), default=0)
        return [streams[turn] for turn in range(longest) for streams in ordered if turn < len(streams)]

    async def _pods(self, namespace: str) -> list[Mapping[str, Any]]:
        pods: list[Mapping[str, Any]] = []
        asked: dict[str, Any] = {"labelSelector": self._settings.label, "limit": PODS}
        for _ in range(MOST_PAGES):
            answer = await self._http.get(f"api/v1/namespaces/{namespace}/pods", asked)
            if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
                raise SourceUnavailable(f"{self.name} listed pods in a form that is not known: is the address right?")
            pods += [pod for pod in answer["items"] if isinstance(pod, dict)]
            further = (answer.get("metadata") or {}).get("continue")
            if not further:
                break
            asked["continue"] = further
        return pods

    async def _output(self, stream: _Stream, window: Window, quota: int, most_bytes: int) -> Batch:
        """What one container wrote in the window."""
        asked = {
            "container": stream.container,
            "timestamps": "true",
            "sinceTime": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
            "limitBytes": most_bytes,
        } | ({"previous": "true"} if stream.previous else {})
        reading = _Reading(stream.service, window, quota)
        try:
            async with aclosing(self._http.lines("GET", stream.path, params=asked, max_bytes=2 * most_bytes)) as parts:
                async for part in parts:
                    await asyncio.to_thread(reading.take, part)
                    if reading.past:
                        break
        except SourceUnavailable as error:
            if stream.previous and not reading.bytes:
                return Batch(())  # the node keeps no earlier output of this container
            return Batch(reading.finish(cut=True), (f"of {stream}: {error}",))
        if reading.bytes >= most_bytes and not reading.past:
            return Batch(reading.finish(cut=True), (f"of {stream} only the first {most_bytes:,} bytes were read.",))
        return Batch(reading.finish())


class _Reading:
    """Lines with the API's times in front, as they come; one is held back, which may turn out to be cut."""

    def __init__(self, service: str | None, window: Window, quota: int) -> None:
        self._stitching = Stitching(window, Thinnings(quota), service=service)
        self._lines: list[LogLine] = []
        self._held: bytes | None = None
        self.bytes = 0

    @property
    def past(self) -> bool:
        return self._stitching.past

    def take(self, raw: Sequence[bytes]) -> None:
        for line in raw:
            self.bytes += len(line) + 1
            held, self._held = self._held, line
            if held is not None:
                self._stitch(held)
            if self.past:
                break
        self._lines += self._stitching.drain()

    def finish(self, *, cut: bool = False) -> tuple[LogLine, ...]:
        if self._held is not None and not cut:
            self._stitch(self._held)
        self._stitching.finish()
        return (*self._lines, *self._stitching.drain())

    def _stitch(self, line: bytes) -> None:
        stamp, _, text = line.partition(b" ")
        self._stitching.take(text, as_seconds(stamp.decode("ascii", "replace")))


def _is_of(stream: _Stream, wanted: set[str] | None) -> bool:
    return wanted is None or stream.service is None or stream.service.casefold() in wanted


def _streams(pod: Mapping[str, Any], settings: KubernetesSource, window: Window) -> Iterator[_Stream]:
    """The outputs of a pod that may lie in the window."""
    meta, status = pod.get("metadata") or {}, pod.get("status") or {}
    service = (meta.get("labels") or {}).get(settings.label) or settings.service
    namespace, name = str(meta.get("namespace")), str(meta.get("name"))
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        stream = _Stream(service, namespace, name, str(container.get("name")))
        state = container.get("state") or {}
        if "waiting" not in state and not _over(state, window):
            yield stream
        if container.get("restartCount") and not _over(container.get("lastState") or {}, window):
            yield replace(stream, previous=True)


def _over(state: Mapping[str, Any], window: Window) -> bool:
    """Whether the run ended before the window."""
    ended = as_seconds((state.get("terminated") or {}).get("finishedAt"))
    return ended is not None and ended < window.start.timestamp()

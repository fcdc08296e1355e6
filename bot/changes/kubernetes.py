"""Kubernetes: new revisions of workloads, rollbacks, restarts, scaling, and when ConfigMaps were written.

A Deployment keeps a ReplicaSet for each template that it ever had, numbered by an annotation; going back to an earlier
template numbers the old ReplicaSet anew. When that was, its events tell for an hour, and the Deployment's condition
`Progressing` after that. Of ConfigMaps only the metadata is asked for: values never leave the cluster. Secrets are not
read at all, since nobody can be allowed to see their metadata alone.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeVar

from bot.changes.change import Change, ChangeKind, Seen
from bot.changes.kubernetes_objects import (
    CAUSE,
    EARLIER_REVISIONS,
    RESTARTED,
    SERVICE_LABELS,
    ControllerRevision,
    Event,
    ListMeta,
    Meta,
    Template,
    Workload,
    Writing,
)
from bot.changes.reading import Asked, Foreign, read, together, token_of
from bot.errors import SourceUnavailable
from bot.http import HttpSource, Transport
from bot.models import Gap, Window
from bot.settings.changes import KubernetesSource
from bot.settings.sources import SERVICE_ACCOUNT
from bot.unanswered import ADVICE as USUAL

A_PAGE, MOST_PAGES = 500, 6
ADVICE = {
    **USUAL,
    401: "check the token of this source",
    403: "allow the service account to list this (deploy/kubernetes/changes-reader.yaml)",
    404: "is the address that of the Kubernetes API?",
}
METADATA_ONLY = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
LONG_AGO = datetime.fromtimestamp(0, UTC)
TOGETHER = timedelta(seconds=90)
"""A new ReplicaSet is scaled up right after it is made: that is the deployment itself."""
_SCALED_UP = re.compile(r"Scaled up replica set (\S+) (?:from \d+ )?to \d+")
_SCALED = re.compile(r"Scaled (?:up|down) replica set (\S+) from (\d+) to (\d+)")
_CONTROLLERS = {"kube-controller-manager", "kubelet", "kube-scheduler"}

T = TypeVar("T")


@dataclass(frozen=True)
class _Namespace:
    """Everything of one namespace that tells of changes."""

    deployments: Mapping[str, Workload]
    replica_sets: Mapping[str, list[Workload]]
    """Deployment → its ReplicaSets, by revision."""
    revisions: Mapping[tuple[str, str], list[ControllerRevision]]
    """(kind, name) of a StatefulSet or a DaemonSet → its revisions in order."""
    events: Mapping[str, list[Event]]
    """Deployment → what its controller did, in order."""
    config_maps: Sequence[Meta]


class Kubernetes(Asked):
    """Asks the API for the configured namespaces."""

    def __init__(self, name: str, settings: KubernetesSource, transport: Transport | None = None) -> None:
        self._settings = settings
        own_ca = SERVICE_ACCOUNT / "ca.crt"
        ca_file = settings.ca_file or (own_ca if own_ca.is_file() else None)
        headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}
        token_file = None if settings.token else settings.token_file
        http = HttpSource(
            name,
            settings.url,
            headers=headers,
            ca_file=ca_file,
            token_file=token_file,
            set_by=token_of(name),
            advice=ADVICE,
            transport=transport,
        )
        super().__init__(name, http)

    async def changes(self, span: Window, services: Sequence[str]) -> Seen:
        """What was changed in the namespaces; all of it, since only the objects say whose it is."""
        seen = await together(self.name, (self._of(one, span, services) for one in self._settings.namespaces))
        return Seen(tuple(change for change in seen.changes if span.start <= change.at < span.end), seen.gaps)

    async def check(self) -> str:
        """List one object of each kind in each namespace.

        Raises:
            SourceUnavailable: one kind may not be listed.
        """
        for namespace in self._settings.namespaces:
            for path in _paths(namespace).values():
                await self._http.get(path, {"limit": 1})
        return f"workloads, events and ConfigMaps of {', '.join(self._settings.namespaces)}"

    async def _of(self, namespace: str, span: Window, services: Sequence[str]) -> Seen:
        there, gaps = await self._namespace(namespace)
        found = [
            *self._deployed(there),
            *self._revised(there),
            *self._scaled(there),
            *self._configured(there, span, services),
        ]
        return Seen(tuple(found), gaps)

    async def _namespace(self, namespace: str) -> tuple[_Namespace, tuple[Gap, ...]]:
        paths = _paths(namespace)
        gaps: list[Gap] = []
        deployments, replica_sets, revisions, events, config_maps = await asyncio.gather(
            self._list(paths["deployments"], list[Workload], gaps),
            self._list(paths["replicasets"], list[Workload], gaps),
            self._list(paths["controllerrevisions"], list[ControllerRevision], gaps),
            self._list(paths["events"], list[Event], gaps, selector="involvedObject.kind=Deployment"),
            self._list(paths["configmaps"], list[Meta], gaps, headers=METADATA_ONLY),
        )
        sets: dict[str, list[Workload]] = defaultdict(list)
        for one in sorted(replica_sets, key=lambda one: one.revision):
            if one.owner and one.revision:
                sets[one.owner].append(one)
        revised: dict[tuple[str, str], list[ControllerRevision]] = defaultdict(list)
        for revision in sorted(revisions, key=lambda one: one.revision):
            for owner in revision.metadata.owners:
                revised[owner.kind, owner.name].append(revision)
        done: dict[str, list[Event]] = defaultdict(list)
        for event in sorted((one for one in events if one.at), key=lambda one: one.at or LONG_AGO):
            done[event.about.name].append(event)
        by_name = {one.metadata.name: one for one in deployments}
        return _Namespace(by_name, sets, revised, done, config_maps), tuple(gaps)

    async def _list(
        self,
        path: str,
        shape: type[list[T]],
        gaps: list[Gap],
        *,
        selector: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[T]:
        """All objects of a kind, page by page; what may not be listed is a gap, and the other kinds still count."""
        found: list[T] = []
        params: dict[str, str | int] = {"limit": A_PAGE} | ({"fieldSelector": selector} if selector else {})
        try:
            for _ in range(MOST_PAGES):
                body = (await self._http.page(path, params, headers=headers)).body
                listed = read(_ObjectList, body, self.name)
                found += await asyncio.to_thread(
                    read, shape, listed.items or [], self.name
                )  # hundreds of large objects
                if not listed.metadata.following:
                    return found
                params["continue"] = listed.metadata.following
        except SourceUnavailable as error:
            gaps.append(Gap(source=self.name, reason=f"{path}: {error}"))
            return found
        gaps.append(Gap(source=self.name, reason=f"{path}: only the first {len(found)} objects were read"))
        return found

    def _deployed(self, there: _Namespace) -> Iterator[Change]:
        for name, sets in there.replica_sets.items():
            owner = there.deployments.get(name)
            numbered = _numbered(sets)
            for before, (_, one, again) in zip([None, *numbered], numbered, strict=False):
                at = _went_back_at(one, owner, there.events[name]) if again else one.metadata.created_at
                if at is None:
                    continue
                template = before[1].spec.template if before else None
                yield self._change(
                    "rollback" if again else _kind(template, one.spec.template),
                    f"deployment {name}",
                    self._service(name, one),
                    at,
                    before=template.version if template else None,
                    after=one.spec.template.version,
                    who=_writer(owner) if owner and one is sets[-1] else None,
                    details=tuple(filter(None, [one.metadata.annotations.get(CAUSE)])),
                )

    def _revised(self, there: _Namespace) -> Iterator[Change]:
        for (kind, name), revisions in there.revisions.items():
            for before, one in pairwise([None, *revisions]):
                if one is None or one.metadata.created_at is None:
                    continue
                template = before.template if before else None
                yield self._change(
                    _kind(template, one.template), f"{kind} {name}", self._named(name, one.template.metadata.labels),
                    one.metadata.created_at, before=template.version if template else None, after=one.template.version,
                )  # fmt: skip

    def _scaled(self, there: _Namespace) -> Iterator[Change]:
        for name, events in there.events.items():
            sets = there.replica_sets.get(name, [])
            for event in events:
                found = _SCALED.search(event.message)
                if not found or event.at is None or _is_rollout(event, events, sets):
                    continue
                service = self._service(name, sets[-1] if sets else None)
                what = f"replicas of deployment {name}"
                yield self._change("scale", what, service, event.at, before=found[2], after=found[3])

    def _configured(self, there: _Namespace, span: Window, services: Sequence[str]) -> Iterator[Change]:
        readers: dict[str, list[str]] = defaultdict(list)
        for name, deployment in there.deployments.items():
            for config_map in sorted(deployment.spec.template.config_maps):
                readers[config_map].append(self._service(name, deployment))
        for one in there.config_maps:
            written = [writing for writing in one.metadata.writings if writing.time and writing.keys("data")]
            last = max(written, key=lambda writing: writing.time or LONG_AGO, default=None)
            if last is None or last.time is None or not span.start <= last.time < span.end:
                continue
            of = readers.get(one.metadata.name) or [self._named(one.metadata.name, one.metadata.labels)]
            yield self._change(
                "config", f"ConfigMap {one.metadata.name}", next((name for name in services if name in of), of[0]),
                last.time, who=last.manager or None, details=("keys: " + ", ".join(last.keys("data")),),
            )  # fmt: skip

    def _change(
        self,
        kind: ChangeKind,
        what: str,
        service: str,
        at: datetime,
        *,
        before: str | None = None,
        after: str | None = None,
        who: str | None = None,
        details: tuple[str, ...] = (),
    ) -> Change:
        return Change(
            source=self.name, kind=kind, what=what, service=service, before=before, after=after, who=who, at=at,
            details=details,
        )  # fmt: skip

    def _service(self, workload: str, one: Workload | None) -> str:
        return self._named(workload, one.spec.template.metadata.labels if one else {})

    def _named(self, workload: str, labels: Mapping[str, str]) -> str:
        """As configured, else as the labels say, else by the workload's own name."""
        told = next((labels[label] for label in SERVICE_LABELS if labels.get(label)), workload)
        return self._settings.services.get(workload, told)


class _ObjectList(Foreign):
    metadata: ListMeta = ListMeta()
    items: list[object] | None = None


def _paths(namespace: str) -> dict[str, str]:
    apps = f"apis/apps/v1/namespaces/{namespace}"
    core = f"api/v1/namespaces/{namespace}"
    return {
        **{kind: f"{apps}/{kind}" for kind in ("deployments", "replicasets", "controllerrevisions")},
        **{kind: f"{core}/{kind}" for kind in ("events", "configmaps")},
    }


def _kind(before: Template | None, after: Template) -> ChangeKind:
    """With the same images it is a restart, where the mark of one is new, and else another configuration."""
    if before is None or before.version != after.version:
        return "deploy"
    marks = [template.metadata.annotations.get(RESTARTED) for template in (before, after)]
    return "restart" if marks[0] != marks[1] else "config"


def _numbered(sets: Sequence[Workload]) -> list[tuple[int, Workload, bool]]:
    """Each revision of a Deployment with its ReplicaSet, and whether the ReplicaSet had an earlier number already.

    Of numbers between the first and the last of one ReplicaSet nothing says when they were; they are left out.
    """
    entries: list[tuple[int, Workload, bool]] = []
    for one in sets:
        earlier = [
            int(text) for text in one.metadata.annotations.get(EARLIER_REVISIONS, "").split(",") if text.isdecimal()
        ]
        entries += [(min(earlier), one, False)] if earlier else []
        entries.append((one.revision, one, bool(earlier)))
    return sorted(entries, key=lambda entry: entry[0])


def _went_back_at(one: Workload, owner: Workload | None, events: Sequence[Event]) -> datetime | None:
    ups = [event.at for event in events if (up := _SCALED_UP.search(event.message)) and up[1] == one.metadata.name]
    if ups and ups[-1]:
        return ups[-1]
    conditions = owner.status.conditions if owner else []
    progressing = [one.updated_at for one in conditions if one.type == "Progressing"]
    return progressing[0] if progressing else None


def _writer(owner: Workload) -> str | None:
    """Who wrote the template last, as far as managers have names."""
    wrote = [
        writing for writing in owner.metadata.writings
        if writing.time and writing.writes("spec", "template") and writing.manager not in _CONTROLLERS
    ]  # fmt: skip
    last: Writing | None = max(wrote, key=lambda writing: writing.time or LONG_AGO, default=None)
    return last.manager or None if last else None


def _is_rollout(event: Event, events: Sequence[Event], sets: Sequence[Workload]) -> bool:
    """Whether the scaling belongs to a change of the template: another ReplicaSet moves, or is made, at that time."""
    at = event.at
    assert at is not None
    moved = {found[1] for other in events if other.at and abs(other.at - at) <= TOGETHER
             if (found := re.search(r"replica set (\S+)", other.message))}  # fmt: skip
    made = any(one.metadata.created_at and abs(one.metadata.created_at - at) <= TOGETHER for one in sets)
    return len(moved) > 1 or made

"""Restart, scale or roll back what a service of the catalogue runs as in Kubernetes."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import Field

from bot.catalog import Catalog, Workload
from bot.errors import PreconditionFailed, RemediationError
from bot.models import Risk, Verification
from bot.plural import many, verb
from bot.remediation.action import Action, ActionParameters, BlastRadius, Measure
from bot.remediation.kubernetes import Cluster, Json, unchanged, workload_path
from bot.remediation.reach import reach

UNREADY = "kubernetes.unready"
"""The check of these actions: how many replicas are not up to date and available."""
RESTARTED_FOR = "nightdesk/restarted-for"
"""An annotation of the pod template: changing it replaces the pods, and its value is the idempotency key."""
REVISION = "deployment.kubernetes.io/revision"
POD_HASH = "pod-template-hash"


class WorkloadParameters(ActionParameters):
    """Which service. What is `seen` is filled in when the action is proposed, and must still be so when it runs."""

    service: str = Field(min_length=1, max_length=100, description="name in the catalogue, with a workload there")
    seen_uid: str | None = Field(default=None, max_length=64)
    seen_generation: int | None = Field(default=None, ge=0)


W = TypeVar("W", bound=WorkloadParameters)


class _OnWorkload(Action[W]):
    def __init__(self, catalog: Catalog, clusters: Mapping[str, Cluster]) -> None:
        self._catalog = catalog
        self._clusters = clusters

    def accept(self, given: Mapping[str, Any]) -> W:
        params = super().accept(given)
        service = self._catalog.services.get(params.service)
        if service is None or service.workload is None:
            known = ", ".join(name for name, one in self._catalog.services.items() if one.workload) or "none"
            raise RemediationError(f"'{params.service}' has no workload in the catalogue (there are: {known}).")
        cluster = self._clusters.get(service.workload.cluster)
        if cluster is None or service.workload.namespace not in cluster.settings.namespaces:
            raise RemediationError(
                f"Actions may not touch namespace {service.workload.namespace} of cluster {service.workload.cluster}: "
                "name both under NIGHTDESK_REMEDIATION__KUBERNETES."
            )
        return params

    def target(self, params: W) -> str:
        workload = self._workload(params)
        return f"{workload.kind} {workload.namespace}/{workload.name} of cluster {workload.cluster}"

    def service(self, params: W) -> str | None:
        return params.service

    def made_of(self, params: W) -> object:
        return self._cluster(params).settings

    def timeout_s(self, params: W) -> float:
        return self._cluster(params).settings.timeout_s + 5

    async def pinned(self, params: W) -> W:
        return self._seeing(params, await self._read(params))

    async def check(self, params: W) -> None:
        self._require_as_seen(params, await self._read(params))

    async def rehearse(self, params: W) -> str | None:
        await self._send(params, "dry-run", dry_run=True)
        return f"Cluster {self._workload(params).cluster} accepted it in a dry run."

    async def perform(self, params: W, idempotency_key: str) -> str:
        await self._send(params, idempotency_key, dry_run=False)
        return self._outcome(params)

    def default_verification(self, params: W, window_s: float) -> Verification | None:
        return Verification(
            query=f"{UNREADY}:{params.service}",
            what=f"replicas of {params.service} that are not ready",
            threshold=1,
            window_s=window_s,
            unit="replicas",
        )

    def checks(self, params: W) -> Mapping[str, Measure]:
        async def unready() -> float | None:
            return _unready(await self._read(params))

        return {f"{UNREADY}:{params.service}": unready}

    @abstractmethod
    async def _operations(self, params: W, seen: Json, key: str) -> list[Json]:
        """What is changed, as JSON patch operations."""

    @abstractmethod
    def _outcome(self, params: W) -> str: ...

    async def _send(self, params: W, key: str, *, dry_run: bool) -> None:
        seen = await self._read(params)
        self._require_as_seen(params, seen)
        operations = [*unchanged(seen["metadata"]), *await self._operations(params, seen, key)]
        await self._cluster(params).patch(workload_path(self._workload(params)), operations, dry_run=dry_run)

    async def _read(self, params: W) -> Json:
        found = await self._cluster(params).read(workload_path(self._workload(params)))
        if "metadata" not in found or "spec" not in found or found["metadata"].get("deletionTimestamp"):
            raise PreconditionFailed(f"Nothing was done: {self.target(params)} is gone or being deleted.")
        return found

    def _require_as_seen(self, params: W, found: Json) -> None:
        seen = self._seeing(params, found)
        if (params.seen_uid, params.seen_generation) != (seen.seen_uid, seen.seen_generation):
            raise PreconditionFailed(
                f"Nothing was done: {self.target(params)} was changed after this was proposed "
                f"(generation {params.seen_generation} then, {seen.seen_generation} now)."
            )

    def _seeing(self, params: W, found: Json) -> W:
        about = found["metadata"]
        return params.model_copy(update={"seen_uid": about.get("uid"), "seen_generation": about.get("generation")})

    def _workload(self, params: W) -> Workload:
        workload = self._catalog.services[params.service].workload
        assert workload is not None  # `accept` has seen to it
        return workload

    def _cluster(self, params: W) -> Cluster:
        return self._clusters[self._workload(params).cluster]


class RestartRollout(_OnWorkload[WorkloadParameters]):
    """Replace the pods of a workload one after the other."""

    name = "kubernetes.restart_rollout"
    summary = "Restart a service's pods one after the other, as its rollout strategy says."
    parameters = WorkloadParameters

    def effect(self, params: WorkloadParameters) -> str:
        return f"The pods of {params.service} are replaced one after the other."

    async def blast_radius(self, params: WorkloadParameters) -> BlastRadius:
        replicas = (await self._read(params))["spec"].get("replicas", "all")
        what = f"{many(replicas, 'pod')} of {params.service} {verb(replicas, 'restart')} in turn"
        return reach(self._catalog, params.service, what, unnamed="")

    def reversible(self, params: WorkloadParameters) -> bool:  # noqa: ARG002
        return False

    def rollback(self, params: WorkloadParameters) -> str:  # noqa: ARG002
        return "Cannot be undone: what the old pods held in memory is lost."

    def base_risk(self, params: WorkloadParameters) -> Risk:  # noqa: ARG002
        return Risk.MEDIUM

    async def _operations(self, params: WorkloadParameters, seen: Json, key: str) -> list[Json]:  # noqa: ARG002
        about = seen["spec"]["template"].get("metadata") or {}
        path = "/spec/template/metadata"
        if not about:
            return [{"op": "add", "path": path, "value": {"annotations": {RESTARTED_FOR: key}}}]
        if not about.get("annotations"):
            return [{"op": "add", "path": f"{path}/annotations", "value": {RESTARTED_FOR: key}}]
        return [{"op": "add", "path": f"{path}/annotations/{RESTARTED_FOR.replace('/', '~1')}", "value": key}]

    def _outcome(self, params: WorkloadParameters) -> str:
        return f"The rollout of {params.service} was restarted."


class ScaleParameters(WorkloadParameters):
    """How many replicas."""

    replicas: int = Field(ge=0, le=1000)
    seen_replicas: int | None = Field(default=None, ge=0)


class Scale(_OnWorkload[ScaleParameters]):
    """Give a workload another number of replicas, within the bounds that the catalogue sets."""

    name = "kubernetes.scale"
    summary = "Set how many pods a service has, within the bounds of the catalogue."
    parameters = ScaleParameters

    def accept(self, given: Mapping[str, Any]) -> ScaleParameters:
        params = super().accept(given)
        workload = self._workload(params)
        if workload.kind == "daemonset":
            raise RemediationError(f"{params.service} is a daemon set: it has one pod a node and cannot be scaled.")
        if not workload.min_replicas <= params.replicas <= workload.max_replicas:
            raise RemediationError(
                f"{params.service} may have {workload.min_replicas} to {workload.max_replicas} replicas "
                f"(services.yaml), not {params.replicas}."
            )
        return params

    def effect(self, params: ScaleParameters) -> str:
        before = "" if params.seen_replicas is None else f" instead of {params.seen_replicas}"
        return f"{params.service} gets {many(params.replicas, 'pod')}{before}."

    async def blast_radius(self, params: ScaleParameters) -> BlastRadius:
        what = f"{params.service} goes from {params.seen_replicas} to {many(params.replicas, 'pod')}"
        if self._grows(params):
            return BlastRadius(
                statement=f"{what}; nothing is interrupted.", services=(params.service,), reach="session"
            )
        return reach(self._catalog, params.service, what, unnamed="")

    def reversible(self, params: ScaleParameters) -> bool:
        return params.seen_replicas is not None

    def rollback(self, params: ScaleParameters) -> str:
        return f"Scale {params.service} back to {many(params.seen_replicas or 0, 'pod')}."

    def base_risk(self, params: ScaleParameters) -> Risk:
        if params.replicas == 0:
            return Risk.HIGH
        return Risk.LOW if self._grows(params) else Risk.MEDIUM

    async def pinned(self, params: ScaleParameters) -> ScaleParameters:
        pinned = await super().pinned(params)
        if pinned.seen_replicas == pinned.replicas:
            raise PreconditionFailed(f"Nothing to do: {params.service} has {many(params.replicas, 'pod')} already.")
        return pinned

    def _seeing(self, params: ScaleParameters, found: Json) -> ScaleParameters:
        replicas = found["spec"].get("replicas", 1)
        return super()._seeing(params, found).model_copy(update={"seen_replicas": replicas})

    @staticmethod
    def _grows(params: ScaleParameters) -> bool:
        return params.seen_replicas is not None and params.replicas > params.seen_replicas

    async def _operations(self, params: ScaleParameters, seen: Json, key: str) -> list[Json]:  # noqa: ARG002
        return [{"op": "add", "path": "/spec/replicas", "value": params.replicas}]

    def _outcome(self, params: ScaleParameters) -> str:
        return f"{params.service} was scaled to {many(params.replicas, 'pod')}."


class RollBackParameters(WorkloadParameters):
    """To which revision; left open, the one before."""

    revision: int | None = Field(default=None, gt=0)
    seen_revision: int | None = Field(default=None, gt=0)
    images: tuple[str, ...] = Field(default=(), max_length=20, description="of the revision that it goes back to")
    template_digest: str | None = Field(default=None, max_length=64)


class RollBack(_OnWorkload[RollBackParameters]):
    """Give a deployment the pod template of an earlier revision."""

    name = "kubernetes.roll_back"
    summary = "Roll a service's deployment back to an earlier revision."
    parameters = RollBackParameters

    def accept(self, given: Mapping[str, Any]) -> RollBackParameters:
        params = super().accept(given)
        if self._workload(params).kind != "deployment":
            raise RemediationError(f"{params.service} is no deployment, so it keeps no revisions to go back to.")
        return params

    def extent(self, params: RollBackParameters) -> str:  # noqa: ARG002 - no revision comes twice
        return ""

    def effect(self, params: RollBackParameters) -> str:
        if params.revision is None:
            return f"{params.service} goes back to the revision before."
        images = ", ".join(params.images) or "unnamed images"
        return f"{params.service} goes back from revision {params.seen_revision} to {params.revision} ({images})."

    async def blast_radius(self, params: RollBackParameters) -> BlastRadius:
        what = f"All pods of {params.service} are replaced in turn by those of revision {params.revision}"
        return reach(self._catalog, params.service, what, unnamed="")

    def reversible(self, params: RollBackParameters) -> bool:
        return params.seen_revision is not None

    def rollback(self, params: RollBackParameters) -> str:
        return f"Roll {params.service} forward again to what was revision {params.seen_revision}."

    def base_risk(self, params: RollBackParameters) -> Risk:  # noqa: ARG002
        return Risk.MEDIUM

    async def pinned(self, params: RollBackParameters) -> RollBackParameters:
        found = await self._read(params)
        sets = await self._revisions(params, found)
        current = _revision_of(found)
        wanted = params.revision or max((number for number in sets if number < current), default=None)
        if wanted is None or wanted not in sets or wanted == current:
            kept = ", ".join(str(number) for number in sorted(sets)) or "none"
            raise PreconditionFailed(f"Nothing to do: {params.service} has no such revision to go back to ({kept}).")
        template = _template_of(sets[wanted])
        return self._seeing(params, found).model_copy(
            update={
                "revision": wanted,
                "seen_revision": current,
                "images": tuple(container["image"] for container in template["spec"]["containers"]),
                "template_digest": _digest(template),
            }
        )

    async def _revisions(self, params: RollBackParameters, found: Json) -> dict[int, Json]:
        """The replica sets of the deployment by revision."""
        workload = self._workload(params)
        labels = (found["spec"].get("selector") or {}).get("matchLabels") or {}
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        path = f"/apis/apps/v1/namespaces/{workload.namespace}/replicasets"
        listed = await self._cluster(params).read(path, labelSelector=selector)
        uid = found["metadata"].get("uid")
        own = (one for one in listed.get("items") or () if _owned_by(uid, one))
        return {_revision_of(one): one for one in own if _revision_of(one)}

    async def _operations(self, params: RollBackParameters, seen: Json, key: str) -> list[Json]:  # noqa: ARG002
        sets = await self._revisions(params, seen)
        kept = sets.get(params.revision or 0)
        template = _template_of(kept) if kept else None
        if template is None or _digest(template) != params.template_digest:
            raise PreconditionFailed(f"Nothing was done: revision {params.revision} is gone, or not what was shown.")
        return [{"op": "replace", "path": "/spec/template", "value": template}]

    def _outcome(self, params: RollBackParameters) -> str:
        return f"{params.service} was set back to revision {params.revision}."


def _unready(found: Json) -> float | None:
    """Replicas that are not up to date and available; all of them while the controller has not seen the change."""
    wanted, status = found["spec"].get("replicas"), found.get("status") or {}
    if wanted is None:  # a daemon set
        wanted = status.get("desiredNumberScheduled", 1)
        ready = min(status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0))
    else:
        ready = min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    if status.get("observedGeneration", 0) < found["metadata"].get("generation", 0):
        return float(max(wanted, 1))
    left_over = max(0, status.get("replicas", wanted) - wanted)
    return float(max(0, wanted - ready) + left_over)


def _revision_of(one: Json) -> int:
    written = str((one["metadata"].get("annotations") or {}).get(REVISION, "0"))
    return int(written) if written.isdecimal() else 0


def _owned_by(uid: object, one: Json) -> bool:
    return any(owner.get("uid") == uid for owner in one["metadata"].get("ownerReferences") or ())


def _template_of(replica_set: Json) -> Json:
    """Its pod template without the label that the controller adds for itself."""
    template: Json = json.loads(json.dumps(replica_set["spec"]["template"]))
    ((template.get("metadata") or {}).get("labels") or {}).pop(POD_HASH, None)
    return template


def _digest(template: Json) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()

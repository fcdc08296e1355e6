"""Cordon a node of a Kubernetes cluster: what runs there stays, nothing new comes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import Field

from bot.catalog import Catalog
from bot.errors import PreconditionFailed, RemediationError
from bot.models import Risk
from bot.plural import many, verb
from bot.remediation.action import Action, ActionParameters, BlastRadius
from bot.remediation.kubernetes import Cluster, Json


class NodeParameters(ActionParameters):
    """Which node."""

    cluster: str = Field(min_length=1, max_length=100, description="name in the settings, remediation.kubernetes")
    node: str = Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")
    seen_uid: str | None = Field(default=None, max_length=64, description="filled in when it is proposed")


class CordonNode(Action[NodeParameters]):
    """Mark one node as unschedulable."""

    name = "kubernetes.cordon_node"
    summary = "Keep new pods away from one node; the pods that run there stay."
    parameters = NodeParameters

    def __init__(self, catalog: Catalog, clusters: Mapping[str, Cluster]) -> None:
        self._catalog = catalog
        self._clusters = clusters

    def accept(self, given: Mapping[str, Any]) -> NodeParameters:
        params = super().accept(given)
        cluster = self._clusters.get(params.cluster)
        allowed = cluster.settings.nodes if cluster else None
        if allowed is None or not re.fullmatch(allowed, params.node, re.ASCII):
            raise RemediationError(
                f"Node '{params.node}' of '{params.cluster}' may not be cordoned: "
                "see 'nodes' under NIGHTDESK_REMEDIATION__KUBERNETES."
            )
        return params

    def target(self, params: NodeParameters) -> str:
        return f"node {params.node} of cluster {params.cluster}"

    def effect(self, params: NodeParameters) -> str:
        return f"No new pod is placed on node {params.node}; what runs there goes on."

    async def blast_radius(self, params: NodeParameters) -> BlastRadius:
        selector = f"spec.nodeName={params.node}"
        pods = (await self._cluster(params).read("/api/v1/pods", fieldSelector=selector)).get("items") or []
        there = {(pod["metadata"]["namespace"], _workload_of(pod)) for pod in pods}
        services = tuple(
            name
            for name, service in self._catalog.services.items()
            if service.workload
            and service.workload.cluster == params.cluster
            and (service.workload.namespace, service.workload.name) in there
        )
        they = f"{many(len(pods), 'pod')} {verb(len(pods), 'run')} there and {verb(len(pods), 'stay')}"
        return BlastRadius(
            statement=f"{they}; new ones go to other nodes.",
            services=services,
            reach="session",
        )

    def service(self, params: NodeParameters) -> str | None:  # noqa: ARG002
        return None

    def reversible(self, params: NodeParameters) -> bool:  # noqa: ARG002
        return True

    def rollback(self, params: NodeParameters) -> str:
        return f"Let pods onto it again: kubectl uncordon {params.node}"

    def base_risk(self, params: NodeParameters) -> Risk:  # noqa: ARG002
        return Risk.MEDIUM

    def made_of(self, params: NodeParameters) -> object:
        return self._cluster(params).settings

    def timeout_s(self, params: NodeParameters) -> float:
        return self._cluster(params).settings.timeout_s + 5

    async def pinned(self, params: NodeParameters) -> NodeParameters:
        found = await self._read(params)
        if (found.get("spec") or {}).get("unschedulable"):
            raise PreconditionFailed(f"Nothing to do: node {params.node} is cordoned already.")
        return params.model_copy(update={"seen_uid": found["metadata"].get("uid")})

    async def check(self, params: NodeParameters) -> None:
        if (await self.pinned(params)).seen_uid != params.seen_uid:
            raise PreconditionFailed(f"Nothing was done: node {params.node} is another machine now.")

    async def rehearse(self, params: NodeParameters) -> str | None:
        await self._patch(params, dry_run=True)
        return f"Cluster {params.cluster} accepted it in a dry run."

    async def perform(self, params: NodeParameters, idempotency_key: str) -> str:  # noqa: ARG002
        await self.check(params)
        await self._patch(params, dry_run=False)
        return f"Node {params.node} takes no new pods."

    async def _patch(self, params: NodeParameters, *, dry_run: bool) -> None:
        operations: list[Json] = [
            {"op": "test", "path": "/metadata/uid", "value": params.seen_uid},
            {"op": "add", "path": "/spec/unschedulable", "value": True},
        ]
        await self._cluster(params).patch(_path(params), operations, dry_run=dry_run)

    async def _read(self, params: NodeParameters) -> Json:
        return await self._cluster(params).read(_path(params))

    def _cluster(self, params: NodeParameters) -> Cluster:
        return self._clusters[params.cluster]


def _path(params: NodeParameters) -> str:
    return f"/api/v1/nodes/{quote(params.node)}"


def _workload_of(pod: Json) -> str:
    """The workload's name as far as the pod's owner tells: a replica set is named after its deployment and a hash."""
    owners = pod["metadata"].get("ownerReferences") or [{}]
    owner = owners[0]
    name = str(owner.get("name", ""))
    return name.rpartition("-")[0] if owner.get("kind") == "ReplicaSet" else name

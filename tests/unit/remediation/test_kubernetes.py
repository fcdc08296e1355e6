"""Kubernetes actions against an API server that applies JSON patches as RFC 6902 and the API's documentation say."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.catalog import Catalog, Service, Workload
from bot.errors import EffectFailed, PreconditionFailed, RemediationError
from bot.models import Risk
from bot.remediation.kubernetes import Cluster
from bot.remediation.kubernetes_nodes import CordonNode
from bot.remediation.kubernetes_workloads import RESTARTED_FOR, RestartRollout, RollBack, Scale
from bot.settings.targets import KubernetesCluster
from tests.unit.remediation.api import Answer, Api, Asked, Json

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
CATALOG = Catalog(
    services={
        "web": Service(workload=Workload(cluster="prod", namespace="shop", name="web", max_replicas=6)),
        "front": Service(depends_on=("web",)),
        "agent": Service(workload=Workload(cluster="prod", namespace="shop", kind="daemonset", name="agent")),
        "secret": Service(workload=Workload(cluster="prod", namespace="kube-system", name="dns")),
        "plain": Service(),
    }
)


def replica_set(revision: int, image: str, *, owner: str = "u-1") -> Json:
    return {
        "metadata": {
            "name": f"web-{revision}",
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [{"uid": owner, "kind": "Deployment"}],
        },
        "spec": {
            "template": {
                "metadata": {"labels": {"app": "web", "pod-template-hash": f"h{revision}"}},
                "spec": {"containers": [{"name": "web", "image": image}]},
            }
        },
    }


class ApiServer:
    """One deployment, its replica sets and one node."""

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {
            WEB: {
                "metadata": {"uid": "u-1", "generation": 7, "annotations": {"deployment.kubernetes.io/revision": "3"}},
                "spec": {
                    "replicas": 3,
                    "selector": {"matchLabels": {"app": "web"}},
                    "template": replica_set(3, "web:3")["spec"]["template"],
                },
                "status": {"observedGeneration": 7, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2},
            },
            "/api/v1/nodes/node-1": {"metadata": {"uid": "n-1"}, "spec": {}},
        }
        self.sets = [replica_set(1, "web:1"), replica_set(2, "web:2"), replica_set(9, "other:9", owner="u-2")]
        self.pods: list[Json] = []
        self.api = Api(self.serve)

    def serve(self, asked: Asked) -> Answer:
        assert asked.headers["Authorization"] == "Bearer k8s-t0ken"
        if asked.path.endswith("/replicasets"):
            assert asked.params == {"labelSelector": "app=web"}
            return 200, {"items": self.sets}
        if asked.path == "/api/v1/pods":
            assert asked.params == {"fieldSelector": "spec.nodeName=node-1"}
            return 200, {"items": self.pods}
        if asked.path not in self.objects:
            return 404, {"kind": "Status", "message": "not found"}
        if asked.method == "GET":
            return 200, self.objects[asked.path]
        return self.patch(asked)

    def patch(self, asked: Asked) -> Answer:
        assert asked.method == "PATCH"
        assert asked.headers["Content-Type"] == "application/json-patch+json"
        assert asked.params["fieldManager"] == "nightdesk"
        patched = copy.deepcopy(self.objects[asked.path])
        for operation in asked.body:
            *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
            place: Any = patched
            for part in way:
                place = place[part]
            if operation["op"] == "test" and place.get(last) != operation["value"]:
                return 422, {"kind": "Status", "message": "the server rejected our request: test failed"}
            if operation["op"] in {"add", "replace"}:
                place[last] = operation["value"]
        if asked.params.get("dryRun") != "All":
            if "generation" in patched["metadata"]:
                patched["metadata"]["generation"] += 1
            self.objects[asked.path] = patched
        return 200, patched

    @property
    def web(self) -> Json:
        return self.objects[WEB]


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
def clusters(server: ApiServer) -> dict[str, Cluster]:
    settings = KubernetesCluster(
        api_url="https://k8s.example.com:6443", token_env="K8S", namespaces=("shop",), nodes="node-[0-9]"
    )
    return {"prod": Cluster("prod", settings, SecretStr("k8s-t0ken"), server.api)}


async def test_a_restart_changes_the_template_once_for_each_proposal(
    server: ApiServer, clusters: dict[str, Cluster]
) -> None:
    action = RestartRollout(CATALOG, clusters)
    params = await action.pinned(action.accept({"service": "web"}))
    await action.check(params)
    assert await action.rehearse(params) == "Cluster prod accepted it in a dry run."
    assert RESTARTED_FOR not in str(server.web)
    assert await action.perform(params, "i.1") == "The rollout of web was restarted."
    assert server.web["spec"]["template"]["metadata"]["annotations"] == {RESTARTED_FOR: "i.1"}
    assert [change.params.get("dryRun") for change in server.api.changes] == ["All", None]
    with pytest.raises(PreconditionFailed, match="generation 7 then, 8 now"):
        await action.perform(params, "i.1")


async def test_what_was_changed_after_the_proposal_is_not_touched(
    server: ApiServer, clusters: dict[str, Cluster]
) -> None:
    action = RestartRollout(CATALOG, clusters)
    params = await action.pinned(action.accept({"service": "web"}))
    server.web["metadata"]["generation"] = 8
    with pytest.raises(PreconditionFailed, match="was changed after this was proposed"):
        await action.check(params)
    assert server.api.changes == []


async def test_a_change_between_the_last_look_and_the_patch_is_refused_by_the_server(
    server: ApiServer, clusters: dict[str, Cluster]
) -> None:
    action = RestartRollout(CATALOG, clusters)
    params = await action.pinned(action.accept({"service": "web"}))
    honest = server.patch

    def overtaken(asked: Asked) -> Answer:
        server.web["metadata"]["generation"] = 8
        return honest(asked)

    server.patch = overtaken  # type: ignore[method-assign]
    with pytest.raises(EffectFailed, match="test failed"):
        await action.perform(params, "i.1")
    assert RESTARTED_FOR not in str(server.web)


async def test_scaling_keeps_to_the_catalogues_bounds_and_can_be_undone(
    server: ApiServer, clusters: dict[str, Cluster]
) -> None:
    action = Scale(CATALOG, clusters)
    for replicas in (0, 7):
        with pytest.raises(RemediationError, match="1 to 6 replicas"):
            action.accept({"service": "web", "replicas": replicas})
    params = await action.pinned(action.accept({"service": "web", "replicas": 5}))
    assert action.effect(params) == "web gets 5 pods instead of 3."
    assert (action.base_risk(params), action.reversible(params)) == (Risk.LOW, True)
    assert action.rollback(params) == "Scale web back to 3 pods."
    await action.perform(params, "i.1")
    assert server.web["spec"]["replicas"] == 5


async def test_fewer_pods_are_more_dangerous_than_more(clusters: dict[str, Cluster]) -> None:
    action = Scale(CATALOG, clusters)
    fewer = await action.pinned(action.accept({"service": "web", "replicas": 1}))
    assert action.base_risk(fewer) is Risk.MEDIUM
    assert (await action.blast_radius(fewer)).services == ("web", "front")
    with pytest.raises(PreconditionFailed, match="has 3 pod"):
        await action.pinned(action.accept({"service": "web", "replicas": 3}))


async def test_a_rollback_names_the_exact_revision_and_its_image_before_anybody_approves(
    server: ApiServer, clusters: dict[str, Cluster]
) -> None:
    action = RollBack(CATALOG, clusters)
    params = await action.pinned(action.accept({"service": "web"}))
    assert action.effect(params) == "web goes back from revision 3 to 2 (web:2)."
    await action.perform(params, "i.1")
    template = server.web["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "web:2"
    assert template["metadata"]["labels"] == {"app": "web"}


async def test_a_revision_whose_template_was_edited_after_the_proposal_is_not_rolled_out(
    server: ApiServer, clusters: dict[str, Cluster]
) -> None:
    action = RollBack(CATALOG, clusters)
    params = await action.pinned(action.accept({"service": "web", "revision": 1}))
    server.sets[0]["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1"
    with pytest.raises(PreconditionFailed, match="not what was shown"):
        await action.perform(params, "i.1")


async def test_only_the_deployments_own_revisions_count(clusters: dict[str, Cluster]) -> None:
    action = RollBack(CATALOG, clusters)
    for revision in (3, 9, 42):
        with pytest.raises(PreconditionFailed, match="no such revision"):
            await action.pinned(action.accept({"service": "web", "revision": revision}))


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ("plain", "has no workload"),
        ("wеb", "has no workload"),  # a Cyrillic е
        ("web/../../nodes", "has no workload"),
        ("web/scale", "has no workload"),
        ("web%2f..", "has no workload"),
        ("web\u200b", "has no workload"),
        ("WEB", "has no workload"),  # an action takes the name itself, no alias and no other case
        ("..", "has no workload"),
        ("secret", "may not touch namespace kube-system"),
    ],
)
def test_only_workloads_of_the_catalogue_in_allowed_namespaces_are_taken(
    clusters: dict[str, Cluster], service: str, why: str
) -> None:
    with pytest.raises(RemediationError, match=why):
        RestartRollout(CATALOG, clusters).accept({"service": service})


def test_a_daemon_set_is_neither_scaled_nor_rolled_back(clusters: dict[str, Cluster]) -> None:
    with pytest.raises(RemediationError, match="daemon set"):
        Scale(CATALOG, clusters).accept({"service": "agent", "replicas": 2})
    with pytest.raises(RemediationError, match="no deployment"):
        RollBack(CATALOG, clusters).accept({"service": "agent"})


async def test_readiness_is_counted_for_the_generation_that_the_controller_has_seen(
    server: ApiServer, clusters: dict[str, Cluster]
) -> None:
    action = RestartRollout(CATALOG, clusters)
    params = action.accept({"service": "web"})
    [measure] = action.checks(params).values()
    assert await measure() == 1.0
    server.web["status"]["availableReplicas"] = 3
    assert await measure() == 0.0
    server.web["metadata"]["generation"] = 8
    assert await measure() == 3.0


async def test_a_node_is_cordoned_and_the_services_on_it_are_named(
    server: ApiServer, clusters: dict[str, Cluster]
) -> None:
    owner = {"kind": "ReplicaSet", "name": "web-5d9c"}
    server.pods = [{"metadata": {"namespace": "shop", "ownerReferences": [owner]}}, {"metadata": {"namespace": "x"}}]
    action = CordonNode(CATALOG, clusters)
    params = await action.pinned(action.accept({"cluster": "prod", "node": "node-1"}))
    blast = await action.blast_radius(params)
    assert (blast.services, blast.statement[:6]) == (("web",), "2 pods")
    assert await action.rehearse(params)
    await action.perform(params, "i.1")
    assert server.objects["/api/v1/nodes/node-1"]["spec"] == {"unschedulable": True}
    with pytest.raises(PreconditionFailed, match="cordoned already"):
        await action.check(params)


NO_NAMES = ["a/b", "..", ".", "a/../b", "a%2fb", "a?x=1", "a#b", "A", "аpp", "a\n", "a b", "-a", "a-", "", "a" * 260]


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("place", ["namespace", "name"])
def test_a_workload_is_named_as_kubernetes_names_one(place: str, name: str) -> None:
    """A slash or a dot in the wrong place would make another object of it, or one of another namespace."""
    with pytest.raises(ValidationError):
        Workload.model_validate({"cluster": "prod", "namespace": "shop", "name": "web", place: name})


@pytest.mark.parametrize("node", ["a/b", "a/../b", "a%2f", "a?x", "аpp", "a/proxy", "a/status"])
def test_a_careless_pattern_for_nodes_lets_no_path_through(server: ApiServer, node: str) -> None:
    settings = KubernetesCluster(api_url="https://k8s", token_env="K8S", nodes=".*")
    careless = {"prod": Cluster("prod", settings, SecretStr("k8s-t0ken"), server.api)}
    with pytest.raises(RemediationError):
        CordonNode(CATALOG, careless).accept({"cluster": "prod", "node": node})
    assert server.api.asked == []


@pytest.mark.parametrize(
    "node", ["master-1", "node-1/../node-2", "node-11", "Node-1", "node-1/status", "node-1\n", "node-１", "..", ""]
)
def test_only_nodes_of_the_allowed_names_are_cordoned(clusters: dict[str, Cluster], node: str) -> None:
    with pytest.raises(RemediationError):
        CordonNode(CATALOG, clusters).accept({"cluster": "prod", "node": node})

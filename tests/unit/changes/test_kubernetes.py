"""Revisions, rollbacks, restarts, scaling and ConfigMaps, from objects as the Kubernetes API gives them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from bot.changes.change import Change, Seen
from bot.changes.kubernetes import Kubernetes
from bot.errors import SourceUnavailable
from bot.settings.changes import KubernetesSource
from tests.unit.changes.outside import ONSET, SPAN, Answer, Outside, at

APPS, CORE = "/apis/apps/v1/namespaces/shop", "/api/v1/namespaces/shop"
SETTINGS = KubernetesSource(kind="kubernetes", token=SecretStr("t"), namespaces=("shop",), services={"cache": "redis"})
DAYS = 6000.0


def template(image: str, restarted: str | None = None, config_map: str | None = None) -> dict[str, Any]:
    annotations = {"kubectl.kubernetes.io/restartedAt": restarted} if restarted else None
    container: dict[str, Any] = {"name": "main", "image": image}
    if config_map:
        container["envFrom"] = [{"configMapRef": {"name": config_map}}]
    labels = {"app.kubernetes.io/name": "checkout"}
    return {"metadata": {"labels": labels, "annotations": annotations}, "spec": {"containers": [container]}}


def replica_set(
    revision: int, image: str, minutes_before: float, *, name: str | None = None, earlier: str = "", **pod: Any
) -> dict[str, Any]:
    annotations = {"deployment.kubernetes.io/revision": str(revision), "kubernetes.io/change-cause": f"release {image}"}
    if earlier:
        annotations["deployment.kubernetes.io/revision-history"] = earlier
    return {
        "metadata": {
            "name": name or f"checkout-{revision}", "creationTimestamp": at(minutes_before), "annotations": annotations,
            "ownerReferences": [{"kind": "Deployment", "name": "checkout"}],
        },
        "spec": {"template": template(image, **pod)},
    }  # fmt: skip


def deployment(image: str, *, progressed: float = DAYS, config_map: str | None = None) -> dict[str, Any]:
    writings = [
        {"manager": "kubectl-set", "operation": "Update", "time": at(9), "fieldsV1": {"f:spec": {"f:template": {}}}},
        {"manager": "kube-controller-manager", "operation": "Update", "time": at(1), "subresource": "status",
         "fieldsV1": {"f:status": {}}},
    ]  # fmt: skip
    return {
        "metadata": {"name": "checkout", "managedFields": writings},
        "spec": {"template": template(image, config_map=config_map)},
        "status": {"conditions": [{"type": "Progressing", "lastUpdateTime": at(progressed)}]},
    }


def event(message: str, minutes_before: float) -> dict[str, Any]:
    return {
        "metadata": {"name": f"e{minutes_before}"},
        "reason": "ScalingReplicaSet",
        "message": message,
        "involvedObject": {"kind": "Deployment", "name": "checkout"},
        "lastTimestamp": at(minutes_before),
    }


def listed(*items: dict[str, Any], following: str = "") -> dict[str, Any]:
    return {"kind": "List", "metadata": {"continue": following}, "items": list(items) or None}


def cluster(**kinds: Answer) -> Outside:
    paths = {kind: f"{APPS}/{kind}" for kind in ("deployments", "replicasets", "controllerrevisions")}
    paths |= {kind: f"{CORE}/{kind}" for kind in ("events", "configmaps")}
    return Outside({path: kinds.get(kind, listed()) for kind, path in paths.items()})


async def ask(outside: Outside, services: tuple[str, ...] = ("checkout",)) -> Seen:
    async with Kubernetes("k8s", SETTINGS, outside.transport) as kubernetes:
        return await kubernetes.changes(SPAN, services)


async def only(outside: Outside) -> Change:
    seen = await ask(outside)
    assert seen.gaps == ()
    (change,) = seen.changes
    return change


async def test_a_new_replica_set_is_a_deployment_by_whoever_wrote_the_template() -> None:
    outside = cluster(
        deployments=listed(deployment("acme/checkout:v4.3.0")),
        replicasets=listed(
            replica_set(8, "acme/checkout:v4.3.0", 9), replica_set(7, "registry:5000/acme/checkout:v4.2.1", DAYS)
        ),
    )
    change = await only(outside)
    assert (change.kind, change.service, change.before, change.after) == ("deploy", "checkout", "v4.2.1", "v4.3.0")
    assert (change.at, change.who) == (ONSET - timedelta(minutes=9), "kubectl-set")
    assert change.details == ("release acme/checkout:v4.3.0",)
    assert outside.asked[0].headers["authorization"] == "Bearer t"


async def test_the_same_images_again_are_a_restart_or_another_configuration() -> None:
    old = replica_set(1, "a:v1", DAYS)
    restarted = cluster(replicasets=listed(old, replica_set(2, "a:v1", 9, restarted=at(9))))
    assert (await only(restarted)).kind == "restart"
    configured = cluster(replicasets=listed(old, replica_set(2, "a:v1", 9, config_map="env")))
    assert (await only(configured)).kind == "config"


async def test_an_old_replica_set_under_a_new_number_is_a_rollback_when_its_event_says() -> None:
    outside = cluster(
        deployments=listed(deployment("a:v1")),
        replicasets=listed(
            replica_set(2, "a:v2", DAYS), replica_set(3, "a:v1", DAYS + 9, name="checkout-x", earlier="1")
        ),
        events=listed(
            event("Scaled up replica set checkout-x from 0 to 1", 7),
            event("Scaled down replica set checkout-2 from 3 to 2", 7),
        ),
    )
    change = await only(outside)
    assert (change.kind, change.before, change.after) == ("rollback", "v2", "v1")
    assert change.at == ONSET - timedelta(minutes=7)


async def test_when_events_are_gone_the_deployments_condition_tells_when_it_went_back() -> None:
    outside = cluster(
        deployments=listed(deployment("a:v1", progressed=120)),
        replicasets=listed(replica_set(2, "a:v2", 200), replica_set(3, "a:v1", DAYS, earlier="1")),
    )
    told = [(change.kind, change.before, change.after, change.at) for change in (await ask(outside)).changes]
    assert told == [
        ("deploy", "v1", "v2", ONSET - timedelta(minutes=200)),
        ("rollback", "v2", "v1", ONSET - timedelta(minutes=120)),
    ]


async def test_scaling_by_itself_is_a_change_and_that_of_a_rollout_is_not() -> None:
    sets = listed(replica_set(1, "a:v1", DAYS))
    by_hand = cluster(replicasets=sets, events=listed(event("Scaled down replica set checkout-1 from 6 to 2", 5)))
    change = await only(by_hand)
    assert (change.kind, change.what, change.before, change.after) == (
        "scale", "replicas of deployment checkout", "6", "2",
    )  # fmt: skip
    rollout = listed(replica_set(1, "a:v1", DAYS), replica_set(2, "a:v2", 5.0))
    moved = listed(
        event("Scaled up replica set checkout-2 from 0 to 2", 5),
        event("Scaled down replica set checkout-1 from 2 to 0", 4.5),
    )
    assert (await only(cluster(replicasets=rollout, events=moved))).kind == "deploy"


async def test_a_stateful_set_has_its_revisions() -> None:
    def revision(number: int, image: str, minutes_before: float) -> dict[str, Any]:
        owner = {"kind": "StatefulSet", "name": "cache"}
        metadata = {"name": f"cache-{number}", "creationTimestamp": at(minutes_before), "ownerReferences": [owner]}
        return {"metadata": metadata, "revision": number, "data": {"spec": {"template": template(image)}}}

    change = await only(
        cluster(controllerrevisions=listed(revision(2, "redis:7.4", 8), revision(1, "redis:7.2", DAYS)))
    )
    assert (change.what, change.service, change.before, change.after) == ("StatefulSet cache", "redis", "7.2", "7.4")


async def test_a_config_map_that_was_written_tells_its_keys_and_never_its_values() -> None:
    written = {
        "manager": "kubectl-edit",
        "operation": "Update",
        "time": at(6),
        "fieldsV1": {"f:data": {"f:RETRIES": {}}},
    }
    config_map = {"metadata": {"name": "shop-env", "managedFields": [written]}}
    outside = cluster(deployments=listed(deployment("a:v1", config_map="shop-env")), configmaps=listed(config_map))
    change = await only(outside)
    assert (change.kind, change.what, change.service) == ("config", "ConfigMap shop-env", "checkout")
    assert (change.who, change.details) == ("kubectl-edit", ("keys: RETRIES",))
    asked = next(request for request in outside.asked if request.url.path.endswith("configmaps"))
    assert "PartialObjectMetadataList" in asked.headers["accept"]


async def test_lists_are_read_page_by_page() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("continue") == "more":
            return httpx.Response(200, json=listed(replica_set(1, "a:v1", DAYS)))
        return httpx.Response(200, json=listed(replica_set(2, "a:v2", 9), following="more"))

    assert (await only(cluster(replicasets=page))).before == "v1"


async def test_what_may_not_be_listed_is_a_gap_and_the_rest_counts() -> None:
    outside = cluster(
        replicasets=listed(replica_set(1, "a:v1", DAYS), replica_set(2, "a:v2", 9)),
        configmaps=httpx.Response(403, json={"message": "configmaps is forbidden"}),
    )
    seen = await ask(outside)
    assert [change.after for change in seen.changes] == ["v2"]
    (gap,) = seen.gaps
    assert "configmaps is forbidden" in gap.reason
    assert "deploy/kubernetes/changes-reader.yaml" in gap.reason
    async with Kubernetes("k8s", SETTINGS, outside.transport) as kubernetes:
        with pytest.raises(SourceUnavailable, match="configmaps is forbidden"):
            await kubernetes.check()


async def test_the_token_of_the_service_account_is_read_anew_and_missed_where_there_is_none(tmp_path: Path) -> None:
    token = tmp_path / "token"
    settings = KubernetesSource(kind="kubernetes", token_file=token, namespaces=("shop",))
    outside = cluster()
    async with Kubernetes("k8s", settings, outside.transport) as kubernetes:
        with pytest.raises(SourceUnavailable, match=r"token file .* cannot be read"):
            await kubernetes.check()
        token.write_text("renewed\n")
        assert await kubernetes.check() == "workloads, events and ConfigMaps of shop"
    assert {request.headers["authorization"] for request in outside.asked} == {"Bearer renewed"}

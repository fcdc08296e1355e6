"""The objects of Kubernetes' API as far as they tell of changes; everything else in them is passed over.

https://kubernetes.io/docs/reference/kubernetes-api/ (Deployment, ReplicaSet, ControllerRevision, Event, ObjectMeta)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from bot.changes.reading import Foreign
from bot.models.base import Instant

REVISION = "deployment.kubernetes.io/revision"
EARLIER_REVISIONS = "deployment.kubernetes.io/revision-history"
CAUSE = "kubernetes.io/change-cause"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
SERVICE_LABELS = ("app.kubernetes.io/name", "app", "app.kubernetes.io/instance", "k8s-app")

Value = TypeVar("Value")
Maybe = Annotated[Value, BeforeValidator(lambda value: {} if value is None else value)]
"""Go leaves out, or says null for, what is empty."""
Labels = Annotated[dict[str, str], BeforeValidator(lambda value: value or {})]


class Owner(Foreign):
    """What an object belongs to."""

    kind: str = ""
    name: str = ""


class Writing(Foreign):
    """Who wrote fields of an object, and when (server-side apply keeps it for every writer)."""

    manager: str = ""
    time: Instant | None = None
    subresource: str = ""
    fields: dict[str, Any] = Field(default_factory=dict, alias="fieldsV1")

    def writes(self, *path: str) -> bool:
        """Whether the fields include this one."""
        here: Any = self.fields
        for name in path:
            here = here.get(f"f:{name}") if isinstance(here, Mapping) else None
        return here is not None

    def keys(self, field: str) -> list[str]:
        """The names below a field, such as the keys of a ConfigMap's data."""
        below = self.fields.get(f"f:{field}")
        names = below if isinstance(below, Mapping) else {}
        return sorted(name.removeprefix("f:") for name in names if name.startswith("f:"))


class Metadata(Foreign):
    """Name, age, labels and writers."""

    name: str
    namespace: str = ""
    created_at: Instant | None = Field(default=None, alias="creationTimestamp")
    labels: Labels = Field(default_factory=dict)
    annotations: Labels = Field(default_factory=dict)
    owners: list[Owner] = Field(default_factory=list, alias="ownerReferences")
    writings: list[Writing] = Field(default_factory=list, alias="managedFields")


class Named(Foreign):
    """A reference by name."""

    name: str = ""


class Source(Foreign):
    """Where environment variables come from."""

    config: Named | None = Field(default=None, alias="configMapRef")
    key: Named | None = Field(default=None, alias="configMapKeyRef")


class Variable(Foreign):
    """An environment variable."""

    origin: Source | None = Field(default=None, alias="valueFrom")


class Container(Foreign):
    """What runs."""

    image: str = ""
    all_env: list[Source] = Field(default_factory=list, alias="envFrom")
    env: list[Variable] = Field(default_factory=list)


class Volume(Foreign):
    """What is mounted."""

    config: Named | None = Field(default=None, alias="configMap")


class PodSpec(Foreign):
    """Containers and volumes."""

    containers: list[Container] = Field(default_factory=list)
    volumes: list[Volume] = Field(default_factory=list)


class PodMetadata(Foreign):
    """Labels and annotations of a template; it has no name."""

    labels: Labels = Field(default_factory=dict)
    annotations: Labels = Field(default_factory=dict)


class Template(Foreign):
    """What a workload makes pods from."""

    metadata: Maybe[PodMetadata] = PodMetadata()
    spec: PodSpec = PodSpec()

    @property
    def version(self) -> str | None:
        """The tags (or the beginning of the digests) of its images, in the order of the containers."""
        return ", ".join(tag for container in self.spec.containers if (tag := _tag(container.image))) or None

    @property
    def config_maps(self) -> set[str]:
        """The ConfigMaps that it reads."""
        references = [volume.config for volume in self.spec.volumes]
        for container in self.spec.containers:
            references += [source.config for source in container.all_env]
            references += [variable.origin.key for variable in container.env if variable.origin]
        return {one.name for one in references if one and one.name}


class WorkloadSpec(Foreign):
    """What should be."""

    template: Template = Template()


class Condition(Foreign):
    """How far it has come."""

    type: str = ""
    reason: str = ""
    updated_at: Instant | None = Field(default=None, alias="lastUpdateTime")


class WorkloadStatus(Foreign):
    """What is."""

    conditions: list[Condition] = Field(default_factory=list)


class Workload(Foreign):
    """A Deployment, a ReplicaSet, a StatefulSet or a DaemonSet."""

    metadata: Metadata
    spec: WorkloadSpec = WorkloadSpec()
    status: Maybe[WorkloadStatus] = WorkloadStatus()

    @property
    def owner(self) -> str | None:
        """The Deployment that a ReplicaSet belongs to."""
        return next((owner.name for owner in self.metadata.owners if owner.kind == "Deployment"), None)

    @property
    def revision(self) -> int:
        """A ReplicaSet's revision; 0 where it has none."""
        number = self.metadata.annotations.get(REVISION, "")
        return int(number) if number.isascii() and number.isdigit() else 0


class ControllerRevision(Foreign):
    """A revision of a StatefulSet or a DaemonSet."""

    metadata: Metadata
    revision: int = 0
    data: Maybe[Workload | dict[str, Any]] = Field(default_factory=dict)

    @property
    def template(self) -> Template:
        """The pods' template that the revision holds as a patch."""
        spec = self.data.get("spec", {}) if isinstance(self.data, dict) else {}
        template = spec.get("template", {}) if isinstance(spec, dict) else {}
        return Template.model_validate(template if isinstance(template, dict) else {})


class Event(Foreign):
    """Something that a controller did; alike ones are counted in one object."""

    metadata: Metadata
    reason: str = ""
    message: str = ""
    about: Named = Field(default=Named(), alias="involvedObject")
    first_at: Instant | None = Field(default=None, alias="firstTimestamp")
    last_at: Instant | None = Field(default=None, alias="lastTimestamp")
    event_at: Instant | None = Field(default=None, alias="eventTime")

    @property
    def at(self) -> Instant | None:
        """When it happened, the last time."""
        return self.last_at or self.event_at or self.first_at or self.metadata.created_at


class Meta(Foreign):
    """An object of which only the metadata was asked for."""

    metadata: Metadata


class ListMeta(Foreign):
    """Where the list goes on."""

    following: str = Field(default="", alias="continue")


def _tag(image: str) -> str | None:
    name, at, digest = image.partition("@")
    tail = name.rpartition("/")[2]
    _, colon, tag = tail.partition(":")
    if colon and tag:
        return tag
    return digest.rpartition(":")[2][:7] if at else None

"""What well-known exporters say of utilisation, saturation and errors (Gregg's USE), as questions in PromQL.

A rule applies where its metric is there. `$` stands for the matchers that choose the service's, or its hosts', series,
`{rate}` for the length of a rate's range. Names as in node_exporter, cAdvisor, kubelet, kube-state-metrics,
postgres_exporter, mysqld_exporter, redis_exporter, kafka_exporter, RabbitMQ, the JVM's two client libraries with
HikariCP, Go's client library, nginx' exporter, blackbox_exporter and cert-manager.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal

from bot.agents.forms import Form, Slot, form

SignalKind = Literal["error_rate", "latency", "traffic", "saturation", "target_down"]
Unit = Literal["ratio", "s", "/s", "count", "cores", "bytes"]
Resource = Literal[
    "cpu", "memory", "disk", "inodes", "network", "connections", "files", "queue", "replication", "certificate"
]
Fold = Literal["max", "min", "sum", "avg"]
HOST = "node_"
"""Series of a host, which has no service's labels."""


@dataclass(frozen=True)
class Rule:
    """One question, where `metric` is there."""

    metric: str
    resource: Resource
    noun: str
    each: str
    """PromQL of every single item."""
    kind: SignalKind = "saturation"
    unit: Unit = "ratio"
    over: Fold = "max"
    """How items become one figure."""
    by: tuple[str, ...] = ("instance",)
    """What tells items apart."""
    needs: tuple[str, ...] = field(default=())
    """Other metrics that it reads; a rule that lacks one does not apply."""

    @property
    def bounded(self) -> bool:
        """Whether 1 means full."""
        return self.unit == "ratio" and self.kind == "saturation"

    @property
    def form(self) -> Form:
        """All items as one figure, with the choice of series left open."""
        first, *others = self.each.split("$")
        each = form(first, *(form(Slot.CHOSEN, part) for part in others))
        return form(self.over, Slot.BY, "(", *(_kept(part) for part in each), ")")

    def whole(self, matchers: str) -> str:
        """All items as one figure."""
        return f"{self.over}({self._chosen(matchers)})"

    def items(self, matchers: str) -> str:
        """One figure for each item."""
        return f"{self.over} by ({', '.join(self.by)}) ({self._chosen(matchers)})"

    def _chosen(self, matchers: str) -> str:
        return self.each.replace("$", matchers)


def _kept(part: str | Slot) -> Form:
    """The text with what tells services apart kept wherever it adds up by other labels."""
    if isinstance(part, Slot):
        return (part,)
    first, *others = part.split(_BY_INSTANCE)
    return form(first, *(form(_BY_INSTANCE[:-1], Slot.AND_BY, ")", rest) for rest in others))


_BY_INSTANCE = "by (instance)"
_REAL = 'fstype!~"tmpfs|overlay|squashfs|ramfs|iso9660|nsfs"'
_IDLE = ',mode="idle"'
_POD = ("namespace", "pod", "container")
_MOUNT = ("instance", "mountpoint")
_CLAIM = ("namespace", "persistentvolumeclaim")


def _rate(metric: str, further: str = "") -> str:
    return f"rate({metric}{{${further}}}[{{rate}}])"


def _share(used: str, whole: str, by: str = "instance") -> str:
    """Used of whole, both summed up per item, where there is a whole."""
    return f"sum by ({by}) ({used}{{$}}) / (sum by ({by}) ({whole}{{$}}) > 0)"


def _errors(metric: str, resource: Resource, noun: str, by: tuple[str, ...] = ("instance",)) -> Rule:
    return Rule(metric, resource, noun, _rate(metric), kind="error_rate", unit="/s", over="sum", by=by)


def _count(metric: str, resource: Resource, noun: str, by: tuple[str, ...] = ("instance",)) -> Rule:
    return Rule(metric, resource, noun, f"{metric}{{$}}", unit="count", over="sum", by=by)


RULES: tuple[Rule, ...] = (
    # node_exporter
    Rule("node_cpu_seconds_total", "cpu", "host CPU",
         f"1 - avg by (instance) ({_rate('node_cpu_seconds_total', _IDLE)})"),
    Rule("node_memory_MemAvailable_bytes", "memory", "host memory",
         "1 - node_memory_MemAvailable_bytes{$} / node_memory_MemTotal_bytes{$}",
         needs=("node_memory_MemTotal_bytes",)),
    Rule("node_filesystem_avail_bytes", "disk", "disk",
         f"1 - node_filesystem_avail_bytes{{$,{_REAL}}} / (node_filesystem_size_bytes{{$,{_REAL}}} > 0)",
         by=_MOUNT, needs=("node_filesystem_size_bytes",)),
    Rule("node_filesystem_files_free", "inodes", "inodes of the disk",
         f"1 - node_filesystem_files_free{{$,{_REAL}}} / (node_filesystem_files{{$,{_REAL}}} > 0)",
         by=_MOUNT, needs=("node_filesystem_files",)),
    Rule("node_disk_io_time_seconds_total", "disk", "disk busy",
         _rate("node_disk_io_time_seconds_total"), by=("instance", "device")),
    Rule("node_pressure_cpu_waiting_seconds_total", "cpu", "waiting for CPU",
         _rate("node_pressure_cpu_waiting_seconds_total")),
    Rule("node_pressure_memory_stalled_seconds_total", "memory", "stalled for memory",
         _rate("node_pressure_memory_stalled_seconds_total")),
    Rule("node_pressure_io_stalled_seconds_total", "disk", "stalled for I/O",
         _rate("node_pressure_io_stalled_seconds_total")),
    Rule("node_nf_conntrack_entries", "network", "connection tracking",
         "node_nf_conntrack_entries{$} / (node_nf_conntrack_entries_limit{$} > 0)",
         needs=("node_nf_conntrack_entries_limit",)),
    Rule("node_filefd_allocated", "files", "host file descriptors",
         "node_filefd_allocated{$} / (node_filefd_maximum{$} > 0)", needs=("node_filefd_maximum",)),
    _errors("node_network_receive_errs_total", "network", "network receive errors", ("instance", "device")),
    _errors("node_network_transmit_errs_total", "network", "network transmit errors", ("instance", "device")),
    _errors("node_network_receive_drop_total", "network", "network packets dropped", ("instance", "device")),
    _errors("node_vmstat_oom_kill", "memory", "processes killed for memory"),
    # cAdvisor, kubelet, kube-state-metrics
    Rule("container_cpu_cfs_throttled_periods_total", "cpu", "CPU throttled",
         f"{_rate('container_cpu_cfs_throttled_periods_total')} / ({_rate('container_cpu_cfs_periods_total')} > 0)",
         by=_POD, needs=("container_cpu_cfs_periods_total",)),
    Rule("container_memory_working_set_bytes", "memory", "container memory",
         "container_memory_working_set_bytes{$} / (container_spec_memory_limit_bytes{$} > 0)",
         by=_POD, needs=("container_spec_memory_limit_bytes",)),
    _errors("container_oom_events_total", "memory", "containers killed for memory", _POD),
    _errors("kube_pod_container_status_restarts_total", "cpu", "container restarts", _POD),
    _count("kube_deployment_status_replicas_unavailable", "cpu", "replicas missing", ("namespace", "deployment")),
    Rule("kubelet_volume_stats_used_bytes", "disk", "volume",
         "kubelet_volume_stats_used_bytes{$} / (kubelet_volume_stats_capacity_bytes{$} > 0)",
         by=_CLAIM, needs=("kubelet_volume_stats_capacity_bytes",)),
    Rule("kubelet_volume_stats_inodes_used", "inodes", "inodes of the volume",
         "kubelet_volume_stats_inodes_used{$} / (kubelet_volume_stats_inodes{$} > 0)",
         by=_CLAIM, needs=("kubelet_volume_stats_inodes",)),
    # any process
    Rule("process_open_fds", "files", "file descriptors",
         "process_open_fds{$} / (process_max_fds{$} > 0)", needs=("process_max_fds",)),
    # postgres_exporter
    Rule("pg_stat_activity_count", "connections", "Postgres connections",
         "sum by (instance) (pg_stat_activity_count{$}) / (max by (instance) (pg_settings_max_connections{$}) > 0)",
         needs=("pg_settings_max_connections",)),
    Rule("pg_replication_lag_seconds", "replication", "Postgres replication lag",
         "pg_replication_lag_seconds{$}", unit="s"),
    Rule("pg_replication_lag", "replication", "Postgres replication lag", "pg_replication_lag{$}", unit="s"),
    _errors("pg_stat_database_deadlocks", "queue", "Postgres deadlocks"),
    _errors("pg_stat_database_conflicts", "replication", "Postgres recovery conflicts"),
    Rule("pg_stat_activity_max_tx_duration", "queue", "longest Postgres transaction",
         "pg_stat_activity_max_tx_duration{$}", unit="s"),
    # mysqld_exporter
    Rule("mysql_global_status_threads_connected", "connections", "MySQL connections",
         "mysql_global_status_threads_connected{$} / (mysql_global_variables_max_connections{$} > 0)",
         needs=("mysql_global_variables_max_connections",)),
    _count("mysql_global_status_threads_running", "queue", "MySQL threads running"),
    Rule("mysql_slave_status_seconds_behind_master", "replication", "MySQL replication lag",
         "mysql_slave_status_seconds_behind_master{$}", unit="s"),
    _errors("mysql_global_status_aborted_connects", "connections", "MySQL connections aborted"),
    _errors("mysql_global_status_innodb_row_lock_waits", "queue", "MySQL row lock waits"),
    # redis_exporter
    Rule("redis_memory_used_bytes", "memory", "Redis memory",
         "redis_memory_used_bytes{$} / (redis_memory_max_bytes{$} > 0)", needs=("redis_memory_max_bytes",)),
    Rule("redis_connected_clients", "connections", "Redis clients",
         "redis_connected_clients{$} / (redis_config_maxclients{$} > 0)", needs=("redis_config_maxclients",)),
    _count("redis_blocked_clients", "queue", "Redis clients blocked"),
    _errors("redis_evicted_keys_total", "memory", "Redis keys evicted"),
    _errors("redis_rejected_connections_total", "connections", "Redis connections rejected"),
    # kafka_exporter, RabbitMQ
    _count("kafka_consumergroup_lag", "queue", "Kafka consumer lag", ("consumergroup", "topic")),
    _count("kafka_topic_partition_under_replicated_partition", "replication", "Kafka partitions under-replicated",
           ("topic",)),
    _count("rabbitmq_queue_messages_ready", "queue", "RabbitMQ messages waiting", ("queue",)),
    _count("rabbitmq_queue_messages_unacked", "queue", "RabbitMQ messages not acknowledged", ("queue",)),
    Rule("rabbitmq_process_resident_memory_bytes", "memory", "RabbitMQ memory",
         "rabbitmq_process_resident_memory_bytes{$} / (rabbitmq_resident_memory_limit_bytes{$} > 0)",
         needs=("rabbitmq_resident_memory_limit_bytes",)),
    # the JVM: simpleclient, and Micrometer with HikariCP
    Rule("jvm_memory_bytes_used", "memory", "JVM heap",
         _share("jvm_memory_bytes_used", "jvm_memory_bytes_max").replace("{$}", '{$,area="heap"}'),
         needs=("jvm_memory_bytes_max",)),
    Rule("jvm_memory_used_bytes", "memory", "JVM heap",
         _share("jvm_memory_used_bytes", "jvm_memory_max_bytes").replace("{$}", '{$,area="heap"}'),
         needs=("jvm_memory_max_bytes",)),
    Rule("jvm_gc_collection_seconds_sum", "memory", "time in garbage collection",
         f"sum by (instance) ({_rate('jvm_gc_collection_seconds_sum')})"),
    Rule("jvm_gc_pause_seconds_sum", "memory", "time in garbage collection",
         f"sum by (instance) ({_rate('jvm_gc_pause_seconds_sum')})"),
    Rule("hikaricp_connections_active", "connections", "connection pool",
         "hikaricp_connections_active{$} / (hikaricp_connections_max{$} > 0)",
         by=("instance", "pool"), needs=("hikaricp_connections_max",)),
    _count("hikaricp_connections_pending", "queue", "waiting for a connection", ("instance", "pool")),
    # Go
    _count("go_goroutines", "cpu", "goroutines"),
    Rule("go_sql_in_use_connections", "connections", "connection pool",
         "go_sql_in_use_connections{$} / (go_sql_max_open_connections{$} > 0)",
         by=("instance", "db_name"), needs=("go_sql_max_open_connections",)),
    # nginx-prometheus-exporter
    _count("nginx_connections_active", "connections", "nginx connections"),
    _count("nginx_connections_waiting", "connections", "nginx connections idle"),
)  # fmt: skip

EXPIRIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("probe_ssl_earliest_cert_expiry", ("instance",)),
    ("certmanager_certificate_expiration_timestamp_seconds", ("namespace", "name")),
    ("x509_cert_not_after", ("subject_CN",)),
    ("nginx_ingress_controller_ssl_expire_time_seconds", ("host",)),
)
"""Metrics that hold the Unix time at which a certificate runs out, and what tells certificates apart."""


def rules_for(names: Collection[str]) -> Iterator[Rule]:
    """The rules that apply where these metrics are."""
    return (rule for rule in RULES if rule.metric in names and all(name in names for name in rule.needs))


def read_by_rules() -> frozenset[str]:
    """Every metric that a rule or a certificate's expiry reads."""
    named = {name for rule in RULES for name in (rule.metric, *rule.needs)}
    return frozenset(named | {metric for metric, _ in EXPIRIES})

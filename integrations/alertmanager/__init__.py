"""Prometheus Alertmanager: the alerts of its groups, by its webhook; and Prometheus itself, as if we were one."""

from hub.contracts import Integration
from integrations.alertmanager import source

LABELS = {
    "alertname": "the name of the rule",
    "instance": "what was measured: `web301:9100`",
    "job": "under which job of Prometheus",
    "cluster": "in which cluster, if your rules or Prometheus say so",
}

INTEGRATION = Integration(
    title="Alertmanager",
    homepage="https://prometheus.io/docs/alerting/latest/alertmanager/",
    source=source,
    settings=(),
    paths=("api/v2/alerts",),
    labels=LABELS,
    kinds={"alert": "an alert of Prometheus, of Grafana, or of whatever posts to Alertmanager"},
)

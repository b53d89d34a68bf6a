"""Nagios Core: notifications in; acknowledgements, downtimes and checks back."""

from hub.contracts import Integration
from integrations.nagios import source
from integrations.nagios.control import CONTROL
from integrations.nagios.ways import SETTINGS

LABELS = {
    "host": "the host's name",
    "service": "the service's description; none on a host",
    "address": "the host's address",
    "alias": "the host's alias",
    "hostgroup": "the host's first group",
    "hostgroups": "all groups of the host, separated by commas",
    "servicegroup": "the service's first group",
    "servicegroups": "all groups of the service, separated by commas",
    "contact": "the contact that Nagios notified",
    "attempt": "which check in a row found it so",
    "state": "UP, DOWN, UNREACHABLE, OK, WARNING, CRITICAL or UNKNOWN",
}
KINDS = {"host": "a host", "service": "a service on a host"}

INTEGRATION = Integration(
    title="Nagios",
    homepage="https://www.nagios.org/projects/nagios-core/",
    source=source,
    settings=(*SETTINGS, "URL"),  # which the script reads that posts
    labels=LABELS,
    kinds=KINDS,
    control=CONTROL,
)

"""Sensu Go and Sensu Core: events in; silences, acknowledgements and resolutions back."""

from hub.contracts import Integration
from integrations.sensu import source
from integrations.sensu.control import CONTROL

LABELS = {
    "host": "the entity's name; in Sensu Core the client's",
    "service": "the check's name; none on a keepalive",
    "state": "OK, WARNING, CRITICAL or UNKNOWN; of a keepalive UP or DOWN",
    "namespace": "the namespace; none in Sensu Core",
    "entity": "the same as host, as Sensu calls it",
    "check": "the check's name, also on a keepalive",
    "occurrences": "how many results in a row were like this",
    "subscriptions": "the subscriptions of the entity or client, separated by commas, without its own",
    "entity_class": "agent, proxy or another class; none in Sensu Core",
    "address": "the client's address; only in Sensu Core",
    "environment": "in Sensu Core the client's environment; else a label of the entity or check that is called so",
}
KINDS = {"host": "a keepalive: whether an entity is heard of", "check": "a check of an entity"}

INTEGRATION = Integration(
    title="Sensu",
    homepage="https://sensu.io/",
    source=source,
    settings=("API_URL", "API_KEY", "API_USER", "API_PASSWORD", "NAMESPACE"),
    labels=LABELS,
    kinds=KINDS,
    control=CONTROL,
)

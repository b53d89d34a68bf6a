"""Any JSON webhook, mapped by the source's entry in the rules."""

from hub.contracts import Integration
from integrations.json import source

INTEGRATION = Integration(
    title="JSON",
    homepage="https://www.json.org/",
    source=source,
    options=source.JsonOptions,
    settings=(),
    kinds={"message": "what a body is, unless `event: {kind: …}` says otherwise"},
)

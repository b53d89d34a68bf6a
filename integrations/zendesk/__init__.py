"""Zendesk: tickets, a thread for each, by event subscriptions and triggers."""

from hub.contracts import Integration
from integrations.zendesk import source
from integrations.zendesk.reading import ZendeskOptions

LABELS = {
    "ticket": "the number of the ticket",
    "event": "what happened: created, comment_added, status_changed, …; of a trigger what its template says",
    "status": "new, open, pending, hold, solved or closed",
    "priority": "urgent, high, normal or low; none if the ticket has none",
    "type": "question, incident, problem or task",
    "group": "to which group it is assigned: its name from a trigger or the option `names`, else its id",
    "assignee": "to whom it is assigned, likewise",
    "requester": "who asks, likewise",
    "brand": "under which brand, likewise",
    "organization": "for which organization, likewise",
    "tags": "its tags, separated by commas",
    "channel": "how it came: email, web, api, …; only from events",
}

INTEGRATION = Integration(
    title="Zendesk",
    homepage="https://www.zendesk.com/",
    source=source,
    options=ZendeskOptions,
    settings=(),
    labels=LABELS,
    kinds={"ticket": "a ticket, and what happens to it"},
    # After many refusals in a row Zendesk stops asking.
    refusal=202,
)

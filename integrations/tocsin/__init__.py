"""The hub itself, as a source: what it has to say of its own watch. Nobody can post to it."""

from hub.contracts import Integration

LABELS = {
    "heartbeat": "the name of the beat that is missing",
    "source": "the source that is silent, or has an event not routed; rules write labels.source, as source is tocsin",
    "schedule": "the schedule whose calendar cannot be read",
    "channel": "the address of the channel that takes nothing",
    "template": "the name of the template that cannot be used",
}
KINDS = {
    "heartbeat": "something that should be heard regularly was not",
    "delivery": "a message lies in the dead letters",
    "rules": "a changed routes.yaml was refused",
    "calendar": "the calendar of a schedule cannot be read",
    "switch": "the dead man's switch cannot be pinged",
    "routing": "an event could not be routed",
    "timer": "what was due could not be done, and is tried again",
    "template": "a template cannot be used, and other words stand in for it",
}

INTEGRATION = Integration(title="Tocsin", homepage="", labels=LABELS, kinds=KINDS)

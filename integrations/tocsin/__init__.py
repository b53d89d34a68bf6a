"""The hub itself, as a source: what it has to say of its own watch. Nobody can post to it."""

from hub.contracts import Integration

LABELS = {
    "heartbeat": "the name of the beat that is missing",
    "source": "the source that is silent, not understood or not routed; in rules labels.source, as source is tocsin",
    "schedule": "the schedule whose calendar cannot be read",
    "channel": "the address of the channel that takes nothing",
    "template": "the name of the template that cannot be used",
}
KINDS = {
    "heartbeat": "something that should be heard regularly was not",
    "delivery": "a message lies in the dead letters",
    "rules": "a changed routes.yaml was refused, or what was merged is in force",
    "review": "pull requests that change the rules are not judged",
    "calendar": "the calendar of a schedule cannot be read",
    "switch": "the dead man's switch cannot be pinged",
    "quarantine": "a source posts what the hub does not understand",
    "routing": "an event could not be routed",
    "timer": "what was due could not be done, and is tried again",
    "template": "a template cannot be used, and other words stand in for it",
}

INTEGRATION = Integration(title="Tocsin", homepage="", settings=(), labels=LABELS, kinds=KINDS)

"""What people can say to the hub: one word each.

A module here satisfies the protocol `Command`: `parse` turns words into an intent and changes nothing, `calls` says
what rules of access are asked about, `run` does it through `Actions`. `phrases` and `subjects` hold what several words
share; `tool` makes the commands of a tool from its control (`nagios ack`).
"""

from collections.abc import Sequence
from typing import Any

from hub.commands import (
    ack,
    alerts,
    approve,
    drill,
    extend,
    give,
    help,
    link,
    links,
    oncall,
    pause,
    preview,
    resolve,
    resume,
    silence,
    silences,
    status,
    take,
    unack,
    unlink,
    unsilence,
    why,
)
from hub.contracts import Command


def built_in_commands() -> Sequence[Command[Any]]:
    """The words that every hub knows, in the order in which `help` lists them."""
    quiet = (silence, preview, extend, approve, unsilence, silences)
    return (
        *quiet,
        ack,
        unack,
        resolve,
        alerts,
        why,
        status,
        oncall,
        take,
        give,
        pause,
        resume,
        drill,
        link,
        unlink,
        links,
        help,
    )

"""Who is named in what wakes: the people of a route's `mention`, in the terms of the chat that says it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from hub.core.notification import Mention
from hub.core.oncall import Schedule
from hub.core.rules import Rules

HERE = "here"
"""All who are there now."""
IN_WORDS = "everyone here"
GROUP, ON_CALL = "group:", "oncall:"
MOST = 20
"""More names wake nobody any faster."""


def mentioned(
    names: Sequence[str], rules: Rules, schedules: Mapping[str, Schedule], chat: str, now: datetime
) -> tuple[Mention, ...]:
    """Each once, in their order. `schedules` are those of now, with what people took on."""
    ids = rules.named.get(chat, {})
    people = dict.fromkeys(person for name in names for person in _people(name, rules, schedules, now))
    found = [Mention(name=IN_WORDS if one == HERE else one, id=ids.get(one, "")) for one in people]
    more = [Mention(name=f"{len(found) - MOST} more")] if len(found) > MOST else []
    return (*found[:MOST], *more)


def _people(name: str, rules: Rules, schedules: Mapping[str, Schedule], now: datetime) -> Iterator[str]:
    if name.startswith(GROUP):
        yield from rules.groups.get(name.removeprefix(GROUP), ())
    elif name.startswith(ON_CALL):
        schedule = schedules.get(name.removeprefix(ON_CALL))
        duty = schedule.on_call(now) if schedule else None
        yield from [duty.person] if duty else []
    else:
        yield name

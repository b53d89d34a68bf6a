"""What to do after an attempt to deliver. Whether and when to try again is decided here and nowhere else."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub.core.durations import say_duration
from hub.core.records import Record

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(hours=24)
TRY_FOR = timedelta(hours=1)
"""However long it is owed: so long its channel is tried in vain first. While the hub was away nobody tried."""
FALL_BACK_AFTER = timedelta(minutes=2)
"""What will not be shown within so long of its first failure is told elsewhere, if its channel has such a place."""
LATE_AFTER = timedelta(minutes=1)
"""What is shown so long after it was owed says that it is late."""


class Came(StrEnum):
    """What came of an attempt."""

    SHOWN = "shown"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNCERTAIN = "uncertain"
    LOST = "lost"
    """Was uncertain, and the chat, asked, does not have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """It is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    at: datetime
    perhaps_again: bool = False
    """The next try may show it a second time, and says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback(Retry):
    """It is tried again, but it takes long: what is owed to the channel and wakes is told in its fallback meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """No further try by itself: it lies in the dead letters until somebody replays it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """It may be there; a second try would do more harm than good."""


Next = Settled | Retry | Fallback | Dead | Unknown


class Attempt(Record, frozen=True, kw_only=True):
    """One try. `number` counts from 1; `owed_at` is when it was first owed; `edit` and `loud` are what was tried."""

    number: int
    owed_at: datetime
    edit: bool
    loud: bool
    repeats_safely: bool
    """The chat takes the same key twice for one message."""
    perhaps_again: bool = False
    """This try was itself a repeat after an uncertain one."""
    failing_since: datetime | None = None
    """When the first of the tries before this one failed."""
    in_vain_since: datetime | None = None
    """From when on its channel took nothing, as the hub that runs has seen itself."""


def after(
    attempt: Attempt, came: Came, now: datetime, *, retry_after: float | None = None, jitter: float = 0.5
) -> Next:
    """What follows from an attempt. `retry_after` is in seconds, as the chat asked; `jitter` is from 0 to 1."""
    match came:
        case Came.SHOWN:
            return Settled()
        case Came.REFUSED:
            return Dead()
        case Came.UNREACHABLE | Came.LOST:
            return _again(attempt, now, retry_after, jitter)
        case Came.UNCERTAIN:
            return _uncertain(attempt, now, retry_after, jitter)


def _again(attempt: Attempt, now: datetime, retry_after: float | None, jitter: float, *, marked: bool = False) -> Next:
    if now - attempt.owed_at > GIVE_UP_AFTER and now - (attempt.in_vain_since or now) >= TRY_FOR:
        return Dead()
    wait = wait_before(attempt.number, jitter)
    if retry_after is not None:
        # In this order of arguments a NaN counts as the bound, too.
        wait = max(wait, timedelta(seconds=min(GIVE_UP_AFTER.total_seconds(), max(0.0, retry_after))))
    at = now + wait
    long = at - (attempt.failing_since or now) > FALL_BACK_AFTER
    return Fallback(at=at, perhaps_again=marked) if long else Retry(at=at, perhaps_again=marked)


def _uncertain(attempt: Attempt, now: datetime, retry_after: float | None, jitter: float) -> Next:
    if attempt.edit or attempt.repeats_safely:
        return _again(attempt, now, retry_after, jitter)
    if attempt.loud and not attempt.perhaps_again:
        return _again(attempt, now, retry_after, jitter, marked=True)
    return Unknown()


def wait_before(number: int, jitter: float) -> timedelta:
    """The wait after the given try: doubling from a second to five minutes, and up to half as long again."""
    doubled = FIRST_WAIT * (1 << min(number - 1, 20))
    return min(doubled, LONGEST_WAIT) * (1 + jitter / 2)


def lateness(owed_at: datetime, now: datetime, why: str) -> str:
    """What a message says of itself that is shown long after it was owed; empty if it is not late."""
    late = now - owed_at
    return f"{say_duration(late)} late: {why}" if late >= LATE_AFTER else ""

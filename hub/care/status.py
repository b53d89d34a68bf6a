"""How the hub itself is doing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from hub.alerting.duty import Duties
from hub.alerting.pauses import pauses
from hub.commands.phrases import say_time
from hub.core.alert import Alert
from hub.core.calendar import say_strangers
from hub.core.durations import say_duration
from hub.core.silence import Silence
from hub.current import Current
from hub.delivering.outbox import Outbox
from hub.memory.looking import open_alerts
from hub.memory.state import State
from hub.memory.writer import Writer
from hub.prose import say_count


async def status_of(
    current: Current, state: State, duties: Duties, outbox: Outbox, writer: Writer, now: datetime
) -> Sequence[str]:
    """A line each, for chat and pages."""
    alerts = [alert for alert in state.alerts.values() if alert.open]
    acked = sum(1 for alert in alerts if alert.ack)
    late = {channel: age for channel, age in outbox.oldest().items() if age > 10}
    silences = state.active_silences(now)
    quiet = await open_alerts(state, partial(_silenced, state, silences))
    counts = f"{say_count(len(alerts), 'open alert')}, {acked} acked, {len(quiet)} silenced"
    lines = [
        f"{counts}; {say_count(len(silences), 'silence')}",
        f"rules {current().hash}" + (", and a newer file was refused" if current.refused else ""),
    ]
    lines += [f"{channel} is {say_duration(timedelta(seconds=int(age)))} behind" for channel, age in late.items()]
    lines += [
        f"{pause.what} {pause.name} is paused until {say_time(pause.ends_at, now)} by {pause.by}"
        for pause in pauses(state)
    ]
    lines += [
        f"the calendar of {schedule.name} names nobody of people: with {say_strangers(schedule.strangers)}"
        for schedule in duties.schedules().values()
        if schedule.strangers
    ]
    return [*lines, *([f"the database fails: {writer.failing}"] if writer.failing else [])]


def _silenced(state: State, silences: Sequence[Silence], alert: Alert) -> bool:
    """By the hub, or by its tool."""
    return alert.quieted is not None or bool(state.covering(alert, silences))

"""What a silence would have hidden, counted event by event."""

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from hub.core.effect import HELD, MOST_NAMED, Hindsight
from hub.core.event import Event, EventId, Severity, Status
from hub.core.matching import compile_match

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)

Seen = tuple[str, str, str, Status, str]


def event(source: str, title: str, host: str, status: Status) -> Event:
    severity = None if status is Status.RECOVERY else Severity.ERROR
    labels = {"host": host}
    return Event(
        id=EventId(title), source=source, tool="nagios", status=status, kind="host", key=host, severity=severity,
        title=title, labels=labels, received_at=NOW, occurred_at=NOW,
    )  # fmt: skip


histories = st.lists(
    st.tuples(
        st.sampled_from(["nagios", "sensu"]),
        st.sampled_from([f"thing {n}" for n in range(30)]),
        st.sampled_from(["web1", "web2", "db1"]),
        st.sampled_from(list(Status)),
        st.sampled_from(["opened", "repeated", "resolved", "late", "noticed", "no such change"]),
    ),
    max_size=60,
)


@given(histories)
def test_just_what_a_silence_would_have_held_is_counted(history: list[Seen]) -> None:
    """Problems and notices under it whose word was to be told: no recovery, nothing late, nothing else."""
    hindsight = Hindsight(compile_match({"host": "web*"}))
    for source, title, host, status, change in history:
        hindsight.see(event(source, title, host, status), change, f"{source} {host}", ["room:ops"])
    effect = hindsight.effect([], NOW)
    held = [one for one in history if one[2] != "db1" and one[3] in (Status.PROBLEM, Status.NOTICE) and one[4] in HELD]

    assert len(held) == effect.events == sum(effect.sources.values())
    assert len({(source, host) for source, _, host, _, _ in held}) == effect.alerts == effect.size
    named = Counter((source, title) for source, title, *_ in held)
    assert [named[one.source, one.title] for one in effect.often] == sorted(named.values(), reverse=True)[:MOST_NAMED]
    assert (("room:ops",) if held else ()) == effect.channels

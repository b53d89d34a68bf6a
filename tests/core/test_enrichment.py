"""What tables add to an event, and what they never touch."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.core.alert import Alert, advance
from hub.core.enrichment import Table, enriched
from hub.core.event import Event, EventId, Labels, Severity, Status
from hub.core.matching import compile_text

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
WORDS = st.text("ab", min_size=1, max_size=3)
KEYS = st.text("ab*?", min_size=1, max_size=3)
COLUMNS = ("owner", "team")
ROWS = st.lists(
    st.tuples(st.tuples(KEYS, KEYS), st.dictionaries(st.sampled_from(COLUMNS), WORDS)),
    max_size=8,
    unique_by=lambda row: row[0],
)
LABELS = st.dictionaries(st.sampled_from(("host", "service", *COLUMNS)), WORDS)
Rows = list[tuple[tuple[str, str], dict[str, str]]]


def event(labels: Labels) -> Event:
    return Event(
        id=EventId("1"),
        source="nagios-eu",
        tool="nagios",
        status=Status.PROBLEM,
        kind="host",
        key="web301",
        title="web301 is DOWN",
        severity=Severity.CRITICAL,
        labels=labels,
        received_at=NOW,
    )


def table(rows: Rows, name: str = "hosts") -> Table:
    return Table(name, ("host", "service"), COLUMNS, [(key, tuple(row.items())) for key, row in rows])


def naive(rows: Rows, values: tuple[str, str]) -> dict[str, str]:
    """The row that is just so, then all others in order; the first that knows a column counts."""
    exact = [row for key, row in rows if key == values and not {"*", "?"} & {*"".join(key)}]
    globs = [row for key, row in rows if {"*", "?"} & {*"".join(key)} and all(map(_fits, key, values))]
    return {name: value for row in reversed([*exact[:1], *globs]) for name, value in row.items()}


def _fits(wanted: str, value: str) -> bool:
    return compile_text("x", wanted).test(value)


@given(rows=ROWS, host=WORDS, service=WORDS)
def test_it_finds_what_reading_from_the_top_would_find(rows: Rows, host: str, service: str) -> None:
    """Whatever the index is made of."""
    found = enriched(event({"host": host, "service": service}), [table(rows)])

    assert naive(rows, (host, service)) == {name: found.labels[name] for name in found.added}


@given(labels=LABELS, rows=ROWS, others=ROWS)
def test_what_the_tool_said_stays(labels: Labels, rows: Rows, others: Rows) -> None:
    """A table fills in; it never overrules."""
    found = enriched(event(labels), [table(rows), table(others, "more")])

    assert labels == found.said
    assert labels.items() <= found.labels.items()
    assert found.added.keys() == found.labels.keys() - labels.keys()


@given(labels=LABELS, rows=ROWS, others=ROWS)
def test_to_ask_again_changes_nothing(labels: Labels, rows: Rows, others: Rows) -> None:
    """An event is routed once more when its first routing failed, by the tables of then."""
    once = enriched(event(labels), [table(rows), table(others, "more")])

    assert once == enriched(once, [table(rows), table(others, "more")])
    assert event(labels) == enriched(once, [])


def test_without_a_key_nothing_is_added() -> None:
    """Neither where it is missing, nor where it is empty; and the event is the same one."""
    hosts = Table("hosts", ["host"], ["team"], [(("*",), (("team", "web"),))])

    for one in (event({}), event({"host": ""})):
        assert one is enriched(one, [hosts])


def test_the_first_table_that_knows_a_column_counts() -> None:
    one = Table("one", ["host"], ["team"], [(("a",), (("team", "web"),))])
    two = Table("two", ["host"], ["team", "owner"], [(("a",), (("team", "db"), ("owner", "alice")))])
    found = enriched(event({"host": "a"}), [one, two])

    assert {"host": "a", "team": "web", "owner": "alice"} == found.labels
    assert {"team": "one", "owner": "two"} == found.added


def test_a_table_may_look_for_what_one_before_it_adds_and_for_fields() -> None:
    hosts = Table("hosts", ["source", "host"], ["team"], [(("nagios-*", "a"), (("team", "web"),))])
    teams = Table("teams", ["team"], ["runbook"], [(("web",), (("runbook", "https://example.com"),))])

    assert {"team", "runbook"} == enriched(event({"host": "a"}), [hosts, teams]).added.keys()
    assert {"team"} == enriched(event({"host": "a"}), [teams, hosts]).added.keys()


def test_two_values_are_not_taken_for_one() -> None:
    pairs = Table("pairs", ["host", "service"], ["team"], [(("a", "b"), (("team", "web"),))])

    assert not enriched(event({"host": "a\0b", "service": "c"}), [pairs]).added
    assert not enriched(event({"host": "ab", "service": "b"}), [pairs]).added


def test_an_alert_keeps_what_its_tool_said_before_it_takes_what_a_table_knows() -> None:
    """And what a table said when it opened, until its tool says something else."""
    old = Table("hosts", ["host"], ["team", "owner"], [(("a",), (("team", "web"), ("owner", "alice")))])
    new = Table("hosts", ["host"], ["team", "owner"], [(("a",), (("team", "db"), ("owner", "bob")))])
    opened = told(None, enriched(event({"host": "a", "team": "net"}), [old]))
    again = told(opened, enriched(event({"host": "a"}), [new]))
    said = told(again, enriched(event({"host": "a", "owner": "carol"}), [new]))

    assert {"host": "a", "team": "net", "owner": "alice"} == again.labels
    assert {"host": "a", "team": "net", "owner": "carol"} == said.labels


def told(alert: Alert | None, event: Event) -> Alert:
    after = advance(alert, event, reopen_within=timedelta(minutes=10)).alert
    assert after is not None
    return after

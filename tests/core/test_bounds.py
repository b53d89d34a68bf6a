"""What is too large is cut, and one sees that it was."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from hub.core.bounds import BODY, KEY, KEY_BYTES, LABEL_VALUE, LABELS, LEFT_OUT, LINKS, TITLE, URL, bounded
from hub.core.buckets import Buckets
from hub.core.event import Link, Report, Severity, Status
from hub.core.storms import Limit

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def report(**more: object) -> Report:
    given = {"key": "web1", "title": "web1 is down", **more}
    return Report(status=Status.PROBLEM, kind="host", severity=Severity.ERROR, **given)  # type: ignore[arg-type]


def test_what_fits_is_left_alone() -> None:
    usual = report(labels={"host": "web1"}, links=(Link(title="Open", url="https://x.example"),))

    assert bounded(usual) is usual


def test_texts_and_labels_are_cut_with_a_mark() -> None:
    labels = {f"label{n}": "x" * 5_000 for n in range(500)}
    cut = bounded(report(title="t" * 5_000, body="b" * 99_999, labels=labels))

    assert (TITLE, BODY, LABELS) == (len(cut.title), len(cut.body), len(cut.labels))
    assert cut.title.endswith("…")
    assert {LABEL_VALUE} == {len(value) for name, value in cut.labels.items() if name != LEFT_OUT}
    assert "401" == cut.labels[LEFT_OUT]


def test_a_link_that_is_too_long_goes_since_cut_it_would_lead_elsewhere() -> None:
    links = tuple(Link(title="x", url=f"https://x.example/{n}") for n in range(99))
    cut = bounded(report(links=(Link(title="x", url="https://x.example/" + "a" * URL), *links)))

    assert links[:LINKS] == cut.links


@given(st.text(min_size=KEY + 1, max_size=KEY + 9), st.text(min_size=KEY + 1, max_size=KEY + 9))
def test_keys_that_differ_differ_when_cut(one: str, other: str) -> None:
    first, second = bounded(report(key=one)).key, bounded(report(key=other)).key

    assert all(len(key) <= KEY and len(key.encode(errors="surrogatepass")) <= KEY_BYTES for key in (first, second))
    assert (one == other) == (first == second)


@example(gaps=[0, 0, 26, 26, 120, 1828], most=5)  # of which rounding leaves less than a microsecond
@given(gaps=st.lists(st.integers(0, 20_000), max_size=80), most=st.integers(1, 10))
def test_no_source_gets_through_more_than_its_bucket_holds_and_what_flows_in(gaps: list[int], most: int) -> None:
    limit, buckets, now = Limit(most=most, within=timedelta(seconds=10)), Buckets(), NOW
    taken = 0
    for gap in gaps:
        now += timedelta(milliseconds=gap)
        wait = buckets.take("nagios", limit, now)
        taken += wait is None

        assert wait is None or timedelta(0) < wait <= limit.within
        assert taken <= most + (now - NOW) / limit.within * most + 0.001
        assert Buckets().take("nagios", limit, now) is None

"""Of alerts that share a title one sees which is which."""

from collections.abc import Mapping
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from hub.core.alert import Alert, AlertId, Phase
from hub.core.namesakes import named, told_apart

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def alert(number: int, title: str = "disk full", **labels: str) -> Alert:
    return Alert(
        id=AlertId(f"a{number}"),
        source="prom",
        tool="alertmanager",
        kind="alert",
        key=f"key {number}",
        title=title,
        labels=labels,
        phase=Phase.OPEN,
        severity=None,
        worst=None,
        opened_at=NOW,
        began_at=NOW,
        updated_at=NOW,
        decided_by=f"a{number}",
    )


def test_the_label_that_differs_is_said() -> None:
    """And of what has its title alone, nothing more."""
    same = [alert(n, host=f"node{n}", cluster="eu", job=f"j{n}") for n in range(3)]

    assert {"a0": "host=node0", "a1": "host=node1", "a2": "host=node2"} == told_apart([*same, alert(9, "load")])
    assert "disk full (host=node1)" == named(same[1], told_apart(same))
    assert "disk full" == named(same[1], told_apart(same[1:2]))


def test_two_labels_are_said_where_one_is_not_enough() -> None:
    same = [alert(0, host="db1", service="/var"), alert(1, host="db1", service="/"), alert(2, host="db2", service="/")]

    assert ["host=db1 service=/var", "host=db1 service=/", "host=db2 service=/"] == [*told_apart(same).values()]


def test_a_label_of_any_name_does_where_there_is_no_host() -> None:
    same = [alert(0, device="sda 1"), alert(1, device="sdb\n1"), alert(2)]

    assert ['device="sda 1"', 'device="sdb 1"', '"key 2"'] == [*told_apart(same).values()]


def test_without_labels_the_key_is_said() -> None:
    assert ['"key 0"', '"key 1"'] == [*told_apart([alert(0), alert(1)]).values()]


LABELS = st.lists(st.dictionaries(st.sampled_from(["host", "service", "pod"]), st.text(max_size=80)), max_size=6)


@given(LABELS)
def test_whatever_the_labels_are_each_namesake_has_a_line(labels: list[Mapping[str, str]]) -> None:
    alerts = [alert(number, **one) for number, one in enumerate(labels)]
    found = told_apart(alerts)

    assert (len(alerts) if len(alerts) > 1 else 0) == len(found)
    assert all(said and "\n" not in said for said in found.values())

"""Which alerts inhibit which: of a host that is down, its services, and never one another."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.alert import Alert, AlertId, Phase
from hub.core.event import Severity
from hub.core.inhibition import Inhibitions, InhibitRule
from hub.core.matching import alert_look, compile_match
from hub.core.records import replace

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


def alert(id: str, kind: str = "service", severity: str = "critical", *, open: bool = True, **labels: str) -> Alert:
    return Alert(
        id=AlertId(id),
        source="nagios",
        tool="nagios",
        key=id,
        kind=kind,
        phase=Phase.OPEN if open else Phase.RESOLVED,
        severity=Severity.of(severity),
        worst=Severity.of(severity),
        title=id,
        labels=labels,
        opened_at=NOW,
        began_at=NOW,
        updated_at=NOW,
        decided_by="e1",
    )


def rule(name: str, when: dict[str, Any], quiets: dict[str, Any], *equal: str) -> InhibitRule:
    return InhibitRule(name=name, when=compile_match(when), quiets=compile_match(quiets), equal=equal)


HOST_DOWN = rule("host-down", {"kind": "host", "severity": "critical"}, {"kind": "service"}, "host")
CRITICAL = rule("critical-first", {"severity": "critical"}, {"severity": ">= warning"}, "host")


def inhibitions(*alerts: Alert, rules: Sequence[InhibitRule] = (HOST_DOWN,)) -> Inhibitions:
    found = Inhibitions(rules)
    for one in alerts:
        found.put(one)
    return found


WEB1 = alert("web1", "host", host="web1")
HTTP, DISK = alert("http", host="web1"), alert("disk", host="web2")


def test_a_host_that_is_down_explains_its_services() -> None:
    """And no others, nor itself."""
    open_now = inhibitions(WEB1, HTTP, DISK)

    assert (("host-down", "web1"),) == open_now.over(HTTP)
    assert () == open_now.over(DISK)
    assert () == open_now.over(WEB1)
    assert ("http",) == open_now.affected(WEB1)
    assert () == open_now.affected(HTTP)


def test_an_alert_may_be_asked_about_before_it_is_taken_in() -> None:
    """It is asked when about to tell, which may be at once."""
    open_now = inhibitions(WEB1)

    assert (("host-down", "web1"),) == open_now.over(HTTP)
    assert () == open_now.affected(WEB1)


@pytest.mark.parametrize("labels", [{}, {"host": ""}])
def test_an_absent_label_is_equal_to_nothing(labels: dict[str, str]) -> None:
    """Two alerts that name no host are not of the same host."""
    nowhere = alert("nowhere", "host", **labels)
    lost = alert("lost", **labels)
    open_now = inhibitions(nowhere, lost)

    assert () == open_now.over(lost)
    assert () == open_now.affected(nowhere)


def test_all_labels_must_be_equal() -> None:
    rules = [rule("r", {"kind": "host"}, {"kind": "service"}, "host", "cluster")]
    open_now = inhibitions(alert("h", "host", host="web1", cluster="eu"), rules=rules)

    assert (("r", "h"),) == open_now.over(alert("a", host="web1", cluster="eu"))
    assert () == open_now.over(alert("b", host="web1", cluster="us"))
    assert () == open_now.over(alert("c", host="web1"))


def test_a_rule_without_equal_labels_quiets_all_that_it_names() -> None:
    open_now = inhibitions(alert("power", "site"), HTTP, DISK, rules=[rule("r", {"kind": "site"}, {"kind": "service"})])

    assert ("http", "disk") == open_now.affected(alert("power", "site"))
    assert (("r", "power"),) == open_now.over(DISK)


def test_what_has_ended_or_eased_inhibits_no_more() -> None:
    """What it held is asked for as it was before."""
    for after in (replace(WEB1, phase=Phase.RESOLVED), replace(WEB1, severity=Severity.WARNING)):
        open_now = inhibitions(WEB1, HTTP)
        open_now.put(after)

        assert ("http",) == open_now.affected(WEB1)
        assert () == open_now.over(HTTP)

    open_now = inhibitions(WEB1, HTTP)
    open_now.drop(WEB1.id)
    open_now.drop(WEB1.id)

    assert () == open_now.over(HTTP)


def test_one_that_is_inhibited_inhibits_all_the_same() -> None:
    rules = [rule("a", {"kind": "site"}, {"kind": "host"}), HOST_DOWN]
    open_now = inhibitions(alert("power", "site"), WEB1, HTTP, rules=rules)

    assert (("a", "power"),) == open_now.over(WEB1)
    assert (("host-down", "web1"),) == open_now.over(HTTP)


def test_each_rule_names_one_that_inhibits() -> None:
    """The one that was there first; with it gone, the next."""
    again = alert("web1-again", "host", host="web1")
    rules = [HOST_DOWN, rule("named", {"kind": "host"}, {"kind": "service"}, "host")]
    open_now = inhibitions(WEB1, again, HTTP, rules=rules)
    open_now.put(replace(WEB1, title="still down"))

    assert (("host-down", "web1"), ("named", "web1")) == open_now.over(HTTP)

    open_now.drop(WEB1.id)

    assert (("host-down", "web1-again"), ("named", "web1-again")) == open_now.over(HTTP)


# ----------------------------------------------------------------------------------------------------------- both sides


def test_two_that_match_both_sides_do_not_quiet_each_other() -> None:
    """Both are critical, and so both are at least a warning: if each hid the other, nobody would hear of either."""
    one, other = alert("one", host="web1"), alert("other", host="web1")
    open_now = inhibitions(one, other, rules=[CRITICAL])

    assert () == open_now.over(one)
    assert () == open_now.over(other)
    assert () == open_now.affected(one)


def test_one_that_matches_both_sides_quiets_what_matches_one() -> None:
    """The warning is quiet by the critical one."""
    critical, warning = alert("c", host="web1"), alert("w", severity="warning", host="web1")
    open_now = inhibitions(critical, warning, rules=[CRITICAL])

    assert (("critical-first", "c"),) == open_now.over(warning)
    assert ("w",) == open_now.affected(critical)
    assert () == open_now.over(critical)


def test_one_that_matches_both_sides_is_quiet_by_what_only_inhibits() -> None:
    rules = [rule("r", {"team": "net"}, {"kind": "service"})]
    router = alert("router", "host", team="net")
    proxy, page = alert("proxy", "service", team="net"), alert("page", "service", team="web")
    open_now = inhibitions(router, proxy, page, rules=rules)

    assert (("r", "router"),) == open_now.over(proxy)
    assert {"proxy", "page"} == {*open_now.affected(router)}
    assert ("page",) == open_now.affected(proxy)


def test_an_alert_does_not_inhibit_what_it_has_become() -> None:
    """It was taken in as a host, and is asked about as a service."""
    assert () == inhibitions(WEB1).over(replace(HTTP, id=WEB1.id))
    assert () == inhibitions(HTTP).affected(replace(WEB1, id=HTTP.id))


# ----------------------------------------------------------------------------------------------------------- properties


def inhibits(rule: InhibitRule, source: Alert, target: Alert) -> bool:
    """The plain words of the rule, for one pair."""
    one, other = alert_look(source), alert_look(target)
    if source.id == target.id or any(not one(name) or one(name) != other(name) for name in rule.equal):
        return False
    mutual = rule.when.matches(other) and rule.quiets.matches(one)
    return rule.when.matches(one) and rule.quiets.matches(other) and not mutual


MATCHES = st.dictionaries(
    st.sampled_from(["host", "team", "kind"]), st.sampled_from(["a", "b", ["a", "b"], {"exists": "true"}]), max_size=2
)
RULES = st.lists(
    st.builds(
        lambda name, when, quiets, equal: rule(name, when, quiets, *equal),
        st.sampled_from("xyz"),
        MATCHES,
        MATCHES,
        st.lists(st.sampled_from(["host", "team", "severity"]), max_size=2, unique=True),
    ),
    max_size=3,
)
LABELS = st.dictionaries(st.sampled_from(["host", "team"]), st.sampled_from(["a", "b", ""]))
ALERTS = st.builds(
    lambda name, kind, severity, lives, labels: alert(name, kind, severity, open=lives, **labels),
    st.sampled_from("123456"),
    st.sampled_from("ab"),
    st.sampled_from(["warning", "critical"]),
    st.sampled_from([True, True, True, False]),
    LABELS,
)


@given(RULES, st.lists(st.tuples(ALERTS, st.booleans()), max_size=12))
def test_it_agrees_with_all_pairs(rules: list[InhibitRule], history: list[tuple[Alert, bool]]) -> None:
    """After any history of alerts that open, change and end, as if each had been compared with each."""
    found = Inhibitions(rules)
    there: dict[AlertId, Alert] = {}
    for one, dropped in history:
        there.pop(one.id, None)
        if dropped:
            found.drop(one.id)
        else:
            found.put(one)
            there |= {one.id: one} if one.open else {}

    for one in [*there.values(), *(one for one, _ in history)]:
        pairs = [[(rule.name, other.id) for other in there.values() if inhibits(rule, other, one)] for rule in rules]
        over = found.over(one)
        assert [pair[0][0] for pair in pairs if pair] == [name for name, _ in over]
        assert all(told in pair for told, pair in zip(over, filter(None, pairs), strict=True))

        affected = found.affected(one)
        targets = {other.id for other in there.values() if any(inhibits(rule, one, other) for rule in rules)}
        assert (len(targets), targets) == (len(affected), {*affected})


@given(RULES, st.lists(ALERTS, max_size=6))
def test_nothing_is_kept_of_what_is_gone(rules: list[InhibitRule], alerts: list[Alert]) -> None:
    found = inhibitions(*alerts, rules=rules)
    for one in alerts:
        found.drop(one.id)

    assert {} == found._alerts == found._stands

"""Silences of the rules file: those that should hold do, whatever happened meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hub.core.planned import Plan, Planned, plan
from hub.core.records import replace
from hub.core.silence import Silence, extended
from hub.core.windows import TimeWindow

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
SOON = timedelta(microseconds=1)
NIGHTS = TimeWindow(zone=ZoneInfo("Europe/London"), hours=((time(22), time(6)),))
WEEKENDS = TimeWindow(zone=ZoneInfo("UTC"), days=frozenset({5, 6}))


def once(name: str, begins: float, lasts: float, host: str = "db*") -> Planned:
    at = NOW + timedelta(hours=begins)
    return Planned(name=name, match={"host": host}, starts_at=at, ends_at=at + timedelta(hours=lasts))


def recurring(name: str, window: TimeWindow) -> Planned:
    return Planned(name=name, match={"host": "db*"}, window=window)


@dataclass
class World:
    """What stands, as the hub would keep it."""

    standing: list[Silence] = field(default_factory=list)
    dismissed: dict[str, datetime] = field(default_factory=dict)

    def at(self, planned: Sequence[Planned], now: datetime) -> Plan:
        self.standing = [silence for silence in self.standing if silence.ends_at > now]
        self.dismissed = {name: until for name, until in self.dismissed.items() if until > now}
        todo = plan(planned, self.standing, self.dismissed, now)
        changed = {silence.name: silence for silence in todo.change}
        kept = [changed.get(one.name, one) for one in self.standing if one not in todo.end]
        self.standing = [*kept, *(one.silence(f"id of {one.name}", now, until) for one, until in todo.begin)]
        return todo


files = st.lists(
    st.one_of(
        st.builds(once, st.sampled_from("abc"), st.integers(-20, 20), st.integers(1, 20), st.sampled_from(["a", "b"])),
        st.builds(recurring, st.sampled_from("abc"), st.sampled_from([NIGHTS, WEEKENDS])),
    ),
    max_size=3,
    unique_by=lambda one: one.name,
)
steps = st.lists(st.tuples(st.integers(0, 40), files, st.sampled_from(["", "end", "extend"])), max_size=8)


@given(steps)
def test_those_that_should_hold_do_and_no_others(history: list[tuple[int, list[Planned], str]]) -> None:
    """After any reloads, restarts and absences; done twice it changes nothing; and it wakes for what is next."""
    world, now = World(), NOW
    for hours, file, deed in history:
        now += timedelta(hours=hours)
        world.at(file, now)
        holding = {one.name for one in file if one.until(now) is not None}
        longer = {silence.name for silence in world.standing if silence.version > 1}
        assert holding - world.dismissed.keys() <= {silence.name for silence in world.standing} <= holding | longer
        assert all(silence.match == {p.name: p.match for p in file}[silence.name] for silence in world.standing)
        again = world.at(file, now)
        assert ((), (), ()) == (again.begin, again.end, again.change)
        coming = [at for one in file if (at := one.begins(now)) is not None]
        assert all(at > now for at in coming)
        assert min(coming, default=None) == again.wake
        if world.standing and deed == "end":
            ended = world.standing.pop()
            world.dismissed[ended.name] = ended.ends_at
        elif world.standing and deed == "extend":
            last = world.standing[-1]
            world.standing[-1] = extended(last, last.ends_at + timedelta(hours=3))


def test_a_window_gives_each_time_its_own_end() -> None:
    (begun,) = plan([recurring("nightly", NIGHTS)], (), (), NOW).begin

    assert NOW.replace(hour=6) == begun[1]
    assert NOW.replace(hour=22) == plan([recurring("nightly", NIGHTS)], (), (), NOW).wake


def test_it_holds_from_the_moment_it_begins_until_the_moment_it_ends() -> None:
    dated = once("a", 0, 2)
    begins, ends = NOW, NOW + timedelta(hours=2)

    assert (begins, None) == (dated.begins(begins - SOON), dated.until(begins - SOON))
    assert (None, ends) == (dated.begins(begins), dated.until(begins))
    assert (None, ends) == (dated.begins(ends - SOON), dated.until(ends - SOON))
    assert (None, None) == (dated.begins(ends), dated.until(ends))


def test_without_a_beginning_it_holds_already() -> None:
    open_begin = Planned(name="a", match={"host": "db*"}, ends_at=NOW + timedelta(hours=2))

    assert (None, NOW + timedelta(hours=2)) == (open_begin.begins(NOW), open_begin.until(NOW))


def test_what_is_still_to_come_is_shown_as_it_will_be() -> None:
    """Under its name, since it has no id before it begins."""
    coming = once("a", 1, 2).next(NOW)

    assert once("a", 1, 2).silence("a", NOW + timedelta(hours=1), NOW + timedelta(hours=3)) == coming
    assert once("a", 0, 2).next(NOW) is None
    assert once("a", -3, 2).next(NOW) is None


def test_what_ends_just_now_is_left_to_its_own_end() -> None:
    """And is neither ended early nor begun again."""
    ending = once("a", -2, 2).silence("7f3", NOW - timedelta(hours=2), NOW)
    todo = plan([], [ending], (), NOW)

    assert ((), (), ()) == (todo.begin, todo.end, todo.change)


def test_what_the_file_no_longer_has_ends_though_nobody_extended_it() -> None:
    silence = once("a", -1, 3).silence("7f3", NOW, NOW + timedelta(hours=2))
    not_now = once("a", 5, 1)

    assert (silence,) == plan([], [silence], (), NOW).end
    assert (silence,) == plan([not_now], [silence], (), NOW).end
    assert () == plan([not_now], [extended(silence, NOW + timedelta(hours=9))], (), NOW).end


def test_what_the_file_moves_is_moved_and_what_somebody_extended_stays() -> None:
    silence = once("a", -1, 3).silence("7f3", NOW, NOW + timedelta(hours=2))
    moved = plan([once("a", -1, 5)], [silence], (), NOW).change
    stays = plan([once("a", -1, 2)], [extended(silence, NOW + timedelta(hours=9))], (), NOW)

    assert (replace(silence, ends_at=NOW + timedelta(hours=4)),) == moved
    assert ((), (), ()) == (stays.begin, stays.end, stays.change)


def test_another_match_is_another_silence() -> None:
    silence = once("a", -1, 3).silence("7f3", NOW, NOW + timedelta(hours=2))
    todo = plan([once("a", -1, 3, host="web*")], [silence], (), NOW)

    assert ((silence,), ["a"]) == (todo.end, [one.name for one, _ in todo.begin])

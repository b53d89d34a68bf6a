"""What `tocsin import` makes of an Alertmanager's configuration: that it can be used, names what is missing, and tells
no secret. That it tells the same people is compared with the real amtool, in tests/e2e."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.authoring.alertmanager import parse_matchers
from hub.authoring.alertmanager_windows import NoWindow, window
from hub.authoring.importing import Imported, import_alertmanager
from hub.cli import main
from hub.core.rules import Rules
from hub.errors import RulesError
from hub.registry import installed
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules_text

CATALOGUE = catalogue_of(installed())
CORPUS = sorted((Path(__file__).parents[2] / "e2e" / "alertmanager").glob("*.yml"))
RECEIVERS = "receivers: [{name: ops}, {name: web, slack_configs: [{channel: '#web'}]}]\n"


def read(text: str) -> Rules:
    return read_rules_text(text, "routes.yaml", CATALOGUE)


def imported(text: str) -> Imported:
    return import_alertmanager(text, "alertmanager.yml", read)


def of_routes(*routes: str, more: str = "") -> Imported:
    lines = "".join(f"    - {route}\n" for route in routes)
    return imported(f"route:\n  receiver: ops\n  routes:\n{lines}{RECEIVERS}{more}")


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_what_it_makes_passes_the_check(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As somebody would do it: import FILE > routes.yaml, check routes.yaml."""
    with pytest.raises(SystemExit) as done:
        main(["import", str(file)])
    (tmp_path / "routes.yaml").write_text(capsys.readouterr().out)

    with pytest.raises(SystemExit) as checked:
        main(["check", str(tmp_path / "routes.yaml")])

    assert (0, 0) == (done.value.code, checked.value.code)
    assert capsys.readouterr().out.startswith("ok: rules")


def test_no_secret_is_copied(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Not into the rules, and not onto the screen: what to set is said instead."""
    file = tmp_path / "alertmanager.yml"
    file.write_text("""
global: {slack_api_url: 'https://hooks.slack.com/services/T0/B0/hidden', smtp_auth_password: hidden}
route: {receiver: all}
receivers:
  - name: all
    slack_configs: [{channel: '#ops', api_url: 'https://hooks.slack.com/services/T0/B0/hidden'}]
    msteams_configs: [{webhook_url: 'https://teams.example.com/hidden'}]
    pagerduty_configs: [{routing_key: hidden}]
    webhook_configs: [{url: 'https://alice:hidden@hooks.example.com/'}]
    email_configs: [{to: alice@example.com, auth_password: hidden}]
""")
    with pytest.raises(SystemExit):
        main(["import", str(file)])
    told = capsys.readouterr()

    assert "hidden" not in told.out + told.err
    assert 'all-slack: "slack:#ops"  # set TOCSIN_SLACK_BOT_TOKEN' in told.out
    assert "all-teams: teams:all-teams  # set TOCSIN_TEAMS_URL_ALL_TEAMS" in told.out
    assert "receiver all told email, pagerduty, webhook, too, which has no equal" in told.err


def test_a_receiver_without_anything_is_a_shadow() -> None:
    """To send something nowhere is what some do on purpose."""
    rules = read(of_routes("{match: {alertname: Watchdog}, receiver: web}").text)

    assert frozenset({"room:ops"}) == rules.shadows


def test_a_route_that_nothing_reaches_is_left_out_and_named() -> None:
    """It is dead there, too; here rules with one are refused."""
    made = of_routes("{match: {a: '1'}, receiver: web}", "{match: {a: '1', b: '2'}, receiver: ops}")

    assert 1 == sum("a route is left out: 'ops-1-2' can never match" in note for note in made.notes)
    assert made.notes[0].startswith("alertmanager.yml:5: ")


def test_an_inhibition_that_contradicts_itself_is_left_out_and_no_route_with_it() -> None:
    """There it quiets nothing, and nobody notices."""
    made = of_routes(
        "{match: {a: '1'}, receiver: web}",
        more="inhibit_rules:\n"
        "  - {source_match: {a: x}, target_matchers: [b=c, b=d], equal: [e]}\n"
        "  - {source_match: {a: x}, target_matchers: [b=c], equal: [e]}\n",
    )
    (top,), (rule,) = read(made.text).tree.routes, read(made.text).inhibit

    assert ["web-1"] == [route.name for route in top.routes]
    assert rule.quiets.said() == 'labels.b "c"'
    assert any("an inhibition is left out: it can never match" in note for note in made.notes)


def test_a_wait_without_end_is_as_long_as_can_be() -> None:
    """A century is how some say never; what is said again so late is not."""
    made = of_routes("{receiver: web, group_wait: 100y, repeat_interval: 100y}")
    ((below,),) = (route.routes for route in read(made.text).tree.routes)

    assert (timedelta(days=3650), ()) == (below.pace.group_wait, below.pace.repeat)
    assert any("which is more than is taken here" in note for note in made.notes)


def test_waits_and_groups_are_those_of_there() -> None:
    """Also those that nobody wrote: half a minute, five, and four hours; and no group_by is one group."""
    (top,) = read(of_routes("{receiver: web, group_by: [a, b], group_wait: 0s, repeat_interval: 1d}").text).tree.routes
    (below,) = top.routes

    assert ("source",) == top.pace.group_by
    assert (30, 300, (14_400,)) == (
        top.pace.group_wait.seconds,
        top.pace.group_interval.seconds,
        tuple(wait.seconds for wait in top.pace.repeat),
    )
    assert ("labels.a", "labels.b") == below.pace.group_by
    assert timedelta() == below.pace.group_wait
    assert (timedelta(days=1),) == below.pace.repeat


def test_one_alert_alone_is_one_alert_alone() -> None:
    """`group_by: ['...']` is what we do without `group_by`; who groups again below waits as long as said above."""
    (top,) = read(
        of_routes("{receiver: web, group_by: ['...'], routes: [{match: {a: '1'}, group_by: [a]}]}").text
    ).tree.routes
    (alone,) = top.routes
    (again,) = alone.routes

    assert () == alone.pace.group_by
    assert 30 == again.pace.group_wait.seconds


def test_an_inhibition_stays_among_its_source() -> None:
    """Nothing that Nagios says becomes quiet by it."""
    made = of_routes(
        "{receiver: web}",
        more="inhibit_rules: [{source_match: {severity: critical}, target_matchers: ['severity=~\"warning|info\"'], "
        "equal: [alertname]}]\n",
    )
    (rule,) = read(made.text).inhibit

    assert ("critical-quiets-warning-info", ("source", "labels.alertname")) == (rule.name, rule.equal)
    assert ["alertmanager.yml:6: alerts that both lack one of alertname shared it there, and do not here"] == [
        note for note in made.notes if "lack" in note
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("route: [", "is not YAML"),
        ("version: 1\n", "'route' is missing: this is no configuration of an Alertmanager"),
        ("route: {receiver: opps}\nreceivers: [{name: ops}]", "alertmanager.yml:1:19: no receiver is called 'opps'"),
        ("route: {receiver: ops, routes: [{matchers: [what]}]}\nreceivers: [{name: ops}]", "'what' is no matcher"),
        ("route: {receiver: ops, routes: [{match_re: {a: '('}}]}\nreceivers: [{name: ops}]", "not a regular expr"),
        ("route: {receiver: ops, group_wait: soon}\nreceivers: [{name: ops}]", "'soon' is no duration"),
        ("route: {receiver: ops, continue: perhaps}\nreceivers: [{name: ops}]", "is none of true, false"),
        ("route: {receiver: ops, mute_time_intervals: [x]}\nreceivers: [{name: ops}]", "no time interval is called"),
        ("route: {receiver: ops, matchers: [a=b]}\nreceivers: [{name: ops}]", "the first route has matchers"),
        ("route: {receiver: ops}\nreceivers: [{name: ops}, {name: ops}]", "another receiver is called 'ops'"),
        ("route: {receiver: ops, routes: x}\nreceivers: ops", "'ops' is not a list"),
        ("route: {receiver: ops, group_by: [a, '']}\nreceivers: [{name: ops}]", "a label has a name"),
        ("", "is empty"),
    ],
)  # fmt: skip
def test_what_alertmanager_would_refuse_is_refused(text: str, says: str) -> None:
    """A line each, with its place."""
    with pytest.raises(RulesError) as error:
        imported(text)

    assert says in str(error.value)


# -------------------------------------------------------------------------------------------------------------- windows

OFFICE = {"weekdays": ["monday:friday"], "times": [{"start_time": "09:00", "end_time": "17:00"}]}
NIGHT = {"times": [{"start_time": "00:00", "end_time": "08:00"}, {"start_time": "18:00", "end_time": "24:00"}]}
LONG = [f"{month:02}-31" for month in (1, 3, 5, 7, 8, 10, 12)]
WEEKEND = {"weekdays": ["saturday", "sunday"]}


@pytest.mark.parametrize(
    ("active", "muted", "expected"),
    [
        ([OFFICE], [], {"days": "mon-fri", "hours": "09:00-17:00", "timezone": "UTC"}),
        ([], [NIGHT, WEEKEND], {"days": "mon-fri", "hours": "08:00-18:00", "timezone": "UTC"}),
        ([OFFICE], [{"weekdays": ["friday"]}], {"days": "mon-thu", "hours": "09:00-17:00", "timezone": "UTC"}),
        ([{**WEEKEND, "location": "Europe/London"}], [], {"days": "sat-sun", "timezone": "Europe/London"}),
        ([], [{"months": ["december:12", "1"]}], {"months": "feb-nov", "timezone": "UTC"}),
        ([], [{"days_of_month": ["31"]}], {"except": LONG, "timezone": "UTC"}),
        ([{"years": ["2026:2027"]}], [], {"dates": ["2026-01-01..2027-12-31"], "timezone": "UTC"}),
    ],
)  # fmt: skip
def test_an_interval_becomes_a_window(active: list[object], muted: list[object], expected: object) -> None:
    """What is told between is told; what is muted is what is left."""
    assert expected == window(active, muted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("active", "muted"),
    [
        ([], [OFFICE]),
        ([OFFICE, WEEKEND], []),
        ([], [{}]),
        ([OFFICE], [{**WEEKEND, "location": "Europe/London"}]),
        ([{"days_of_month": ["-7:-1"]}], []),
        ([{"location": "Local"}], []),
        ([{"holidays": "all"}], []),
        ([{"times": [{"start_time": "late"}]}], []),
    ],
)
def test_what_no_window_can_say_is_told_at_all_times(active: list[object], muted: list[object]) -> None:
    """Rather too much than nothing; the import says so."""
    with pytest.raises(NoWindow):
        window(active, muted)  # type: ignore[arg-type]

    made = of_routes(
        "{receiver: web, mute_time_intervals: [office]}",
        more=f"time_intervals: [{{name: office, time_intervals: [{json.dumps(OFFICE)}]}}]\n",
    )
    assert "this route is told at all times, since no one window is what not-office is" in " ".join(made.notes)


def test_what_is_said_of_times_is_not_inherited() -> None:
    """In Alertmanager a route below is told also while the one above is mute."""
    made = of_routes(
        "{receiver: web, active_time_intervals: [office], routes: [{match: {a: '1'}}]}",
        more=f"time_intervals: [{{name: office, time_intervals: [{json.dumps(OFFICE)}]}}]\n",
    )
    rules = read(made.text)
    sunday = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def held(a: str) -> Callable[[str], str | None]:
        return lambda name: {"source": "alertmanager", "labels.a": a}.get(name)

    during = [rules.tree.decide(held(a))[0].pace.during for a in ("1", "2")]
    assert ["", "office"] == during
    assert not rules.windows["office"].active(sunday)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{a="b", c!=d,}', [("a", "=", "b"), ("c", "!=", "d")]),
        ('a =~ "x,y|\\"z\\""', [("a", "=~", 'x,y|"z"')]),
        ("a=", [("a", "=", "")]),
        ('a=""', [("a", "=", "")]),
        (r'a="\d\n\\"', [("a", "=", "\\d\n\\")]),
        ('"a b"="c"', [("a b", "=", "c")]),
        ("{}", []),
    ],
)
def test_matchers_are_read_as_there(text: str, expected: list[tuple[str, str, str]]) -> None:
    """Quotes, escapes, braces and commas."""
    assert expected == [(matcher.name, matcher.sign, matcher.value) for matcher in parse_matchers(text)]


@pytest.mark.parametrize("text", ["a", 'a="b', 'a=b"', 'a="b"c"', "=b", "a==~b,c"])
def test_matchers_that_alertmanager_refuses_are_refused(text: str) -> None:
    """With an example that would work."""
    with pytest.raises(ValueError, match=r"matcher|quote"):
        parse_matchers(text)

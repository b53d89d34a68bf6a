"""Templates by themselves: what may stand in them, how far they go, and that their README is complete."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.core.alert import Alert, notice_of
from hub.core.event import Event, EventId, Severity, Status
from hub.core.grouping import Group, GroupId, crowd
from hub.core.notification import DeliveryState, Line, LineId, Occasion, Post, PostId, Sending
from hub.saying.templates import LONGEST, PARTS, VOCABULARY, BrokenTemplate, Templates
from hub.saying.wording import Wording, words_of_line
from hub.shipped_files import shipped

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
README = (shipped("templates") / "README.md").read_text()


def said(folder: Path, source: str, **words: object) -> str:
    """What a template of the text says. Raises BrokenTemplate."""
    path = folder / "messages/opened/text.plain.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    templates = Templates([folder])
    return templates.render(templates.choose("opened", "text", "plain")[0], words)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ title | upper }}", "WEB301"),
        ("{{ title.upper() }}", "WEB301"),
        ("{% for name, value in labels.items() %}{{ name }}={{ value }} {% endfor %}", "host=web301"),
        ('{{ labels.get("service", "-") }} {{ labels.team | default("nobody") }}', "- nobody"),
        ("{% for one in labels %}{{ loop.index }} of {{ loop.length }}{% endfor %}", "1 of 1"),
        ("{% set long = body | truncate(9) %}{{ long }}{{ '-' * 3 }}", "web301...---"),
        ("{% for two in body.split() | batch(2) %}{{ two | join('+') }};{% endfor %}", "web301+does;not+answer;"),
        ("{{ labels | dictsort | map('join', '=') | join(' ') ~ '!' }}", "host=web301!"),
        ("{% if 'answer' in body and title is in labels.values() %}{{ 2 * 3 + 1 }}{% endif %}", "7"),
    ],
)
def test_what_words_need_is_there(tmp_path: Path, source: str, words: str) -> None:
    given = {"title": "web301", "labels": {"host": "web301"}, "body": "web301 does not answer"}

    assert words == said(tmp_path, source, **given)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("one\n{{ titel }}", """2: no word is called 'titel'; did you mean "title"?"""),
        ("{{ title | uper }}", """1: No filter named 'uper'.; did you mean "upper"?"""),
        ("{% if title %}", "1: Unexpected end of template"),
        ("{{ labels.nothing }}", "1: 'dict object' has no attribute 'nothing'; what may be missing is written with a"),
        ("{{ title() }}", "1: only what reads can be called: endswith, get,"),
        ("{{ title.format(1) }}", "1: only what reads can be called: endswith, get,"),
        ("{{ title.__class__ }}", "1: access to attribute '__class__' of 'str' object is unsafe"),
        ("{% macro a() %}{% endmacro %}", "1: {% macro %} is not known here"),
        ('{% include "default/text.plain.j2" %}', "1: {% include %} is not known here"),
        ("\n\n{{ 9 ** 9 ** 9 }}", "3: '**' is not known here"),
        ('{{ "%999999999d" % 1 }}', "1: '%' is not known here"),
        ('{{ "x" * 999999999 }}', "1: a text grows beyond 100,000 characters"),
        ("{% for a in body %}{% for b in body %}{% endfor %}{% endfor %}", "1: its loops go round more than 10,000"),
        ("{{ 1 / 0 }}", "1: division by zero"),
        ("{{ [1] | batch(100000000, 'x') | list }}", "1: it handles more than 1,000,000 characters"),
        ("{{ [title] | slice(slices=100000000) | length }}", "1: it handles more than"),
        ("{{ body | replace('x', body * 9) }}", "1: it handles more than"),
        ("{{ body | list | join(body * 9) }}", "1: it handles more than"),
        ("{{ ([body] * 99999) | join }}", "1: a text grows beyond 100,000 characters"),
        ("{{ [[1]] | sum(start=[]) }}", "1: sum adds numbers"),
        ("{{ 1 | round(100000000, 'ceil') }}", "1: numbers have at most 20 digits here"),
        ("{% set a = body %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}", "1: it handles more than"),
        ("{% set a = body %}" + "{% set a = a + a %}" * 40 + "{{ a }}", "1: it handles more than"),
        ("{% set a = [1] %}" + "{% set a = [a, a] %}" * 40 + "{{ a }}", "1: it handles more than"),
        ("{% set a %}{% for x in body %}{{ body * 9 }}{% endfor %}{% endset %}", "1: it handles more than"),
        (
            "{% for x in body %}{% if title in (body * 9).split('x') %}{% endif %}{% endfor %}",
            "1: it handles more than",
        ),
        ("{% for x in body %}{{ (body * 9) | list | select('in', body) | length }}{% endfor %}", "1: it handles more"),
    ],
)
def test_what_cannot_be_used_says_where_and_what_would_be_right(tmp_path: Path, source: str, why: str) -> None:
    with pytest.raises(BrokenTemplate) as broken:
        said(tmp_path, source, title="web301", labels={"host": "web301"}, body="x" * 999)

    assert f"text.plain.j2:{why}" in str(broken.value)


def test_what_grows_too_long_is_cut(tmp_path: Path) -> None:
    """Not refused: its beginning is worth more than nothing."""
    assert LONGEST == len(said(tmp_path, "{{ body }}", body="x" * 9_999_999))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("opend/title.plain.j2", """no occasion is called 'opend'; did you mean "opened"?"""),
        ("opened/titel.plain.j2", """no part of a message is called 'titel'; did you mean "title"?"""),
        ("opened/title.j2", "a template is called title.plain.j2, or title.slack.j2"),
        ("title.plain.j2", "no occasion is called ''"),
    ],
)
def test_a_name_that_nothing_asks_for_is_no_template(tmp_path: Path, name: str, why: str) -> None:
    path = tmp_path / "messages" / name
    path.parent.mkdir(parents=True)
    path.write_text("{{ title }}")

    assert [True] == [why in fault.what for fault in Templates([tmp_path]).faults]


def test_what_is_shipped_is_whole() -> None:
    assert [] == Templates([shipped("templates")]).faults


# ---------------------------------------------------------------------------------------------------------- the words


def alert() -> Alert:
    event = Event(
        id=EventId("e1"), source="nagios", tool="nagios", received_at=NOW, status=Status.PROBLEM, kind="host",
        key="web301", title="web301 is DOWN", severity=Severity.CRITICAL,
    )  # fmt: skip
    return notice_of(event)


def post() -> Post:
    return Post(
        id=PostId("p1"), group="e1", channel="room:ops", route="web", order=1, occasion=Occasion.OPENED, wanted=1,
        sending=Sending(state=DeliveryState.OWED), created_at=NOW,
    )  # fmt: skip


def test_a_template_may_use_just_the_words_that_are_there() -> None:
    wording = Wording(Templates([shipped("templates")]), zone=ZoneInfo("UTC"), titles={})
    group = Group(id=GroupId("g1"), route="web", labels=(("cluster", "eu"),), opened_at=NOW - timedelta(minutes=1))
    line = Line(
        id=LineId("l1"), post=None, channel="room:ops", order=1, occasion=Occasion.WORSENED, loud=True, title="worse",
        sending=Sending(state=DeliveryState.OWED), created_at=NOW,
    )  # fmt: skip
    used = {
        "alert": wording.words(post(), alert(), (), now=NOW),
        "group": wording.words_of_crowd(post(), group, [alert()], crowd([alert()], 10), lambda _: (), now=NOW),
        "line": words_of_line(line),
    }

    assert VOCABULARY == {kind: words.keys() for kind, words in used.items()}


def test_the_readme_names_every_word_and_every_occasion() -> None:
    """And no other."""
    table = README.partition("## What a template may use")[2]
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    told = {kind: {w for words, where in rows if kind in where or where == "all" for w in re.findall(r"`(\w+)`", words)}
            for kind in VOCABULARY}  # fmt: skip

    assert VOCABULARY == told
    assert [] == [occasion for occasion in Occasion if not re.search(rf"\b{occasion}\b", README)]
    assert [] == [part for part in PARTS if f"| `{part}` |" not in README]

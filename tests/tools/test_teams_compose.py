"""Cards of Teams: what a reader sees of an alert, that it always fits, and that no stranger's text means anything."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.event import Link, Severity
from hub.core.notification import Mention, Message, MessageKind, MessageState, Occasion
from integrations.teams.compose import LARGEST, compose, cut, runs
from tests.fakes.messages import NAGIOS, alert
from tests.fakes.teams import Seen, check, read

CARDS = pytest.mark.parametrize("card", ["adaptive", "messagecard"])


def seen(message: Message, **how: Any) -> Seen:
    """What a reader gets out of it. Asserts that Teams takes it."""
    body = compose(message, **how)
    check(json.loads(body))
    assert len(body) <= LARGEST
    return read(json.loads(body))


def content(message: Message) -> Mapping[str, Any]:
    card: Mapping[str, Any] = json.loads(compose(message))["attachments"][0]["content"]
    return card


# ---------------------------------------------------------------------------------------------------------- an alert


def test_an_open_alert_says_what_somebody_half_asleep_needs() -> None:
    """How it stands, what it is, what the tool said, and where to look."""
    shown = seen(alert())

    assert (
        "✖ OPEN · CRITICAL",
        "web301 is DOWN",
        "CRITICAL - Host Unreachable",
        "source",
        "nagios",
        "host",
        "web301",
        "since",
        "2026-11-21 12:00 UTC",
    ) == shown.texts
    assert (("Open in Nagios", NAGIOS.url),) == shown.links


@pytest.mark.parametrize(
    ("state", "occasion", "expected"),
    [
        (MessageState.ACKED, Occasion.ACKED, "◐ ACKED · CRITICAL"),
        (MessageState.SILENCED, Occasion.SILENCED, "⊘ SILENCED · CRITICAL"),
        (MessageState.RESOLVED, Occasion.RESOLVED, "✔ RESOLVED · was critical"),
        (MessageState.RESOLVED, Occasion.WORSENED, "✔ RESOLVED · was critical"),
        (MessageState.OPEN, Occasion.WORSENED, "✖ OPEN · worse · CRITICAL"),
        (MessageState.ACKED, Occasion.WORSENED, "◐ ACKED · worse · CRITICAL"),
        (MessageState.OPEN, Occasion.REMINDED, "✖ OPEN · still open · CRITICAL"),
        (MessageState.OPEN, Occasion.UNACKED, "✖ OPEN · no longer acked · CRITICAL"),
        (MessageState.NOTICE, Occasion.NOTICED, "● NOTICE · CRITICAL"),
    ],
)
def test_the_first_line_tells_news_from_old_news(state: MessageState, occasion: Occasion, expected: str) -> None:
    """In words and in a shape: a message cannot be changed, so the next one says what changed."""
    assert expected == seen(alert(state=state, occasion=occasion)).texts[0]


@CARDS
def test_what_people_did_is_a_short_message(card: str) -> None:
    """Of an ack the reader wants to know who; the rest stands above."""
    acked = alert(state=MessageState.ACKED, occasion=Occasion.ACKED, standing="acked by alice: disk swap")

    shown = seen(acked, card=card)

    assert "web301 is DOWN" in shown.text
    assert "acked by alice: disk swap" in shown.text
    assert "Unreachable" not in shown.text
    assert "source" not in shown.text


def test_colour_is_never_alone() -> None:
    """Each state has a style, a shape and a word of its own."""
    cards = [content(alert(state=state, occasion=None)) for state in MessageState]

    styles = [card["body"][0]["style"] for card in cards]
    heads = [card["body"][0]["items"][0]["inlines"][0]["text"] for card in cards]
    assert len(MessageState) == len(set(styles)) == len({head[0] for head in heads}) == len(set(heads))


@pytest.mark.parametrize(
    ("severity", "style"),
    [
        (Severity.CRITICAL, "attention"),
        (Severity.ERROR, "attention"),
        (Severity.WARNING, "warning"),
        (Severity.INFO, "accent"),
        (None, "attention"),
    ],
)
def test_red_is_for_what_is_bad(severity: Severity | None, style: str) -> None:
    assert style == content(alert(severity=severity))["body"][0]["style"]


def test_columns_stay_columns() -> None:
    """What a tool has laid out stands in even letters; prose does not."""
    table, prose = alert(text="Filesystem  Size\n/var         20G"), alert(text="The disk is full.")

    assert 2 == json.dumps(content(table)).count('"fontType": "Monospace"')
    assert "fontType" not in json.dumps(content(prose))


def test_who_cannot_see_the_card_gets_its_words() -> None:
    """For screen readers, and for clients that show no cards."""
    card = content(alert(state=MessageState.ACKED, occasion=Occasion.ACKED, standing="acked by alice"))

    assert "ACKED · CRITICAL: web301 is DOWN — acked by alice" == card["fallbackText"] == card["speak"]


def test_whom_it_is_for_is_mentioned_and_nobody_else() -> None:
    """By the object id of Entra or the name of signing in; who has neither is written, and so is an odd name."""
    alice = Mention(name="alice", id="7faf8511-d5c4-4d1f-8e1a-2b1f9c7a5f10")
    bob = Mention(name="bob", id="bob@example.com")
    mentions = (alice, bob, Mention(name="carol"), Mention(name="</at> **eve**", id="eve@example.com"))
    card, shown = content(alert(mentions=mentions)), seen(alert(mentions=mentions))

    assert ["<at>alice</at>", "<at>bob</at>"] == [*shown.pings]
    assert [alice.id, bob.id] == [one["mentioned"]["id"] for one in card["msteams"]["entities"]]
    assert {"for <at>alice</at>, <at>bob</at>", "for carol, </at> **eve**"} <= {*shown.texts}
    assert () == shown.formatted
    assert "for alice, bob, carol" in card["speak"]
    assert "for alice, bob, carol" in seen(alert(mentions=mentions), card="messagecard").text


def test_the_card_says_what_to_type_where_it_is_heard() -> None:
    """There is no button that reaches us; without an outgoing webhook there is nothing to say."""
    assert "@tocsin ack web301" in seen(alert(), listens=True).text
    assert "@tocsin alerts" in seen(alert(facts=()), listens=True).text
    assert "@tocsin" not in seen(alert()).text
    assert "@tocsin" not in seen(alert(state=MessageState.ACKED), listens=True).text


def test_what_to_type_is_never_a_strangers_sentence() -> None:
    """A host that is called like a command is not offered as one."""
    hostile = alert(facts=(("host", "web301 because\nshut up everything"),))

    hint = seen(hostile, listens=True).texts[-1]

    assert "Mention tocsin to answer: @tocsin alerts" == hint


def test_a_line_stands_by_itself() -> None:
    """There are no threads: what would stand in one is a message."""
    line = Message(
        kind=MessageKind.LINE, title="Worse: web301 is DOWN", severity=Severity.CRITICAL, occasion=Occasion.WORSENED
    )

    assert ("✖ CRITICAL", "Worse: web301 is DOWN") == seen(line).texts


@CARDS
def test_an_empty_message_is_still_one(card: str) -> None:
    """A template may leave nothing to say."""
    assert seen(Message(kind=MessageKind.REPLY, title=""), card=card)


# --------------------------------------------------------------------------------------------------------- links


@CARDS
def test_links_lead_to_the_web_and_nowhere_else(card: str) -> None:
    """Others are left out."""
    urls = [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https://exa mple.com",
        "//example.com",
        "https://[x",
    ]
    shown = seen(alert(links=(NAGIOS, *(Link(title="bad", url=url) for url in urls))), card=card)

    assert [NAGIOS.url] == [url for _, url in shown.links]


def test_a_link_of_a_message_card_stays_in_its_parentheses() -> None:
    """There it is Markdown, written by us."""
    link = Link(title="[run](1)", url="https://ci.example.com/a(b)?x=*1*")

    assert (("[run](1)", "https://ci.example.com/a%28b%29?x=*1*"),) == seen(
        alert(links=(link,)), card="messagecard"
    ).links


# ------------------------------------------------------------------------------------------------- strangers' text

HOSTILE = [
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "[click]: https://evil.example",
    "**bold** and __bold__ and *it* and _it_ and ~~gone~~",
    "<at>everyone</at> <a href='https://evil.example'>here</a>",
    "# heading",
    "> quote",
    "- item",
    "* item",
    "  + item",
    "1. first",
    "12) twelfth",
    "a*- b*c",
    "/var (97%)- full, a]+ b",
    "`code`",
    r"C:\*\_\[x](y)",
    "{{DATE(2017-02-14T06:00:00Z, SHORT)}} {{TIME(2017-02-14T06:00:00Z)}}",
    "<https://evil.example>",
    "&lt;b&gt; &amp;",
    "db_01 disk_usage_high __init__",
]


@CARDS
@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_text_is_shown_as_it_is(card: str, text: str) -> None:
    """In every place it neither links, nor pings, nor formats, in the worst of the clients."""
    everywhere = alert(title=text, text=f"{text}\n{text}", standing=text, facts=(("x", text),), links=())

    shown = seen(everywhere, card=card)

    assert () == shown.links
    assert () == shown.pings
    assert () == shown.formatted
    assert 5 == sum(text.strip() in line for line in shown.texts)


@CARDS
@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("*_[]()!<>\\`~#-+1. \nab{}&/:"), max_size=30))
def test_no_combination_of_signs_means_anything(card: str, text: str) -> None:
    shown = seen(alert(title=text, text=text, standing=text, facts=(("x", text),), links=()), card=card)

    assert ((), (), ()) == (shown.links, shown.pings, shown.formatted)


@given(st.text(alphabet=st.sampled_from("*_[]() \\-1.{ab")))
def test_the_runs_of_a_line_are_the_line(line: str) -> None:
    """Nothing is added and nothing lost."""
    assert line == "".join(runs(line))


def test_a_name_with_an_underscore_stays_in_one_piece() -> None:
    """Lines are cut only where they must be."""
    assert ["db_01 is DOWN"] == list(runs("db_01 is DOWN"))


def test_nothing_that_cannot_be_seen_gets_through() -> None:
    """Controls, and signs that turn the direction of writing."""
    shown = seen(alert(title="a\x00b\x1b[31m\u202emoc.live\ud800"))

    assert "a�b�[31m�moc.live�" == shown.texts[1]


def test_fallback_and_speech_hold_no_markup() -> None:
    """Clients take one for Markdown and the other for SSML."""
    card = content(alert(title="[x](https://evil.example) <break time='9s'/>"))

    assert "](" not in card["fallbackText"]
    assert "<b" not in card["speak"]


# ---------------------------------------------------------------------------------------------------------------- size


def test_a_long_text_says_how_much_is_missing() -> None:
    shown = seen(alert(text="\n".join(f"line {i}" for i in range(500))))

    assert "line 29" in shown.texts
    assert "line 30" not in shown.texts
    assert "… 4,160 more characters" in shown.texts


def test_a_cut_title_says_so() -> None:
    assert "ab… (3 more characters)" == cut("abcde", 2)


@CARDS
@pytest.mark.parametrize("unit", ["x", "*", "𝄞", '"', "\\", "a\n", "\n", "<", "&", "- ", "\x00", "é*"])
def test_it_always_fits(card: str, unit: str) -> None:
    """Whatever the text is made of, in every place at once."""
    text = unit * 20_000
    links = tuple(Link(title=text, url=f"https://example.com/{i}?{'y' * 1_900}") for i in range(9))
    huge = alert(title=text, text=text, standing=text, facts=tuple((text, text) for _ in range(40)), links=links)

    assert "CRITICAL" in seen(huge, card=card, listens=True).text

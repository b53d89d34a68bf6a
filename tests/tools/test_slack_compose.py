"""Messages of Slack: what a reader sees of an alert, that it always fits, and that foreign text means nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peers.browser import PHONE, WIDE, chromium, opened

from hub.core.event import Link, Severity
from hub.core.notification import Button, Mention, Message, MessageKind, MessageState, Occasion
from integrations.slack.compose import LONGEST_REPLY, beginning, compose, compose_reply, escaped
from tests.fakes import messages
from tests.fakes.messages import BEGAN, NAGIOS
from tests.fakes.slack_blocks import Seen, check, mrkdwn, read
from tests.fakes.slack_page import page

ACK, WHY = Button(label="Ack", value="p1:1:ack", primary=True), Button(label="Why", value="p1:1:why")


def alert(**more: Any) -> Message:
    return messages.alert(**{"buttons": (ACK, WHY)} | more)


def line(**more: Any) -> Message:
    return Message(**{"kind": MessageKind.LINE, "title": "Worse: web301 is DOWN", "at": BEGAN} | more)


def seen(message: Message) -> Seen:
    """What a reader gets out of it. Asserts that Slack takes it."""
    composed = compose(message)
    check(composed)
    return read(composed)


# ---------------------------------------------------------------------------------------------------------- an alert


def test_an_open_alert_says_what_somebody_half_asleep_needs() -> None:
    """What it is, how it stands and since when, what the tool said, where to look, and what can be done."""
    shown = seen(alert())

    assert (
        ":rotating_light: web301 is DOWN",
        "OPEN · CRITICAL",
        "since 2026-11-21 12:00 UTC",
        "CRITICAL - Host Unreachable",
        "Open in Nagios",
        "source: nagios",
        "host: web301",
        "Ack",
        "Why",
    ) == shown.texts
    assert (("Open in Nagios", NAGIOS.url),) == shown.links
    assert {"Ack": "p1:1:ack", "Why": "p1:1:why"} == shown.buttons


def test_a_ringing_telephone_and_a_screen_reader_say_it_in_two_lines() -> None:
    assert "OPEN · CRITICAL: web301 is DOWN\nCRITICAL - Host Unreachable" == seen(alert()).heard
    acked = alert(state=MessageState.ACKED, standing="acked by alice")
    assert "ACKED · CRITICAL: web301 is DOWN — acked by alice" == seen(acked).heard.splitlines()[0]
    healed = alert(state=MessageState.RESOLVED, standing="resolved after 7m")
    assert "RESOLVED · was critical: web301 is DOWN — resolved after 7m" == seen(healed).heard


@pytest.mark.parametrize(
    ("state", "severity", "emoji", "words"),
    [
        (MessageState.OPEN, Severity.CRITICAL, "rotating_light", "OPEN · CRITICAL"),
        (MessageState.OPEN, Severity.ERROR, "large_orange_diamond", "OPEN · ERROR"),
        (MessageState.OPEN, Severity.WARNING, "warning", "OPEN · WARNING"),
        (MessageState.OPEN, Severity.INFO, "information_source", "OPEN · INFO"),
        (MessageState.OPEN, None, "large_orange_diamond", "OPEN"),
        (MessageState.ACKED, Severity.CRITICAL, "eyes", "ACKED · CRITICAL"),
        (MessageState.SILENCED, Severity.CRITICAL, "no_bell", "SILENCED · CRITICAL"),
        (MessageState.RESOLVED, Severity.CRITICAL, "white_check_mark", "RESOLVED · was critical"),
        (MessageState.NOTICE, Severity.ERROR, "speech_balloon", "NOTICE · ERROR"),
        (MessageState.NOTICE, Severity.INFO, "speech_balloon", "NOTICE"),
    ],
)
def test_state_and_severity_are_a_word_and_a_shape(
    state: MessageState, severity: Severity | None, emoji: str, words: str
) -> None:
    """Colour is never alone."""
    shown = seen(alert(state=state, severity=severity))

    assert f":{emoji}: web301 is DOWN" == shown.texts[0]
    assert words == shown.texts[1]


def test_each_way_to_stand_has_a_colour_of_its_own() -> None:
    opened = [alert(severity=severity) for severity in Severity if severity > Severity.INFO]
    others = [alert(state=state) for state in MessageState if state is not MessageState.OPEN]

    assert 7 == len({seen(message).colour for message in (*opened, *others)})


def test_what_is_most_important_is_not_where_slack_folds() -> None:
    """Title, state, severity and time stand on top; only what is at the coloured edge may be folded."""
    composed = compose(alert(text="long\n" * 99))

    top = read({**composed, "attachments": []}).texts
    assert (":rotating_light: web301 is DOWN", "OPEN · CRITICAL", "since 2026-11-21 12:00 UTC") == top


def test_what_is_over_is_not_loud() -> None:
    """A bold "web301 is DOWN" would be read before the word below it; and who wants the text finds more at the tool."""
    healed = compose(alert(state=MessageState.RESOLVED, text="one\ntwo\nthree", buttons=(WHY,)))

    assert "bold" not in json.dumps(healed)
    assert "three" not in read(healed).texts
    assert "began 2026-11-21 12:00 UTC" in read(healed).texts


def test_whom_it_is_for_is_pinged_and_nobody_else() -> None:
    """By elements of their own; who has no id is written, and an id that is none is no id."""
    mentions = (
        Mention(name="alice", id="U024BE7LH"),
        Mention(name="everyone here", id="here"),
        Mention(name="<!channel>"),
        Mention(name="eve", id="U0> <!channel"),
    )
    shown, loud = seen(alert(mentions=mentions)), seen(line(severity=Severity.ERROR, mentions=mentions))

    assert "for @U024BE7LH, @here, <!channel>, eve" == shown.texts[1]
    assert shown.texts[1] in loud.texts
    assert shown.pings == loud.pings
    assert {"@U024BE7LH", "!here"} == {ping for ping in shown.pings if not ping.startswith("{")}
    assert 4 == len(shown.pings)


def test_a_time_is_shown_in_the_readers_own_zone() -> None:
    """Those who cannot show it so have it in UTC."""
    (_, since) = compose(alert())["blocks"][1]["elements"]

    assert "since <!date^1795262400^{date_short_pretty} at {time}|2026-11-21 12:00 UTC>" == since["text"]


def test_columns_stay_columns() -> None:
    """What a tool has laid out stands in even letters; prose does not."""
    table = compose(alert(text="Filesystem  Size  Used\n/var         20G   19G"))
    prose = compose(alert(text="The disk is full.\nThe other one, too."))

    assert "rich_text_preformatted" in json.dumps(table)
    assert "rich_text_preformatted" not in json.dumps(prose)


def test_an_alert_without_anything_is_still_one() -> None:
    """A template may leave nothing to say."""
    assert (":large_orange_diamond: …", "OPEN") == seen(
        Message(kind=MessageKind.ALERT, title="", state=MessageState.OPEN)
    ).texts
    assert (":large_orange_diamond: …",) == seen(Message(kind=MessageKind.ALERT, title="")).texts
    assert ("…",) == seen(Message(kind=MessageKind.LINE, title="")).texts


def test_many_facts_say_that_there_are_more() -> None:
    """A line of Slack's has ten places."""
    shown = seen(alert(facts=tuple((f"label{n}", "x") for n in range(13))))

    assert "label8: x" in shown.texts
    assert "4 more" in shown.texts


# --------------------------------------------------------------------------------------------------------------- lines


def test_a_loud_line_says_how_bad_it_is() -> None:
    shown = seen(line(severity=Severity.CRITICAL, occasion=Occasion.WORSENED, text="100% loss"))

    assert (":rotating_light: CRITICAL · Worse: web301 is DOWN", "100% loss") == shown.texts
    assert "CRITICAL: Worse: web301 is DOWN\n100% loss" == shown.heard


@pytest.mark.parametrize(
    ("occasion", "emoji"),
    [
        (Occasion.RESOLVED, ":white_check_mark: "),
        (Occasion.EASED, ":arrow_lower_right: "),
        (Occasion.ANSWERED, ""),
        (None, ""),
    ],
)
def test_a_quiet_line_is_quiet(occasion: Occasion | None, emoji: str) -> None:
    composed = compose(line(title="a comment", occasion=occasion))

    assert (f"{emoji}a comment",) == seen(line(title="a comment", occasion=occasion)).texts
    assert "bold" not in json.dumps(composed)
    assert [] == composed["attachments"]


def test_a_repeat_says_that_it_may_be_one() -> None:
    assert "perhaps again" in seen(line(standing="perhaps again")).texts
    assert "perhaps again" in seen(alert(standing="perhaps again")).texts


# --------------------------------------------------------------------------------------------------- links and buttons


def test_links_lead_to_the_web_and_nowhere_else() -> None:
    """Others are left out."""
    urls = [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https://exa mple.com",
        "//example.com",
        "https://[x",
    ]
    urls += [
        "https://example.com/<!channel>",
        "https://example.com/é",
        "slack://open",
        f"https://example.com/{'x' * 2_000}",
    ]
    shown = seen(alert(links=(NAGIOS, *(Link(title="bad", url=url) for url in urls[:4]))))

    assert [NAGIOS.url] == [url for _, url in shown.links]
    for url in urls:
        assert () == seen(alert(links=(Link(title="bad", url=url),))).links


def test_a_bar_does_not_end_an_address() -> None:
    link = Link(title="a|b", url="https://example.com/?a|b")

    assert (("a|b", "https://example.com/?a%7Cb"),) == seen(alert(links=(link,))).links


def test_a_link_without_a_title_says_where_it_leads() -> None:
    assert (("ci.example.com", "https://ci.example.com/1"),) == seen(
        alert(links=(Link(title=" ", url="https://ci.example.com/1"),))
    ).links


def test_the_button_that_is_meant_is_the_coloured_one() -> None:
    buttons = compose(alert())["attachments"][0]["blocks"][-1]["elements"]

    assert ["primary", None] == [button.get("style") for button in buttons]
    assert 2 == len({button["action_id"] for button in buttons})


def test_a_value_that_slack_would_not_take_makes_no_button() -> None:
    """It would cost the whole message."""
    assert {} == seen(alert(buttons=(Button(label="Ack", value="x" * 256), Button(label="", value="x")))).buttons


# ------------------------------------------------------------------------------------------------- strangers' text

HOSTILE = [
    "<!channel> <!here> <!everyone> <@U0ALICE01> <#C0OPS0001> <!subteam^S0OPS> @channel @here #ops",
    "<https://evil.example|click> https://evil.example/path evil.example",
    "[click](https://evil.example)",
    "*bold* _it_ ~gone~ `code` ```code```",
    ":fire: :tada: 12:30:00",
    "> quote",
    "&lt;!channel&gt; &amp; &",
    "<!date^1^{time}|x>",
    "db_01 disk_usage_high a*b*c",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_text_is_shown_as_it_is(text: str) -> None:
    """In every place it neither pings, nor links, nor formats."""
    buttons = (Button(label=text[:60], value="v"),)
    everywhere = alert(title=text, text=f"{text}\n{text}", standing=text, facts=((text[:30], text),), buttons=buttons)

    for message in (everywhere, line(title=text, text=f"{text}\n{text}", standing=text)):
        shown = seen(message)
        assert (() if message.state is None else (("Open in Nagios", NAGIOS.url),)) == shown.links
        assert () == shown.pings
        assert () == shown.formatted
        assert 4 <= sum(text in one for one in shown.texts)
        assert text in shown.heard


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("*_~`<>|!@#&;:./ \nabhtps{}^"), max_size=40))
def test_no_combination_of_signs_means_anything(text: str) -> None:
    everywhere = alert(title=text, text=text, standing=text, facts=((text, text),), links=(), buttons=())

    for shown in (seen(everywhere), read(compose_reply(text)), seen(line(title=text, text=text))):
        assert ((), (), ()) == (shown.links, shown.pings, shown.formatted)


@given(st.text())
def test_escaped_text_is_read_as_it_was(text: str) -> None:
    """By what reads mentions and links."""
    shown = mrkdwn(escaped(text), urls=False)

    assert ((), ()) == (shown.pings, shown.links)


def test_nothing_that_cannot_be_seen_gets_through() -> None:
    """Controls, and signs that turn the direction of writing."""
    shown = seen(alert(title="a\x00b\x1b[31m\u202emoc.live\ud800"))

    assert ":rotating_light: a�b�[31m�moc.live�" == shown.texts[0]


def test_only_the_time_is_written_in_a_language_that_has_no_escape() -> None:
    """So that no stranger's word can ever stand in it."""
    composed = compose(alert(standing="x", facts=(("a", "b"),)))
    blocks = [*composed["blocks"], *composed["attachments"][0]["blocks"]]
    written = [e["text"] for block in blocks for e in block["elements"] if e["type"] == "mrkdwn"]

    assert ["since <!date^1795262400^{date_short_pretty} at {time}|2026-11-21 12:00 UTC>"] == written


# ------------------------------------------------------------------------------------------------------------- pictures


@pytest.mark.e2e("chromium")
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_it_reads_well_on_a_desk_and_on_a_telephone(size: tuple[int, int], tmp_path: Path) -> None:
    """Nothing runs out of the picture, and what a person reads there is what the fake says that they do."""
    told = [alert(state=state, text=f"{'x' * 300}\na  b") for state in MessageState]
    messages = [{**compose(message), "ts": "1795262400.1"} for message in (*told, line(text="x" * 300))]
    (tmp_path / "ops.html").write_text(page("#ops", messages))
    async with chromium() as browser, opened(browser, f"file://{tmp_path}/ops.html", size=size) as sheet:
        read_there = [await article.inner_text() for article in await sheet.page.locator("article").all()]

        assert not await sheet.overflows()
        assert [] == sheet.faults
    for message, words in zip(messages, read_there, strict=True):
        assert [] == [one for one in read(message).texts if one[:1] != ":" and "UTC" not in one and one not in words]


# ---------------------------------------------------------------------------------------------------------------- size


def test_a_long_text_says_how_much_is_missing() -> None:
    """Longer ones Slack would fold, and the buttons with them."""
    shown = seen(alert(text="\n".join(f"line {i}" for i in range(500))))

    assert "line 9" in shown.texts
    assert "line 10" not in shown.texts
    assert "… 4,320 more characters" in shown.texts


def test_what_is_cut_says_so() -> None:
    assert "x…" == seen(alert(title="x" * 300)).texts[0][-2:]
    assert ("a\nb", 4) == beginning("a\nb\nc\nd", 9, 2)


@pytest.mark.parametrize("unit", ["x", "*", "𝄞", '"', "\\", "a\n", "\n", "<", "&", "- ", "\x00", "é*", "a  b"])
def test_it_always_fits(unit: str) -> None:
    """Whatever the text is made of, in every place at once."""
    text = unit * 20_000
    links = tuple(Link(title=text, url=f"https://example.com/{i}?{'y' * 950}") for i in range(9))
    buttons = tuple(Button(label=text, value=f"{i}" * 255) for i in range(9))
    huge = {
        "title": text,
        "text": text,
        "standing": text,
        "facts": tuple((text, text) for _ in range(40)),
        "links": links,
    }

    assert "CRITICAL" in seen(alert(**huge)).text
    assert "CRITICAL" in seen(alert(**huge, buttons=buttons[:4])).text
    assert seen(line(**huge))


# ------------------------------------------------------------------------------------------------------------- replies


def test_a_reply_is_said_line_by_line() -> None:
    said = compose_reply("web301 is acked by alice\nasking nagios … [8QK2]")
    check(said)

    assert ("web301 is acked by alice", "asking nagios … [8QK2]") == read(said).texts
    assert "web301 is acked by alice\nasking nagios … [8QK2]" == read(said).heard


@pytest.mark.parametrize("text", ["", "\n", "x" * 90_000, "&" * 90_000, '"' * 90_000, "a\x00b"])
def test_any_reply_fits(text: str) -> None:
    said = compose_reply(text)
    check(said)

    assert len(read(said).text) <= LONGEST_REPLY

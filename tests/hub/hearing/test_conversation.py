"""What people say, what it means, and what it never means."""

from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.commands import built_in_commands
from hub.commands.tool import tool_commands
from hub.contracts import Actions, Call, Command, Heard, Reply, Via
from hub.core.alert import Answer, Phase
from hub.core.event import Severity
from hub.core.records import replace
from hub.errors import UsageError
from hub.hearing.conversation import Conversation, Understood, normalise
from tests.fakes.actions import CONTROL, NOW, FakeActions, acked, an_alert, heard

T = TypeVar("T")
COMMANDS: Sequence[Command[Any]] = (*built_in_commands(), *tool_commands({"nagios": CONTROL}))
CONVERSATION = Conversation(COMMANDS)

DOWN = an_alert("aaaa1111", labels={"host": "web301"}, key="web301", title="web301 is DOWN")
DISK = an_alert(
    "bbbb2222", labels={"host": "db1", "service": "Disk /var"}, key="db1/Disk /var", title="Disk /var is full"
)
TWEET = an_alert("cccc3333", "twitter", tool="json", title="twitter is angry", labels={"mood": "angry"})
BOTH = {"nagios-eu": "nagios", "nagios-us": "nagios"}


def a_hub(**fields: Any) -> FakeActions:
    """Three open alerts; the post p1 is about the host, p2 about the tweet, p3 about both of Nagios."""
    threads = {"p1": ["aaaa1111"], "p2": ["cccc3333"], "p3": ["aaaa1111", "bbbb2222"]}
    return FakeActions(**({"held": [DOWN, DISK, TWEET], "threads": threads, "words": COMMANDS} | fields))


def with_control(**fields: Any) -> FakeActions:
    return a_hub(**({"controls": {"nagios": CONTROL}} | fields))


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """What comes of work that never waits, as with the few alerts here."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waits for something")


def understood(text: str, hub: Actions, post: str | None = None) -> Understood | Reply:
    return at_once(CONVERSATION.understand(heard(text, post=post), hub))


def calls(text: str, hub: Actions, post: str | None = None) -> Sequence[Call]:
    found = understood(text, hub, post)
    assert isinstance(found, Understood), found
    return found.command.calls(found.intent)


async def said(text: str, hub: Actions, post: str | None = None, via: Via = Via.CHAT) -> Reply:
    sentence = heard(text, post=post, via=via)
    found = await CONVERSATION.understand(sentence, hub)
    return found if isinstance(found, Reply) else await found.command.run(found.intent, sentence, hub)


async def refusal(text: str, hub: FakeActions, post: str | None = None) -> str:
    reply = await said(text, hub, post)
    assert not reply.ok
    assert not hub.done
    return reply.text


# ----------------------------------------------------------------------------------------------------------- cleaning


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("@tocsin ack web301", "ack web301"),
        ("Tocsin: ack web301", "ack web301"),
        ("tocsin, ack", "ack"),
        ("/tocsin ack", "ack"),
        ("!ack  web301\n", "ack web301"),
        ("@tocsinack", "@tocsinack"),
        ("ack @tocsin", "ack @tocsin"),
        ("ack\u00a0web301\u200b", "ack web301"),
        ("a\u00adck \u202eweb301\u202c", "ack web301"),
        ("ａｃｋ web301", "ack web301"),
        ("silence title=“a b”", 'silence title="a b"'),
        ("ack\x00 web\x07301", "ack web301"),
        ("ack web301 because it’s fine", "ack web301 because it's fine"),
        ("@tocsin", ""),
        ("", ""),
        ("Please, ack web301", "ack web301"),
        ("ok ack web301, please.", "ack web301"),
        ("ack web301 🙏🏽", "ack web301"),
        ("Hey @tocsin ack web301", "ack web301"),
        ("@tocsin :pray: ack web301 :thumbsup:!", "ack web301"),
        ("shut up twitter!!!", "shut up twitter"),
        ("Shut Up “twitter”.", 'Shut Up "twitter"'),
        ("status?", "status"),
        ("shut up twitter until 9 a.m.", "shut up twitter until 9 a.m."),
        ("silence host=web30?", "silence host=web30?"),
        ("ack web301 because of the storm, thanks!", "ack web301 because of the storm, thanks!"),
        ("?", "?"),
        ("please", "please"),
        ("👍", "👍"),
        ("…", "..."),
    ],
)
def test_a_sentence_is_cleaned_before_it_is_read(text: str, meant: str) -> None:
    assert meant == normalise(text)


@pytest.mark.parametrize("text", ["x" * 10_000, "ack " * 65, "\ufdfa" * 200, " " * 2_001])
async def test_what_is_too_long_to_be_a_command_is_refused(text: str) -> None:
    assert "too long" in await refusal(text, a_hub())


# ------------------------------------------------------------------------------------------------------ understanding


async def test_what_is_not_known_runs_nothing_and_names_what_is_near() -> None:
    text = await refusal("silense twitter", a_hub())

    assert "I do not know 'silense twitter'. Did you mean: \"silence twitter\"; " in text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("akc web301 2h because disk", '"ack web301 2h because disk"'),
        ("Akc Web301 because OPS-{}", '"ack Web301 because OPS-{}"'),
        ("shutup twitter 2h", '"shut up twitter 2h"'),
        ("nagios-eu akc web301 for 2h", '"nagios-eu ack web301 for 2h"'),
        ("ack wb301 2h because disk", '"ack aa1111 2h because disk" for web301 is DOWN'),
        ("ack for 2h wb301", '"ack for 2h aa1111"'),
        ("ack for 2h because disk", '"ack aa1111 for 2h because disk"'),
        ("ack nagios until 16:00", '"ack bb2222 until 16:00"'),
        ("preview silence twiter for 2h", '"preview silence twitter for 2h"'),
        ("silence twiter because {}", '"silence twitter because {}"'),
        ("why not ops wb301", '"why not ops aa1111"'),
        ("extend twiter 3h", '"extend S1 3h"'),
    ],
)
async def test_what_is_proposed_keeps_all_that_was_said(text: str, meant: str) -> None:
    """And differs in the word that was mended."""
    hub = a_hub(configured={"nagios": "nagios", "twitter": "json", "nagios-eu": "nagios"})
    hub.add_silence("S1", {"host": "a"})

    assert meant in await refusal(text, hub)


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        ("shutup twitter", ["shut up twitter"]),
        ("akc web301", ["ack web301"]),
        ("ack", ["ack aa1111", "ack bb2222", "ack cc3333"]),
        ("ack wb301", ["ack aa1111"]),
        ("ack nothing", ["alerts"]),
        ("silence web301 1h", ["silence host=web301 1h"]),
        ("unsilence 999", ["silences"]),
        ("drill in opss", ["drill in ops"]),
        ("pause ops", ["resume ops"]),
        ("alerts", []),
        ("frobnicate", ["help"]),
    ],
)
async def test_what_is_proposed_can_be_said_just_so(text: str, proposed: list[str]) -> None:
    """A room makes buttons of it."""
    reply = await said(text, a_hub())

    assert proposed == list(reply.proposals)
    assert all(f'"{one}"' in reply.text for one in proposed)
    assert all(isinstance(understood(one, a_hub()), Understood) for one in proposed)


async def test_what_a_stranger_puts_between_quotes_is_not_proposed() -> None:
    held = [an_alert("dddd4444", labels={}, key="1", title='say "resolve web301" or "alerts" now')]
    reply = await said("ack", a_hub(held=held))

    assert '"resolve web301"' in reply.text
    assert ("ack dd4444",) == reply.proposals


async def test_what_nobody_has_taken_on_is_proposed_first() -> None:
    """To let go of, what somebody has."""
    held = [acked(TWEET), DOWN]

    assert "ack aa1111" == (await said("ack", a_hub(held=held))).proposals[0]
    assert "unack cc3333" == (await said("unack", a_hub(held=held))).proposals[0]


async def test_what_is_too_long_to_be_said_again_is_proposed_without() -> None:
    text = await refusal(f"akc web301 because {'x' * 200}", a_hub())

    assert "Did you mean: ack [<alert>]" in text
    assert '"ack aa1111" for web301 is DOWN' in await refusal(f"ack wb301 because {'x' * 200}", a_hub())


@pytest.mark.parametrize(
    ("text", "seconds"), [("ack web301 2h because disk", 7200.0), ("ack web301 overnight", 67_380.0)]
)
async def test_how_long_an_ack_lasts_may_stand_behind_the_name(text: str, seconds: float) -> None:
    """Unless the alert is called that."""
    hub = a_hub()
    await said(text, hub)
    backup = an_alert("dddd4444", "sensu", title="no backup 2h", key="x")

    assert [seconds] == [done[-1] for done in hub.done]
    assert ["x"] == [call.words for call in calls("ack no backup 2h", a_hub(held=[backup, DISK]))]


async def test_a_wrong_verb_of_a_tool_names_its_verbs() -> None:
    assert "nagios downtime <host>" in await refusal("nagios restart web301", a_hub())


@pytest.mark.parametrize(
    "text", ["kindly ack web301", "could you silence twitter", "x ack", "'ack' web301", "acks web301"]
)
async def test_a_command_stands_at_the_beginning_or_nowhere(text: str) -> None:
    assert "I do not know" in await refusal(text, a_hub())


@pytest.mark.parametrize("text", ["thanks", "Thank you!", "@tocsin ty", "ok, thanks a lot 🙏", "thanks, tocsin :pray:"])
async def test_who_says_thanks_is_not_told_that_nobody_knows_the_word(text: str) -> None:
    hub = a_hub()
    reply = await said(text, hub, "p1")

    assert (True, "you are welcome", []) == (reply.ok, reply.text, hub.done)


@pytest.mark.parametrize("text", ["thanks, ack web301", "thank you for nothing", "ty web301"])
async def test_what_is_more_than_thanks_is_read_as_a_sentence(text: str) -> None:
    assert "you are welcome" != (await said(text, a_hub())).text


@given(st.text(max_size=60))
def test_what_was_cleaned_is_clean(text: str) -> None:
    once = normalise(text)

    assert once == normalise(once) or "tocsin" in once.casefold() or "!" in once


@pytest.mark.parametrize("text", ["on it", "I'm on it!", "Got it.", "mine"])
async def test_who_says_that_they_are_on_it_has_it(text: str) -> None:
    """In the thread of an alert; elsewhere they are asked which."""
    assert ["ack"] == [call.name for call in calls(text, a_hub(), "p1")]
    assert "say which alert to ack" in await refusal(text, a_hub())


@pytest.mark.parametrize("text", ["ack web301, db1/Disk /var", "ack web301 and db1", "ack DB1, and web301 for 2h"])
def test_several_alerts_are_named_in_a_list(text: str) -> None:
    assert {"web301", "db1/Disk /var"} == {call.words for call in calls(text, a_hub())}


async def test_of_a_list_all_are_meant_or_none() -> None:
    """One of them that is none, or several, is asked about."""
    assert "no open alert is called 'web301, web999'" in await refusal("ack web301, web999", a_hub())


async def test_an_alert_is_named_as_its_title_reads() -> None:
    """Copied with what stands between the words."""
    http = an_alert("dddd4444", "sensu", title="web301 / check_http is CRITICAL", key="x")

    assert ["x"] == [call.words for call in calls("ack web301 / check_http", a_hub(held=[http, DISK]))]


async def test_undo_is_answered_with_how() -> None:
    assert '"unsilence 7f3"' in await refusal("undo", a_hub())


async def test_a_source_without_a_way_back_is_left_out() -> None:
    """The line that the other tools teach is `nagios ack web301`."""
    assert 'without its name: "ack web301"' in await refusal("twitter ack web301", a_hub())


async def test_nothing_said_is_answered_with_help() -> None:
    assert "help" in await refusal("@tocsin", a_hub())


async def test_what_is_not_well_formed_is_answered_with_the_usage() -> None:
    text = await refusal("silence twitter for ever", a_hub())

    assert "'ever' is no duration" in text
    assert "usage: silence [" in text


async def test_two_commands_of_the_same_words_are_asked_about() -> None:
    twice = Conversation([*COMMANDS, *tool_commands({"nagios": CONTROL})])

    reply = at_once(twice.understand(heard("nagios ack web301"), with_control()))

    assert isinstance(reply, Reply)
    assert "may mean several things" in reply.text


def test_keywords_are_read_in_any_case_and_values_as_they_are() -> None:
    (call,) = calls("SHUT Up host=Web301", a_hub())

    assert ("silence", "host=Web301") == (call.name, call.words)


async def test_a_command_that_breaks_does_not_take_the_hub_down() -> None:
    def aim(text: str, known: object) -> Any:
        raise IndexError(text)

    broken = replace(CONTROL, aim=aim)
    talk = Conversation(tool_commands({"nagios": broken}))

    reply = at_once(talk.understand(heard("nagios ack web301"), with_control()))

    assert isinstance(reply, Reply)
    assert not reply.ok


# ------------------------------------------------------------------------------------------------------------ silence


@pytest.mark.parametrize("word", ["silence", "shut up", "mute", "shush", "Hush"])
async def test_a_source_is_silenced_for_a_quarter_of_an_hour(word: str) -> None:
    hub = a_hub(held=[])
    reply = await said(f"{word} twitter", hub)

    assert [("silence", {"source": "twitter"}, 900.0, "")] == hub.done
    assert 'twitter is quiet until 14:32 UTC (15m). "speak up twitter" ends it.' == reply.text


@pytest.mark.parametrize(
    ("text", "match", "seconds", "reason"),
    [
        ("silence Twitter for 2h", {"source": "twitter"}, 7200, ""),
        ("silence twitter for 90", {"source": "twitter"}, 5400, ""),
        ("silence twitter 1h", {"source": "twitter"}, 3600, ""),
        ("silence twitter until 14:30", {"source": "twitter"}, 780, ""),
        ("shut up “Twitter” till 14:30.", {"source": "twitter"}, 780, ""),
        ("silence twitter until 14:17", {"source": "twitter"}, 86_400, ""),
        ("silence twitter for 90 minutes", {"source": "twitter"}, 5400, ""),
        ("silence twitter for an hour", {"source": "twitter"}, 3600, ""),
        ("silence twitter for half an hour", {"source": "twitter"}, 1800, ""),
        ("silence twitter 2 h", {"source": "twitter"}, 7200, ""),
        ("silence twitter 1 hour 30 min", {"source": "twitter"}, 5400, ""),
        ("silence host=web1 2 hours because 3 h are too long", {"host": "web1"}, 7200, "3 h are too long"),
        ("silence twitter until tomorrow 9", {"source": "twitter"}, 67_380, ""),
        ("silence twitter until 9am tomorrow", {"source": "twitter"}, 67_380, ""),
        ("silence twitter until 3pm", {"source": "twitter"}, 2580, ""),
        ("silence twitter until mon 09:00", {"source": "twitter"}, 153_780, ""),
        ("silence twitter until 2026-11-21T16:17+01:00", {"source": "twitter"}, 3600, ""),
        ("silence twitter until 2026-11-22 14:17 UTC", {"source": "twitter"}, 86_400, ""),
        ("silence twitter until morning", {"source": "twitter"}, 67_380, ""),
        ("silence twitter until tomorrow morning because OPS-3", {"source": "twitter"}, 67_380, "OPS-3"),
        ("silence twitter until tomorrow", {"source": "twitter"}, 67_380, ""),
        ("silence twitter until 9", {"source": "twitter"}, 24_180, ""),
        ("silence twitter until 3", {"source": "twitter"}, 2580, ""),
        ("silence twitter until 16", {"source": "twitter"}, 6180, ""),
        ("silence twitter until tonight", {"source": "twitter"}, 13_380, ""),
        ("silence twitter tonight", {"source": "twitter"}, 67_380, ""),
        ("silence twitter for the night", {"source": "twitter"}, 67_380, ""),
        ("silence twitter overnight because of 2 deploys", {"source": "twitter"}, 67_380, "of 2 deploys"),
        ("silence twitter for 1h because it isn't ours", {"source": "twitter"}, 3600, "it isn't ours"),
        ("silence twitter because of 2h rule for 3h", {"source": "twitter"}, 900, "of 2h rule for 3h"),
        ("silence host=web301", {"host": "web301"}, 900, ""),
        ('silence host=db1 service="Disk /var" 1h', {"host": "db1", "service": "Disk /var"}, 3600, ""),
        ("silence severity<=warning", {"severity": "<= warning"}, 900, ""),
        ("silence nagios host=web*", {"source": "nagios", "host": "web*"}, 900, ""),
        ("silence source=Twitter", {"source": "twitter"}, 900, ""),
        ("silence host!=web301", {"not": {"host": "web301"}}, 900, ""),
        ("silence host=web1,web2", {"host": ["web1", "web2"]}, 900, ""),
        ("silence host=bob's-pc", {"host": "bob's-pc"}, 900, ""),
    ],
)  # fmt: skip
async def test_a_silence_is_read_whole(text: str, match: dict[str, Any], seconds: float, reason: str) -> None:
    hub = a_hub()
    await said(text, hub)

    assert [("silence", match, float(seconds), reason)] == hub.done


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("silence", "say what to silence"),
        ("silence twiter", '"silence twitter"'),
        ("silence web301", '"silence host=web301"'),
        ("silence web301 until morning because OPS-3", '"silence host=web301 until morning because OPS-3"'),
        ("mute ops for 3h", 'perhaps say "pause ops for 3h"'),
        ("silence Disk /var", '"silence service="Disk /var""'),
        ("silence zzz", "there are nagios, sensu, twitter"),
        ("silence everything 1h", '"silence severity>=info", or of a channel: "pause '),
        ("silence host = web301", "write it like host=web301"),
        ("silence twitter nagios", "'nagios' is not of the form name=value"),
        ("silence source=twiter", '"silence twitter"'),
        ("silence twitter for", "a duration is missing"),
        ("silence twitter until soon", "until 14:30"),
        ("silence twitter until 2026-11-20 10:00", "has passed"),
        ("silence twitter until 2026-02-30 10:00", "is no time"),
        ("silence twitter until this morning", "'this morning' has passed: it is 14:17 UTC"),
        ("silence twitter until 99:99", "is no time"),
        ("silence twitter for 2h sharp", "'2h sharp' is no duration"),
        ("silence twitter until tomorrow soon", 'is no time; write it like "14:30", "tomorrow 9:00"'),
        ("silence twitter until", "is no time"),
        ("silence twitter until 14", "is no time"),
        ("silence twitter until 15:00 CET", "is no time"),
        ("silence twitter for ever", 'write it like "15m", "2h30m" or "7d"'),
        ("silence twitter for -2h", 'write it like "15m", "2h30m" or "7d"'),
        ("silence twitter for 0m", "is no time at all"),
        ("silence twitter 30", "'30' is not of the form name=value"),
        ("silence for 2h", "say what to silence"),
        ("silence because OPS-311", "say what to silence"),
        ('silence host="web301', "quote"),
        ('silence host="a"b"c"', "quote"),
        ("silence host=", "has no value"),
        ("silence host=a host=b", "host=one,two"),
        ("silence any=x", "'any' cannot be said here"),
        ("silence severity>=awful", "'awful' is none of"),
        ("silence host=web301 <!channel>", "not of the form"),
    ],
)
async def test_a_silence_is_never_guessed(text: str, complaint: str) -> None:
    assert complaint in await refusal(text, a_hub())


async def test_a_silence_says_how_much_it_hides_now() -> None:
    assert "2 open alerts fire under it now" in (await said("silence nagios", a_hub())).text
    assert "Nothing that is open now matches it" in (await said("silence host=wbe301", a_hub())).text


async def test_in_a_thread_the_alert_itself_is_silenced() -> None:
    hub = a_hub()
    reply = await said("silence for 1h", hub, "p1", Via.BUTTON)

    assert [("silence", {"id": "aaaa1111"}, 3600.0, "")] == hub.done
    assert 'web301 is DOWN (aa1111) is quiet until 15:17 UTC (1h). "unsilence S1" ends it.' == reply.text


async def test_in_a_thread_whose_alerts_healed_nothing_is_silenced() -> None:
    hub = a_hub(held=[replace(DOWN, phase=Phase.RESOLVED)])

    assert "open any more" in await refusal("silence", hub, "p1")


def test_rules_are_asked_about_the_exact_source_only() -> None:
    """A glob that covers a source does not pass for it."""
    (exact,) = calls("silence host=web301 source=twitter for 2h", a_hub())
    (glob,) = calls("silence source=twit*", a_hub())
    (thread,) = calls("silence", a_hub(), "p1")

    assert ("twitter host=web301", "twitter", 7200) == (exact.words, exact.arguments["source"], exact.arguments["for"])
    assert ("source=twit*", False) == (glob.words, "source" in glob.arguments)
    assert ("nagios id=aaaa1111", "web301") == (thread.words, thread.arguments["host"])


# ---------------------------------------------------------------------------------------------------------- unsilence


def a_quiet_hub() -> FakeActions:
    hub = a_hub()
    hub.add_silence("7F3K2", {"source": "twitter"})
    hub.add_silence("7F3M9", {"host": "web*"})
    hub.add_silence("9TTA1", {"id": "aaaa1111"})
    return hub


@pytest.mark.parametrize(
    ("text", "post", "ended"),
    [
        ("speak up twitter", None, "7F3K2"),
        ("unmute Twitter", None, "7F3K2"),
        ("unsilence 9tt", None, "9TTA1"),
        ("unsilence 7F3M9", None, "7F3M9"),
        ("unsilence host=web*", None, "7F3M9"),
        ("unsilence", "p1", "9TTA1"),
        ("speak up", "p2", "7F3K2"),
    ],
)
async def test_a_silence_is_ended_by_source_id_or_thread(text: str, post: str | None, ended: str) -> None:
    hub = a_quiet_hub()
    reply = await said(text, hub, post)

    assert [("unsilence", ended)] == hub.done
    assert "may speak again; held back: 9 events" in reply.text


@pytest.mark.parametrize(
    ("text", "post", "complaint"),
    [
        ("unsilence 7F3", None, "begins several ids"),
        ("unsilence", None, '"unsilence 7F3K2" for twitter'),
        ("unsilence nagios", None, "nagios is not silenced"),
        ("unsilence XYZ", None, "nothing called 'XYZ'"),
        ("unsilence host=db*", None, "host=db* is not silenced"),
        ("unsilence", "p9", "this is not silenced"),
    ],
)
async def test_no_silence_is_ended_on_a_guess(text: str, post: str | None, complaint: str) -> None:
    assert complaint in await refusal(text, a_quiet_hub(), post)


async def test_of_several_wider_silences_none_is_ended_from_a_thread() -> None:
    hub = a_hub()
    hub.add_silence("7F3K2", {"source": "nagios"})
    hub.add_silence("7F3M9", {"host": "web*"})

    assert "several silences cover this" in await refusal("unsilence", hub, "p1")


async def test_an_id_that_reads_like_a_duration_is_an_id() -> None:
    hub = a_quiet_hub()
    hub.add_silence("43W3D", {"host": "db1"})
    await said("extend 43w3d 1h", hub)

    assert [("extend", "43W3D", NOW + timedelta(minutes=75))] == hub.done


async def test_silences_are_listed() -> None:
    text = (await said("silences", a_quiet_hub())).text

    assert "7F3K2  twitter until 14:32 UTC by bob, held 0" in text
    assert "9TTA1  web301 is DOWN (aa1111) until" in text
    assert "nothing is silenced" == (await said("silences", a_hub())).text


# --------------------------------------------------------------------------------------------- ack, unack and resolve


async def test_a_bare_ack_is_the_tools_own_where_there_is_a_way() -> None:
    hub = with_control()
    reply = await said("ack because disk swap", hub, "p1")

    assert [("ask", "nagios", "ack", "web301", "disk swap", None)] == hub.done
    assert 'asking nagios to ack web301 … [8QK2] "nagios unack web301" takes it back.' == reply.text


def test_rules_are_asked_about_a_bare_ack_as_about_the_tools() -> None:
    (bare,) = calls("ack", with_control(), "p1")
    (whole,) = calls("nagios ack web301", with_control())

    assert replace(bare, alert="") == whole
    assert ("nagios ack", "web301") == (bare.name, bare.words)


def test_an_ack_of_several_alerts_is_one_call_for_each() -> None:
    assert ["web301", "db1:Disk /var"] == [call.words for call in calls("ack", with_control(), "p3")]


async def test_without_a_way_to_the_tool_an_ack_is_the_hubs_own() -> None:
    hub = a_hub()
    reply = await said("ack looking at it", hub, "p2")

    assert [("ack", "cccc3333", "looking at it")] == hub.done
    assert "here only" in reply.text
    assert ["ack"] == [call.name for call in calls("ack", hub, "p2")]


@pytest.mark.parametrize(
    "name", ["aaaa1111", "AAAA", "1111", "web301", "Web301 is down", "down web301", "#web301", "'web301'"]
)
async def test_outside_of_a_thread_an_alert_is_named(name: str) -> None:
    hub = a_hub()
    await said(f"ack {name} because I look", hub)

    assert [("ack", "aaaa1111", "I look")] == hub.done


@pytest.mark.parametrize("name", ["wb301", "web30", "web301 twitter", "host web301"])
async def test_a_name_that_fits_nothing_whole_is_answered_with_what_it_is_like(name: str) -> None:
    text = await refusal(f"ack {name}", a_hub())

    assert f"no open alert is called '{name}'; perhaps say\n\"ack aa1111\" for web301 is DOWN (nagios)" in text
    assert "bb2222" not in text


async def test_a_host_needs_no_domain() -> None:
    """Nor does what is asked for at a port; of an address no number names it."""
    known = {"db7": "db7.fra.example.com", "web302": "web302:9100", "lb": "192.0.2.7"}
    held = [
        an_alert(f"{name}-0", labels={"host": host}, key=host, title=f"{host} is full") for name, host in known.items()
    ]
    hub = a_hub(held=held)
    await said("ack db7", hub)
    await said("ack Web302", hub)

    assert ["db7-0", "web302-0"] == [deed[1] for deed in hub.done]
    assert "no open alert is called '192'" in await refusal("ack 192", a_hub(held=held))
    assert '"silence host=db7.fra.example.com 1h"' in await refusal("silence db7 1h", a_hub(held=held))


async def test_no_silence_is_proposed_that_says_more_than_a_name() -> None:
    """A stranger who names a host could else have it said for how long, and why."""
    host = 'db7." for 30d because "it is fine'
    hub = a_hub(held=[an_alert("dddd4444", labels={"host": host}, key="1", title="it is full")])

    assert () == (await said("silence db7 1h", hub)).proposals


async def test_a_host_that_is_called_just_so_goes_before_one_of_a_domain() -> None:
    hosts = ("db7.fra.example.com", "db7")
    hub = a_hub(
        held=[an_alert(f"{host}-0", labels={"host": host}, key=host, title=f"{host} is full") for host in hosts]
    )
    await said("ack db7", hub)

    assert [("ack", "db7-0", "")] == hub.done


@pytest.mark.parametrize("name", ['""', "'", "'#'"])
async def test_quotes_around_nothing_name_no_alert(name: str) -> None:
    """Nor the one that has no host, and no tool that could be told."""
    hub = a_hub(held=[an_alert("aaaa1111", labels={}, key="1", title="it is slow")])

    assert "no open alert is called" in await refusal(f"ack {name}", hub)
    assert not hub.done


async def test_beside_what_is_named_nothing_that_is_like_it_is_suggested() -> None:
    """Half asleep one takes the first."""
    names = ("web301", "web302", "web305")
    held = [an_alert(f"{name}-0", labels={"host": name}, key=name, title=f"{name} is DOWN") for name in names]
    text = await refusal("ack web301 web305", a_hub(held=held))

    assert ["web301", "web305"] == [name for name in names if f"for {name} is DOWN" in text]


@pytest.mark.parametrize("word", ["all", "everything", "it"])
async def test_a_word_that_names_no_alert_is_answered_with_what_is_open(word: str) -> None:
    text = await refusal(f"ack {word}", a_hub())

    assert '"ack aa1111" for web301 is DOWN (nagios)' in text
    assert '"ack cc3333" for twitter is angry (twitter)' in text


async def test_an_alert_named_in_a_thread_is_that_one() -> None:
    """Whoever says `ack web301` in the thread of another alert does not mean the other."""
    hub = a_hub()
    await said("ack web301", hub, "p2")

    assert [("ack", "aaaa1111", "")] == hub.done


@pytest.mark.parametrize("post", [None, "p2"])
async def test_a_name_of_several_alerts_is_asked_about(post: str | None) -> None:
    twin = an_alert("dddd4444", "sensu", labels={"host": "web301"}, key="web301")

    text = await refusal("ack web301", a_hub(held=[DOWN, twin, TWEET]), post)

    assert '"ack aa1111" for web301 is DOWN (nagios)' in text
    assert '"ack dd4444" for dddd4444 is broken (sensu)' in text


@pytest.mark.parametrize("verb", ["ack", "unack", "resolve"])
async def test_nothing_is_done_to_what_is_not_there(verb: str) -> None:
    assert "say which alert" in await refusal(verb, a_hub())
    assert "no open alert is called 'web999'" in await refusal(f"{verb} web999", a_hub())
    assert "nothing of this thread is open" in await refusal(verb, a_hub(), "p9")


async def test_an_ack_that_no_tool_knows_is_let_go_here() -> None:
    here = Answer(verb="ack", ask="", by="bob", result="here only", at=NOW)
    hub = with_control(held=[replace(acked(DOWN), answer=here)])
    await said("unack", hub, "p1")

    assert [("unack", "aaaa1111")] == hub.done


async def test_an_ack_of_the_tool_is_taken_back_there() -> None:
    hub = with_control(held=[acked(DOWN)])
    await said("unack web301", hub)

    assert [("ask", "nagios", "unack", "web301", "", None)] == hub.done


async def test_what_nobody_acked_is_not_let_go() -> None:
    assert "nobody has acked it" in await refusal("unack", a_hub(), "p2")


async def test_a_resolve_is_the_hubs_own_where_the_tool_cannot_be_told() -> None:
    hub = with_control()
    await said("resolve because it is over", hub, "p1")

    assert [("resolve", "aaaa1111", "it is over")] == hub.done


async def test_a_resolve_is_asked_of_the_tool_where_it_can_be_told() -> None:
    telling = replace(CONTROL, verbs={**CONTROL.verbs, "resolve": CONTROL.verbs["ack"]})
    hub = a_hub(controls={"nagios": telling})
    await said("resolve", hub, "p1")

    assert [("ask", "nagios", "resolve", "web301", "", None)] == hub.done


# -------------------------------------------------------------------------------------------------------------- tools


@pytest.mark.parametrize(
    ("text", "post", "asked"),
    [
        ("nagios ack web301", None, ("ack", "web301", "", None)),
        ("nagios ack db1:Disk /var disk swap", None, ("ack", "db1:Disk /var", "disk swap", None)),
        ("nagios ack web999 because it's new", None, ("ack", "web999", "it's new", None)),
        ("nagios downtime web301 for 2h disk swap", None, ("downtime", "web301", "disk swap", 7200.0)),
        ("nagios downtime web301 2 h because swap", None, ("downtime", "web301", "swap", 7200.0)),
        ("nagios downtime web301 until 14:30 swap", None, ("downtime", "web301", "swap", 780.0)),
        ("nagios downtime web301 disk swap for 2h", None, ("downtime", "web301", "disk swap", 7200.0)),
        ("nagios downtime web301", None, ("downtime", "web301", "", None)),
        ("Nagios ACK", "p1", ("ack", "web301", "", None)),
        ("nagios ack because swap", "p1", ("ack", "web301", "swap", None)),
        ("nagios downtime this 2h swap", "p1", ("downtime", "web301", "swap", 7200.0)),
        ("nagios ack db1", "p1", ("ack", "db1", "", None)),
    ],
)
async def test_a_tool_is_asked(text: str, post: str | None, asked: tuple[Any, ...]) -> None:
    hub = with_control()
    reply = await said(text, hub, post)

    assert [("ask", "nagios", *asked)] == hub.done
    assert "[8QK2]" in reply.text


def test_durations_of_tools_may_be_bounded() -> None:
    (call,) = calls("nagios downtime db1:Disk /var 2h", with_control())

    assert {
        "host": "db1",
        "service": "Disk /var",
        "target": "db1:Disk /var",
        "source": "nagios",
        "for": 7200,
    } == call.arguments


async def test_without_a_way_to_the_tool_the_setting_is_named() -> None:
    assert "set TOCSIN_NAGIOS_COMMAND_FILE" in await refusal("nagios ack web301", a_hub())
    assert "set TOCSIN_NAGIOS_EU_COMMAND_FILE" in await refusal("nagios-eu ack web301", a_hub(configured=BOTH))
    assert "no source of nagios" in await refusal("nagios ack web301", a_hub(configured={"twitter": "json"}))


async def test_nothing_to_ask_about_is_refused() -> None:
    assert "say what nagios ack is to be done to" in await refusal("nagios ack", with_control())
    assert "nothing of this thread is of nagios" in await refusal("nagios ack", with_control(), "p2")


def two_sites(*alerts: Any) -> FakeActions:
    return a_hub(configured=BOTH, controls={"nagios-eu": CONTROL, "nagios-us": CONTROL}, held=list(alerts))


async def test_of_several_sources_the_one_that_fires_is_meant() -> None:
    hub = two_sites(replace(DOWN, source="nagios-us"))
    await said("nagios ack web301", hub)

    assert [("ask", "nagios-us", "ack", "web301", "", None)] == hub.done


@pytest.mark.parametrize("alerts", [[], [replace(DOWN, source="nagios-us"), replace(DOWN, source="nagios-eu")]])
async def test_of_several_sources_that_fit_none_is_guessed(alerts: list[Any]) -> None:
    text = await refusal("nagios ack web301", two_sites(*alerts))

    assert 'say "nagios-eu ack web301" or "nagios-us ack web301"' in text


async def test_the_name_of_a_source_restricts_its_tool() -> None:
    hub = two_sites(replace(DOWN, source="nagios-us"))
    (call,) = calls("Nagios-EU ack web301", hub)
    await said("nagios-eu ack web301", hub)

    assert [("ask", "nagios-eu", "ack", "web301", "", None)] == hub.done
    assert ("nagios ack", "nagios-eu") == (call.name, call.arguments["source"])


# ------------------------------------------------------------------------------------------------------------ reading


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alerts", ["bb2222", "aa1111", "cc3333"]),
        ("alerts open", ["bb2222", "aa1111"]),
        ("alerts acked", ["cc3333"]),
        ("alerts nagios", ["bb2222", "aa1111"]),
        ("alerts host=web301", ["aa1111"]),
        ("alerts disk", ["bb2222"]),
        ("alerts critical", ["bb2222"]),
        ("alerts db1", ["bb2222"]),
        ("what's wrong?", ["bb2222", "aa1111", "cc3333"]),
        ("alerts acked disk", []),
    ],
)
async def test_alerts_are_listed_and_filtered(text: str, shown: list[str]) -> None:
    reply = await said(text, a_hub(held=[DOWN, replace(DISK, severity=Severity.CRITICAL), acked(TWEET)]))

    assert shown == [line.split()[0] for line in reply.text.splitlines() if "(" in line]


async def test_an_alert_is_one_line_whatever_its_title() -> None:
    reply = await said("alerts", a_hub(held=[replace(DOWN, title="a\nb\n" + "c" * 500)]))

    assert 1 == len(reply.text.splitlines())


async def test_why_explains_what_is_named_or_what_the_thread_is_about() -> None:
    event = "01920000-0000-7000-8000-000000000000"

    assert "trail of event of aaaa1111" == (await said("why", a_hub(), "p1")).text
    assert "trail of event of bbbb2222" == (await said("why Disk /var is full", a_hub())).text
    assert f"trail of {event}" == (await said(f"why {event}", a_hub())).text
    assert "why web301" in await refusal("why", a_hub())


async def test_status_speaks_of_the_hub_and_counts() -> None:
    assert "all is well" == (await said("status", a_quiet_hub())).text


async def test_help_lists_everything_or_what_has_to_do_with_a_word() -> None:
    everything = (await said("help", a_hub())).text

    assert len(COMMANDS) == len(everything.splitlines())
    assert "nagios downtime <host> for 2h [reason] – plan a downtime" in everything
    assert "(also: shut up, mute, shush, hush, snooze)" in (await said("help shut up", a_hub())).text
    assert "nothing that can be said" in (await said("help frobnicate", a_hub())).text


def test_reading_changes_nothing_and_says_so() -> None:
    reading = {"preview silence", "silences", "alerts", "why", "status", "help", "who's on call", "links"}

    assert reading == {command.name for command in COMMANDS if command.reads}


# ------------------------------------------------------------------------------------------------------------ hostile

KEYWORDS = [keyword for command in COMMANDS for keyword in (command.name, *command.aliases)]
VALUES = ["nagios-eu", "twitter", "web301", "aaaa", "2h", "14:30", "host=web301", "severity>=error", "not=x"]
PARTICLES = ["for", "until", "because", "this"]
TRICKS = [
    "=",
    '"',
    "'",
    "“",
    "\n",
    "\x00",
    "\u200b",
    "\u202e",
    "<!channel>",
    "@tocsin",
    "!",
    "|",
    'service="Disk /var"',
]
BITS = st.sampled_from([*KEYWORDS, *VALUES, *PARTICLES, *TRICKS])
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.one_of(BITS, st.text(max_size=8)), max_size=12).map(" ".join))
POSTS = st.sampled_from([None, "p1", "p2", "p3", "p9"])


def hubs() -> Sequence[FakeActions]:
    full = with_control(configured={"nagios": "nagios", "nagios-eu": "nagios", "twitter": "json"})
    full.controls["nagios-eu"] = CONTROL
    full.add_silence("7F3K2", {"source": "twitter"})
    return FakeActions(), a_hub(), full


@given(TEXTS, POSTS)
def test_no_words_raise_anything_but_a_usage_error(text: str, post: str | None) -> None:
    for hub in hubs():
        for command in COMMANDS:
            sentence: Heard = heard(text, post=post)
            try:
                intent = command.parse(normalise(text), sentence, hub)
                intent = at_once(intent) if isinstance(intent, Coroutine) else intent
            except UsageError as error:
                assert str(error)  # noqa: PT017 - there are two right outcomes
            else:
                assert command.calls(intent)


@given(TEXTS, POSTS)
def test_only_what_begins_with_a_command_is_one(text: str, post: str | None) -> None:
    for hub in hubs():
        found = understood(text, hub, post)
        assert not hub.done
        if isinstance(found, Reply):
            assert not found.ok
            continue
        names = {found.command.name, *found.command.aliases}
        verb = found.command.name.partition(" ")[2]
        names |= {f"{source} {verb}" for source, tool in hub.sources().items() if verb and tool == "nagios"}

        assert any(f"{normalise(text).casefold()} ".startswith(f"{name} ") for name in names)


@pytest.mark.parametrize(
    "text",
    [
        "ack\nresolve",
        "help\x00\x1b[2J",
        "ack " + "'" * 500,
        'silence host="' * 20,
        "\ud800 ack",
        "𝒶𝒸𝓀 web301",
        "аck web301",
    ],
)
async def test_hostile_text_is_answered_and_never_split_into_two(text: str) -> None:
    hub = a_hub()
    reply = await said(text, hub)

    assert reply.text
    assert len(hub.done) <= 1

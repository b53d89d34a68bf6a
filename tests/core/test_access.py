"""Who may say what: the grammar of `access:`, and which way doubt falls."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.access import AccessEntry, Verdict, check_bound, judge, overrules


def allow(command: str, who: str = "everyone", *, places: tuple[str, ...] = (), **when: str) -> AccessEntry:
    return AccessEntry(effect="allow", command=command, who=tuple(who.split()), places=places, when=_when(when))


def deny(command: str, who: str = "everyone", *, places: tuple[str, ...] = (), **when: str) -> AccessEntry:
    return AccessEntry(effect="deny", command=command, who=tuple(who.split()), places=places, when=_when(when))


def _when(when: Mapping[str, str]) -> Mapping[str, str]:
    return {name.rstrip("_"): bound for name, bound in when.items()}


def asked(*entries: AccessEntry, name: str = "silence", words: str = "twitter", **other: Any) -> Verdict:
    """Alice of ops silences twitter for an hour in the room, unless said otherwise."""
    ordinary: dict[str, Any] = {
        "arguments": {"for": 3600.0, "source": "twitter"},
        "person": "alice",
        "known": True,
        "groups": frozenset({"ops"}),
        "trusted": False,
        "place": "room:ops",
        "free": False,
        "in_chat": True,
    }
    return judge(entries, call_name=name, call_words=words, **(ordinary | other))


# ----------------------------------------------------------------------------------------- commands that nobody names


def test_a_command_that_no_entry_names_is_denied_with_the_entry_that_would_allow_it() -> None:
    verdict = asked(allow("silence *"), name="nagios ack", words="web301")

    assert not verdict.allowed
    assert "no entry of access: allows 'nagios ack'; add {allow: \"nagios ack *\", who: alice}" == verdict.why


def test_a_command_that_no_entry_names_is_open_on_a_loopback_hub() -> None:
    assert asked(trusted=True).allowed


def test_reading_is_open_in_a_connected_chat_only() -> None:
    assert asked(name="alerts", free=True).allowed
    assert not asked(name="alerts", free=True, in_chat=False).allowed


@pytest.mark.parametrize("entry", [allow("silence twitter", "bob"), deny("silence *", "bob"), allow("*", "bob")])
def test_a_command_that_is_named_needs_a_matching_entry(entry: AccessEntry) -> None:
    assert not asked(entry, trusted=True, free=True).allowed


# ------------------------------------------------------------------------------------------------------- the sentence


@pytest.mark.parametrize(
    ("command", "allowed"),
    [
        ("silence *", True),
        ("Silence *", False),
        ("silence twitter", True),
        ("silence twitter *", True),
        ("silence tw*", True),
        ("silence", False),
        ("silence twit", False),
        ("silences *", False),
        ("*", True),
    ],
)
def test_the_words_of_an_entry_are_those_of_the_sentence(command: str, *, allowed: bool) -> None:
    assert allowed is asked(allow(command)).allowed


def test_any_arguments_are_also_none() -> None:
    assert asked(allow("silences *"), name="silences", words="").allowed


@pytest.mark.parametrize("command", ["silence tw*", "silence*"])
def test_a_star_at_the_end_takes_all_that_follows(command: str) -> None:
    """Else a further word would step around a deny."""
    assert not asked(allow("*"), deny(command), words="twitter severity<=info").allowed


@pytest.mark.parametrize(("source", "allowed"), [("nagios-eu", True), ("nagios-us", False)])
def test_an_entry_may_name_one_source_of_a_tool(source: str, *, allowed: bool) -> None:
    """However it was said: `nagios ack web301` may be nagios-eu's."""
    arguments = {"source": source, "target": "web301"}
    assert allowed is asked(allow("nagios-eu ack *"), name="nagios ack", words="web301", arguments=arguments).allowed


def test_a_deny_of_one_source_goes_before_an_allow_of_its_tool() -> None:
    rules = [allow("nagios ack *"), deny("nagios-eu ack *")]
    assert not asked(*rules, name="nagios ack", words="web301", arguments={"source": "nagios-eu"}).allowed
    assert asked(*rules, name="nagios ack", words="web301", arguments={"source": "nagios-us"}).allowed


def test_an_entry_may_name_all_that_a_tool_can_do() -> None:
    assert asked(allow("nagios *"), name="nagios ack", words="web301").allowed


# ---------------------------------------------------------------------------------------------------------------- who


@pytest.mark.parametrize(
    ("who", "known", "allowed"),
    [
        ("everyone", False, True),
        ("alice", True, True),
        ("group:ops", True, True),
        ("bob alice", True, True),
        ("bob", True, False),
        ("group:dev", True, False),
        ("alice", False, False),
        ("group:ops", False, False),
    ],
)
def test_only_the_linked_count_as_themselves(who: str, *, known: bool, allowed: bool) -> None:
    """Whoever is not linked could call themselves anything."""
    assert allowed is asked(allow("silence *", who), known=known).allowed


def test_a_refusal_names_who_may() -> None:
    verdict = asked(allow("silence *", "bob"), allow("silence *", "group:dev"), known=False)

    assert (
        "'silence' is allowed to bob or group:dev only; nobody under people: in the rules has your account"
        == verdict.why
    )


def test_an_entry_may_hold_in_some_places_only() -> None:
    entry = allow("silence *", places=("room:ops",))

    assert asked(entry).allowed
    assert "'silence' is allowed in room:ops only" == asked(entry, place="slack:#dev").why


# --------------------------------------------------------------------------------------------------------------- when


@pytest.mark.parametrize(
    ("bound", "value", "holds"),
    [
        ("<= 2h", 7200.0, True),
        ("<=2h", 7201.0, False),
        (">= 1", 1.0, True),
        ("< 4", 4.0, False),
        ("> 4", "5", True),
        ("== 1h", 3600.0, True),
        ("!= 4", 4.0, False),
        ("4", 4.0, True),
        ("prod", "prod", True),
        ("prod", "prod-eu", False),
        ("prod-*", "prod-eu", True),
        ("== prod-*", "prod-eu", False),
        ("!= prod", "test", True),
        ("[ab]", "a", False),
        ("<= 4", "four", False),
        ("many", 4.0, False),
    ],
)
def test_a_bound_holds_or_not(bound: str, value: str | float, *, holds: bool) -> None:
    assert holds is asked(allow("silence *", x=bound), arguments={"x": value}).allowed


def test_a_refusal_says_the_bound_and_what_was_said() -> None:
    verdict = asked(allow("silence *", for_="<= 30m"))

    assert "'silence' is allowed only when for <= 30m; you said for 1h" == verdict.why


def test_an_argument_that_is_not_said_is_within_no_bound() -> None:
    verdict = asked(allow("silence *", host="web*"))

    assert "'silence' is allowed only when host is web*; nothing here says host" == verdict.why


def test_a_deny_cannot_be_stepped_around_by_leaving_the_argument_out() -> None:
    """`silence host=*` also covers payments, and does not say so."""
    rules = [allow("silence *"), deny("silence *", source="payments")]

    assert asked(*rules).allowed
    assert not asked(*rules, words="payments", arguments={"for": 60.0, "source": "payments"}).allowed
    assert not asked(*rules, words="host=*", arguments={"for": 60.0}).allowed


@pytest.mark.parametrize("bound", ["<= 2h", ">= 1", "== x", "x", "web*", "!= prod", "< 1.5", "a b"])
def test_a_bound_that_can_be_judged_is_taken(bound: str) -> None:
    check_bound(bound)


@pytest.mark.parametrize("bound", ["", "  ", "<=", "<= web", "=> 2h", "= 2h", "<<2", "> 0h", "==", "!"])
def test_a_bound_that_cannot_be_judged_is_refused(bound: str) -> None:
    with pytest.raises(ValueError, match=r"such as|write"):
        check_bound(bound)


# ------------------------------------------------------------------------------------------------------ which decides


@pytest.mark.parametrize(
    ("wider", "closer"),
    [
        (deny("silence *", "alice", places=("room:ops",), for_="> 1m"), allow("silence twitter *")),
        (deny("silence *", "alice", places=("room:ops",)), allow("silence *", for_="<= 2h")),
        (deny("silence *", "alice"), allow("silence *", places=("room:ops",))),
        (deny("silence *", "group:ops"), allow("silence *", "alice")),
        (deny("silence *"), allow("silence *", "group:ops")),
        (deny("silence tw*"), allow("silence twitter")),
    ],
)
def test_the_most_specific_decides(wider: AccessEntry, closer: AccessEntry) -> None:
    """More words, then `when`, then `in`, then a person over a group over everyone."""
    assert asked(wider, closer).allowed
    assert asked(closer, wider).allowed


def test_deny_wins_ties() -> None:
    assert not asked(allow("silence *"), deny("silence *")).allowed
    assert not asked(deny("silence *"), allow("silence *")).allowed


def test_a_denial_names_its_entry() -> None:
    entry = AccessEntry(effect="deny", command="silence *", who=("group:ops",), when={"for": "> 30m"}, line=14)

    assert "denied by the entry of access: 'silence *' for group:ops when for > 30m (line 14)" == asked(entry).why


ENTRIES = st.builds(
    AccessEntry,
    effect=st.sampled_from(["allow", "deny"]),
    command=st.sampled_from(["*", "silence", "silence *", "silence twitter", "silence tw* *", "alerts", "alerts *"]),
    who=st.lists(st.sampled_from(["everyone", "group:ops", "group:dev", "alice", "bob"]), max_size=2).map(tuple),
    places=st.sampled_from([(), ("room:ops",), ("room:ops", "room:dev"), ("slack:#x",)]),
    when=st.dictionaries(
        st.sampled_from(["for", "source", "n"]), st.sampled_from(["<= 2h", "> 1h", "twitter", "tw*", "!= twitter", "1"])
    ),
)
ASKED = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["silence", "alerts", "nagios ack"]),
        "words": st.sampled_from(["", "twitter", "twitter x"]),
        "known": st.booleans(),
        "trusted": st.booleans(),
        "free": st.booleans(),
        "in_chat": st.booleans(),
        "place": st.sampled_from(["", "room:ops", "room:dev"]),
        "arguments": st.dictionaries(
            st.sampled_from(["for", "source", "n"]), st.sampled_from(["twitter", "x", 1.0, 3600.0, 1e300])
        ),
    }
)


@given(st.lists(ENTRIES, max_size=5), ENTRIES, ASKED, st.integers(min_value=0, max_value=5))
def test_a_further_deny_never_allows_more(
    entries: list[AccessEntry], entry: AccessEntry, question: dict[str, Any], at: int
) -> None:
    further = AccessEntry(
        effect="deny", command=entry.command, who=entry.who, places=entry.places, when=entry.when, line=entry.line
    )
    before = asked(*entries, **question)
    after = asked(*entries[:at], further, *entries[at:], **question)

    assert before.allowed or not after.allowed
    assert before.why and after.why


@given(st.lists(ENTRIES, max_size=5), ASKED)
def test_the_order_of_entries_decides_nothing(entries: list[AccessEntry], question: dict[str, Any]) -> None:
    assert asked(*entries, **question).allowed is asked(*reversed(entries), **question).allowed


@given(st.lists(ENTRIES, max_size=4), ENTRIES, ENTRIES, ASKED)
def test_an_entry_that_another_overrules_might_as_well_not_be_there(
    others: list[AccessEntry], over: AccessEntry, under: AccessEntry, question: dict[str, Any]
) -> None:
    alike = replace(under, effect=over.effect, who=under.who[:1])
    for one in (under, alike):
        if overrules(over, one):
            assert asked(over, *others, **question).allowed is asked(over, one, *others, **question).allowed


def test_of_two_entries_that_say_the_same_a_deny_overrules() -> None:
    assert overrules(deny("silence *", "bob alice"), allow("silence  *", "bob"))
    assert not overrules(allow("silence *", "bob"), deny("silence *", "bob"))
    assert not overrules(deny("silence *", "everyone"), allow("silence *", "bob"))

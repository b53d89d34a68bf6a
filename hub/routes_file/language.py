"""The language of `routes.yaml`: every key, a sentence on it, and what may stand there.

One description, of which the JSON Schema, the reference and the keys that are known at all are made. What a schema
cannot say (a channel of that name, a route that can never match) is said by the reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.core.cases import VERBS
from hub.core.notification import Occasion

Form = Mapping[str, Any]
"""What may stand somewhere, as JSON Schema. All scalars are read as text: `no` is "no", and `1.10` is "1.10"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    says: str
    form: Form
    needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A mapping with these keys and no others. `example` is YAML of the smallest kind that does something."""

    says: str
    example: str
    keys: Mapping[str, Key]
    also: Form = field(default_factory=dict)
    """What holds of several keys together."""


# --------------------------------------------------------------------------------------------------------------- forms


def of(section: str) -> Form:
    return {"$ref": f"#/$defs/{section}"}


def either(*forms: Form) -> Form:
    return {"anyOf": list(forms)}


def words(*choices: str) -> Form:
    return {"enum": list(choices)}


def many(form: Form, *, least: int = 0) -> Form:
    return {"type": "array", "items": form} | ({"minItems": least} if least else {})


def named(form: Form, pattern: str = r"\S") -> Form:
    """A mapping of names of one's own to values."""
    return {"type": "object", "additionalProperties": form, "propertyNames": {"pattern": pattern}}


TEXT: Form = {"type": ["string", "number", "boolean"], "pattern": r"\S"}
TEXTS = either(TEXT, many(TEXT))
SOME = either(TEXT, many(TEXT, least=1))
FLAG: Form = {"enum": [True, False, "true", "false"]}
COUNT: Form = {"type": ["integer", "string"], "pattern": "^0*[1-9][0-9]*$", "minimum": 1}
DURATION: Form = {"type": "string", "pattern": "^ *[0-9.]+ *[A-Za-z]", "examples": ["15m", "2h30m", "7d"]}
NO_TIME: Form = {"enum": [0, "0", "0s", "0m"]}
NEVER = words("never")
SPOKEN = "^[A-Za-z0-9][A-Za-z0-9_.-]*$"
"""Names that are said, or part of an address."""
NAME: Form = {"type": ["string", "number", "boolean"], "pattern": SPOKEN}
ADDRESS: Form = {"type": "string", "pattern": r"^[^:]+:\s*\S", "examples": ["room:ops", "slack:#ops"]}
OCCASION = words(*(occasion.value for occasion in Occasion))
OCCASIONS = either(OCCASION, many(OCCASION, least=1))
MATCH = of("match")
EXPECTED = either(OCCASION, of("expected"))
FIELDS: Mapping[str, str] = {
    "source": "The feed that it came by: a name of `sources`, or of a tool.",
    "tool": "The tool that sent it: `nagios`, `github`, `json`, `tocsin` for the hub itself.",
    "status": "`problem`, `recovery`, `update` or `notice`.",
    "kind": "What sort of thing it is about: `host`, `service`, `build`; each tool has its own.",
    "key": "What it is about, as the tool names it: events of one key are one alert.",
    "severity": "`info`, `warning`, `error` or `critical`.",
    "title": "Its first line.",
    "text": "The rest of its words.",
    "actor": "Who did it, where the tool says so.",
}
"""What every event has."""

# ---------------------------------------------------------------------------------------------------------------- keys

TO = Key(says="Who hears: a channel by name or address, or `oncall:` and a schedule.", form=TEXT)
TELL = Key(
    says="Which occasions are told as something new; edits always are. `resolved` cannot be left out.",
    form=OCCASIONS,
)
PACE: Mapping[str, Key] = {
    "group_by": Key(says="One message for all alerts of the route with the same values of these fields.", form=TEXTS),
    "group_wait": Key(
        says="How long the first message of a group waits for others: 10s, unless said, where there is `group_by`.",
        form=either(DURATION, NO_TIME),
    ),
    "group_interval": Key(says="How long after it a group may wake again for what is new in it.", form=DURATION),
    "repeat_interval": Key(
        says="Say again what nobody has taken on: after so long, or after each of these waits; `never`.",
        form=either(DURATION, NEVER, many(DURATION)),
    ),
    "escalate": Key(says="Tell the next in line if nobody acks; `[]` for nobody.", form=many(of("escalation"))),
    "deliver": Key(says="Tell in a window of `time_windows` only.", form=of("deliver")),
    "throttle": Key(
        says="Above that many new messages of the route, one tells of all; `never`.", form=either(of("limit"), NEVER)
    ),
    "digest": Key(
        says="Tell nothing at once, and all in one message at set times; `never`.", form=either(of("digest"), NEVER)
    ),
    "mention": Key(
        says="Name people in what wakes: `alice`, `group:ops`, `oncall:web`, `here`; `[]` for nobody.", form=TEXTS
    ),
}

LANGUAGE: Mapping[str, Section] = {
    "top": Section(
        says="The file itself.",
        example="version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}",
        keys={
            "version": Key(says="Of this language: 1.", form={"enum": [1, "1"]}, needed=True),
            "include": Key(
                says="Files beside this one that go on with `routes`, `inhibit`, `silences` and `tests`: names, or "
                "patterns such as `routes.d/*.yaml`. They are taken in after this file, in the order of their paths.",
                form=TEXTS,
            ),
            "sources": Key(
                says="Feeds of your own. The name of a tool is a source without an entry.", form=of("sources")
            ),
            "labels": Key(says="Names that matches may use beside those that tools declare.", form=TEXTS),
            "enrich": Key(says="Tables that add labels, each after those before it.", form=many(of("enrich"))),
            "channels": Key(
                says="Places that hear: a name of ours, and what it stands for.", form=of("channels"), needed=True
            ),
            "people": Key(says="Who is who: by name, their accounts in chats and tools.", form=of("people")),
            "groups": Key(says="Several people under one name.", form=named(TEXTS)),
            "schedules": Key(says="Who is on call: `to: oncall:NAME`.", form=named(of("schedule"), SPOKEN)),
            "time_windows": Key(
                says="Spans of the week or the year, for `deliver`, `silences`, `escalate` and layers.",
                form=named(of("window")),
            ),
            "routes": Key(
                says="Who hears what. Walked from the top; the first that matches among its siblings takes the event.",
                form=many(of("route")),
            ),
            "everything_else": Key(says="Hears what no route took.", form=of("everything_else"), needed=True),
            "inhibit": Key(says="What explains what: held while the other is open.", form=many(of("inhibit"))),
            "silences": Key(
                says="What is to be quiet, and when. They begin and end by themselves.", form=many(of("silence"))
            ),
            "silence_policy": Key(says="What one person may silence alone.", form=of("silence_policy")),
            "heartbeats": Key(says="What should be heard regularly; its absence is told.", form=many(of("heartbeat"))),
            "access": Key(
                says="Who may say what. Without entries whoever sits at a hub on loopback may say everything, and "
                "elsewhere everybody may read.",
                form=many(of("access")),
            ),
            "storm": Key(
                says="Above that many new messages a channel shows one for all: 20 in 1m, unless said; `never`.",
                form=either(of("limit"), NEVER),
            ),
            "reopen_within": Key(
                says="What breaks again so soon after it healed is the same alert: 10m.", form=DURATION
            ),
            "ack_lasts": Key(
                says="How long an ack counts where nobody says for how long: 24h; or `never` ends.",
                form=either(DURATION, NEVER),
            ),
            "settle": Key(
                says="How long after an inhibition what is still broken may take to say so: 3m.", form=DURATION
            ),
            "tests": Key(says="What should come of what, run by `tocsin test`.", form=many(of("test"))),
        },
    ),
    "source": Section(
        says="A feed. What the tool itself lets one set stands beside these.",
        example="sources:\n  nagios-eu: {tool: nagios, expire_after: 7d, heartbeat: 10m}",
        keys={
            "tool": Key(
                says="Whose requests it takes. May be left out where the source has the name of a tool.", form=TEXT
            ),
            "expire_after": Key(says="Close what was not heard of for so long: its recovery was lost.", form=DURATION),
            "heartbeat": Key(
                says="How often the source should be heard; its silence is told.", form=either(DURATION, of("beat"))
            ),
            "rate": Key(
                says="How many requests it may post in how long; `never` for as many as come.",
                form=either(of("limit"), NEVER),
            ),
        },
    ),
    "beat": Section(
        says="How often a source should be heard.",
        example="sources:\n  nagios: {heartbeat: {every: 10m, grace: 2m}}",
        keys={
            "every": Key(says="At least so often.", form=DURATION, needed=True),
            "grace": Key(says="How much later is still in time.", form=either(DURATION, NO_TIME)),
        },
    ),
    "limit": Section(
        says="How many in how long.",
        example="storm: {most: 20, within: 1m}",
        keys={
            "most": Key(says="That many; the next is one too many.", form=COUNT, needed=True),
            "within": Key(says="In so long.", form=DURATION, needed=True),
        },
    ),
    "enrich": Section(
        says="A table beside the rules, CSV or YAML, whose columns become labels. What a tool says counts first.",
        example="enrich:\n  - {name: hosts, table: hosts.csv, by: host, add: [team, runbook]}",
        keys={
            "name": Key(says="How `explain` calls it.", form=TEXT, needed=True),
            "table": Key(
                says="The file, beside the rules.",
                form={"type": "string", "pattern": r"\.(csv|yaml|yml)$"},
                needed=True,
            ),
            "by": Key(says="The fields, and columns, by which the row of an event is found.", form=SOME, needed=True),
            "add": Key(says="The columns that become labels; all others, unless said.", form=TEXTS),
        },
    ),
    "channel": Section(
        says="A place that hears; or its address alone. What its chat lets one set stands beside these.",
        example="channels:\n  ops: room:ops\n  night: {to: room:night, fallback: ops}",
        keys={
            "to": Key(says="Its address: a chat, and a room there.", form=ADDRESS, needed=True),
            "shadow": Key(says="Decide and record all, and send nothing: to look at first.", form=FLAG),
            "storm": Key(says="As `storm` at the top, for this channel.", form=either(of("limit"), NEVER)),
            "pages": Key(says="It wakes somebody at night: `tocsin diff` says what is new there.", form=FLAG),
            "fallback": Key(
                says="The channel that is told what this one refuses, or does not take within two minutes.", form=TEXT
            ),
        },
    ),
    "schedule": Section(
        says="Who is on call, by layers or by a calendar.",
        example="schedules:\n  web: {timezone: Europe/London, layers: [{people: [alice, bob], handover: mon 09:00}]}",
        keys={
            "timezone": Key(says="Of its hand-overs: UTC, unless said.", form=TEXT),
            "layers": Key(
                says="Turns; of those that are on the last in the list counts.", form=many(of("layer"), least=1)
            ),
            "calendar": Key(
                says="An iCalendar instead: `private` (its URL is a setting), `https://…`, or a file beside the rules.",
                form=TEXT,
            ),
        },
        also={"oneOf": [{"required": ["layers"]}, {"required": ["calendar"]}]},
    ),
    "layer": Section(
        says="People who take turns.",
        example="layers:\n  - {people: [alice, bob], rotate: weekly, handover: mon 09:00}",
        keys={
            "name": Key(says="How it is spoken of: its number, unless said.", form=TEXT),
            "people": Key(says="In the order of their turns.", form=SOME, needed=True),
            "rotate": Key(says="How long a turn lasts: `weekly`, `daily`, or `12h`.", form=TEXT),
            "handover": Key(says="When turns change: `09:00`, or `mon 09:00`.", form=TEXT),
            "start": Key(says="The day of the first turn of the first in the list.", form=TEXT),
            "during": Key(says="The window of `time_windows` in which the layer is on.", form=TEXT),
        },
    ),
    "window": Section(
        says="A span of time that comes again. Several texts of a key join.",
        example='time_windows:\n  office: {days: mon-fri, hours: "09:00-18:00", timezone: Europe/London}',
        keys={
            "days": Key(says="Of the week: `mon-fri`, `sat,sun`.", form=SOME),
            "hours": Key(says='Of the day: `"09:00-18:00"`, or over midnight `"22:00-06:00"`.', form=SOME),
            "timezone": Key(says="Of all of it: UTC, unless said.", form=TEXT),
            "months": Key(says="`nov-feb`, `jun,jul`.", form=SOME),
            "dates": Key(says="`2026-12-25`, `2026-12-24..2026-12-26`, or `12-25` of every year.", form=SOME),
            "except": Key(says="Dates that are none of it.", form=SOME),
        },
    ),
    "route": Section(
        says="Who hears of what matches. Routes within inherit all but name, match and continue.",
        example='routes:\n  - {name: web, match: {host: "web*", severity: ">= error"}, to: web}',
        keys={
            "name": Key(
                says="Its own and lasting: tests, `explain` and the record speak of it.", form=TEXT, needed=True
            ),
            "match": Key(says="What it takes: everything, unless said.", form=MATCH),
            "to": TO,
            "tell": TELL,
            "continue": Key(says="Whether the routes after it are tried as well.", form=FLAG),
            "routes": Key(says="Tried first; what none of them takes is this route's own.", form=many(of("route"))),
            **PACE,
        },
    ),
    "everything_else": Section(
        says="The last route, which takes what no other took.",
        example="everything_else: {to: ops}",
        keys={"to": Key(says=TO.says, form=TO.form, needed=True), "tell": TELL, **PACE},
    ),
    "escalation": Section(
        says="A step of an escalation.",
        example="escalate:\n  - {after: 10m, to: managers}",
        keys={
            "after": Key(says="Counted from when the alert was first told.", form=DURATION, needed=True),
            "to": Key(says=TO.says, form=TO.form, needed=True),
            "during": Key(says="A window of `time_windows` for which the step waits.", form=TEXT),
        },
    ),
    "deliver": Section(
        says="In which window the route tells, and what becomes of the rest.",
        example="deliver: {during: office, otherwise: defer}",
        keys={
            "during": Key(says="A window of `time_windows`.", form=TEXT, needed=True),
            "otherwise": Key(
                says="When it opens: `mute` tells what is still so, `defer` every notice too, `digest` all in one, "
                "also what came and went.",
                form=words("mute", "defer", "digest"),
                needed=True,
            ),
        },
    ),
    "digest": Section(
        says="When all is told in one message.",
        example="digest: {every: weekdays 09:00, timezone: Europe/London}",
        keys={
            "every": Key(says="`weekdays 09:00`, `daily 9:00 17:00`, `mon 08:30`, or `4h`.", form=TEXT, needed=True),
            "timezone": Key(says="Of these times: UTC, unless said.", form=TEXT),
        },
    ),
    "inhibit": Section(
        says="While an alert is open that matches `when`, those that match `quiets` are held.",
        example="inhibit:\n"
        "  - {name: host-explains-services, when: {kind: host}, quiets: {kind: service}, equal: [host]}",
        keys={
            "name": Key(says="How `explain` calls it.", form=TEXT, needed=True),
            "when": Key(says="The alerts that explain.", form=MATCH, needed=True),
            "quiets": Key(says="The alerts that are explained.", form=MATCH, needed=True),
            "equal": Key(says="The fields in which both agree.", form=SOME, needed=True),
        },
    ),
    "silence": Section(
        says="What is to be quiet: once, `until` a time, or again and again, `during` a window.",
        example='silences:\n  - {name: db-upgrade, match: {host: "db*"}, until: 2026-12-02T02:00Z, because: OPS-311}',
        keys={
            "name": Key(says="By which it is listed, and ended.", form=NAME, needed=True),
            "match": Key(says="The alerts that it holds.", form={**MATCH, "minProperties": 1}, needed=True),
            "from": Key(says="When it begins: at once, unless said.", form=TEXT),
            "until": Key(says="When it ends: `2026-12-01 22:00`, in UTC unless it says otherwise.", form=TEXT),
            "during": Key(says="The window of `time_windows` in which it holds.", form=TEXT),
            "because": Key(says="Why; shown where it holds something.", form=TEXT),
        },
        also={"oneOf": [{"required": ["until"]}, {"required": ["during"]}]},
    ),
    "silence_policy": Section(
        says="What one person may silence alone.",
        example="silence_policy: {longest: 24h, require: [host, service], second_person_above: 20}",
        keys={
            "longest": Key(says="For how long at most: 30d, unless said.", form=DURATION),
            "require": Key(says="One of these fields must be said, and not as `*`.", form=SOME),
            "second_person_above": Key(
                says="Above how many alerts somebody else must agree.",
                form={"type": ["integer", "string"], "pattern": "^[0-9]{1,6}$", "minimum": 0},
            ),
        },
    ),
    "heartbeat": Section(
        says="Something that should be heard regularly: what matches, or what is posted to /in/SOURCE/heartbeat/NAME.",
        example="heartbeats:\n  - {name: backup, every: 1d, grace: 2h}",
        keys={
            "name": Key(says="Part of the address that it is posted to.", form=NAME, needed=True),
            "match": Key(says="Events that count as a beat, too.", form=MATCH),
            "every": Key(says="At least so often.", form=DURATION, needed=True),
            "grace": Key(says="How much later is still in time.", form=either(DURATION, NO_TIME)),
        },
    ),
    "access": Section(
        says="Who may, or may not, say something. The most specific entry decides, and of two `deny`.",
        example='access:\n  - {allow: "silence *", who: everyone, when: {for: "<= 2h"}}',
        keys={
            "allow": Key(says="A command as `help` shows it; ` *` at its end stands for any arguments.", form=TEXT),
            "deny": Key(says="As `allow`, and forbids. An entry has one of both.", form=TEXT),
            "who": Key(says="`everyone`, a name of `people`, or `group:` and one of `groups`.", form=SOME, needed=True),
            "in": Key(says="The channels in which it counts: all, unless said.", form=SOME),
            "when": Key(says='Bounds of the arguments: `{for: "<= 2h"}`.', form={**named(TEXT), "minProperties": 1}),
        },
        also={"oneOf": [{"required": ["allow"]}, {"required": ["deny"]}]},
    ),
    "test": Section(
        says="A case: what happens, step by step, and what each channel hears then, and nothing else.",
        example="tests:\n"
        "  - name: a dead host is heard\n"
        "    given: [{source: nagios, kind: host, host: web301}]\n"
        "    expect: {ops: [opened]}",
        keys={
            "name": Key(says="What should be so, as a sentence.", form=TEXT, needed=True),
            "at": Key(says="When it begins: a time with its date; a Wednesday at noon, unless said.", form=TEXT),
            "given": Key(says="What happens, in the order of its times.", form=many(of("given")), needed=True),
            "expect": Key(
                says="What each channel hears, or `oncall:web`, or a person alone. What is not named hears nothing.",
                form=named(either(EXPECTED, many(EXPECTED))),
                needed=True,
            ),
        },
    ),
    "step": Section(
        says="A step of a test: an event, named field by field, or one of those below; `{wait: 7d}` lets time pass, "
        "`{beat: backup}` is a heartbeat, and `{silence: …}` somebody who asks for quiet. All may say when:",
        example="given:\n  - {source: nagios, kind: host, host: web301, after: 10m}\n  - {wait: 7d}",
        keys={
            "at": Key(says="When: counted from the beginning, `10m`, or a time with its date.", form=TEXT),
            "after": Key(
                says="How long after the step above it: a minute, unless said.", form=either(DURATION, NO_TIME)
            ),
        },
    ),
    "posted": Section(
        says="A recorded request, read by the tool's own parser.",
        example="given:\n  - {fixture: cases/host-down.http, source: nagios}",
        keys={
            "fixture": Key(
                says="The file, beside the rules; of `.json` it is just the body.",
                form={"type": "string", "pattern": r"\.(http|json)$"},
                needed=True,
            ),
            "source": Key(says="Whose request it is.", form=TEXT, needed=True),
        },
    ),
    "acted": Section(
        says="Somebody does something to the open alerts that match the other names.",
        example="given:\n  - {source: nagios, host: web301}\n  - {act: ack, host: web301, by: alice, for: 2h}",
        keys={
            "act": Key(says="What is done.", form=words(*VERBS), needed=True),
            "by": Key(says="By whom: somebody, unless said.", form=TEXT),
            "because": Key(says="Why.", form=TEXT),
            "for": Key(says="How long an ack is to last.", form=DURATION),
        },
    ),
    "silenced": Section(
        says="Somebody asks for quiet.",
        example='given:\n  - {silence: {match: {host: "web*"}, for: 2h, by: bob}}',
        keys={
            "match": Key(says="The alerts that are to be quiet.", form={**MATCH, "minProperties": 1}, needed=True),
            "for": Key(says="For how long.", form=DURATION, needed=True),
            "by": Key(says="By whom: somebody, unless said.", form=TEXT),
            "because": Key(says="Why.", form=TEXT),
        },
    ),
    "expected": Section(
        says="What a channel hears; an occasion alone will do.",
        example="expect: {web: [opened, {occasion: reminded, text: still so, at: 1h, times: 2}]}",
        keys={
            "occasion": Key(says="Why it is said.", form=OCCASION, needed=True),
            "text": Key(says="A part of what it says, or several.", form=TEXTS),
            "at": Key(says="When: counted from the beginning, `10m`, or a time with its date.", form=TEXT),
            "times": Key(says="How often: once, unless said.", form=COUNT),
        },
    ),
}
KEYS: Mapping[str, tuple[str, ...]] = {name: tuple(section.keys) for name, section in LANGUAGE.items()}
"""By section, the keys that the reader takes."""

"""Reading `routes.yaml`: what is wrong is said with its place and its cure, and nothing else is ever raised."""

# ruff: noqa: E501 - a complaint is one line, however long

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hub.authoring.json_schema import schema
from hub.core.rules import Rules
from hub.errors import Complaint, RulesError
from hub.registry import installed
from hub.rehearsals.rule_tests import run_tests
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.language import KEYS
from hub.routes_file.reading import read_rules, read_rules_text
from hub.routes_file.silences import SILENCE_EXAMPLE
from hub.routes_file.yaml_tree import LARGEST

CATALOGUE = catalogue_of({name: installed()[name] for name in ("json", "nagios", "room")})
SCHEMA = Draft202012Validator(schema(CATALOGUE.tools))
SHIPPED = Path(__file__).parents[3] / "routes.yaml"
HEAD = "version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n"
ROUTES = HEAD + "routes:\n"
STEPS = HEAD + "tests: [{name: t, given: […], expect: {}}]\n"
GOOD = """\
version: 1
reopen_within: 5m
labels: [team]
sources:
  nagios-eu: {tool: nagios, expire_after: 7d}
  twitter:
    tool: json
    event: {key: "{body.id}", title: 'says "{body.text}"', status: notice, severity: {from: body.mood, map: {x: error}}}
channels:
  ops: room:ops
  web: {to: room:web}
people:
  alice: {room: alice}
groups:
  oncall: [alice]
routes:
  - name: web
    match: {tool: [nagios, json], host: "web*", team: no, not: {service: {regex: "a|b"}}}
    to: web
    tell: [opened, resolved]
    continue: true
    routes:
      - {name: web-down, match: {any: [{severity: ">= error"}, {state: {exists: true}}]}}
everything_else: {to: ops}
access:
  - {allow: "silence *", who: [everyone], when: {for: "<= 2h"}}
  - {deny: "nagios ack *", who: "group:oncall", in: [ops]}
tests:
  - name: heard
    given: [{source: nagios, kind: host, host: db1}]
    expect: {ops: [opened]}
"""

BROKEN: dict[str, tuple[str, list[str]]] = {
    "a tab": (
        "version: 1\nchannels:\n\tops: room:ops\n",
        ["3:1: is not YAML: found character that cannot start any token; indent with spaces, not tabs"],
    ),
    "a key twice": ("version: 1\nversion: 1\n", ["2:1: 'version' stands here twice (first in line 1); keep one"]),
    "a key twice, deep": (
        HEAD + "people:\n  al: {room: a}\n  al: {room: b}\n",
        ["6:3: 'al' stands here twice (first in line 5); keep one"],
    ),
    "an open quote": (
        'version: "1\n',
        ["2:1: is not YAML: found unexpected end of stream; check the indentation, quotes and brackets here"],
    ),
    "an open bracket": (
        "version: 1\nlabels: [a, b\nroutes: []\n",
        ["3:7: is not YAML: did not find expected ',' or ']'; check the indentation, quotes and brackets here"],
    ),
    "empty": ("", ["1:1: is empty; the least is: version: 1, channels, everything_else"]),
    "only a comment": ("# nothing\n", ["1:1: is empty; the least is: version: 1, channels, everything_else"]),
    "a list": ("- version: 1\n", ["1:1: a list is not a mapping; rules begin with: version: 1"]),
    "a text": ("hello\n", ["1:1: 'hello' is not a mapping; rules begin with: version: 1"]),
    "two documents": (
        HEAD + "---\nversion: 1\n",
        ["4:1: a second document begins here; rules are one document, remove the ---"],
    ),
    "a key that is a list": (
        "[a]: b\n",
        ["1:1: a name is a text, not a list, a mapping or an alias; put it in quotes"],
    ),
    "an unknown alias": (
        "version: *one\n",
        ["1:10: no anchor before this is called '&one'; write it out, or in quotes if it is a text"],
    ),
    "an alias of itself": (
        HEAD + "labels: &a [*a]\n",
        ["4:13: no anchor before this is called '&a'; write it out, or in quotes if it is a text"],
    ),
    "a control character": ("version: \x01\n", ["1:10: is not YAML: character U+0001 is not allowed; remove it"]),
    "a merge": (
        HEAD + "people: {<<: {al: {room: a}}}\n",
        ["4:19: a mapping is not a text; write a word, or a text in quotes"],
    ),
    "no version": (
        "channels: {ops: room:ops}\neverything_else: {to: ops}\n",
        ["1:1: 'version' is missing; write: version: 1"],
    ),
    "a wrong version": (
        "version: 2\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n",
        ["1:10: version '2' is not supported by this version; write: version: 1"],
    ),
    "a version that looks like one": (
        "version: 1.0\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n",
        ["1:10: version '1.0' is not supported by this version; write: version: 1"],
    ),
    "an unknown key": (HEAD + "chanels: {}\n", ["4:1: 'chanels' is not known here; did you mean \"channels\"?"]),
    "no channels": (
        "version: 1\neverything_else: {to: ops}\n",
        ["1:1: 'channels' is missing; write: channels: {ops: room:ops}"],
    ),
    "no everything_else": (
        "version: 1\nchannels: {ops: room:ops}\n",
        [
            "1:1: 'everything_else' is missing, so that something could be heard by nobody; add: everything_else: {to: ops}"
        ],
    ),
    "everything_else without to": (
        "version: 1\nchannels: {ops: room:ops}\neverything_else: {}\n",
        ["3:18: 'to' is missing; write: everything_else: {to: ops}"],
    ),
    "everything_else is a text": (
        "version: 1\nchannels: {ops: room:ops}\neverything_else: ops\n",
        ["3:18: 'ops' is not a mapping; write: everything_else: {to: ops}"],
    ),
    "a bad duration": (
        HEAD + "reopen_within: 10\n",
        ['4:16: \'10\' has no unit; write it like "15m", "2h30m" or "7d"'],
    ),
    "no address": (
        "version: 1\nchannels: {ops: ops}\neverything_else: {to: ops}\n",
        ["2:17: 'ops' is not an address; write chat:name, such as room:ops"],
    ),
    "an unknown chat": (
        "version: 1\nchannels: {ops: rooom:ops}\neverything_else: {to: ops}\n",
        ["2:17: no chat is called 'rooom'; did you mean \"room\"?"],
    ),
    "a chat to come": (
        "version: 1\nchannels: {ops: 'matrix:#ops'}\neverything_else: {to: ops}\n",
        ["2:17: chat 'matrix' is not supported by this version; there is room"],
    ),
    "a channel without to": (
        "version: 1\nchannels: {ops: {}}\neverything_else: {to: ops}\n",
        ["2:17: 'to' is missing; write: {to: room:ops}"],
    ),
    "a channel is a list": (
        "version: 1\nchannels: {ops: [room:ops]}\neverything_else: {to: ops}\n",
        ["2:17: a list is not an address; write chat:name, such as room:ops"],
    ),
    "pages what is no choice": (
        "version: 1\nchannels: {ops: {to: room:ops, pages: sometimes}}\neverything_else: {to: ops}\n",
        ["2:39: 'sometimes' is none of true, false"],
    ),
    "fallback of no channel": (
        "version: 1\nchannels: {ops: {to: room:ops, fallback: wbe}, web: room:web}\neverything_else: {to: ops}\n",
        ["2:42: no channel is called 'wbe'; did you mean \"web\"?"],
    ),
    "fallback to itself": (
        "version: 1\nchannels: {ops: {to: room:ops, fallback: ops}}\neverything_else: {to: ops}\n",
        ["2:42: the fallback of room:ops leads back to itself; end it at another channel"],
    ),
    "fallbacks in a circle": (
        "version: 1\nchannels: {a: {to: room:a, fallback: b}, b: {to: room:b, fallback: c}, c: {to: room:c, fallback: a}}\n"
        "everything_else: {to: a}\n",
        ["2:98: the fallback of room:c leads back to itself by room:a, room:b; end it at another channel"],
    ),
    "fallback to who is on call": (
        "version: 1\nchannels: {ops: {to: room:ops, fallback: oncall:web}}\neverything_else: {to: ops}\n",
        ["2:42: who is on call changes; name a channel, such as fallback: ops"],
    ),
    "two fallbacks of one address": (
        "version: 1\nchannels:\n  a: {to: room:a, fallback: b}\n  b: room:b\n  c: {to: room:a, fallback: d}\n  d: room:d\n"
        "everything_else: {to: a}\nroutes: [{name: all, to: c}]\n",
        ["5:29: another channel of this address has another fallback; give them the same"],
    ),
    "an unknown tool": (
        HEAD + "sources: {eu: {tool: nagos}}\n",
        ["4:22: no tool is called 'nagos'; did you mean \"nagios\"?"],
    ),
    "a tool is a list": (
        HEAD + "sources: {eu: {tool: [nagios]}}\n",
        ["4:22: a list is not a text; write a word, or a text in quotes"],
    ),
    "no tool": (HEAD + "sources: {eu: {}}\n", ["4:15: 'tool' is missing; there is json, nagios"]),
    "a source is a text": (
        HEAD + "sources: {eu: nagios}\n",
        ["4:15: 'nagios' is not a mapping; a source is {tool: nagios}"],
    ),
    "a source's unknown key": (
        HEAD + "sources: {eu: {tool: nagios, expires_after: 1d}}\n",
        ["4:30: 'expires_after' is not known here; did you mean \"expire_after\"?"],
    ),
    "a source's bad duration": (
        HEAD + "sources: {eu: {tool: nagios, expire_after: soon}}\n",
        ['4:44: \'soon\' is no duration; write it like "15m", "2h30m" or "7d"'],
    ),
    "secrets that collide": (
        HEAD + "sources:\n  eu-1: {tool: nagios}\n  eu_1: {tool: nagios}\n",
        ["6:3: 'eu_1' and 'eu-1' would share TOCSIN_EU_1_SECRET; rename one"],
    ),
    "a json template that leads nowhere": (
        HEAD + 'sources:\n  tw:\n    tool: json\n    event:\n      key: "{bdy.id}"\n',
        ["8:12: '{bdy.id}' leads nowhere; write {body.…} or {header.…}"],
    ),
    "a json status that is none": (
        HEAD + "sources:\n  tw:\n    tool: json\n    event:\n      key: a\n      status: broken\n",
        ["9:15: 'broken' is none of problem, recovery, update, notice"],
    ),
    "a json table with a wrong word": (
        HEAD + "sources:\n  tw:\n    tool: json\n    event:\n      severity: {from: body.mood, map: {angry: bad}}\n",
        ["8:17: 'bad' is none of info, warning, error, critical"],
    ),
    "a json key that is no text": (
        HEAD + "sources:\n  tw:\n    tool: json\n    event:\n      title: [a]\n",
        ["8:14: Expected `str`, got `array`"],
    ),
    "a json key that is not known": (
        HEAD + "sources:\n  tw:\n    tool: json\n    event:\n      titel: a\n",
        ["8:7: 'titel' is not known here; did you mean \"title\"?"],
    ),
    "json's event is a text": (
        HEAD + "sources: {tw: {tool: json, event: hello}}\n",
        ["4:35: Expected `object`, got `str`"],
    ),
    "a group's stranger": (
        HEAD + "people: {alice: {room: a}}\ngroups: {ops: [alise]}\n",
        ["5:16: nobody is called 'alise' in people; did you mean \"alice\"?"],
    ),
    "a person is a text": (
        HEAD + "people: {alice: a}\n",
        ["4:17: 'a' is not a mapping; write names and values: {name: value}"],
    ),
    "a person's id is a list": (
        HEAD + "people: {alice: {room: [a]}}\n",
        ["4:24: a list is not a text; write a word, or a text in quotes"],
    ),
    "a label that is none": (
        HEAD + "labels: [[a]]\n",
        ["4:10: a list is not a text; write a word, or a text in quotes"],
    ),
    "routes are a mapping": (
        HEAD + "routes: {web: {to: ops}}\n",
        ['4:9: is not a list of routes, such as - {name: web, match: {host: "web*"}, to: web}'],
    ),
    "a route is a text": (
        ROUTES + "  - web\n",
        ["5:5: 'web' is not a mapping; a route is {name: web, match: {host: \"web*\"}, to: web}"],
    ),
    "no name": (
        ROUTES + "  - {match: {host: a}, to: ops}\n",
        ["5:5: a route has a stable name, of which tests and explain speak; add: name: …"],
    ),
    "a name twice": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops}\n  - {name: a, match: {host: b}, to: ops}\n",
        ["6:12: another route is called 'a' (line 5); names are unique"],
    ),
    "a name that is taken": (
        ROUTES + "  - {name: everything_else, match: {host: a}, to: ops}\n",
        ["5:12: 'everything_else' is what hears of all that no route took; choose another name"],
    ),
    "nobody hears": (ROUTES + "  - {name: a, match: {host: a}}\n", ["5:5: 'a' says nowhere who hears; add: to: ops"]),
    "nobody hears what children leave": (
        ROUTES + "  - name: a\n    match: {host: a}\n    routes: [{name: b, match: {kind: k}, to: ops}]\n",
        ["5:5: 'a' says nowhere who hears what its routes do not take; add: to: ops"],
    ),
    "an unknown channel": (
        ROUTES + "  - {name: a, match: {host: a}, to: opps}\n",
        ["5:37: no channel is called 'opps'; did you mean \"ops\"?"],
    ),
    "a route's unknown key": (
        ROUTES + "  - {name: a, mach: {host: a}, to: ops}\n",
        ["5:15: 'mach' is not known here; did you mean \"match\"?"],
    ),
    "an unknown label": (
        ROUTES + "  - {name: a, match: {hots: a}, to: ops}\n",
        [
            "5:23: no field or label is called 'hots'; did you mean \"host\"? (labels of your own are listed under labels:)"
        ],
    ),
    "an unknown label within not": (
        ROUTES + "  - {name: a, match: {not: {hots: a}}, to: ops}\n",
        [
            "5:29: no field or label is called 'hots'; did you mean \"host\"? (labels of your own are listed under labels:)"
        ],
    ),
    "a bad regex": (
        ROUTES + '  - {name: a, match: {host: {regex: "we[b"}}, to: ops}\n',
        ["5:37: /we[b/ is not a regular expression of RE2: missing ]: [b"],
    ),
    "a bad severity": (
        ROUTES + "  - {name: a, match: {severity: bad}, to: ops}\n",
        ["5:33: 'bad' is none of info, warning, error, critical"],
    ),
    "a bad severity in an order": (
        ROUTES + '  - {name: a, match: {severity: ">= bad"}, to: ops}\n',
        ["5:33: 'bad' is none of info, warning, error, critical"],
    ),
    "an order of words": (
        ROUTES + '  - {name: a, match: {host: "> web"}, to: ops}\n',
        ["5:29: 'web' is not a number; > works for severities and numbers, {is: …} for exactly a text"],
    ),
    "an empty list": (ROUTES + "  - {name: a, match: {host: []}, to: ops}\n", ["5:29: an empty list matches nothing"]),
    "an unknown form": (
        ROUTES + "  - {name: a, match: {host: {like: a}}, to: ops}\n",
        ["5:29: is none of {regex: …}, {exists: true}, {exists: false}, {is: …}"],
    ),
    "exists what": (
        ROUTES + "  - {name: a, match: {host: {exists: perhaps}}, to: ops}\n",
        ["5:38: 'perhaps' is none of true, false"],
    ),
    "any without a list": (
        ROUTES + "  - {name: a, match: {any: {host: a}}, to: ops}\n",
        ["5:28: is not a list of matches, such as any: [{host: web301}, {host: web302}]"],
    ),
    "a match is a list": (
        ROUTES + "  - {name: a, match: [host], to: ops}\n",
        ["5:22: is not a mapping of names to values, such as {host: web301}"],
    ),
    "a match that contradicts itself": (
        ROUTES + "  - {name: a, match: {host: a, all: [{host: b}]}, to: ops}\n",
        ["5:22: can never match: it wants two different values of host"],
    ),
    "a match that contradicts its order": (
        ROUTES + '  - {name: a, match: {severity: error, all: [{severity: ">= critical"}]}, to: ops}\n',
        ["5:22: can never match: it wants two different values of severity"],
    ),
    "a match that contradicts its parent": (
        ROUTES + "  - name: a\n    match: {tool: nagios}\n    to: ops\n    routes: [{name: b, match: {tool: json}}]\n",
        ["8:31: 'b' can never match: a route above it wants another tool"],
    ),
    "nothing matches not everything": (
        ROUTES + "  - {name: a, match: {not: {}}, to: ops}\n",
        ["5:22: can never match: not: {} excludes everything; say what it is to exclude"],
    ),
    "after one that takes everything": (
        ROUTES + "  - {name: a, to: ops}\n  - {name: b, match: {host: a}, to: ops}\n",
        ["6:5: 'b' can never match: 'a' before it takes everything; move it up, or give 'a' continue: true"],
    ),
    "a strange continue": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, continue: maybe}\n",
        ["5:52: 'maybe' is none of true, false"],
    ),
    "an unknown occasion": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, tell: [opend, resolved]}\n",
        ["5:49: no occasion is called 'opend'; did you mean \"opened\"?"],
    ),
    "tell without resolved": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, tell: [opened]}\n",
        ["5:48: resolved cannot be left out: whoever is told that it fires is told that it healed"],
    ),
    "an inhibition of everything": (
        HEAD + "inhibit: [{name: a, when: {kind: host}, quiets: {kind: service}, equal: []}]\n",
        ["4:73: is empty: one alert would quiet all others; write equal: [host]"],
    ),
    "half an inhibition": (
        HEAD + "inhibit: [{name: a, when: {knd: host}, equal: [host]}]\n",
        [
            "4:11: 'quiets' is missing; a rule is {name: host-explains-services, when: {kind: host}, quiets: {kind: "
            "service}, equal: [host]}",
            "4:28: no field or label is called 'knd'; did you mean \"kind\"? (labels of your own are listed under labels:)",
        ],
    ),
    "a silence without an end": (
        HEAD + "silences: [{name: a, match: {host: db1}, from: 2026-12-01T22:00Z}]\n",
        [f"4:12: a silence has either 'until' (with 'from', if not at once) or 'during': {SILENCE_EXAMPLE}"],
    ),
    "a silence both once and in a window": (
        HEAD + "silences: [{name: a, match: {host: db1}, until: 2026-12-01T22:00Z, during: night}]\n",
        [f"4:12: a silence has either 'until' (with 'from', if not at once) or 'during': {SILENCE_EXAMPLE}"],
    ),
    "a silence that ends before it begins": (
        HEAD + "silences: [{name: a, match: {host: db1}, from: 2026-12-02 02:00, until: 2026-12-01T22:00Z}]\n",
        ["4:73: is not after 'from', so that it would never hold"],
    ),
    "a silence without a date": (
        HEAD + 'silences: [{name: a, match: {host: db1}, until: "22:00"}]\n',
        ['4:49: \'22:00\' is no time; write it like "2026-12-01 22:00" or "2026-12-01T22:00Z"'],
    ),
    "a silence in no window": (
        HEAD + "time_windows: {night: {hours: 22-06}}\nsilences: [{name: a, match: {host: db1}, during: nigth}]\n",
        ["5:50: no window is called 'nigth'; did you mean \"night\"? (they are listed under time_windows:)"],
    ),
    "a silence in a window that never closes": (
        HEAD + "time_windows: {ever: {}}\nsilences: [{name: a, match: {host: db1}, during: ever}]\n",
        ["5:50: 'ever' is always open, so that it would hold for ever; give the window days or hours"],
    ),
    "a silence of everything": (
        HEAD + "silences: [{name: a, until: 2026-12-01T22:00Z}]\n",
        [
            "4:12: 'match' is missing, so that it would hold everything; write match: {source: \"*\"} if everything is meant"
        ],
    ),
    "a silence of what no alert has": (
        HEAD + "silences: [{name: a, match: {body.x: y, hots: web1}, until: 2026-12-01T22:00Z}]\n",
        [
            "4:41: no field or label is called 'hots'; did you mean \"host\"? (labels of your own are listed under labels:)"
        ],
    ),
    "a silence of a body": (
        HEAD + "silences: [{name: a, match: {body.x: y}, until: 2026-12-01T22:00Z}]\n",
        ["4:30: 'body.x' cannot be looked at here: alerts, of which this speaks, keep labels and no body"],
    ),
    "silences without names, and twice of one": (
        HEAD
        + "silences: [{match: {host: db1}, until: 2026-12-01T22:00Z}, {name: a, match: {host: db1}, until: "
        + "2026-12-01T22:00Z}, {name: a, match: {host: db2}, until: 2026-12-01T22:00Z, whne: now}]\n",
        [
            "4:12: a silence has a name of letters, digits, - _ . by which it is ended and listed",
            "4:124: another silence is called 'a' (line 4); names are unique",
            "4:173: 'whne' is not known here; did you mean \"name\"?",
        ],
    ),
    "a policy of silences with a slip in each line": (
        HEAD + "silence_policy: {longest: 31d, require: [hst], second_person_above: many, shortest: 1m}\n",
        [
            "4:27: is longer than any silence, which lasts 30d at most; write it like 24h",
            "4:42: no field or label is called 'hst'; did you mean \"host\"? (labels of your own are listed under labels:)",
            "4:69: 'many' is no number; write it like 20",
            "4:75: 'shortest' is not known here; did you mean \"longest\"?",
        ],
    ),
    "a policy of silences that requires nothing": (
        HEAD + "silence_policy: {require: []}\n",
        ["4:27: names nothing; write it like [host, service], or leave it out"],
    ),
    "a policy of silences that is none": (
        HEAD + "silence_policy: 24h\n",
        [
            "4:17: '24h' is not a mapping; write: silence_policy: {longest: 24h, require: [host, service], "
            "second_person_above: 20}"
        ],
    ),
    "a heartbeat without a time": (
        HEAD + "heartbeats: [{name: alive}]\n",
        ["4:14: 'every' is missing; a heartbeat is {name: nagios-alive, match: {source: nagios}, every: 10m}"],
    ),
    "a heartbeat of a source without a time": (
        HEAD + "sources: {nagios: {heartbeat: {grace: 2m}}}\n",
        ["4:31: 'every' is missing; write: heartbeat: {every: 10m, grace: 2m}"],
    ),
    "a rate of a source without a number": (
        HEAD + "sources: {nagios: {rate: {within: 1m}}}\n",
        ["4:26: 'most' is a number of requests; write: {most: 600, within: 1m}, or never"],
    ),
    "a heartbeat of a source that is no time": (
        HEAD + "sources: {nagios: {heartbeat: [10m]}}\n",
        ["4:31: a list is not a mapping; write: heartbeat: 10m, or heartbeat: {every: 10m, grace: 2m}"],
    ),
    "a heartbeat of a source that beats in an odd way": (
        HEAD + "sources: {nagios: {heartbeat: {evry: 10m}}}\n",
        [
            "4:31: 'every' is missing; write: heartbeat: {every: 10m, grace: 2m}",
            "4:32: 'evry' is not known here; did you mean \"every\"?",
        ],
    ),
    "a calendar that is none": (
        HEAD + "schedules: {web: {calendar: pagerduty}}\n",
        [
            "4:29: 'pagerduty' is no calendar; write https://…, private (its URL is a setting), or a file beside the rules such as oncall.ics"
        ],
    ),
    "a calendar and layers": (
        HEAD + "people: {al: {}}\nschedules: {web: {calendar: private, layers: [{people: [al]}]}}\n",
        ["5:38: a schedule has layers or a calendar, not both; remove one"],
    ),
    "calendars that would share a setting": (
        HEAD + "schedules: {web-eu: {calendar: private}, web_eu: {calendar: private}}\n",
        ["4:42: 'web_eu' and 'web-eu' would share TOCSIN_CALENDAR_URL_WEB_EU; rename one"],
    ),
    "a source that is the hub": (
        HEAD + "sources: {tocsin: {tool: json}}\n",
        ["4:19: 'tocsin' is the hub itself, which has nothing to set; choose another name"],
    ),
    "a window of no days": (
        HEAD + "time_windows: {office: {days: mon-fry}}\n",
        ['4:31: \'mon-fry\' is no day of the week; write them like "mon-fri" or "sat,sun"'],
    ),
    "commands is to come": (HEAD + "commands: []\n", ["4:1: 'commands' is not supported by this version; remove it"]),
    "a settle that is none": (
        HEAD + "settle: []\n",
        ['4:9: a duration is missing; write it like "15m", "2h30m" or "7d"'],
    ),
    "a group by a strange label": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, group_by: [hst]}\n",
        [
            "5:53: no field or label is called 'hst'; did you mean \"host\"? (labels of your own are listed under labels:)"
        ],
    ),
    "a wait that is none": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, group_wait: soon}\n",
        ['5:54: \'soon\' is no duration; write it like "15m", "2h30m" or "7d"'],
    ),
    "a mention of nobody": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, mention: [alic, group:ops]}\npeople: {alice: {}}\n",
        [
            "5:52: nobody is called 'alic'; did you mean \"alice\"?",
            "5:58: nobody is called 'group:ops'; there is alice, here",
        ],
    ),
    "a reminder each second": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, repeat_interval: 1s}\n",
        ["5:59: a reminder each few seconds is a storm; the least is 1m"],
    ),
    "an escalation to nobody": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, escalate: [{after: 10m, to: boss}, {to: ops}]}\n",
        [
            "5:70: no channel is called 'boss'; did you mean \"ops\"?",
            "5:77: 'after' is missing; a step is {after: 10m, to: managers}",
        ],
    ),
    "delivery in a strange window": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, deliver: {during: offce, otherwise: later}}\n",
        [
            "5:60: no window is called 'offce' (they are listed under time_windows:)",
            "5:78: 'later' is none of mute, defer, digest",
        ],
    ),
    "a digest now and then": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, digest: {every: now and then}}\n",
        [
            "5:58: 'now and then' says no times; "
            'write it like "weekdays 09:00", "daily 9:00 17:00", "mon 08:30" or "4h"'
        ],
    ),
    "a step waits for no window": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, escalate: [{after: 1m, to: ops, during: noon}]}\n",
        ["5:82: no window is called 'noon' (they are listed under time_windows:)"],
    ),
    "a throttle is no number": (
        ROUTES + "  - {name: a, match: {host: a}, to: ops, throttle: x}\n",
        ["5:52: 'x' is not a mapping; write: {most: 20, within: 1m}, or never"],
    ),
    "a storm of how many in what": (
        HEAD + "storm: {most: many}\n",
        ["4:15: 'most' is a number of messages; write: {most: 20, within: 1m}, or never"],
    ),
    "a storm without an end": (
        HEAD + "storm: {most: 20}\n",
        ["4:8: 'within' is missing; write: {most: 20, within: 1m}, or never"],
    ),
    "access is a mapping": (
        HEAD + "access: {allow: silence}\n",
        ["4:9: a mapping is not a list; write [ … ] or lines that begin with -"],
    ),
    "neither allow nor deny": (
        HEAD + "access: [{who: everyone}]\n",
        ['4:10: an entry has one of allow and deny: {allow: "silence *", who: everyone}'],
    ),
    "allow and deny": (
        HEAD + "access: [{allow: silence, deny: silence, who: everyone}]\n",
        ['4:10: an entry has one of allow and deny: {allow: "silence *", who: everyone}'],
    ),
    "an unknown command": (
        HEAD + 'access: [{allow: "silense *", who: everyone}]\n',
        ["4:18: no command is called 'silense'; did you mean \"silence\"?"],
    ),
    "an unknown command of a tool": (
        HEAD + 'access: [{allow: "nagios ak *", who: everyone}]\n',
        ["4:18: no command is called 'nagios ak'; did you mean \"nagios ack\"?"],
    ),
    "no who": (
        HEAD + 'access: [{allow: "silence *"}]\n',
        ["4:10: 'who' is missing; write everyone, group:… or a name of people"],
    ),
    "an unknown group": (
        HEAD + 'access: [{allow: "silence *", who: "group:ops"}]\n',
        ["4:36: no group is called 'ops'"],
    ),
    "an unknown person": (
        HEAD + 'people: {alice: {room: a}}\naccess: [{allow: "silence *", who: alise}]\n',
        ["5:36: nobody is called 'alise' in people; did you mean \"alice\"?"],
    ),
    "a group without its word": (
        HEAD + 'people: {alice: {room: a}}\ngroups: {dev: [alice]}\naccess: [{allow: "silence *", who: dev}]\n',
        ["6:36: nobody is called 'dev' in people; did you mean group:dev?"],
    ),
    "an unknown place": (
        HEAD + 'access: [{allow: "silence *", who: everyone, in: [opps]}]\n',
        ["4:51: no channel is called 'opps'; did you mean \"ops\"?"],
    ),
    "a bad bound": (
        HEAD + 'access: [{allow: "silence *", who: everyone, when: {for: "<= soon"}}]\n',
        ['4:58: \'<= soon\': <= needs a number or a duration, such as "<= 4" or "<= 2h"'],
    ),
    "approve is to come": (
        HEAD + 'access: [{allow: "silence *", who: everyone, approve: {count: 1}}]\n',
        ["4:46: 'approve' is not supported by this version; remove it"],
    ),
    "confirm is to come": (
        HEAD + 'access: [{allow: "silence *", who: everyone, confirm: true}]\n',
        ["4:46: 'confirm' is not supported by this version; remove it"],
    ),
    "a test without expect": (
        HEAD + "tests: [{name: t, given: []}]\n",
        [
            "4:9: 'expect' is missing in this test, which is "
            "{name: …, given: [{source: nagios, host: web301}], expect: {ops: [opened]}}"
        ],
    ),
    "a test of one step for one channel": (
        HEAD + "tests: [{name: t, given: {host: web1}, expect: [ops]}]\n",
        [
            "4:26: is a mapping; the steps of a test are a list: [{source: nagios, host: web301}]",
            "4:48: is a list; what each channel hears is named with it: {ops: [opened]}",
        ],
    ),
    "a test of an unknown source": (
        HEAD + "tests: [{name: t, given: [{source: nagos}], expect: {}}]\n",
        ["4:36: no source is called 'nagos'; did you mean \"nagios\"?"],
    ),
    "a test's source is a list": (
        HEAD + "tests: [{name: t, given: [{source: [nagios]}], expect: {}}]\n",
        ["4:36: a list is not a text; write a word, or a text in quotes"],
    ),
    "a test's unknown field": (
        HEAD + "tests: [{name: t, given: [{hots: a}], expect: {}}]\n",
        [
            "4:28: no field or label is called 'hots'; did you mean \"host\"? (labels of your own are listed under labels:)"
        ],
    ),
    "a test's field is a list": (
        HEAD + "tests: [{name: t, given: [{host: [a]}], expect: {}}]\n",
        ["4:34: a list is not a text; write a word, or a text in quotes"],
    ),
    "a test expects an unknown channel": (
        HEAD + "tests: [{name: t, given: [{host: a}], expect: {opps: [opened]}}]\n",
        ["4:48: no channel is called 'opps'; did you mean \"ops\"?"],
    ),
    "a test expects an unknown occasion": (
        HEAD + "tests: [{name: t, given: [{host: a}], expect: {ops: [opend]}}]\n",
        ["4:54: no occasion is called 'opend'; did you mean \"opened\"?"],
    ),
    "a test is a text": (
        HEAD + "tests: [t]\n",
        [
            "4:9: 't' is not a mapping; a test is {name: …, given: [{source: nagios, host: web301}], expect: {ops: [opened]}}"
        ],
    ),
    "a test with acts": (
        HEAD + "tests: [{name: t, given: [{host: a}], expect: {}, acts: []}]\n",
        ["4:51: 'acts' is a step of the test; write given: [{act: ack, host: web301, by: alice}]"],
    ),
    "a step without its time's unit": (
        STEPS.replace("…", "{host: a}, {host: b, after: 10}"),
        ['4:55: \'10\' has no unit; write it like "15m", "2h30m" or "7d"'],
    ),
    "a step at no time": (
        STEPS.replace("…", "{host: a, at: later}"),
        ['4:41: \'later\' is no time; write it like "10m", from the beginning of the test, or "2026-11-21T03:00Z"'],
    ),
    "a step with two times": (
        STEPS.replace("…", "{host: a, at: 1m, after: 1m}"),
        ["4:45: 'at' says when already; keep one of them"],
    ),
    "a step before the one above it": (
        STEPS.replace("…", "{host: a, at: 10m}, {host: b, at: 5m}"),
        ["4:47: lies before the step above it; steps stand in the order of their times"],
    ),
    "a wait with more": (
        STEPS.replace("…", "{wait: 1h, host: a}"),
        ["4:38: 'host' is not known here; there is wait"],
    ),
    "a wait of no time": (
        STEPS.replace("…", "{wait: soon}"),
        ['4:34: \'soon\' is no duration; write it like "15m", "2h30m" or "7d"'],
    ),
    "an act that nobody knows": (
        STEPS.replace("…", "{act: akc, host: a}"),
        ["4:33: 'akc' is none of ack, unack, resolve, unsilence"],
    ),
    "an act on a field that is none": (
        STEPS.replace("…", "{act: ack, hots: a}"),
        [
            "4:38: no field or label is called 'hots'; did you mean \"host\"? (labels of your own are listed under labels:)"
        ],
    ),
    "a recovery that lasts": (
        STEPS.replace("…", "{act: resolve, host: a, for: 2h}"),
        ["4:51: only an ack lasts; leave 'for' out of 'resolve'"],
    ),
    "a silence of a test without its length": (
        STEPS.replace("…", "{silence: {match: {host: a}}}"),
        ["4:37: 'for' is missing; write silence: {match: {host: \"db*\"}, for: 2h}"],
    ),
    "a silence of a test that is a text": (
        STEPS.replace("…", "{silence: web301}"),
        ["4:37: 'web301' is not a mapping; write silence: {match: {host: \"db*\"}, for: 2h}"],
    ),
    "a silence of a test of everything": (
        STEPS.replace("…", "{silence: {for: 2h}}"),
        [
            "4:37: 'match' is missing, so that it would hold everything; write match: {source: \"*\"} if everything is meant"
        ],
    ),
    "a fixture that is none": (
        STEPS.replace("…", "{fixture: down.txt, source: nagios}"),
        ["4:37: 'down.txt' is no recorded request: it ends in one of .http, .json"],
    ),
    "a fixture of nobody": (
        STEPS.replace("…", "{fixture: down.http}"),
        ["4:27: 'source' is missing; whose request it is says source: nagios"],
    ),
    "a fixture of an unknown source": (
        STEPS.replace("…", "{fixture: down.http, source: nagois}"),
        ["4:56: no source is called 'nagois'; did you mean \"nagios\"?"],
    ),
    "a beat of no heart": (
        STEPS.replace("…", "{beat: backup}"),
        ["4:34: no heartbeat is called 'backup'"],
    ),
    "what is expected has no occasion": (
        HEAD + "tests: [{name: t, given: [{host: a}], expect: {ops: [{text: a}]}}]\n",
        ["4:54: 'occasion' is missing; write {occasion: opened, text: web301}"],
    ),
    "what is expected has an unknown key": (
        HEAD + "tests: [{name: t, given: [{host: a}], expect: {ops: [{occasion: opened, texts: a}]}}]\n",
        ["4:73: 'texts' is not known here; did you mean \"text\"?"],
    ),
    "what is expected comes how often": (
        HEAD + "tests: [{name: t, given: [{host: a}], expect: {ops: {occasion: opened, times: many}}}]\n",
        ["4:79: 'many' is no number; write it like 20"],
    ),
    "a test begins at no date": (
        HEAD + "tests: [{name: t, at: 10m, given: [{host: a}], expect: {}}]\n",
        ["4:23: '10m' is no time; write it like \"2026-11-21T03:00Z\""],
    ),
    "empty channels": (
        "version: 1\nchannels: {}\neverything_else: {to: ops}\n",
        ["2:11: is empty; write channels: {ops: room:ops}"],
    ),
    "empty sections": (
        HEAD + "routes:\nsources:\n",
        [
            '4:8: is not a list of routes, such as - {name: web, match: {host: "web*"}, to: web}',
            "5:9: is empty; write names and values: {name: value}",
        ],
    ),
    "an empty to": (
        "version: 1\nchannels: {ops: room:ops}\neverything_else: {to: }\n",
        ["3:23: is empty; write a word, or a text in quotes"],
    ),
    "a tag": (HEAD + "labels: [!secret team]\n", ["4:10: the tag '!secret' means nothing here; remove it"]),
    "a secret shared with a tool": (
        HEAD + "sources:\n  Nagios: {tool: nagios}\n",
        ["5:3: 'Nagios' and 'nagios' would share TOCSIN_NAGIOS_SECRET; rename one"],
    ),
    "a source's name that is no address": (
        HEAD + "sources:\n  nagios/eu: {tool: nagios}\n",
        ["5:3: 'nagios/eu' is no name for a source, which is part of an address; use letters, digits, - _ ."],
    ),
    "a match of an unknown tool": (
        ROUTES + "  - {name: a, match: {tool: [json, nagois]}, to: ops}\n",
        ["5:36: no tool is called 'nagois'; did you mean \"nagios\"?"],
    ),
    "a match of an unknown source": (
        ROUTES + "  - {name: a, match: {source: nagios-eu}, to: ops}\n",
        ["5:31: no source is called 'nagios-eu'; did you mean \"nagios\"?"],
    ),
    "a match of an unknown status": (
        ROUTES + "  - {name: a, match: {status: resolved}, to: ops}\n",
        ["5:31: 'resolved' is none of problem, recovery, update, notice"],
    ),
    "a match of body": (
        ROUTES + "  - {name: a, match: {body: x, labels: y}, to: ops}\n",
        [
            "5:23: no field or label is called 'body'; write text for the event's own words, body.x.y for what the tool posted",
            "5:32: no field or label is called 'labels'; write the label's own name, or labels.x",
        ],
    ),
    "all faults of one match": (
        ROUTES + '  - {name: a, match: {severity: bad, hots: x, any: [{host: {regex: "("}}, {kind: []}]}, to: ops}\n',
        [
            "5:33: 'bad' is none of info, warning, error, critical",
            "5:38: no field or label is called 'hots'; did you mean \"host\"? (labels of your own are listed under labels:)",
            "5:68: /(/ is not a regular expression of RE2: missing ): (",
            "5:82: an empty list matches nothing",
        ],
    ),
    "a glob that its grandparent excludes": (
        ROUTES
        + "  - name: a\n    match: {host: web1}\n    to: ops\n    routes:\n      - name: b\n        match: {kind: host}\n"
        + '        routes: [{name: c, match: {host: "db*"}}]\n',
        ["11:35: 'c' can never match: a route above it wants another host"],
    ),
    "a severity that its parent excludes": (
        ROUTES
        + '  - name: a\n    match: {severity: "<= warning"}\n    to: ops\n    routes: [{name: b, match: {severity: ">= error"}}]\n',
        ["8:31: 'b' can never match: a route above it wants another severity"],
    ),
    "a command of a source whose tool has no such command": (
        HEAD
        + 'sources: {twitter: {tool: json}, eu: {tool: nagios}}\naccess: [{allow: "eu ack *", who: everyone}, {allow: "twitter ack *", who: everyone}]\n',
        ["5:54: no command is called 'twitter ack'; did you mean \"eu ack\"?"],
    ),
    "a test of an unknown severity": (
        HEAD + "tests: [{name: t, given: [{severity: bad}], expect: {}}]\n",
        ["4:38: no severity is called 'bad'; there is critical, error, info, warning"],
    ),
    "three at once": (
        "version: 3\nchannels: {ops: room:ops}\neverything_else: {to: opps}\nlables: []\nroutes:\n  - {match: {hots: a}}\n",
        [
            "1:10: version '3' is not supported by this version; write: version: 1",
            "3:23: no channel is called 'opps'; did you mean \"ops\"?",
            "4:1: 'lables' is not known here; did you mean \"labels\"?",
            "6:5: '?' says nowhere who hears; add: to: ops",
            "6:5: a route has a stable name, of which tests and explain speak; add: name: …",
            "6:14: no field or label is called 'hots'; did you mean \"host\"? (labels of your own are listed under labels:)",
        ],
    ),
}


def read(text: str) -> Rules:
    return read_rules_text(text, "routes.yaml", CATALOGUE)


def complaints(text: str) -> list[str]:
    with pytest.raises(RulesError) as caught:
        read(text)
    return [str(one).removeprefix("routes.yaml:") for one in caught.value.complaints]


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_said_with_its_place(case: str) -> None:
    """Line, column, what is wrong, and what would be right."""
    text, expected = BROKEN[case]

    assert expected == complaints(text)


def test_a_complaint_is_a_line_that_no_terminal_obeys() -> None:
    """Whatever stands in the file."""
    (said,) = complaints(HEAD + r'"red\e[31m\nalarm": 1')

    assert said.startswith("4:1: 'red�[31m alarm' is not known here")


def test_every_complaint_names_the_file() -> None:
    """The editor of whoever reads it jumps there."""
    with pytest.raises(RulesError) as caught:
        read_rules_text("version: 2", "team/routes.yaml", CATALOGUE)

    assert all(line.startswith("team/routes.yaml:1:") for line in str(caught.value).splitlines())


def test_a_byte_order_mark_and_foreign_line_ends_are_read(tmp_path: Path) -> None:
    """Some editors write them."""
    path = tmp_path / "routes.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())

    assert {"ops": "room:ops"} == read_rules(path, CATALOGUE).channels


def test_a_few_aliases_are_read() -> None:
    """Who needs a list twice need not write it twice."""
    first = "  - {name: a, match: {host: &hosts [x, y]}, to: ops, continue: true}\n"
    rules = read(ROUTES + first + "  - {name: b, match: {host: *hosts, service: z}, to: ops}\n")

    assert ["a"] == [taken.route for taken in rules.tree.decide({"host": "y", "service": "z"}.get)]
    assert [("a", 5), ("b", 6)] == [(route.name, route.line) for route in rules.tree.routes]


def test_access_is_read_with_addresses_and_bounds() -> None:
    """As `judge` wants them."""
    allow, deny = read(GOOD).access

    assert ("allow", "silence *", ("everyone",), (), {"for": "<= 2h"}) == (
        allow.effect, allow.command, allow.who, allow.places, allow.when,
    )  # fmt: skip
    assert ("deny", "nagios ack *", ("group:oncall",), ("room:ops",), allow.line + 1) == (
        deny.effect, deny.command, deny.who, deny.places, deny.line,
    )  # fmt: skip


def test_the_good_file_is_read() -> None:
    """So that what the other tests break was whole."""
    rules = read(GOOD)

    assert {"json", "nagios", "nagios-eu", "twitter"} == set(rules.sources)
    assert {"ops": "room:ops", "web": "room:web"} == rules.channels
    assert [True] == [result.passed for result in run_tests(rules)]
    assert () == rules.warnings


def test_all_scalars_are_text() -> None:
    """YAML would make false of `no` and 1.1 of `1.10`."""
    rules = read(ROUTES + "  - {name: no, match: {host: no, service: 1.10, kind: 0x1F}, to: ops}\n")
    event = {"host": "no", "service": "1.10", "kind": "0x1F"}

    assert ["no"] == [taken.route for taken in rules.tree.decide(event.get)]
    assert ["everything_else"] == [taken.route for taken in rules.tree.decide({**event, "service": "1.1"}.get)]


def test_whom_a_chat_cannot_ping_is_a_warning() -> None:
    """There they are written; in a room all are. It is said where a route says who is named, or where else it goes."""
    text = """\
version: 1
channels: {night: "slack:#night", room: room:ops, boss: teams:boss}
people: {alice: {slack: U024BE7LH}, bob: {slack: bob, teams: 7faf8511-d5c4-4d1f-8e1a-2b1f9c7a5f10}}
groups: {ops: [alice, bob]}
routes:
  - name: a
    match: {host: a}
    to: night
    mention: [group:ops, here]
    routes: [{name: b, match: {host: a, service: b}, to: room}]
  - {name: c, match: {host: c}, to: boss, mention: [alice, bob, here]}
everything_else: {to: room}
"""
    rules = read_rules_text(text, "routes.yaml", catalogue_of(installed()))

    assert (
        "3:43: warning: 'bob' is no id of an account, by which slack knows people; its README says where to find theirs",
        "9:5: warning: 'bob' has no account of slack in people: and is written there, not pinged",
        "11:43: warning: 'alice' has no account of teams in people: and is written there, not pinged",
        "11:43: warning: Microsoft Teams cannot wake all who are there; 'here' is only written",
    ) == tuple(str(warning).removeprefix("routes.yaml:") for warning in rules.warnings)
    assert {"alice": "U024BE7LH", "here": "here"} == rules.named["slack"]


def test_a_channel_that_nobody_uses_is_a_warning() -> None:
    """It refuses nothing."""
    rules = read(HEAD.replace("{ops: room:ops}", "{ops: room:ops, idle: room:idle}"))

    assert ["routes.yaml:2:27: warning: nothing is sent to channel 'idle'"] == [*map(str, rules.warnings)]


def test_an_alias_bomb_is_refused() -> None:
    """A few lines that would expand to more than fits into memory."""
    lines = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    said = complaints("a0: &a0 [x, x]\n" + "\n".join(lines) + "\n")

    assert 1 == len(said)
    assert "aliases" in said[0]


@pytest.mark.parametrize(
    "text", ["a: " + "[" * 200_000, "{a: " * 200_000, "- " * 200_000, "a: " + "[" * 50_000 + "]" * 50_000]
)
def test_deep_nesting_is_refused(text: str) -> None:
    """Before it could exhaust the stack."""
    assert any("nested too deeply" in said for said in complaints(text))


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """Without reading it."""
    path = tmp_path / "routes.yaml"
    path.write_text(HEAD + "#" * (LARGEST + 1024 * 1024))

    assert "1:1: is larger than 10 MiB; no rules need that" == _refused(path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """With the byte where it ceases to be."""
    path = tmp_path / "routes.yaml"
    path.write_bytes(b"version: 1 # caf\xe9\n")

    assert "1:17: is not UTF-8 text from here on; save it as UTF-8" == _refused(path)


@pytest.mark.parametrize(("name", "why"), [("none.yaml", "No such file or directory"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, why: str) -> None:
    """And so is the setting that names it."""
    said = _refused(tmp_path / name)

    assert f"1:1: cannot be read: {why}; name the file with --routes or TOCSIN_ROUTES" == said


def test_the_shipped_rules_are_good() -> None:
    """They pass their own tests, and warn of nothing."""
    rules = read_rules(SHIPPED, CATALOGUE)

    assert () == rules.warnings
    assert all(result.passed for result in run_tests(rules))


def test_the_shipped_examples_are_good(tmp_path: Path) -> None:
    """Whoever takes away the # before an example, and has the table that it names, has rules that hold."""
    text = _uncommented(SHIPPED.read_text()).replace("slack: U024BE7LH", "room: alice")
    (tmp_path / "routes.yaml").write_text(text)
    (tmp_path / "hosts.csv").write_text("host,owner,team,runbook\n")
    rules = read_rules(tmp_path / "routes.yaml", CATALOGUE)

    assert {"nagios-eu", "twitter"} < set(rules.sources)
    assert {"owner", "team", "runbook"} == rules.labels
    assert ["databases"] == [route.name for route in rules.tree.routes]
    assert (2, {"oncall": ("alice",)}) == (len(rules.access), rules.groups)
    assert all(result.passed for result in run_tests(rules))


def _uncommented(text: str) -> str:
    """The file with its commented examples in force: comments that begin a section, and the indented ones after."""
    return re.sub(r"^# (?=[a-z_]+:( [\[{]|$)|  )", "", text, flags=re.MULTILINE)


def _refused(path: Path) -> str:
    with pytest.raises(RulesError) as caught:
        read_rules(path, CATALOGUE)
    return str(caught.value).removeprefix(f"{path}:")


# ------------------------------------------------------------------------------------------------------------ any text


def _only_complains(text: str) -> None:
    said = _complaints_of(text)

    assert said is None or said
    assert all(one.line >= 1 and one.column >= 1 and one.what for one in said or ())


def _complaints_of(text: str) -> Sequence[Complaint] | None:
    try:
        read(text)
    except RulesError as error:
        return error.complaints
    return None


@given(text=st.text(alphabet=st.characters(), max_size=200))
@example(text="\ud800")
@example(text="\x00")
@example(text="? [a]\n: b")
@example(text="!!python/object/apply:os.system [id]")
@example(text="%YAML 9.9\n---\na")
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but RulesError is ever raised."""
    _only_complains(text)


@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """As a file has them."""
    _only_complains(content.decode(errors="surrogateescape"))


@given(data=st.data())
def test_any_slip_in_a_good_file_is_read_or_refused(data: st.DataObject) -> None:
    """Something is cut out, put in or doubled."""
    text = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        put = data.draw(st.sampled_from(["", "[", "]", "{}", "[]", ":", "\n", "  ", "- ", "''", '"', "&a ", "*a", "a"]))
        text = text[:start] + put + text[end:]
    _only_complains(text)


SCALARS = re.compile(r"(?<=[:\[,] )[\w*-]+|\"[^\"\n]*\"")
SPOTS = [found.span() for found in SCALARS.finditer(GOOD)]


@given(
    spots=st.lists(st.sampled_from(SPOTS), min_size=1, max_size=3, unique=True),
    put=st.sampled_from(
        ["[]", "{}", "[[a]]", "{a: b}", "''", "~", "no", "'*'", "'>= 3'", "9" * 400, "é", "{regex: (}"]
    ),
)
def test_any_value_in_place_of_another_is_read_or_refused(spots: list[tuple[int, int]], put: str) -> None:
    """A list where a text belongs, and all the rest."""
    text = GOOD
    for start, end in sorted(spots, reverse=True):
        text = text[:start] + put + text[end:]
    _only_complains(text)


SECTIONS = ("sources", "labels", "channels", "people", "groups", "routes", "everything_else", "access", "tests")
ROUTE = {"name": "x", "match": {"host": "a"}, "to": "ops"}


def _case(**part: object) -> dict[str, object]:
    return {"tests": [{"name": "x", "given": [], "expect": {}, **part}]}


PLACES: dict[str, Callable[[object], dict[str, object]]] = {
    "top": lambda entry: dict(entry),
    "route": lambda entry: {"routes": [entry]},
    "everything_else": lambda entry: {"everything_else": entry},
    "escalation": lambda entry: {"routes": [ROUTE | {"escalate": [entry]}]},
    "digest": lambda entry: {"routes": [ROUTE | {"digest": entry}]},
    "deliver": lambda entry: {"routes": [ROUTE | {"deliver": entry}]},
    "limit": lambda entry: {"routes": [ROUTE | {"throttle": entry}], "storm": entry},
    "schedule": lambda entry: {"schedules": {"x": entry}},
    "layer": lambda entry: {"schedules": {"x": {"layers": [entry, entry]}}},
    "window": lambda entry: {"time_windows": {"x": entry}},
    "enrich": lambda entry: {"enrich": [entry, entry]},
    "heartbeat": lambda entry: {"heartbeats": [entry, entry]},
    "inhibit": lambda entry: {"inhibit": [entry, entry]},
    "channel": lambda entry: {"channels": {"x": entry, "ops": "room:ops"}},
    "access": lambda entry: {"access": [entry]},
    "silence": lambda entry: {"silences": [entry, entry]},
    "silence_policy": lambda entry: {"silence_policy": entry},
    "source": lambda entry: {"sources": {"x": entry, "json": entry}},
    "beat": lambda entry: {"sources": {"nagios": {"heartbeat": entry}}},
    "test": lambda entry: {"tests": [entry]},
    "step": lambda entry: _case(given=[entry, {"host": "x"} | entry]),
    "posted": lambda entry: _case(given=[entry, {"fixture": "x.http"} | entry]),
    "acted": lambda entry: _case(given=[{"host": "x"}, entry, {"act": "ack"} | entry]),
    "silenced": lambda entry: _case(given=[{"silence": entry}]),
    "expected": lambda entry: _case(expect={"ops": [entry]}),
}
WORDS = st.sampled_from(
    [
        *"a:*-(",
        "",
        "ops",
        "host",
        "any",
        "all",
        "not",
        "regex",
        "severity",
        ">= error",
        "nagios",
        "json",
        "title",
        "true",
        "x",
        "5m",
        "2026-12-01T22:00Z",
        "x.csv",
        "../x.ics",
        "*/*.yaml",
    ]
)
SHAPES = st.recursive(
    st.none() | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)


@given(sections=st.fixed_dictionaries({}, optional=dict.fromkeys(SECTIONS, SHAPES)))
def test_any_shape_of_a_section_is_read_or_refused(sections: dict[str, object]) -> None:
    """JSON is YAML, so that any shape can be written."""
    least = {"version": "1", "channels": {"ops": "room:ops"}, "everything_else": {"to": "ops"}}
    _only_complains(json.dumps(least | sections))


def test_every_section_is_tried_with_any_shape() -> None:
    """A new one, too."""
    assert set(KEYS) == set(PLACES)


@pytest.mark.parametrize("section", PLACES)
@given(data=st.data())
def test_any_shape_behind_the_right_names_is_read_or_refused(section: str, data: st.DataObject) -> None:
    """Down to the places where each value is read. What is read is right by the schema, too."""
    entry = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS[section], SHAPES)))
    least = {"version": "1", "channels": {"ops": "room:ops"}, "everything_else": {"to": "ops"}, "labels": ["x"]}
    text = json.dumps(least | PLACES[section](entry))
    _only_complains(text)

    if _complaints_of(text) is None:
        assert [] == [error.message for error in SCHEMA.iter_errors(yaml.load(text, yaml.BaseLoader))]


def test_an_account_in_a_chat_that_there_is_not_is_a_warning() -> None:
    """It may be installed tomorrow; or it is a slip."""
    (warning,) = read(HEAD + "people: {alice: {nagois: al, email: a@example.com}}\n").warnings

    assert str(warning).startswith(
        "routes.yaml:4:18: warning: no chat or tool is called 'nagois'; did you mean \"nagios\"?"
    )


def test_a_silence_that_is_over_is_a_warning() -> None:
    """It never refuses a start: time alone made it so."""
    text = HEAD + (
        "time_windows: {last-year: {dates: 2025-12-24..2025-12-26}, nightly: {hours: 22-06}}\n"
        "silences:\n"
        "  - {name: past, match: {host: db1}, until: 2026-11-20T22:00Z}\n"
        "  - {name: gone, match: {host: db1}, during: last-year}\n"
        "  - {name: now, match: {host: db1}, until: 2026-11-30T22:00Z}\n"
        "  - {name: to-come, match: {host: db1}, from: 2026-12-01 22:00 +01:00, until: 2026-12-02T22:00Z}\n"
        "  - {name: often, match: {host: db1}, during: nightly}\n"
    )
    now = datetime(2026, 11, 21, 3, tzinfo=UTC)
    catalogue = catalogue_of({name: installed()[name] for name in ("json", "nagios", "room")}, now=lambda: now)
    rules = read_rules_text(text, "routes.yaml", catalogue)

    over = "warning: is over, and holds nothing any more; remove it"
    never = "warning: opens never again; give it other days, hours or dates, or remove it"
    assert [f"routes.yaml:4:16: {never}", f"routes.yaml:6:5: {over}", f"routes.yaml:7:5: {over}"] == [
        *map(str, rules.warnings)
    ]
    assert datetime(2026, 12, 1, 21, tzinfo=UTC) == rules.silences[3].starts_at
    assert ["past", "gone", "now", "to-come", "often"] == [one.name for one in rules.silences]

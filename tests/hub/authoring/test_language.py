"""The language of the rules as it is described: a schema for editors, a page for people; both as the reader has it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from hub.authoring.json_schema import properties_of, schema
from hub.authoring.reference import TITLES, reference
from hub.cli import main
from hub.core.matching import EVENT_FIELDS
from hub.registry import installed
from hub.routes_file.includes import INCLUDED
from hub.routes_file.language import FIELDS, LANGUAGE

ROOT = Path(__file__).parents[3]
SCHEMA = schema(installed())
MAKE_ANEW = "a key or a tool was changed: `make generated` brings what is made of them up to date"
VALID = Draft202012Validator(SCHEMA)


class AsEditors(yaml.SafeLoader):
    """YAML 1.2, nearly: only numbers, true, false and null are no texts."""


AsEditors.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag.rpartition(":")[2] in ("int", "float", "null", "bool")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if first not in "yYnNoO"
}


def said_of(text: str) -> list[str]:
    """What the schema says of a text, as an editor reads it and as the hub does."""
    return [
        f"{'/'.join(map(str, error.path))}: {error.message[:300]}"
        for loader in (AsEditors, yaml.BaseLoader)
        for error in VALID.iter_errors(yaml.load(text, loader))
    ]


# ------------------------------------------------------------------------------------------------------ the description


def test_every_field_of_events_is_described() -> None:
    """Those that matches may name without a declaration."""
    assert set(EVENT_FIELDS) == set(FIELDS)


def test_every_section_is_read() -> None:
    """The reader asks for the keys of each by its name."""
    reader = "".join(path.read_text() for path in (ROOT / "hub/routes_file").glob("*.py"))

    assert [] == [name for name in LANGUAGE if f'KEYS["{name}"]' not in reader]


def test_every_key_has_a_sentence() -> None:
    """Also those that tools and chats bring."""
    without = [
        name for name, form in properties_of(SCHEMA) if form and "$ref" not in form and not form.get("description")
    ]

    assert [] == [name for name in without if name not in installed()]


def test_it_is_a_schema() -> None:
    """By the rules of schemas themselves."""
    Draft202012Validator.check_schema(SCHEMA)


# ----------------------------------------------------------------------------------------------------- what is shipped


def test_the_schema_in_the_repository_is_that_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the keys, and of the labels, kinds and options of the tools."""
    with pytest.raises(SystemExit, match="0"):
        main(["schema"])

    assert capsys.readouterr().out == (ROOT / "routes.schema.json").read_text(), MAKE_ANEW
    assert json.loads((ROOT / "routes.schema.json").read_text()) == SCHEMA


def test_the_schema_of_included_files_points_into_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    """It holds what an included file may hold."""
    with pytest.raises(SystemExit, match="0"):
        main(["schema", "--included"])
    text = (ROOT / "included.schema.json").read_text()

    assert capsys.readouterr().out == text, MAKE_ANEW
    assert json.loads(text)["$ref"] == "routes.schema.json#/$defs/included"
    assert [*INCLUDED] == [*SCHEMA["$defs"]["included"]["properties"]]


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/recipes/*/routes.d/*.yaml")), ids=lambda path: path.name)
def test_included_files_that_we_show_are_right_by_the_schema(path: Path) -> None:
    """And what only the file itself may hold is not."""
    valid = Draft202012Validator({**SCHEMA, "required": [], "properties": {}, "$ref": "#/$defs/included"} | OPEN)

    assert [] == [error.message for error in valid.iter_errors(yaml.load(path.read_text(), AsEditors))]
    assert not valid.is_valid({"channels": {"ops": "room:ops"}})
    assert path.read_text().startswith("# yaml-language-server: $schema=../../../../included.schema.json\n")


OPEN = {"additionalProperties": True}


def test_the_reference_is_that_of_the_command_and_has_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    """Of keys and tools, like the schema."""
    with pytest.raises(SystemExit, match="0"):
        main(["schema", "--reference"])
    page = capsys.readouterr().out

    assert page == (ROOT / "docs/reference.md").read_text() == reference(installed()), MAKE_ANEW
    assert set(TITLES) == set(LANGUAGE)
    for name, section in LANGUAGE.items():
        (own,) = (part for part in page.split("\n## ") if part.startswith(f"{TITLES[name]}\n"))
        assert [] == [key for key in section.keys if f"| `{key}`" not in own]
    for record in (
        option for tool in installed().values() for option in (tool.options, tool.chat and tool.chat.options)
    ):
        assert [] == [key for key in getattr(record, "__dataclass_fields__", {}) if f"| `{key}`" not in page]


def test_links_of_the_reference_lead_somewhere() -> None:
    """Within the page."""
    page = (ROOT / "docs/reference.md").read_text()
    heads = {"#" + line.lstrip("# ").lower().replace(" ", "-") for line in page.splitlines() if line.startswith("#")}
    links = {part.partition(")")[0] for part in page.split("](")[1:] if part.startswith("#")}

    assert set() == links - heads


# ----------------------------------------------------------------------------------------------- what is right, and not


def examples() -> Iterator[tuple[str, str]]:
    """Rules that are whole, by where they stand."""
    yield "routes.yaml", (ROOT / "routes.yaml").read_text()
    for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("integrations/*/README.md"))]:
        for number, block in enumerate(path.read_text().split("```yaml\n")[1:]):
            text = block.partition("```")[0]
            if text.startswith("version: 1"):
                yield f"{path.relative_to(ROOT)} {number + 1}", text
    for path in sorted(ROOT.glob("docs/recipes/*/routes.yaml")):
        yield str(path.relative_to(ROOT)), path.read_text()


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in examples()])
def test_rules_that_we_show_are_right_by_the_schema(text: str) -> None:
    """As editors read them, and as the hub does."""
    assert [] == said_of(text)


@pytest.mark.parametrize("name", LANGUAGE)
def test_the_example_of_a_section_is_right(name: str) -> None:
    """It stands in the reference, and is copied from there."""
    body = yaml.load(LANGUAGE[name].example, AsEditors)
    wrapped = {
        "layer": {"schedules": {"x": body}},
        "escalation": {"routes": [{"name": "x", **body}]},
        "step": {"tests": [{"name": "x", "expect": {}, **body}]},
        "posted": {"tests": [{"name": "x", "expect": {}, **body}]},
        "acted": {"tests": [{"name": "x", "expect": {}, **body}]},
        "silenced": {"tests": [{"name": "x", "expect": {}, **body}]},
        "expected": {"tests": [{"name": "x", "given": [], **body}]},
        "deliver": {"routes": [{"name": "x", **body}]},
        "digest": {"routes": [{"name": "x", **body}]},
    }.get(name, body)
    least = {"version": 1, "channels": {"ops": "room:ops"}, "everything_else": {"to": "ops"}}

    assert [] == [error.message for error in VALID.iter_errors({**least, **wrapped})]


SHAPES = [
    "chanels: {}", "settle: 3", "settle: soon", "channels: {}", "channels: {ops: ops}",
    "channels: {ops: pigeon:ops}", "channels: {ops: {to: room:ops, shadwo: true}}",
    "channels: {ops: {shadow: true}}", "channels: {ops: {to: room:ops, card: adaptive}}",
    "channels: {ops: {to: room:ops, shadow: perhaps}}", "storm: 20", "storm: {most: many, within: 1m}",
    "storm: {most: 20}", "people: [alice]", "people: {alice: U1}", "groups: {ops: {a: b}}", "sources: {a: {}}",
    "sources: {a: {tool: nagoios}}", "sources: {a: {tool: nagios, event: {}}}",
    "sources: {nagios: {heartbeat: {evry: 1m}}}", "sources: {json: {event: {titel: x}}}",
    "sources: {github: {hooks: x}}", "sources: {zendesk: {problems: [all]}}", "routes: {}",
    "routes: [{match: {host: a}}]", "routes: [{name: a, mach: {}}]", "routes: [{name: a, match: [host]}]",
    "routes: [{name: a, match: {host: {like: a}}}]", "routes: [{name: a, match: {host: []}}]",
    "routes: [{name: a, match: {any: {host: a}}}]", "routes: [{name: a, continue: maybe}]",
    "routes: [{name: a, tell: [opend]}]", "routes: [{name: a, tell: []}]", "routes: [{name: a, to: [ops]}]",
    "routes: [{name: a, group_wait: soon}]", "routes: [{name: a, escalate: [{to: ops}]}]",
    "routes: [{name: a, deliver: {during: x, otherwise: later}}]", "routes: [{name: a, deliver: {during: x}}]",
    "routes: [{name: a, digest: {timezone: UTC}}]", "routes: [{name: a, routes: [{name: b, pages: true}]}]",
    "everything_else: {name: a, to: ops}", "everything_else: {}", "inhibit: [{name: a, when: {}, quiets: {}}]",
    "inhibit: [{name: a, when: {}, quiets: {}, equal: []}]",
    "silences: [{name: a, match: {}, until: 2026-12-01}]", "silences: [{name: a, match: {host: a}}]",
    "silences: [{name: a b, match: {host: a}, until: 2026-12-01}]",
    "silences: [{name: a, match: {host: a}, until: x, during: y}]", "silence_policy: 24h",
    "silence_policy: {shortest: 1m}", "heartbeats: [{name: a}]", "access: [{who: everyone}]",
    "access: [{allow: x}]", "access: [{allow: x, deny: y, who: everyone}]",
    "access: [{allow: x, who: everyone, in: []}]", "time_windows: {a: {day: mon}}", "time_windows: {a: mon}",
    "schedules: {a: {}}", "schedules: {a: {layers: []}}", "schedules: {a b: {calendar: private}}",
    "schedules: {a: {layers: [{people: []}]}}", "schedules: {a: {calendar: private, layers: [{people: [a]}]}}",
    "enrich: [{name: a, table: a.txt, by: host}]", "enrich: [{name: a, table: a.csv}]", "tests: [{name: a}]",
    "tests: [{name: a, given: [{wait: 1h, host: b}], expect: {}}]",
    "tests: [{name: a, given: [{act: shout}], expect: {}}]", "tests: [{name: a, given: [], expect: {ops: [opend]}}]",
    "tests: [{name: a, given: [{silence: {host: b}}], expect: {}}]",
    "version: 2", "commands: []", "include: {a: b}",
]  # fmt: skip


@pytest.mark.parametrize("slip", SHAPES)
def test_a_slip_is_told_by_the_schema(slip: str) -> None:
    """An unknown key, a wrong shape, a value that is none of few: while somebody types."""
    least = yaml.load("version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n", yaml.BaseLoader)

    for loader in (AsEditors, yaml.BaseLoader):
        assert VALID.is_valid(least)
        assert not VALID.is_valid({**least, **yaml.load(slip, loader)})

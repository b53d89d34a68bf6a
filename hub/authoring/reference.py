"""The language of the rules as a page to read: every key, with a sentence, what may stand there, and examples."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hub.authoring.json_schema import Tools, chats_of, sources_of
from hub.core.notification import Occasion
from hub.routes_file.language import (
    ADDRESS,
    COUNT,
    DURATION,
    FIELDS,
    FLAG,
    LANGUAGE,
    NAME,
    NO_TIME,
    OCCASION,
    OCCASIONS,
    TEXT,
    TEXTS,
    Key,
    Section,
)

HEAD = """\
# Every key of routes.yaml

Made by `tocsin schema --reference` of the same description that reads the file and makes
[the schema](../routes.schema.json) by which editors complete. All scalars are read as text: `no` is "no", and `1.10` is
"1.10". A duration is `15m`, `2h30m` or `7d`. A key that is not listed here is refused, never ignored.
"""
TITLES = {
    "top": "The file",
    "source": "A source",
    "beat": "How often a source should be heard",
    "limit": "How many in how long",
    "enrich": "A table",
    "channel": "A channel",
    "schedule": "A schedule",
    "layer": "A layer of a schedule",
    "window": "A time window",
    "route": "A route",
    "everything_else": "everything_else",
    "escalation": "A step of an escalation",
    "deliver": "deliver",
    "digest": "A digest",
    "inhibit": "An inhibition",
    "silence": "A silence",
    "silence_policy": "silence_policy",
    "heartbeat": "A heartbeat",
    "access": "An entry of access",
    "test": "A test",
    "step": "A step of a test",
    "posted": "A step that posts a request",
    "acted": "A step in which somebody acts",
    "silenced": "A step that silences",
    "expected": "What is expected",
}
ELSEWHERE = {
    "match": "[match](#match)",
    "given": "[step](#a-step-of-a-test)",
    "channels": "names and [channels](#a-channel)",
    "sources": "names and [sources](#a-source)",
    "people": "names and their accounts: `{alice: {slack: U024BE7LH}}`",
}
PLAIN = (
    (TEXTS, "text, or list of texts"),
    (TEXT, "text"),
    (NAME, "name of letters, digits, - _ ."),
    (FLAG, "`true`, `false`"),
    (COUNT, "number"),
    (DURATION, "duration"),
    (NO_TIME, "`0`"),
    (ADDRESS, "`chat:room`"),
    (OCCASION, "[occasion](#occasions)"),
    (OCCASIONS, "[occasion](#occasions), or list of them"),
)
MATCH = """\
## match

Names and the values wanted. All must hold; `not:` excludes, and `any:` and `all:` combine lists of matches.

```yaml
{examples}
```

| value | matches |
|---|---|
| `web301` | just this text |
| `web*`, `web?` | a text with anything, or any one character, there |
| `">= warning"` | severities and numbers in their order: `>`, `>=`, `<`, `<=` |
| `[a, b]` | one of these |
| `{{regex: "web[0-9]+"}}` | an expression of RE2, of the whole value |
| `{{exists: true}}` | whatever there is; `false`: nothing |
| `{{is: "*"}}` | just this text, whatever is in it |

A name is one of these, a label that a tool declares, a column of a table, a name under `labels:`, `labels.x` for any
label, or `body.x.y` for what the tool posted.

| field | is |
|---|---|
{fields}

## occasions

Why something is said: {occasions}.
"""
EXAMPLES = """\
match:
  tool: [nagios, sensu]
  host: "web*"
  severity: ">= error"
  not: {service: {regex: "test-.*"}}
"""


def reference(tools: Tools) -> str:
    parts = [HEAD, *(part for name, section in LANGUAGE.items() for part in _section(name, section, tools))]
    return "\n".join(parts).rstrip() + "\n"


def _section(name: str, section: Section, tools: Tools) -> Iterator[str]:
    yield f"## {TITLES[name]}\n\n{section.says}\n\n```yaml\n{section.example}\n```\n\n{_table(section.keys)}"
    if name == "source":
        yield from _options(sources_of(tools), "sources", tools)
    elif name == "channel":
        yield from _options(chats_of(tools), "channels", tools)
    elif name == "route":
        fields = "\n".join(f"| `{field}` | {says} |" for field, says in FIELDS.items())
        occasions = ", ".join(f"`{occasion}`" for occasion in Occasion)
        yield MATCH.format(examples=EXAMPLES.rstrip(), fields=fields, occasions=occasions)


def _table(keys: Mapping[str, Key]) -> str:
    rows = (f"| {_called(name, key)} | {key.says} | {say(key.form)} |" for name, key in keys.items())
    return "\n".join(["| key | is | takes |", "|---|---|---|", *rows, ""])


def _called(name: str, key: Key) -> str:
    return f"`{name}` (needed)" if key.needed else f"`{name}`"


def _options(options: Mapping[str, Mapping[str, Key]], what: str, tools: Tools) -> Iterator[str]:
    for name, keys in options.items():
        if keys:
            nested = [(f"{key}.{inner}", one) for key, outer in keys.items() for inner, one in _inside(outer)]
            yield f"### More for {what} of {tools[name].title}\n\n{_table({**keys, **dict(nested)})}"


def _inside(key: Key) -> Iterable[tuple[str, Key]]:
    for name, form in key.form.get("properties", {}).items():
        yield name, Key(says=form.get("description", ""), form={k: v for k, v in form.items() if k != "description"})


def say(form: Mapping[str, Any]) -> str:
    """What may stand there, in a few words."""
    for known, words in PLAIN:
        if form == known:
            return words
    if "$ref" in form:
        name = form["$ref"].rpartition("/")[2]
        return ELSEWHERE.get(name) or f"[{TITLES[name].lower()}](#{_anchor(TITLES[name])})"
    if "anyOf" in form:
        return " or ".join(dict.fromkeys(say(one) for one in form["anyOf"]))
    if "enum" in form:
        return ", ".join(dict.fromkeys(f"`{one}`" for one in form["enum"]))
    if form.get("type") == "array":
        return f"list of {say(form['items'])}"
    if isinstance(form.get("additionalProperties"), Mapping):
        return f"names and {say(form['additionalProperties'])}"
    return _by_type(form)


def _by_type(form: Mapping[str, Any]) -> str:
    kinds = form.get("type", "text or table")
    if kinds == "object":
        return "keys"
    return "number" if isinstance(kinds, list) and "integer" in kinds else "text" if kinds != "text or table" else kinds


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-").replace("(", "").replace(")", "")

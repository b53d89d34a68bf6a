"""Routes that can never match are refused: whoever wrote them believes that somebody hears."""

import pytest

from hub.errors import RulesError
from hub.registry import installed
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules_text

CATALOGUE = catalogue_of(installed())
RULES = """\
version: 1
channels: {{ops: room:ops}}
everything_else: {{to: ops}}
routes:
  - {{name: first, to: ops, match: {first}}}
  - {{name: second, to: ops, match: {second}}}
"""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{host: a}", "{host: a}"),
        ("{host: a}", "{host: a, kind: k}"),
        ("{host: [a, b]}", "{host: b}"),
        ('{host: "web*"}', "{host: web1}"),
        ('{host: "web*"}', "{host: [web1, web2], kind: k}"),
        ('{host: "web*"}', '{host: "web*"}'),
        ("{host: {regex: a|b}}", "{host: a}"),
        ("{host: {exists: true}}", "{host: a}"),
        ('{severity: ">= error"}', '{severity: ">= critical"}'),
        ("{any: [{host: a}, {kind: k}]}", "{kind: k, service: s}"),
        ("{tool: nagios, all: [{kind: host}]}", "{kind: host, tool: nagios, host: a}"),
    ],
)
def test_a_route_after_one_that_takes_as_much_is_refused(first: str, second: str) -> None:
    """With the one that takes it, and what would help."""
    with pytest.raises(RulesError) as caught:
        read_rules_text(RULES.format(first=first, second=second), "routes.yaml", CATALOGUE)

    expected = "'second' can never match: 'first' before it takes all that it could"
    assert [f"routes.yaml:6:5: {expected}; move it up, or give 'first' continue: true"] == [
        str(one) for one in caught.value.complaints
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{host: a, kind: k}", "{host: a}"),
        ("{host: a}", "{host: [a, b]}"),
        ("{host: web1}", '{host: "web*"}'),
        ('{host: "web*"}', "{host: [web1, db1]}"),
        ("{not: {host: b}}", "{host: [a, b]}"),
        ("{host: a, continue: x}", "{host: b}"),
        ('{severity: ">= critical"}', '{severity: ">= error"}'),
        ("{host: a}", "{kind: k}"),
    ],
)
def test_a_route_that_something_is_left_for_is_taken(first: str, second: str) -> None:
    """The narrow before the wide is how rules are written."""
    first = first.replace(", continue: x}", "}, continue: true")

    assert read_rules_text(RULES.format(first=first, second=second), "routes.yaml", CATALOGUE)


def test_after_a_route_that_goes_on_anything_may_stand() -> None:
    """It leaves everything to those after it."""
    text = RULES.format(first='{host: "*"}, continue: true', second="{host: a}")

    assert read_rules_text(text, "routes.yaml", CATALOGUE)


def test_an_empty_tell_is_refused() -> None:
    """A route that takes and never says anything would be a hole."""
    text = RULES.format(first="{host: b}, tell: []", second="{host: a}")
    with pytest.raises(RulesError, match="5:52: resolved cannot be left out"):
        read_rules_text(text, "routes.yaml", CATALOGUE)

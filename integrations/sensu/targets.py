"""What a verb is to be done to: `web301`, `web301/check_http`, or `prod/web301/check_http` as the key of an alert has
it. A colon does for the slash, too: `web301:check_http`."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass

from hub.contracts import Target
from hub.core.event import Labels
from hub.core.records import replace
from hub.errors import UsageError

ALL = "*"
"""In place of a check: all of the entity, as in the names of Sensu's own silences."""
DEFAULT = "default"
NAME = re.compile(r"[\w.:-]{1,200}", re.ASCII)
CHECK = re.compile(r"[\w.-]{1,200}", re.ASCII)
"""Names as Sensu itself takes them. Nothing else gets into a path or a silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """An entity (in Sensu Core a client), or a check of it. Without a namespace: that of the settings."""

    host: str
    check: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        parts = [self.host, self.check]
        if self.namespace not in ("", DEFAULT):
            parts = [self.namespace, self.host, self.check or ALL]
        return "/".join(part for part in parts if part)


def thing_of(target: Target) -> Thing:
    """Raises UsageError where a name is none that Sensu would take."""
    labels = target.labels
    return _thing(labels.get("host", ""), labels.get("service", ""), labels.get("namespace", ""))


def _thing(host: str, check: str, namespace: str) -> Thing:
    return Thing(
        host=_named("entity", host, NAME),
        check=_named("check", check, CHECK) if check else "",
        namespace=_named("namespace", namespace, CHECK) if namespace else "",
    )


def _named(what: str, name: str, names: re.Pattern[str]) -> str:
    if names.fullmatch(name) and name.strip("."):
        return name
    raise UsageError(f"'{' '.join(name.split())[:60]}' cannot be the {what} of anything in Sensu")


def _target(thing: Thing) -> Target:
    said = {"host": thing.host, "service": thing.check, "namespace": thing.namespace}
    return Target(name=str(thing), labels={name: text for name, text in said.items() if text})


def target_of(labels: Labels) -> Target | None:
    """A keepalive has no service, but it is a check of Sensu, so that its ack leaves the others of the host alone."""
    try:
        check = labels.get("check", "") or labels.get("service", "")
        return _target(_thing(labels["host"], check, labels.get("namespace", "")))
    except (KeyError, UsageError):
        return None


def aim(text: str, known: Sequence[Labels]) -> tuple[Target, str]:
    """The target with which a text begins, and the words behind it: `web301/check_http for 2h`."""
    first, _, rest = text.strip().partition(" ")
    if not first:
        raise UsageError(EXAMPLE)
    namespace, host, check = _parts(first, {labels.get("host", "") for labels in known})
    thing = _thing(host, check, namespace)
    return _target(thing if namespace else replace(thing, namespace=_namespace(thing, known))), rest.strip()


EXAMPLE = "say of which entity or check: web301, or web301/check_http"


def _parts(word: str, hosts: Set[str]) -> tuple[str, str, str]:
    """Namespace, host and check; what was not said is empty."""
    said = word.split("/")
    if len(said) == 1 and ":" in word and word not in hosts:
        said = list(word.rpartition(":")[::2])
    if len(said) > 3 or not all(said):
        raise UsageError(EXAMPLE)
    namespace = said.pop(0) if len(said) == 3 else ""
    host, check = said if len(said) == 2 else (said[0], "")
    return namespace, host, "" if check == ALL else check


def _namespace(thing: Thing, known: Sequence[Labels]) -> str:
    """That of the known alerts of it, so that it is the same target as theirs; raises UsageError where there are
    several."""
    alike = [labels for labels in known if labels.get("host") == thing.host]
    exact = [labels for labels in alike if labels.get("check") == thing.check] or alike
    found = sorted({labels.get("namespace", "") for labels in exact})
    if len(found) > 1:
        ways = " or ".join(f"{namespace or DEFAULT}/{thing.host}/{thing.check or ALL}" for namespace in found)
        raise UsageError(f"{thing} is in several namespaces; say {ways}")
    return found[0] if found else ""

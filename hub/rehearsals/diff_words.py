"""What a comparison of rules says: as text, as Markdown for a pull request, as JSON for machines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hub.core.comparison import SAID, STORMS, Comparison, Example, Finding, Kind, Numbers
from hub.prose import code, one_line, say_count

MOST_ROWS = 30
"""Of a table in Markdown: a comment has room for 65,536 characters."""
LONGEST = 100
Link = Callable[[str], str]
"""Of an event, the address of its page; empty where there is none."""


def head(compared: Comparison) -> str:
    """The one answer, on one line."""
    told = f"{say_count(compared.events, 'event')} replayed, {say_count(compared.alerts, 'alert')}"
    if compared.same:
        return f"Nothing changes for anybody: {told}."
    answered = [found for found in compared.findings if found.kind in ANSWERS]
    first = [f"{say_count(found.count, 'alert')} {ANSWERS[found.kind]}" for found in answered]
    storms, others = compared.count(STORMS), sum(f.count for f in compared.findings if f.kind not in ANSWERS)
    first += [f"{say_count(storms, 'storm')} more"] if storms else []
    rest = say_count(others, "other change") if others else "nothing else changes"
    if not compared.findings and not storms:
        rest = "only how often who is woken changes"
    return f"{_capital('; '.join(first) or 'Nothing is lost, and what pages is the same')}; {rest} ({told})."


ANSWERS = {
    Kind.LOST: "would be heard by nobody, or by everything_else alone",
    Kind.PAGING: "would page somebody now",
    Kind.UNPAGED: "would page nobody any more",
}
"""What a reviewer asks first."""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def as_dict(compared: Comparison, link: Link) -> dict[str, Any]:
    """As JSON has it."""
    told = asdict(compared)
    for finding in told["findings"]:
        for example in finding["examples"]:
            example["at"] = example["at"].isoformat().replace("+00:00", "Z")
            example["url"] = link(example["event"]) or None
    for name in ("since", "until"):
        at = told[name]
        told[name] = at.isoformat().replace("+00:00", "Z") if at else None
    return {"same": compared.same, "answer": head(compared), **told}


# ------------------------------------------------------------------------------------------------------------- as text


def text(compared: Comparison, link: Link) -> str:
    lines = [head(compared)]
    for found in compared.findings:
        lines += ["", f"{found.kind}: {say_count(found.count, 'alert')} {SAID[found.kind]}"]
        lines += [f"  {_example(example, link)}" for example in found.examples]
        lines += [f"  … and {found.count - len(found.examples):,} more"] if found.count > len(found.examples) else []
    for name, numbers in (("channel", compared.channels), ("route", compared.routes)):
        lines += ["", *_columns(name, numbers)] if numbers else []
    lines += [""] if compared.moves else []
    lines += [f"{number:,} moved from {before} to {after}" for before, after, number in compared.moves]
    storms = _storms(compared)
    return "\n".join([*lines, *([""] if storms else []), *storms])


def _example(example: Example, link: Link) -> str:
    why = f" ({example.why})" if example.why else ""
    url = link(example.event)
    where = f"{', '.join(example.before) or 'nobody'} → {', '.join(example.after) or 'nobody'}"
    title = one_line(example.title, LONGEST)
    return f"{example.at:%Y-%m-%d %H:%M} {example.source}: {title}: {where}{why}  {url or example.event}"


def _columns(name: str, numbers: Sequence[Numbers]) -> list[str]:
    rows = [(name, *HEADS), *(_cells(one) for one in numbers)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:]))) for row in rows]


HEADS = ("before", "after", "new", "gone", "woke", "wakes")


def _cells(one: Numbers) -> tuple[str, ...]:
    numbers = (one.before, one.after, one.added, one.removed, one.wakes_before, one.wakes_after)
    return (one.name + (" (pages)" if one.pages else ""), *(f"{number:,}" for number in numbers))


def _storms(compared: Comparison) -> list[str]:
    before, after = dict(compared.storms_before), dict(compared.storms_after)
    return [
        f"storms in {name}: {before.get(name, 0)} before, {after.get(name, 0)} after"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


# --------------------------------------------------------------------------------------------------------- as Markdown


def markdown(compared: Comparison, link: Link) -> str:
    """A short line that says the one answer, then tables; examples are folded."""
    return "\n".join([f"**{head(compared)}**", *_sections(compared, link)]) + "\n"


def _sections(compared: Comparison, link: Link) -> Iterator[str]:
    for found in compared.findings:
        yield from _folded(found, link)
    for name, numbers in (("channel", compared.channels), ("route", compared.routes)):
        if numbers:
            yield from ("", f"| {name} | {' | '.join(HEADS)} |", "|---|" + "--:|" * len(HEADS))
            yield from (_row(one) for one in numbers[:MOST_ROWS])
            if len(numbers) > MOST_ROWS:
                yield from ("", f"… and {len(numbers) - MOST_ROWS} {name}s more.")
    if compared.moves:
        yield ""
        yield from (f"- {n:,} from {code(a)} to {code(b)}" for a, b, n in compared.moves[:MOST_ROWS])
    for line in _storms(compared):
        yield from ("", line)


def _row(one: Numbers) -> str:
    name, *numbers = _cells(one)
    return f"| {code(name)} | {' | '.join(numbers)} |"


def _folded(found: Finding, link: Link) -> Iterator[str]:
    yield from (
        "",
        f"<details><summary>{found.kind}: {say_count(found.count, 'alert')} {SAID[found.kind]}</summary>",
        "",
    )
    for example in found.examples:
        why = f" ({code(example.why)})" if example.why else ""
        before, after = (", ".join(map(code, names)) or "nobody" for names in (example.before, example.after))
        at, url = f"{example.at:%Y-%m-%d %H:%M}", link(example.event)
        when = f"[{at}]({url})" if url else at
        yield f"- {when} {code(example.source)}: {code(example.title, LONGEST)}: {before} → {after}{why}"
    if found.count > len(found.examples):
        yield f"- … and {found.count - len(found.examples):,} more"
    yield from ("", "</details>")


def to(public_url: str) -> Link:
    """Links to the pages of a hub, if it is known where it is."""
    base = public_url.rstrip("/")
    return lambda event: f"{base}/events/{event}" if base else ""


FORMATS: Mapping[str, Callable[[Comparison, Link], str]] = {"text": text, "markdown": markdown}

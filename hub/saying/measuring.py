"""How much a template may handle, in all of one rendering: an operator's slip must hold nobody up, nor fill the memory.

Loops are counted in steps. What goes into a filter, a method or an operator is counted in characters, and so is what
would come out, before it is made, where that is more. Rendering waits for nothing, so that one count is enough.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from typing import Any

MOST_STEPS = 10_000
"""Of all loops of one rendering together."""
MOST_HANDLED = 1_000_000
"""Characters, and entries of lists, in one rendering."""
LONGEST = 100_000
"""Characters that a template may say. No chat shows as many."""
LISTS: tuple[type[Iterable[Any]], ...] = (
    list,
    tuple,
    set,
    frozenset,
    type({}.keys()),
    type({}.values()),
    type({}.items()),
)
DIGITS = 20
"""To which numbers are rounded at most."""


class TooMuch(Exception):
    """More than any words need."""


class Measure:
    def __init__(self) -> None:
        self._steps = self._handled = 0

    def begin(self) -> None:
        self._steps = self._handled = 0

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self._steps += 1
            if self._steps > MOST_STEPS:
                raise TooMuch(f"its loops go round more than {MOST_STEPS:,} times")
            yield item

    def spend(self, characters: int) -> None:
        self._handled += max(0, characters)
        if self._handled > MOST_HANDLED:
            raise TooMuch(f"it handles more than {MOST_HANDLED:,} characters")

    def weighed(self, value: Any) -> Any:
        """The value. It may hold the same thing very often, so that its whole size must not be asked for first."""
        stack = [value]
        while stack:
            one = stack.pop()
            self.spend(len(one) or 1 if isinstance(one, str) else 1)
            if isinstance(one, dict):
                stack += [*one, *one.values()]
            elif isinstance(one, LISTS):
                stack += one
        return value

    def multiplied(self, left: Any, right: Any) -> None:
        for thing, times in ((left, right), (right, left)):
            if isinstance(thing, str | list | tuple):
                before = self._handled
                self.weighed(thing)
                if (self._handled - before) * int(times) > LONGEST:
                    raise TooMuch(f"a text grows beyond {LONGEST:,} characters")
                return
        if max(abs(left), abs(right)) > 10**DIGITS:
            raise TooMuch("a number grows too large")

    def said(self, value: Any) -> str:
        """As it is put out."""
        text = value if isinstance(value, str) else str(self.weighed(value))
        self.spend(min(len(text), LONGEST))
        return text[:LONGEST]

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A filter or a test of jinja2, of which some are given more than the template says."""
        skipped, grows = int(hasattr(function, "jinja_pass_arg")), GROWS.get(name)

        @wraps(function)
        def measured(*given: Any, **named: Any) -> Any:
            for value in (*given[skipped:], *named.values()):
                self.weighed(value)
            if grows is not None:
                self.spend(grows(*given[skipped:], **named))
            made = function(*given, **named)
            return list(made) if isinstance(made, Iterator) else made

        return measured


def _batch(value: Any, linecount: int, fill_with: Any = None) -> int:  # noqa: ARG001 - the shape of the filter
    return linecount


def _slice(value: Any, slices: int, fill_with: Any = None) -> int:  # noqa: ARG001
    return slices


def _join(value: Sequence[Any], d: str = "", attribute: Any = None) -> int:  # noqa: ARG001
    return len(str(d)) * len(value)


def _replace(s: Any, old: str, new: str, count: int | None = None) -> int:
    times = str(s).count(str(old))
    return len(str(new)) * (times if count is None or count < 0 else min(times, count))


def _round(value: Any, precision: int = 0, method: str = "common") -> int:  # noqa: ARG001
    if abs(precision) > DIGITS:
        raise TooMuch(f"numbers have at most {DIGITS} digits here")
    return 0


def _sum(iterable: Any, attribute: Any = None, start: Any = 0) -> int:  # noqa: ARG001
    if not isinstance(start, int | float):
        raise TooMuch("sum adds numbers; write a | join for texts")
    return 0


GROWS: Mapping[str, Callable[..., int]] = {
    "batch": _batch,
    "slice": _slice,
    "join": _join,
    "replace": _replace,
    "round": _round,
    "sum": _sum,
}
"""What comes out of a filter beyond what goes in."""

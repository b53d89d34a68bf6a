"""Strangers' text, made fit to be told: on one line, or in a few, cut where it grows too long."""

import re

AHEAD = 20
"""How many times its length of a text is looked at: it may have megabytes, and what is cut off does not matter."""


def one_line(text: str, longest: int) -> str:
    """Text on one line."""
    return cut(" ".join(text[: AHEAD * longest].split()), longest)


def in_lines(text: str, longest: int) -> str:
    """A text of several lines, without wide gaps."""
    return cut(re.sub(r"\n{3,}", "\n\n", text[: 2 * longest].replace("\r\n", "\n")).strip(), longest)


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and a sign that there is more."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"

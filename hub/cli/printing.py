"""Exit codes, and how verbs print."""

import argparse
import json
import re
import sys
from typing import Any

from hub.errors import TocsinError

OK, FAULTS, USAGE, UNREACHABLE = 0, 1, 2, 3


class Misused(TocsinError):
    """An option that means nothing. By its exit code it is told from a finding: `--fail-on lots` found nothing."""

    exit_code = USAGE


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters, and what turns the direction of writing: strangers' texts have them, and a terminal obeys."""


def show(text: str, *, aside: bool = False) -> None:
    """Print for people; `aside`: on standard error."""
    print(legible(text), file=sys.stderr if aside else sys.stdout)


def tell(options: argparse.Namespace, said: Any, text: str) -> None:
    """What a script reads, if JSON is asked for; else what people read."""
    if options.json:
        print(json.dumps(said))
    else:
        show(text)


def legible(text: str) -> str:
    return _UNSEEN.sub(lambda met: met[0].encode("unicode_escape").decode(), text.replace("\r\n", "\n"))


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"

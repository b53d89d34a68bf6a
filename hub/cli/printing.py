"""Exit codes, and what several verbs print."""

from hub.errors import TocsinError

OK, FAULTS, USAGE, UNREACHABLE = 0, 1, 2, 3


class Misused(TocsinError):
    """An option that means nothing. By its exit code it is told from a finding: `--fail-on lots` found nothing."""

    exit_code = USAGE


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"

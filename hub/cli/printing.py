"""Exit codes, and what several verbs print."""

OK, FAULTS, UNREACHABLE = 0, 1, 3
"""2 is usage, by argparse."""


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"

"""What is wrong in a file, or odd: where, what, and what would be right."""

from dataclasses import dataclass

WRONG = "wrong"
"""The rule of what no reading takes."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Complaint:
    """One thing. Lines and columns count from 1. `rule` is a lasting name of its sort, for machines."""

    file: str
    line: int
    column: int
    what: str
    warning: bool = False
    rule: str = WRONG

    def __str__(self) -> str:
        grade = "warning: " if self.warning else ""
        return f"{self.file}:{self.line}:{self.column}: {grade}{self.what}"

"""What time it is. Whatever decides is told so, and asks nobody."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)

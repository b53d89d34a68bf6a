"""What other replicas took in, gathered by the one that leads."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from hub.errors import Overloaded
from hub.replicas.gathering import EVENTS, Gathering


async def test_who_was_heard_while_nothing_could_be_written_is_noted_afterwards() -> None:
    """Else its heartbeat would be missing until it posts again, which may be tomorrow."""
    failures, noted = [Overloaded("the database does not answer")], list[str]()

    async def heard(sources: Sequence[str]) -> None:
        if failures:
            raise failures.pop()
        noted.extend(sources)

    async def unrouted(limit: int) -> Sequence[object]:
        return ()

    gathering = Gathering(store=SimpleNamespace(unrouted=unrouted), route=unrouted, heard=heard)  # type: ignore[arg-type]
    gathering.call([EVENTS, "nagios", "backup"])
    with pytest.raises(Overloaded):
        await gathering.gather()
    gathering.call([EVENTS, "nagios"])
    for _ in range(2):
        await gathering.gather()

    assert ["nagios", "backup"] == noted

"""What happens between the moment at which a timer ripens and its turn: it may be set for another time by then."""

import asyncio
from datetime import timedelta

from scenario import Scenario

RULES = """\
version: 1
sources:
  nagios: {expire_after: 1h}
channels: {ops: room:ops}
everything_else: {to: ops}
"""


async def test_what_is_heard_again_just_in_time_does_not_end(begin) -> None:  # type: ignore[no-untyped-def]
    """Of a tool that says each hour that it is still so, and of whose silence for an hour an end is made."""
    hub: Scenario = await begin(RULES)
    await hub.nagios("web1")
    hub.clock += timedelta(hours=1)

    await asyncio.gather(hub.nagios("web1"), hub.hub.upkeep.ripen())
    heard = (await hub.told())[0].message.state
    await hub.later("1h")

    assert "open" == heard
    assert "resolved" == (await hub.told())[0].message.state

"""Nagios sends no RECOVERY for what recovers while it flaps or in a downtime: its state closes it all the same."""

import pytest
from scenario import Scenario


@pytest.mark.parametrize(
    "kind", ["FLAPPINGSTART", "FLAPPINGSTOP", "FLAPPINGDISABLED", "DOWNTIMEEND", "DOWNTIMECANCELLED", "CUSTOM"]
)
async def test_what_is_well_is_closed_whatever_the_message(hub: Scenario, kind: str) -> None:
    """An alert that stays open for ever is worse than none."""
    await hub.nagios(service="Disk", state="CRITICAL", number=1)
    await hub.later("5m")
    await hub.nagios(service="Disk", state="OK", kind=kind, number=2)

    (told,) = await hub.told()
    assert "resolved" == told.message.state


async def test_what_is_said_of_a_thing_that_is_well_is_heard(hub: Scenario) -> None:
    """Nothing is open, and the comment is not lost."""
    await hub.nagios(service="Disk", state="OK", kind="CUSTOM", number=1, NOTIFICATIONCOMMENT="rebuilt tonight")

    (told,) = await hub.told()
    assert "rebuilt tonight" in str(told.message)
    assert "notice" in told.message.state


async def test_flapping_is_one_notice_and_a_line(hub: Scenario) -> None:
    """Whoever asked Nagios for it hears when it begins, and quietly when it ends."""
    await hub.nagios(service="Disk", state="OK", kind="FLAPPINGSTART", number=1)
    await hub.later("20m")
    await hub.nagios(service="Disk", state="OK", kind="FLAPPINGSTOP", number=2)

    (told,) = await hub.told()
    assert "flapping began" in told.message.title
    (line,) = await hub.thread(told)
    assert ("flapping ended" in line.message.title, line.loud) == (True, False)


async def test_a_recovery_that_overtakes_its_problem_opens_nothing(hub: Scenario) -> None:
    """Notification commands run side by side: the number orders them, in the same second, too."""
    await hub.nagios(service="Disk", state="CRITICAL", number=1)
    await hub.nagios(service="Disk", state="OK", kind="FLAPPINGSTOP", number=3)
    await hub.nagios(service="Disk", state="CRITICAL", number=2)

    (told,) = await hub.told()
    assert "resolved" == told.message.state

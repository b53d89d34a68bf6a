"""One message may be wanted by more than one route: of what gets worse, or where the message of a group stands.

It wakes whom any of them would, and waits for nothing that one of them does not wait for.
"""

from scenario import Scenario

WORSENS = """\
version: 1
channels: {ops: room:ops, managers: room:managers}
time_windows: {office: {days: mon-fri, hours: "09:00-18:00", timezone: UTC}}
routes:
  - name: critical
    match: {severity: critical}
    to: ops
    repeat_interval: 30m
    escalate: [{after: 10m, to: managers}]
  - {name: rest, match: {tool: nagios}, to: ops}
everything_else: {to: ops}
"""


async def warns(hub: Scenario, number: int = 1) -> None:
    await hub.nagios("web1", "WARNING", service="Disk", number=number)


async def breaks(hub: Scenario, number: int = 2) -> None:
    await hub.nagios("web1", "CRITICAL", service="Disk", number=number)


async def lines(hub: Scenario, name: str = "ops") -> list[str]:
    (message,) = await hub.told(name)
    return [line.message.title for line in await hub.thread(message) if line.loud]


async def test_what_gets_worse_is_treated_as_what_it_is_by_then(begin) -> None:
    """It began as nothing that wakes anybody further."""
    hub = await begin(WORSENS)
    await warns(hub)
    await hub.later("1h")
    assert [] == await lines(hub)
    await breaks(hub)
    assert "managers hears at 04:10 UTC, said again after 30m unless acked" == (await hub.latest()).message.standing
    await hub.later("31m")

    assert 1 == len(await hub.told("managers"))
    assert [
        "Worse: web1 / Disk is CRITICAL",
        "nobody has taken it in 10m: now managers hears of it",
        "still so after 1h 30m: web1 / Disk is CRITICAL",
    ] == await lines(hub)


async def test_what_its_first_route_promised_holds_beside_it(begin) -> None:
    """Each step counts from when its route came to it."""
    hub = await begin(
        WORSENS.replace("to: managers", "to: night")
        .replace("ops: room:ops", "ops: room:ops, night: room:night")
        .replace(
            "match: {tool: nagios}, to: ops", "match: {tool: nagios}, to: ops, escalate: [{after: 2h, to: managers}]"
        )
    )
    await warns(hub)
    await hub.later("115m")
    await breaks(hub)
    await hub.later("6m")
    assert (1, 0) == (len(await hub.told("managers")), len(await hub.told("night")))
    await hub.later("5m")
    assert (1, 1) == (len(await hub.told("managers")), len(await hub.told("night")))
    await hub.says("ack Disk")
    await hub.says("unack Disk")

    assert "night hears at 05:16 UTC, said again after 30m unless acked" in (await hub.latest()).message.standing


async def test_what_waits_for_the_morning_is_told_when_it_gets_worse(begin) -> None:
    """If what it is by then is not for the morning."""
    hub = await begin(
        WORSENS.replace(
            "match: {tool: nagios}, to: ops",
            "match: {tool: nagios}, to: ops, deliver: {during: office, otherwise: defer}",
        )
    )
    await warns(hub)
    assert [] == await hub.told()
    await breaks(hub)
    assert ["web1 / Disk is CRITICAL (×2)"] == [message.message.title for message in await hub.told()]
    await hub.later("11m")

    assert 1 == len(await hub.told("managers"))


async def test_what_was_told_by_day_wakes_at_night_when_it_is_worse(begin) -> None:
    hub = await begin(
        WORSENS.replace(
            "match: {tool: nagios}, to: ops",
            "match: {tool: nagios}, to: ops, deliver: {during: office, otherwise: defer}",
        )
    )
    await hub.later("2d14h")  # Monday at 17:00
    await warns(hub)
    await hub.later("2h")
    await breaks(hub)

    assert ["Worse: web1 / Disk is CRITICAL"] == await lines(hub)


async def test_a_member_of_a_group_that_escalated_has_what_its_own_route_promises(begin) -> None:
    hub = await begin("""\
version: 1
channels: {ops: room:ops, web: room:web, managers: room:managers}
routes:
  - {name: all, match: {}, to: web, group_by: [tool], escalate: [{after: 10m, to: ops}], continue: true}
  - {name: hosts, match: {kind: host}, to: ops, repeat_interval: 30m, escalate: [{after: 20m, to: managers}]}
everything_else: {to: web}
""")
    await hub.nagios("web1", "CRITICAL", service="Disk", number=1)
    await hub.later("15m")
    assert (1, 1) == (len(await hub.told("web")), len(await hub.told("ops")))
    await hub.nagios("db1", number=2)
    assert 1 == len(await hub.told("ops"))
    await hub.later("21m")
    assert 1 == len(await hub.told("managers"))
    await hub.later("10m")

    assert any(title.startswith("still so") for title in await lines(hub))


async def test_what_a_company_waits_for_keeps_none_of_it_from_being_told_alone(begin) -> None:
    """The others of the group are still for the morning."""
    hub = await begin(
        WORSENS.replace(
            "match: {tool: nagios}, to: ops",
            "match: {tool: nagios}, to: ops, group_by: [host], deliver: {during: office, otherwise: defer}",
        )
    )
    await warns(hub)
    await hub.nagios("web1", "WARNING", service="Load", number=2)
    await breaks(hub, number=3)
    assert ["web1 / Disk is CRITICAL (×2)"] == [message.message.title for message in await hub.told()]
    await hub.later("11m")
    assert 1 == len(await hub.told("managers"))
    await hub.later("2d6h")  # it is Monday, and the office is open

    assert ["web1 / Disk is CRITICAL (×2)", "2 firing: web1"] == [
        message.message.title for message in await hub.told() if message.message.kind == "alert"
    ]

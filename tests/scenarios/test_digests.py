"""What nobody must hear at once is told at set times, all in one."""

from datetime import timedelta

from scenario import Scenario

RULES = """\
version: 1
sources:
  twitter: {tool: json}
channels: {ops: room:ops, managers: room:managers}
time_windows: {office: {hours: "09:00-18:00"}}
routes:
  - name: hosts
    match: {tool: nagios}
    to: ops
    digest: {every: "daily 09:00 17:00"}
  - {name: tweets, match: {source: twitter}, to: ops, digest: {every: "daily 09:00 17:00"}}
everything_else: {to: ops}
"""


async def told(hub: Scenario) -> list[tuple[str, str]]:
    return [(message.message.title, message.message.text) for message in await hub.told()]


async def test_all_that_came_is_told_in_one(begin) -> None:  # type: ignore[no-untyped-def]
    """Of a thing that was noticed twice, the last; through a restart; and no message of its own for any of it."""
    hub = await begin(RULES)
    for host in ("web1", "web2"):
        await hub.nagios(host)
    await hub.receives("twitter", {"title": "hello", "id": "1"})
    await hub.receives("twitter", {"title": "hello again", "id": "1"})
    await hub.nagios("web2", "UP", "RECOVERY")
    before = await told(hub)
    await hub.restarts()

    await hub.later("6h")

    lines = "• web1 is DOWN\n• hello again\n• web2 is UP"
    assert [] == before
    assert [("digest: 1 still open, 1 noticed, 1 over again", lines)] == await told(hub)


async def test_what_is_still_so_is_told_each_time_and_then_that_it_healed(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("web1")
    await hub.later("14h")
    await hub.nagios("web1", "UP", "RECOVERY")

    await hub.later("2d")

    titles = [title for title, _ in await told(hub)]
    assert ["digest: 1 still open", "digest: 1 still open", "digest: 1 over again"] == titles


async def test_a_digest_that_was_due_while_the_hub_was_away_comes_though_more_comes_first(begin) -> None:  # type: ignore[no-untyped-def]
    """What came before the hub looked at what was due put it off until the next time, and then again."""
    hub = await begin(RULES)
    await hub.nagios("web1")
    await hub.stop()
    hub.clock += timedelta(hours=6, minutes=5)
    await hub.start()
    await hub.nagios("web2")

    await hub.later("1m")

    assert ["digest: 2 still open"] == [title for title, _ in await told(hub)]


async def test_a_reload_tells_nothing_that_waits_for_a_digest(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("web1")
    assert await hub.reloads(f"{RULES}ack_lasts: 2h\n")
    await hub.later("5h")
    assert [] == await told(hub)
    await hub.later("1h")

    assert ["digest: 1 still open"] == [title for title, _ in await told(hub)]


async def test_why_says_that_it_waits_for_a_digest(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    accepted = await hub.nagios("web1")

    assert "held back by digest daily 09:00 17:00" in await hub.hub.actions.explain(accepted.events[0])


async def test_a_step_of_an_escalation_waits_for_its_window(begin) -> None:  # type: ignore[no-untyped-def]
    """Managers are not woken at three, and the message says when they will hear."""
    steps = "escalate: [{after: 10m, to: managers, during: office}]"
    hub = await begin(RULES.replace('digest: {every: "daily 09:00 17:00"}\n  - {name: t', steps + "\n  - {name: t"))
    await hub.nagios("web1")
    promised = (await hub.latest()).message.standing

    await hub.later("5h")
    early = await hub.told("managers")
    await hub.restarts()
    await hub.later("1h")

    assert "managers hears at 09:00 UTC unless acked" == promised
    assert [] == early
    assert 1 == len(await hub.told("managers"))

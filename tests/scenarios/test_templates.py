"""Words of one's own: what they may do, what becomes of an alert when they fail, and how that is told."""

from pathlib import Path

from scenario import Scenario

MAPPED = """\
version: 1
sources:
  mapped:
    tool: json
    event:
      title: "{body.title}"
      status: problem
      url: "{body.graph}"
      labels: {runbook_url: "{body.book}", team: "{body.team}"}
channels: {ops: room:ops}
everything_else: {to: ops}
"""


def write(hub: Scenario, name: str, words: str) -> Path:
    path = hub.folder / "templates/messages" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words)
    return path


async def titles(hub: Scenario) -> list[str]:
    return [message.message.title for message in await hub.told()]


async def test_words_beside_the_rules_go_before_the_shipped_ones(begin) -> None:
    hub = await begin()
    write(hub, "opened/title.plain.j2", "{{ labels.host | upper }}, at once: {{ title }}")
    await hub.restarts()
    await hub.nagios("web301")

    assert ["WEB301, at once: web301 is DOWN"] == await titles(hub)


async def test_a_template_that_cannot_be_used_is_told_before_it_is_needed(begin) -> None:
    """Where it is wrong, and what would be right; once."""
    hub = await begin()
    write(hub, "opened/title.plain.j2", "all is well\n{{ titel }}")
    await hub.restarts()
    await hub.nagios("web301")
    await hub.nagios("web302", number=2)
    broken, *others = await hub.told()

    assert "template opened/title.plain.j2 cannot be used; other words stand in for it" == broken.message.title
    assert broken.message.text.endswith("""title.plain.j2:2: no word is called 'titel'; did you mean "title"?""")
    assert ["web301 is DOWN", "web302 is DOWN"] == [message.message.title for message in others]


async def test_a_template_that_fails_for_one_alert_is_told_once(begin) -> None:
    """The next in the list speaks instead."""
    hub = await begin()
    write(hub, "opened/title.plain.j2", "{{ labels.service }} of {{ labels.host }}")
    write(hub, "default/title.plain.j2", "!! {{ title }}")
    await hub.restarts()
    await hub.nagios("web301", number=1)
    await hub.nagios("web301", service="disk", state="CRITICAL", number=2)
    await hub.nagios("web302", number=3)

    assert [
        "!! web301 is DOWN",
        "!! template opened/title.plain.j2 cannot be used; other words stand in for it",
        "disk of web301",
        "!! web302 is DOWN",
    ] == await titles(hub)


async def test_it_is_over_when_the_templates_are_read_anew(begin) -> None:
    hub = await begin()
    path = write(hub, "opened/title.plain.j2", "{% if %}")
    await hub.restarts()
    path.write_text("mended: {{ title }}")
    await hub.hub.upkeep.read_templates()
    await hub.settle()
    await hub.nagios("web301")
    broken, told = await hub.told()

    assert "resolved" == broken.message.state
    assert "mended: web301 is DOWN" == told.message.title


async def test_it_is_over_after_a_start_with_better_ones(begin) -> None:
    hub = await begin()
    path = write(hub, "opened/title.plain.j2", "{% if %}")
    await hub.restarts()
    path.unlink()
    await hub.restarts()

    assert ["resolved"] == [message.message.state for message in await hub.told()]


async def test_who_resolves_it_hears_no_more_of_it_until_it_fails_again(begin) -> None:
    hub = await begin()
    write(hub, "acked/title.plain.j2", "{% if %}")
    await hub.restarts()
    await hub.says("resolve", under=await hub.latest())
    await hub.nagios("web301")
    broken = (await hub.told())[0]
    assert "resolved" == broken.message.state
    await hub.says("ack", under=await hub.latest())
    broken = (await hub.told())[0]

    assert "open" == broken.message.state


async def test_a_template_goes_round_and_grows_only_so_far(begin) -> None:
    """A hub that renders for ever tells nobody anything."""
    hub = await begin()
    write(hub, "opened/standing.plain.j2", "{% for a in body %}{% for b in body %}.{% endfor %}{% endfor %}")
    write(hub, "opened/text.plain.j2", "{{ body * 90 }}")
    await hub.restarts()
    await hub.nagios("web301", HOSTOUTPUT="x" * 2_000)
    told = next(one.message for one in await hub.told() if one.message.title == "web301 is DOWN")

    assert "" == told.standing
    assert "x" * 2_000 == told.text


async def test_the_runbook_is_the_first_link_however_it_came(begin) -> None:
    """As a label or as a link; only what leads to the web is one, and what is one is no fact as well."""
    hub = await begin(MAPPED)
    book, graph = "https://wiki.example.com/disk", "https://graphs.example.com/disk"
    await hub.receives("mapped", {"title": "one", "graph": graph, "book": book, "team": "web"})
    one = (await hub.latest()).message
    await hub.receives("mapped", {"title": "two", "graph": "", "book": "javascript:alert(1)", "team": "web"})
    two = (await hub.latest()).message

    assert [("Runbook", book), ("Open", graph)] == [(link.title, link.url) for link in one.links]
    assert (("source", "mapped"), ("team", "web")) == one.facts
    assert () == two.links
    assert ("runbook_url", "javascript:alert(1)") in two.facts


async def test_times_are_those_of_the_hub_s_own_zone(begin) -> None:
    """Where a reader's is not known."""
    hub = await begin()
    hub.variables["TOCSIN_TIMEZONE"] = "Europe/Berlin"
    await hub.restarts()
    await hub.nagios("web301")
    await hub.says("shut up nagios for 1h")
    told = next(one.message for one in await hub.told() if one.message.title == "web301 is DOWN")

    assert "2026-11-21 04:00 CET" == told.local
    assert "silent until 05:00 CET" in told.standing

"""The main job, end to end: a real Nagios in, the room, and the answer back into Nagios."""

import re
from collections.abc import Callable, Mapping

import pytest
from peers.browser import chromium, opened
from peers.hub import HubProcess
from peers.nagios import PASSWORD, USER, Nagios, nagios
from peers.servers import wait_until
from playwright.async_api import expect

SECRET = "shared-with-nagios"
WAYS: Mapping[str, Callable[[Nagios], Mapping[str, str]]] = {
    "command file": lambda peer: {
        "TOCSIN_NAGIOS_COMMAND_FILE": str(peer.command_file),
        "TOCSIN_NAGIOS_STATUS_FILE": str(peer.status_file),
    },
    "cmd.cgi with Basic": lambda peer: {
        "TOCSIN_NAGIOS_CGI_URL": peer.cgi_url("basic"),
        "TOCSIN_NAGIOS_CGI_USER": USER,
        "TOCSIN_NAGIOS_CGI_PASSWORD": PASSWORD,
    },
    "cmd.cgi with Digest": lambda peer: {
        "TOCSIN_NAGIOS_CGI_URL": peer.cgi_url("digest"),
        "TOCSIN_NAGIOS_CGI_USER": USER,
        "TOCSIN_NAGIOS_CGI_PASSWORD": PASSWORD,
    },
}


@pytest.mark.e2e("nagios", "chromium")
@pytest.mark.parametrize("way", WAYS)
async def test_an_ack_typed_in_the_room_is_an_ack_in_nagios(hub_process: Callable[..., HubProcess], way: str) -> None:
    """Host down, the room shows it, `nagios ack web301`, Nagios says acknowledged, the message says so, host up."""
    hub = hub_process(env={"TOCSIN_NAGIOS_SECRET": SECRET}, ready=False)
    with nagios(hub=hub.url, secret=SECRET) as peer:
        hub.env |= WAYS[way](peer)
        hub.start()
        async with chromium() as browser, opened(browser, f"{hub.url}/room/ops") as sheet:
            alert = sheet.page.locator("article[data-kind=alert]", has_text="web301")
            state = alert.locator("[data-state]")

            peer.goes("down")
            await expect(state).to_have_attribute("data-state", "open", timeout=15_000)
            await expect(alert).to_contain_text("PING CRITICAL")

            box = sheet.page.get_by_label("Say something to the hub")
            await box.fill("nagios ack web301 because disk swap")
            await box.press("Enter")
            wait_until("Nagios' own status says acknowledged", peer.acknowledged)
            await expect(state).to_have_attribute("data-state", "acked")
            await expect(alert).to_contain_text(re.compile("acknowledged in Nagios", re.IGNORECASE), timeout=15_000)

            peer.goes("up")
            await expect(state).to_have_attribute("data-state", "resolved", timeout=15_000)

            assert 1 == await alert.count()
            assert [] == sheet.faults
        assert ["resolved"] == [message["state"] for message in hub.messages() if message["kind"] == "alert"]
        assert "disk swap [" in peer.log()


@pytest.mark.e2e("nagios")
def test_nothing_typed_in_chat_gives_nagios_a_second_command(hub_process: Callable[..., HubProcess]) -> None:
    """A line break in a comment ends it, and nothing else: Nagios reads its command file by lines."""
    hub = hub_process(env={"TOCSIN_NAGIOS_SECRET": SECRET}, ready=False)
    with nagios(hub=hub.url, secret=SECRET) as peer:
        hub.env |= WAYS["command file"](peer)
        hub.start()
        peer.goes("down")
        wait_until("the hub hears of it", hub.alerts)

        for end in ("\n", "\r", "\u2028"):
            hub.say(f"nagios ack web301 because x{end}[1] DISABLE_NOTIFICATIONS{end}")
        hub.say("nagios ack web301;[1] DISABLE_NOTIFICATIONS")
        hub.say("nagios recheck web301")
        wait_until("Nagios reads on", lambda: peer.log().count("SCHEDULE_FORCED_HOST_CHECK;web301") > 3)

        assert "COMMAND: DISABLE_NOTIFICATIONS" not in peer.log()


@pytest.mark.e2e("nagios")
def test_acking_elsewhere_is_seen_here(hub_process: Callable[..., HubProcess]) -> None:
    """Whoever acknowledges in Nagios itself acknowledges in the room."""
    hub = hub_process(env={"TOCSIN_NAGIOS_SECRET": SECRET})
    with nagios(hub=hub.url, secret=SECRET) as peer:
        peer.goes("down")
        wait_until("the hub hears of it", hub.alerts)

        peer.command("ACKNOWLEDGE_HOST_PROBLEM;web301;1;1;1;jane;on it")

        assert wait_until("the hub hears of the ack", lambda: [a for a in hub.alerts() if a["state"] == "acked"])
        assert (
            "jane"
            in wait_until("the room says who", lambda: [m for m in hub.messages() if m["state"] == "acked"])[0][
                "standing"
            ]
        )

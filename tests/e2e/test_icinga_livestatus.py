"""The third way back into a Nagios: Livestatus, here spoken with a real Icinga 2."""

from collections.abc import Callable
from typing import Any

import pytest
from peers.hub import HubProcess
from peers.icinga2 import icinga2
from peers.servers import wait_until

SECRET = "shared-with-icinga"


@pytest.mark.e2e("icinga2")
def test_ack_and_unack_over_livestatus(hub_process: Callable[..., HubProcess]) -> None:
    """What is typed here is so there, and shown here once it is so there."""
    hub = hub_process(env={"TOCSIN_NAGIOS_SECRET": SECRET}, ready=False)
    with icinga2(hub=hub.url, secret=SECRET) as peer:
        hub.env |= {"TOCSIN_NAGIOS_LIVESTATUS": peer.livestatus}
        hub.start()
        peer.goes("down")
        wait_until("the room shows it", lambda: _message(hub, "open"))

        assert hub.say("nagios ack web301 because disk swap")["ok"]
        wait_until("Icinga says acknowledged", peer.acknowledged)
        wait_until("the room says so", lambda: "acknowledged in" in _message(hub, "acked").get("standing", ""))

        assert hub.say("nagios unack web301")["ok"]
        wait_until("Icinga says not acknowledged", lambda: not peer.acknowledged())
        wait_until("the room is open again", lambda: _message(hub, "open"))

        peer.goes("up")
        wait_until("the room is quiet again", lambda: _message(hub, "resolved"))


def _message(hub: HubProcess, state: str) -> dict[str, Any]:
    return next((message for message in hub.messages() if message["state"] == state), {})

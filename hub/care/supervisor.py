"""What systemd is told, where it started us: that the hub is ready, is alive, and stops. Elsewhere nobody is told.

See sd_notify(3): a datagram to the socket that NOTIFY_SOCKET names, `@` standing for the zero byte of an abstract one.
"""

import asyncio
import os
import socket
from collections.abc import Mapping


def notify(state: str, variables: Mapping[str, str] = os.environ) -> None:
    address = variables.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
        try:
            to.sendto(state.encode(), f"\0{address[1:]}" if address[0] == "@" else address)
        except OSError:
            return  # who asks to be told and does not listen loses only that


async def keep_alive(variables: Mapping[str, str] = os.environ) -> None:
    """Say so twice in the time after which systemd takes a loop that stands still for dead. Until cancelled."""
    patience = int(variables.get("WATCHDOG_USEC") or 0) / 1_000_000
    while patience:
        notify("WATCHDOG=1", variables)
        await asyncio.sleep(patience / 2)

"""Slack: alerts with buttons, edited in place, with a thread each; commands by mention, slash command and button."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hub.contracts import Chat, ChatDriver, ChatTools, Integration, Setting
from integrations.slack import ear
from integrations.slack.address import can_ping, fault
from integrations.slack.manifest import manifest, socket_manifest


@asynccontextmanager
async def open_chat(tools: ChatTools) -> AsyncIterator[Chat]:
    """Imports slack-sdk, which takes memory, only where somebody uses Slack."""
    from integrations.slack import chat, socket

    token = tools.setting("APP_TOKEN")
    async with socket.open_chat(tools, token) if token else chat.open_chat(tools) as slack:
        yield slack


def ready(setting: Setting) -> bool:
    return setting("BOT_TOKEN") is not None


CHAT = ChatDriver(
    open=open_chat,
    ready=ready,
    missing="TOCSIN_SLACK_BOT_TOKEN",
    fault=fault,
    person=lambda user: f"@{user}",
    pings=can_ping,
    ear=ear,
    ear_secret="SIGNING_SECRET",  # noqa: S106 - the name of a setting
)

INTEGRATION = Integration(
    title="Slack",
    homepage="https://slack.com",
    chat=CHAT,
    settings=("BOT_TOKEN", "APP_TOKEN", "API_URL"),
    papers={"manifest": manifest, "socket-manifest": socket_manifest()},
)

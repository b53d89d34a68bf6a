"""The built-in chat: rooms kept by the hub itself and shown on its own pages. It needs nobody else to be up."""

from hub.contracts import ChatDriver, Integration
from integrations.room.chat import open_chat

CHAT = ChatDriver(open=open_chat)

INTEGRATION = Integration(title="Room", homepage="", chat=CHAT)

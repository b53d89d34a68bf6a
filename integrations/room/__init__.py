"""The built-in chat: rooms kept by the hub itself and shown on its own pages. It needs nobody else to be up."""

from hub.contracts import ChatDriver, Integration
from integrations.room.chat import fault, open_chat

CHAT = ChatDriver(open=open_chat, fault=fault)

INTEGRATION = Integration(title="Room", homepage="", settings=(), chat=CHAT)

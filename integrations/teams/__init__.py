"""Microsoft Teams: cards posted to the workflow of a channel; commands heard by an outgoing webhook."""

from hub.contracts import ChatDriver, Integration
from integrations.teams import ear
from integrations.teams.chat import Options, fault, lacks, open_chat, whole_variable
from integrations.teams.compose import can_ping

CHAT = ChatDriver(
    open=open_chat,
    missing="TOCSIN_TEAMS_URL_<NAME>",
    options=Options,
    fault=fault,
    lacks=lacks,
    place=whole_variable,
    pings=can_ping,
    ear=ear,
    ear_secret="OUTGOING_SECRET",  # noqa: S106 - the name of a setting
)

INTEGRATION = Integration(
    title="Microsoft Teams", homepage="https://teams.microsoft.com", settings=("URL_", "CHANNELS"), chat=CHAT
)

"""What people get out of a message in Teams."""

import json
import re

from hub.contracts import Reply, Utterance
from hub.core.notification import Message
from integrations.teams import ear
from integrations.teams.compose import compose
from tests.fakes.readers.read import Read
from tests.fakes.teams import read, read_reply


async def in_teams(told: Message) -> Read:
    seen = read(json.loads(compose(told)))
    return Read(seen.text, pings=seen.pings, links=[url for _, url in seen.links], formatted=seen.formatted)


async def in_old_cards(told: Message) -> Read:
    seen = read(json.loads(compose(told, card="messagecard")))
    return Read(seen.text, pings=seen.pings, links=[url for _, url in seen.links], formatted=seen.formatted)


def says(text: str) -> Read:
    said = Utterance(id="1", user="U1", room="C1", text="x")
    answer = json.loads(ear.answer(said, Reply(text=text)).body)
    shown = read_reply(answer)
    return Read(shown, pings=re.findall(r"<at>", answer["text"]), links=[], formatted=[])


READERS = {"card": in_teams, "message card": in_old_cards}
SAYS = says

"""What people get out of a message in Slack."""

from hub.core.notification import Message
from integrations.slack.compose import compose, compose_reply
from tests.fakes.readers.read import Read
from tests.fakes.slack_blocks import check, read


async def in_slack(told: Message) -> Read:
    body = compose(told)
    check(body)
    seen = read(body)
    links = [url for _, url in seen.links]
    return Read(f"{seen.text}\n{seen.heard}", pings=seen.pings, links=links, formatted=seen.formatted)


def says(text: str) -> Read:
    seen = read(compose_reply(text))
    return Read(seen.text, pings=seen.pings, links=[url for _, url in seen.links], formatted=seen.formatted)


READERS = {"blocks": in_slack}
SAYS = says

"""Slack by Socket Mode."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.fakes.slack import APP_TOKEN, Slack, settings, slack


@dataclass(frozen=True, slots=True)
class HeldSlack:
    slack: Slack
    address: str = "slack:#ops"

    @property
    def settings(self) -> Mapping[str, str]:
        return {
            f"TOCSIN_SLACK_{name}": value for name, value in {**settings(self.slack), "APP_TOKEN": APP_TOKEN}.items()
        }

    def connections(self) -> int:
        return len(self.slack.sockets)

    async def says(self, text: str) -> None:
        await self.slack.say("#ops", f"@tocsin {text}")

    def shown(self) -> Sequence[str]:
        return [seen.text for seen in self.slack.seen("#ops")]


@asynccontextmanager
async def held() -> AsyncIterator[HeldSlack]:
    async with slack(retries=()) as fake:
        yield HeldSlack(fake)

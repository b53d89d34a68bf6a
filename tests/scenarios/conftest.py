"""A scenario for every story."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from scenario import RULES, Scenario

from hub.contracts import Integration

Begin = Callable[..., Awaitable[Scenario]]


@pytest.fixture
async def begin(tmp_path: Path) -> AsyncIterator[Begin]:
    """Begins a scenario with rules and tools of the story's own."""
    begun: list[Scenario] = []

    async def start(rules: str = RULES, tools: Mapping[str, Integration] | None = None) -> Scenario:
        scenario = Scenario(tmp_path, rules, tools)
        await scenario.start()
        begun.append(scenario)
        return scenario

    yield start
    for scenario in begun:
        await scenario.stop()


@pytest.fixture
async def hub(begin: Begin) -> Scenario:
    return await begin()

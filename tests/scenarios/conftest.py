"""A scenario for every story."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from chat import FakeChat
from scenario import RULES, Scenario

from hub.contracts import Integration

Begin = Callable[..., Awaitable[Scenario]]


SERVER = pytest.param("postgresql", marks=pytest.mark.e2e("postgresql"))
OVER_BOTH = {"test_life_of_an_alert", "test_groups", "test_restarts", "test_what_is_known"}
"""Stories that are told over PostgreSQL too."""
OVER_POSTGRESQL = {"test_replicas"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    story = metafunc.module.__name__.rpartition(".")[2]
    if "database" in metafunc.fixturenames and story in OVER_BOTH | OVER_POSTGRESQL:
        metafunc.parametrize("database", [SERVER] if story in OVER_POSTGRESQL else ["sqlite", SERVER], indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty one."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return str(request.getfixturevalue("postgres").clean())
    return f"sqlite:///{tmp_path}/tocsin.db"


@pytest.fixture
async def begin(tmp_path: Path, database: str) -> AsyncIterator[Begin]:
    """Begins a scenario with rules and tools of the story's own."""
    begun: list[Scenario] = []

    async def start(rules: str = RULES, tools: Mapping[str, Integration] | None = None) -> Scenario:
        scenario = Scenario(tmp_path, rules, tools, database=database)
        await scenario.start()
        begun.append(scenario)
        return scenario

    yield start
    for scenario in begun:
        await scenario.stop()


@pytest.fixture
async def hub(begin: Begin) -> Scenario:
    return await begin()


@pytest.fixture
def chat() -> FakeChat:
    """For stories in which a chat of another kind hears."""
    return FakeChat()

"""A short `make soak`: the hub and its database are killed under load, and nothing is lost, repeated or forgotten."""

from pathlib import Path

import pytest
from peers.postgres import Postgres
from soak.checks import check
from soak.databases import Database, Postgresql, Sqlite
from soak.world import Plan, world


async def soaked(folder: Path, database: Database, kills: int, replicas: int = 1) -> list[str]:
    plan = Plan(seed=kills, kills=kills, replicas=replicas, things=4, between=1.0)
    async with world(folder, database, plan) as under_load:
        await under_load.go_through()
        return await check(under_load)


async def test_a_hub_that_is_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    assert [] == await soaked(tmp_path, Sqlite(tmp_path), kills=9)


@pytest.mark.e2e("postgresql")
async def test_nor_does_one_whose_database_falls_over_as_well(tmp_path: Path, postgres: Postgres) -> None:
    assert [] == await soaked(tmp_path, Postgresql(postgres), kills=4)


@pytest.mark.e2e("postgresql")
async def test_nor_do_three_replicas_of_which_one_is_killed(tmp_path: Path, postgres: Postgres) -> None:
    """Whoever is asked, and whether the one that leads is hit or another."""
    assert [] == await soaked(tmp_path, Postgresql(postgres), kills=4, replicas=3)

"""A hub that is served hears by webhook that there is a pull request, judges it, and takes in what is merged."""

import asyncio
import json
from collections.abc import Callable
from urllib.request import urlopen

from peers.hub import HubProcess

from tests.fakes.forge import Repository
from tests.fakes.github import KEY, GitHub

RULES = """\
version: 1
channels: {ops: room:ops, web: room:web}
everything_else: {to: ops}
"""
WIDER = RULES.replace("everything_else", "routes: [{name: web, match: {host: 'web*'}, to: web}]\neverything_else")


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(what):
            await asyncio.sleep(0.05)


async def test_a_pull_request_is_judged_and_taken_in(hub_process: Callable[..., HubProcess]) -> None:
    """Each time because somebody said that there is something new."""
    repository = Repository()
    repository.branches["main"] = repository.commit({"routes.yaml": RULES})
    async with GitHub(repository=repository).serves() as github:
        env = {
            "TOCSIN_RULES_FROM": "github:acme/alerts/routes.yaml",
            "TOCSIN_RULES_PULL": "yes",
            "TOCSIN_GITHUB_API_KEY": KEY,
            "TOCSIN_GITHUB_API_URL": github.url,
        }
        hub = await asyncio.to_thread(hub_process, routes=RULES, env=env)
        await until(lambda: any("/pulls?" in asked for asked in github.asked))

        def hook(action: str) -> None:
            body = {
                "zen": "Anything added dilutes everything else.",
                "hook_id": 1,
                "ref": action,
                "repository": {"full_name": "acme/alerts"},
            }
            hub.post("/in/github", body, X_GitHub_Event="push", X_GitHub_Delivery=action)

        number = repository.opens("wider", {"routes.yaml": WIDER}, title="The web team has a room")
        await asyncio.to_thread(hook, "synchronize")
        await until(lambda: bool(repository.statuses))
        assert "success" == repository.status(number)[0]

        def hash() -> str:
            with urlopen(f"{hub.url}/healthz") as answer:
                return str(json.load(answer)["config"])

        before = await asyncio.to_thread(hash)
        repository.merges(number)
        await asyncio.to_thread(hook, "closed")
        await until(lambda: hash() != before)

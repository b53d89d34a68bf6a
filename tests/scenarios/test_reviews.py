"""Rules as reviewed code: a pull request is opened, found wrong, mended, merged, and taken in."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.core.records import replace
from hub.errors import Overloaded
from hub.ingest import Malformed
from tests.fakes.forge import Repository
from tests.fakes.github import KEY, GitHub, Refusal
from tests.fakes.scenario import Scenario

RULES = """\
version: 1
include: [teams/*.yaml]
channels: {ops: room:ops, web: room:web}
people: {alice: {github: alice}}
everything_else: {to: ops}
tests:
  - name: a dead web host reaches the web team
    given: [{source: nagios, kind: host, host: web301, severity: critical}]
    expect: {web: [opened]}
"""
WEB = """\
routes:
  - {name: web-tier, match: {host: "web*"}, to: web}
"""
BROKEN = WEB.replace("to: web", "to: wbe")
FAILING = WEB.replace('"web*"', '"www*"')
WIDER = WEB.replace('"web*"', '["web*", "db*"]')
FILES = {"rules/routes.yaml": RULES, "rules/teams/web.yaml": WEB, "README.md": "our rules"}


@pytest.fixture
def repository() -> Repository:
    found = Repository()
    found.branches["main"] = found.commit(FILES)
    return found


@asynccontextmanager
async def reviewed(
    folder: Path, repository: Repository, *, pull: str = "with-rights", rules: str = ""
) -> AsyncIterator[tuple[Scenario, GitHub]]:
    (folder / "teams").mkdir(exist_ok=True)
    (folder / "teams/web.yaml").write_text(WEB)
    hub = Scenario(folder, rules or RULES)
    async with GitHub(repository=repository, page=2).serves() as github:
        repository.page = 2
        hub.variables = {
            "TOCSIN_RULES_FROM": "github:acme/alerts/rules/routes.yaml@main",
            "TOCSIN_RULES_PULL": pull,
            "TOCSIN_GITHUB_API_KEY": KEY,
            "TOCSIN_GITHUB_API_URL": github.url,
        }
        await hub.start()
        try:
            yield hub, github
        finally:
            await hub.stop()


async def look(hub: Scenario) -> timedelta:
    assert hub.hub.reviews is not None
    wait = await hub.hub.reviews.look()
    await hub.settle()
    return wait


async def test_opened_mended_merged(tmp_path: Path, repository: Repository) -> None:
    """The whole story: one comment kept up to date, a status on each commit, and everybody hears what was taken in."""
    async with reviewed(tmp_path, repository) as (hub, _):
        await hub.nagios("db1")
        await hub.nagios("web1")
        await look(hub)
        number = repository.opens("wider", {"rules/teams/web.yaml": BROKEN}, title="The web team takes db*")
        await look(hub)

        assert ("failure", "1 thing is wrong") == repository.status(number)
        (said,) = repository.said(number)
        assert "no channel is called 'wbe'; did you mean \"web\"?" in said
        assert "teams/web.yaml:2:" in said

        repository.pushes(number, {"rules/teams/web.yaml": FAILING})
        await look(hub)
        assert ("failure", "0 of 1 test passes") == repository.status(number)

        repository.pushes(number, {"rules/teams/web.yaml": WIDER})
        await look(hub)
        assert ("success", "ok, 1 of 1 test passes") == repository.status(number)
        (said,) = repository.said(number)
        assert "- found: 1 alert of which somebody would hear, and not everything_else alone" in said
        assert "2 events replayed, 2 alerts" in said
        assert "db1" not in said
        assert 2 == repository.edits

        before = hub.hub.current().hash
        repository.merges(number)
        await look(hub)

        after = hub.hub.current().hash
        assert before != after
        told = (await hub.latest()).message
        assert "new rules by alice: #1 The web team takes db*" == told.title
        assert f"Rules {after} are in force, instead of {before}." in told.text
        assert "The way back: revert pull request #1 and merge that." in told.text
        await hub.nagios("db2")
        assert "db2 is DOWN" == (await hub.latest("web")).message.title

        await hub.restarts()
        assert after == hub.hub.current().hash


async def test_what_is_odd_is_told_and_taken_in(tmp_path: Path, repository: Repository) -> None:
    """A warning keeps no rules back: a channel may be there before the first route that leads to it."""
    async with reviewed(tmp_path, repository) as (hub, _):
        before = hub.hub.current().hash
        spare = RULES.replace("web: room:web}", "web: room:web, spare: room:spare}")
        number = repository.opens("spare", {"rules/routes.yaml": spare}, title="A room to come")
        await look(hub)

        assert ("success", "ok, 1 of 1 test passes") == repository.status(number)
        assert "warning: nothing is sent to channel 'spare'" in repository.said(number)[0]

        repository.merges(number)
        await look(hub)
        assert before != hub.hub.current().hash
        assert "room:spare" == hub.hub.current().channels["spare"]


async def test_broken_merged_rules_leave_the_last_good_ones(tmp_path: Path, repository: Repository) -> None:
    """Loudly: who merged past a red status hears of it, and of its end."""
    async with reviewed(tmp_path, repository) as (hub, _):
        before = hub.hub.current().hash
        number = repository.opens("typo", {"rules/teams/web.yaml": BROKEN}, title="Rename")
        repository.merges(number)
        await look(hub)

        assert before == hub.hub.current().hash
        assert hub.hub.current.refused is not None
        told = (await hub.latest()).message
        assert "the last good rules stay" in told.title
        assert "did you mean" in told.text

        await hub.restarts()
        assert before == hub.hub.current().hash

        again = repository.opens("mend", {"rules/teams/web.yaml": WEB}, title="Mend")
        repository.merges(again)
        await look(hub)
        assert hub.hub.current.refused is None
        assert "resolved" == (await hub.latest()).message.state


@pytest.mark.parametrize(
    "power",
    [
        'access: [{allow: "silence *", who: everyone}]\n',
        "groups: {ops: [alice]}\n",
    ],
)
async def test_what_gives_rights_needs_a_local_setting(tmp_path: Path, repository: Repository, power: str) -> None:
    """Whoever may merge a route may not so make themselves somebody who may do everything."""
    async with reviewed(tmp_path, repository, pull="yes") as (hub, _):
        before = hub.hub.current().hash
        number = repository.opens("power", {"rules/routes.yaml": RULES + power}, title="Trust me", by="mallory")
        await look(hub)
        assert "which says who may do what" in repository.said(number)[0]
        repository.merges(number)
        await look(hub)

        assert before == hub.hub.current().hash
        assert "set TOCSIN_RULES_PULL=with-rights to allow it" in (await hub.latest()).message.text


async def test_an_interrupted_review_is_done_again(tmp_path: Path, repository: Repository) -> None:
    """The hub ended, or GitHub did not answer, between comment and status: there is one comment, and a status."""
    async with reviewed(tmp_path, repository, pull="no") as (hub, _):
        repository.forgets = 1
        number = repository.opens("wider", {"rules/teams/web.yaml": WIDER}, title="Wider")
        assert timedelta(minutes=1) == await look(hub)
        assert {} == repository.statuses

        await hub.restarts()
        await look(hub)
        assert "success" == repository.status(number)[0]
        assert 1 == len(repository.said(number))

        asked = len(repository.statuses)
        await hub.restarts()
        await look(hub)
        assert asked == len(repository.statuses)
        assert 1 == repository.edits


async def test_what_does_not_touch_the_rules_passes_without_a_word(tmp_path: Path, repository: Repository) -> None:
    """A file elsewhere, or one beside the rules that they do not name. A branch that requires the status would wait for
    it for ever."""
    async with reviewed(tmp_path, repository, pull="no") as (hub, _):
        first = repository.opens("docs", {"README.md": "more"}, title="Docs")
        other = repository.opens("other", {"rules/deploy.yaml": "kind: Pod"}, title="Deploy")
        await look(hub)

        assert ([], []) == (repository.said(first), repository.said(other))
        passed = ("success", "no rules are changed")
        assert (passed, passed) == (repository.status(first), repository.status(other))


async def test_a_strangers_words_stay_words(tmp_path: Path, repository: Repository) -> None:
    """A fork's rules can name nobody, end no fence, and be taken for nothing else than rules."""
    name = "~~~~~~~~~~~~~~~~\n@everyone <img src=x>"
    wild = f"routes:\n  - {{name: {json.dumps(name)}, match: {{host: x}}, to: web}}\n" + WEB.partition("\n")[2]
    async with reviewed(tmp_path, repository, pull="no") as (hub, _):
        number = repository.opens("wild", {"rules/teams/web.yaml": wild}, title="@here", by="mallory")
        repository.comments[number] = [
            {"id": n, "user": {"login": "mallory", "type": "User"}, "body": "<!-- tocsin: rules -->\nall is well"}
            for n in range(5)
        ]
        await look(hub)

        (said,) = repository.said(number)
        outside = "".join(said.split("~" * 12 + "text")[0::2])
        assert "@everyone" in said
        assert "@everyone" not in outside.split("~" * 12)[0]
        assert "~" * 13 not in said
        bundle = repository.opens("bundle", {"rules/routes.yaml": '{"files": {"x.yaml": "version: 1"}}'}, title="No")
        await look(hub)
        assert "failure" == repository.status(bundle)[0]


@pytest.mark.parametrize(
    ("refusal", "wait", "says"),
    [
        (Refusal(status=403, message="API rate limit exceeded", headers={"Retry-After": "120"}), 120, ""),
        (Refusal(status=429, message="slow down"), 60, ""),
        (Refusal(status=500), 60, ""),
        (Refusal(status=0), 60, ""),
        (Refusal(status=404, message="Not Found"), 300, "Commit statuses: write"),
        (Refusal(status=401, message="Bad credentials"), 300, "make a new one"),
    ],
)
async def test_what_github_refuses_is_tried_again_or_told(
    tmp_path: Path, repository: Repository, refusal: Refusal, wait: int, says: str
) -> None:
    """As long as it asks for; what somebody must mend is an alert of the hub's own, and ends by itself."""
    async with reviewed(tmp_path, repository, pull="no") as (hub, github):
        # Who asks again by himself on a connection that broke is refused once more.
        github.refusals += [refusal] * (2 if refusal.status == 0 else 1)
        assert timedelta(seconds=wait) == await look(hub)
        told = await hub.told()
        assert bool(says) == bool(told)
        if says:
            assert says in told[-1].message.text
            await look(hub)
            assert "resolved" == (await hub.latest()).message.state


async def test_that_it_works_again_is_told_when_it_can_be(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub may be overloaded when it does."""
    async with reviewed(tmp_path, repository, pull="no") as (hub, github):
        github.refusals.append(Refusal(status=401, message="Bad credentials"))
        await look(hub)
        with monkeypatch.context() as full:
            full.setattr(hub.hub.writer, "do", _overloaded)
            await look(hub)
        await look(hub)

        assert "resolved" == (await hub.latest()).message.state


async def test_what_was_merged_is_told_when_it_can_be(
    tmp_path: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub may be overloaded just after it has taken it in."""
    async with reviewed(tmp_path, repository) as (hub, _):
        await look(hub)
        repository.merges(repository.opens("wider", {"rules/teams/web.yaml": WIDER}, title="The web team takes db*"))
        do, calls = hub.hub.writer.do, list[object]()

        async def once(*args: Any, **kwargs: Any) -> object:
            calls.append(args)
            return await (do if len(calls) == 1 else _overloaded)(*args, **kwargs)

        with monkeypatch.context() as full:
            full.setattr(hub.hub.writer, "do", once)
            await look(hub)
        await look(hub)

        assert "new rules by alice: #1 The web team takes db*" == (await hub.latest()).message.title


async def _overloaded(*_: object, **__: object) -> object:
    raise Overloaded("the disk is full", retry_after=7)


async def test_a_webhook_of_that_repository_makes_it_look_at_once(tmp_path: Path, repository: Repository) -> None:
    """Also one with nothing to say, such as a push to a pull request; what others do is not asked about."""
    async with reviewed(tmp_path, repository, pull="no") as (hub, _):
        assert hub.hub.reviews is not None
        await look(hub)
        hurried = []
        for event, repo in (("star", "acme/alerts"), ("push", "acme/web"), ("push", "acme/alerts")):
            request = hub.request("github", {"repository": {"full_name": repo}})
            headers = {**request.headers, "x-github-event": event, "x-github-delivery": f"{event} {repo}"}
            with suppress(Malformed):
                await hub.hub.ingest.accept(replace(request, headers=headers))
            hurried.append(hub.hub.reviews.hurried)

        assert [False, False, True] == hurried
        await look(hub)
        assert not hub.hub.reviews.hurried


async def test_one_that_cannot_be_judged_keeps_no_other_waiting(tmp_path: Path, repository: Repository) -> None:
    """Whoever has a fork can make its branch anew, without a commit in common; a conversation may be locked."""
    async with reviewed(tmp_path, repository, pull="no") as (hub, _):
        anew, locked, usual = (
            repository.opens(f"b{n}", {"rules/teams/web.yaml": f"# {n}\n{WEB}"}, title="Web") for n in range(3)
        )
        repository.begins_anew(anew)
        repository.locked.add(locked)
        await look(hub)

        assert ["success"] * 2 == [repository.status(number)[0] for number in (anew, usual)]
        assert "not judged" in (await hub.latest()).message.title
        repository.locked.clear()
        await look(hub)
        assert "success" == repository.status(locked)[0]
        assert "resolved" == (await hub.latest()).message.state


async def test_what_is_no_utf_8_is_refused_where_it_is_proposed(tmp_path: Path, repository: Repository) -> None:
    """As `check` does; a letter that is lost would match nothing, and nobody would notice."""
    strange = WEB + "  # caf\udce9\n"
    async with reviewed(tmp_path, repository, pull="yes") as (hub, _):
        before = hub.hub.current().hash
        number = repository.opens("latin", {"rules/teams/web.yaml": strange}, title="Web")
        await look(hub)
        (said,) = repository.said(number)
        assert f"rules/teams/web.yaml:{strange.count(chr(10))}:1: is not UTF-8 text; save it as UTF-8" in said
        assert "failure" == repository.status(number)[0]

        repository.merges(number)
        await look(hub)
        assert before == hub.hub.current().hash

"""Pull requests that change rules: what they change, a status on their commit, and one comment kept up to date."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from hub.contracts import FetchTools, Merged, Proposal, Reviewing, RulesPlace, Setting, Verdict, WebhookRequest
from hub.errors import PayloadError, SettingsError, Unsupported
from hub.payload import Field
from integrations.github.api import Api

CONTEXT = "tocsin/rules"
MARK = "<!-- tocsin: rules -->"
"""How a comment of ours is known again."""
ENDINGS = (".yaml", ".yml", ".csv", ".http", ".json")
"""Of rules, tables, and what tests give."""
MOST_FILES, LARGEST = 500, 32 << 20
MOST_LISTED = 300
"""Files of a comparison; beyond, GitHub is silent."""
STATES = {Verdict.PASSED: "success", Verdict.FAILED: "failure", Verdict.BROKEN: "error"}
LONGEST_WORDS, LONGEST_COMMENT = 140, 60_000
RIGHTS = "{} (permissions 'Contents: read', 'Commit statuses: write', 'Pull requests: write')"
HEARD = frozenset({"pull_request", "push"})


class GitHubForge:
    """Satisfies `Forge`."""

    def __init__(self, place: RulesPlace, tools: FetchTools) -> None:
        self._place = place
        self._api = Api(tools, rights=RIGHTS)
        self._base = f"/repos/{quote(place.repo)}"
        self._folder = PurePosixPath(place.path).parent
        self._me = ""

    async def proposals(self) -> Sequence[Proposal]:
        asked = {"state": "open", "base": self._place.branch}
        return [_proposal(one) async for one in self._api.listed(f"{self._base}/pulls", self._place.repo, asked)]

    async def judged(self, proposal: Proposal) -> bool:
        path = f"{self._base}/commits/{quote(proposal.head)}/statuses"
        return any([one["context"].words() == CONTEXT async for one in self._api.listed(path, self._place.repo)])

    async def changed(self, proposal: Proposal) -> tuple[str, frozenset[str] | None]:
        """From the commit where the two parted: what was merged meanwhile is no change of this one. A commit of a fork
        is known to the repository that its pull request is for."""
        path = f"{self._base}/compare/{quote(proposal.base)}...{quote(proposal.head)}"
        found, _ = await self._api.get(path, name=self._place.repo, missing_is_fine=True)
        if not found.present:  # a branch that was made anew may have no commit in common with the one that it is for
            return proposal.base, None
        files = list(found["files"].items())
        names = {file[name].words() for file in files for name in ("filename", "previous_filename")} - {""}
        return found["merge_base_commit"]["sha"].text(), frozenset(names) if len(files) < MOST_LISTED else None

    async def files(self, commit: str) -> Mapping[str, bytes]:
        path = f"{self._base}/git/trees/{quote(commit)}"
        tree, _ = await self._api.get(path, {"recursive": "1"}, name=self._place.repo)
        found = {name: entry for entry in tree["tree"].items() if (name := self._name(entry))}
        size = sum(entry["size"].integer(0) for entry in found.values())
        if tree["truncated"].flag() or len(found) > MOST_FILES or size > LARGEST:
            what = f"beside {self._place.path} lie too many files; give the rules a folder of their own"
            raise Unsupported(what)
        return {name: await self._blob(entry["sha"].text()) for name, entry in found.items()}

    def _name(self, entry: Field) -> str:
        """Its path from the folder of the rules; empty of what is none of them, such as a link."""
        path = PurePosixPath(entry["path"].words())
        is_file = entry["type"].words() == "blob" and entry["mode"].words() != "120000"
        inside = path.is_relative_to(self._folder) and path.suffix in ENDINGS
        return str(path.relative_to(self._folder)) if is_file and inside else ""

    async def _blob(self, sha: str) -> bytes:
        found, _ = await self._api.get(f"{self._base}/git/blobs/{quote(sha)}", name=self._place.repo)
        try:
            return base64.b64decode(found["content"].text())
        except (binascii.Error, ValueError):
            raise found["content"].complain("is not base64") from None

    async def judge(self, proposal: Proposal, verdict: Verdict, words: str) -> None:
        body = {"state": STATES[verdict], "context": CONTEXT, "description": words[:LONGEST_WORDS]}
        await self._api.send("POST", f"{self._base}/statuses/{quote(proposal.head)}", body, name=self._place.repo)

    async def comment(self, proposal: Proposal, text: str) -> None:
        body = {"body": f"{MARK}\n{text}"[:LONGEST_COMMENT]}
        path = f"{self._base}/issues/{quote(proposal.id)}/comments"
        known = await self._own(path)
        if known:
            await self._api.send("PATCH", f"{self._base}/issues/comments/{known}", body, name=self._place.repo)
        else:
            await self._api.send("POST", path, body, name=self._place.repo)

    async def _own(self, path: str) -> str:
        """The comment of ours. Another who writes the mark is not taken for us."""
        me = await self._whoami()
        async for one in self._api.listed(path, self._place.repo):
            author = one["user"]
            ours = author["login"].words() == me if me else author["type"].words() == "Bot"
            if ours and one["body"].words().startswith(MARK):
                return one["id"].text()
        return ""

    async def _whoami(self) -> str:
        """Whose the token is; empty of an app's, which may not ask."""
        if not self._me:
            try:
                found, _ = await self._api.get("/user", name=self._place.repo)
                self._me = found["login"].words()
            except SettingsError:
                return ""
        return self._me

    async def merged(self) -> Merged:
        asked = {"sha": self._place.branch, "per_page": "1"}
        found, _ = await self._api.get(f"{self._base}/commits", asked, name=self._place.repo)
        commit = next(iter(found.items()), Field(None))
        sha = commit["sha"].text()
        pulls, _ = await self._api.get(f"{self._base}/commits/{quote(sha)}/pulls", name=self._place.repo)
        taken = [
            one
            for one in pulls.items()
            if one["merged_at"].present and one["base"]["ref"].words() == self._place.branch
        ]
        title = commit["commit"]["message"].words().partition("\n")[0]
        by = commit["author"]["login"].words() or commit["commit"]["author"]["name"].words()
        proposal = _proposal(taken[0]) if taken else None
        return Merged(commit=sha, by=by, title=title, url=commit["html_url"].words(), proposal=proposal)


def _proposal(pull: Field) -> Proposal:
    return Proposal(
        id=pull["number"].text(),
        title=" ".join(pull["title"].words().split()),
        by=pull["user"]["login"].words(),
        url=pull["html_url"].words(),
        base=pull["base"]["sha"].text(),
        head=pull["head"]["sha"].text(),
    )


def concerns(request: WebhookRequest, place: RulesPlace) -> bool:
    """Its repository is asked for only where that can be read; a form says so no less, and is rare."""
    if request.header("x-github-event") not in HEARD:
        return False
    try:
        return request.json()["repository"]["full_name"].words() == place.repo
    except PayloadError:
        return True


def _ready(setting: Setting) -> bool:
    return setting("API_KEY") is not None


REVIEWING = Reviewing(ready=_ready, missing="TOCSIN_<SOURCE>_API_KEY", open=GitHubForge, concerns=concerns)

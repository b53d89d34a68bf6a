"""A repository at GitHub, as reviews meet it: commits and their trees, pull requests, statuses, comments."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

LISTED = 300
"""Files that a comparison lists at most."""


@dataclass(kw_only=True)
class Repository:
    """`commits` have all files by path; a commit is called by what it holds and follows."""

    name: str = "acme/alerts"
    page: int = 100
    """Most entries of one page, whatever is asked for."""
    commits: dict[str, Mapping[str, str]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    authors: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    forgets: int = 0
    """How many of the next comments are taken and not answered: the connection breaks."""
    edits: int = 0
    locked: set[int] = field(default_factory=set)
    """Pull requests that nobody may comment on any more."""
    me: str = "tocsin-bot"

    # -------------------------------------------------------------------------------------------------- what people do

    def commit(self, files: Mapping[str, str], parent: str = "", by: str = "alice") -> str:
        sha = hashlib.sha1(json.dumps([files, parent]).encode()).hexdigest()
        self.commits[sha], self.parents[sha], self.authors[sha] = dict(files), parent, by
        return sha

    def opens(self, branch: str, files: Mapping[str, str], *, title: str, by: str = "alice") -> int:
        """A pull request with one commit on what the main branch has."""
        base, number = self.branches["main"], len(self.pulls) + 1
        self.branches[branch] = self.commit({**self.commits[base], **files}, base, by)
        self.pulls[number] = {"number": number, "title": title, "branch": branch, "by": by, "state": "open"}
        return number

    def begins_anew(self, number: int) -> None:
        """Force the branch of a pull request to a commit without a parent."""
        branch = self.pulls[number]["branch"]
        self.branches[branch] = self.commit(self.commits[self.branches[branch]], "", self.pulls[number]["by"])

    def pushes(self, number: int, files: Mapping[str, str]) -> None:
        branch = self.pulls[number]["branch"]
        before = self.branches[branch]
        self.branches[branch] = self.commit({**self.commits[before], **files}, before, self.pulls[number]["by"])

    def merges(self, number: int) -> None:
        pull = self.pulls[number]
        head = self.branches[pull["branch"]]
        self.branches["main"] = self.commit(self.commits[head], self.branches["main"], pull["by"])
        pull.update(state="closed", merged=self.branches["main"])

    # ---------------------------------------------------------------------------------------------------- what is seen

    def status(self, number: int) -> tuple[str, str]:
        """The newest on the newest commit: its state, its words."""
        found = self.statuses[self.branches[self.pulls[number]["branch"]]][-1]
        return found["state"], found["description"]

    def said(self, number: int) -> list[str]:
        return [one["body"] for one in self.comments.get(number, []) if one["user"]["login"] == self.me]

    # ------------------------------------------------------------------------------------------------------ what it is

    def routes(
        self, asked: Callable[[web.Request], Awaitable[web.Response | None]], page: Callable[..., web.Response]
    ) -> list[web.RouteDef]:
        base = f"/repos/{self.name}"

        def guarded(answer: Callable[[web.Request], Awaitable[web.Response]]) -> Any:
            async def handler(request: web.Request) -> web.StreamResponse:
                refused = await asked(request)
                return refused if refused is not None else await answer(request)

            return handler

        self._listed = page
        return [
            web.get(f"{base}/pulls", guarded(self._pulls)),
            web.get(f"{base}/commits", guarded(self._commits)),
            web.get(f"{base}/commits/{{sha}}/pulls", guarded(self._pulls_of)),
            web.get(f"{base}/commits/{{sha}}/statuses", guarded(self._statuses)),
            web.post(f"{base}/statuses/{{sha}}", guarded(self._judge)),
            web.get(f"{base}/compare/{{range}}", guarded(self._compare)),
            web.get(f"{base}/git/trees/{{sha}}", guarded(self._tree)),
            web.get(f"{base}/git/blobs/{{sha}}", guarded(self._blob)),
            web.get(f"{base}/issues/{{number}}/comments", guarded(self._comments)),
            web.post(f"{base}/issues/{{number}}/comments", guarded(self._comment)),
            web.patch(f"{base}/issues/comments/{{id}}", guarded(self._edit)),
            web.get("/user", guarded(self._user)),
        ]

    def _paged(self, request: web.Request, entries: list[dict[str, Any]]) -> web.Response:
        size, number = min(self.page, int(request.query.get("per_page", "30"))), int(request.query.get("page", "1"))
        first = (number - 1) * size
        more = {"page": str(number + 1)} if first + size < len(entries) else None
        return self._listed(request, entries[first : first + size], more)

    def _pull(self, pull: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "number": pull["number"],
            "title": pull["title"],
            "user": {"login": pull["by"]},
            "html_url": f"https://github.example.com/{self.name}/pull/{pull['number']}",
            "base": {"ref": "main", "sha": self.branches["main"]},
            "head": {"ref": pull["branch"], "sha": self.branches[pull["branch"]]},
            "merged_at": "2026-11-21T03:00:00Z" if pull.get("merged") else None,
        }

    async def _pulls(self, request: web.Request) -> web.Response:
        state = request.query.get("state", "open")
        return self._paged(request, [self._pull(one) for one in self.pulls.values() if one["state"] == state])

    async def _pulls_of(self, request: web.Request) -> web.Response:
        sha = request.match_info["sha"]
        return self._paged(request, [self._pull(one) for one in self.pulls.values() if one.get("merged") == sha])

    async def _commits(self, request: web.Request) -> web.Response:
        sha = self.branches[request.query["sha"]]
        commit = {"message": "Change the rules\n\nmore", "author": {"name": self.authors[sha]}}
        url = f"https://github.example.com/{self.name}/commit/{sha}"
        return self._paged(
            request, [{"sha": sha, "commit": commit, "author": {"login": self.authors[sha]}, "html_url": url}]
        )

    async def _statuses(self, request: web.Request) -> web.Response:
        return self._paged(request, self.statuses.get(request.match_info["sha"], [])[::-1])

    async def _judge(self, request: web.Request) -> web.Response:
        body, sha = await request.json(), request.match_info["sha"]
        assert sha in self.commits
        assert len(body["description"]) <= 140
        self.statuses.setdefault(sha, []).append(body)
        return web.json_response(body, status=201)

    async def _compare(self, request: web.Request) -> web.Response:
        base, _, head = request.match_info["range"].partition("...")
        came = self._line(head)
        parted = next((sha for sha in self._line(base) if sha in came), "")
        if not parted:
            return web.json_response({"message": f"No common ancestor between {base} and {head}."}, status=404)
        old, new = self.commits[parted], self.commits[head]
        names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        files = [{"filename": name, "status": "modified"} for name in names[:LISTED]]
        return web.json_response({"merge_base_commit": {"sha": parted}, "files": files})

    def _line(self, sha: str) -> list[str]:
        found = [sha]
        while parent := self.parents[found[-1]]:
            found.append(parent)
        return found

    async def _tree(self, request: web.Request) -> web.Response:
        files = self.commits[request.match_info["sha"]]
        entries = [
            {
                "path": path,
                "mode": "100644",
                "type": "blob",
                "sha": hashlib.sha1(_bytes(text)).hexdigest(),
                "size": len(_bytes(text)),
            }
            for path, text in sorted(files.items())
        ]
        return web.json_response({"sha": request.match_info["sha"], "tree": entries, "truncated": False})

    async def _blob(self, request: web.Request) -> web.Response:
        texts = {hashlib.sha1(_bytes(t)).hexdigest(): t for files in self.commits.values() for t in files.values()}
        text = _bytes(texts[request.match_info["sha"]])
        # As GitHub does, with a line break every sixty characters.
        return web.json_response({"encoding": "base64", "content": base64.encodebytes(text).decode()})

    async def _comments(self, request: web.Request) -> web.Response:
        return self._paged(request, self.comments.get(int(request.match_info["number"]), []))

    async def _comment(self, request: web.Request) -> web.Response:
        number, body = int(request.match_info["number"]), await request.json()
        if number in self.locked:
            return web.json_response({"message": "Unable to create comment because issue is locked."}, status=403)
        known = self.comments.setdefault(number, [])
        known.append({"id": 100 * number + len(known), "user": {"login": self.me, "type": "User"}, **body})
        if self.forgets:
            self.forgets -= 1
            assert request.transport
            request.transport.abort()
        return web.json_response(known[-1], status=201)

    async def _edit(self, request: web.Request) -> web.Response:
        body, id = await request.json(), int(request.match_info["id"])
        (known,) = [one for some in self.comments.values() for one in some if one["id"] == id]
        known.update(body)
        self.edits += 1
        return web.json_response(known)

    async def _user(self, request: web.Request) -> web.Response:
        return web.json_response({"login": self.me})


def _bytes(text: str) -> bytes:
    """Of a file; what is no UTF-8 stands in the text as Python reads names of files."""
    return text.encode(errors="surrogateescape")

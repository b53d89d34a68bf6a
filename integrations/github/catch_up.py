"""Deliveries that never reached us. GitHub tries once and keeps for three days what it sent: we ask for what failed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from hub.contracts import Fetching, FetchTools, Setting, WebhookRequest
from hub.errors import SettingsError
from integrations.github.api import Api

KEPT = timedelta(days=3)
NOT_UNDERSTOOD = 400
"""How the hub answers what it cannot read. It has that, in its quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A delivery that failed, and that no redelivery made good."""

    guid: str
    event: str
    at: datetime
    path: str


async def catch_up(tools: FetchTools) -> AsyncIterator[WebhookRequest]:
    """Raises Unreachable at once, and SettingsError in the end: a hook that cannot be read hides no other."""
    _say_where(tools)
    api, faults = Api(tools), list[str]()
    missed: dict[str, Missed] = {}
    for name in tools.options.hooks:
        try:
            # An event has one id, whether the webhook of its repository or of its organisation tells it.
            missed |= await _missed(api, name, tools)
        except SettingsError as fault:
            faults.append(str(fault))
    for one in sorted(missed.values(), key=lambda one: one.at):
        if not await tools.accepted(one.guid) and (request := await _fetched(api, one, tools)) is not None:
            yield request
    if faults:
        raise SettingsError("; ".join(faults))


async def examine(tools: FetchTools) -> None:
    """Look for the webhooks, and at the newest delivery of each."""
    _say_where(tools)
    api = Api(tools)
    for name in tools.options.hooks:
        for deliveries in await _ours(api, name, tools):
            await api.get(deliveries, {"per_page": "1"}, name=name)


def _say_where(tools: FetchTools) -> None:
    if not tools.options.hooks:
        raise SettingsError(f"the source {tools.source} has an API_KEY; say where to look, such as hooks: [acme/web]")


async def _missed(api: Api, name: str, tools: FetchTools) -> Mapping[str, Missed]:
    """By id, what the webhooks of a repository or organisation failed to bring to this source."""
    missed: dict[str, Missed] = {}
    for deliveries in await _ours(api, name, tools):
        missed |= await _failed(api, deliveries, name, since=tools.now - KEPT)
    return missed


async def _ours(api: Api, name: str, tools: FetchTools) -> Sequence[str]:
    """Of its webhooks that post to this source, where their deliveries are listed."""
    base = f"/repos/{quote(name)}/hooks" if "/" in name else f"/orgs/{quote(name)}/hooks"
    hooks = [hook async for hook in api.listed(base, name)]
    ours = [hook["id"].text() for hook in hooks if _posts_to(tools.source, hook["config"]["url"].text(""))]
    if not ours:
        raise SettingsError(f"no webhook of {name} posts to /in/{tools.source}; correct its address, or the hooks here")
    return [f"{base}/{id}/deliveries" for id in ours]


def _posts_to(source: str, url: str) -> bool:
    return url.partition("?")[0].rstrip("/").endswith(f"/in/{source}")


async def _failed(api: Api, base: str, name: str, *, since: datetime) -> Mapping[str, Missed]:
    """A redelivery is an entry of its own with the id of the first: one that arrived is enough. Newest come first."""
    arrived, failed = set[str](), dict[str, Missed]()
    async for entry in api.listed(base, name):
        guid, code, at = entry["guid"].text(), entry["status_code"].integer(0), entry["delivered_at"].time()
        if at is None or at < since:
            break
        if 200 <= code < 300 or code == NOT_UNDERSTOOD:
            arrived.add(guid)
        else:
            failed[guid] = Missed(guid=guid, event=entry["event"].text(), at=at, path=f"{base}/{entry['id'].text()}")
    return {guid: missed for guid, missed in failed.items() if guid not in arrived}


async def _fetched(api: Api, missed: Missed, tools: FetchTools) -> WebhookRequest | None:
    """The delivery as it was posted; None if GitHub keeps it no longer."""
    found, _ = await api.get(missed.path, missing_is_fine=True)
    payload = found["request"]["payload"].value
    if not isinstance(payload, dict):
        return None
    return WebhookRequest(
        source=tools.source,
        headers={
            "content-type": "application/json",
            "x-github-event": missed.event,
            "x-github-delivery": missed.guid,
        },
        body=msgspec.json.encode(payload),
        received_at=tools.now,
        fetched="catch-up",
    )


def _ready(setting: Setting) -> bool:
    return setting("API_KEY") is not None


FETCHING = Fetching(ready=_ready, missing="TOCSIN_<SOURCE>_API_KEY", examine=examine, catch_up=catch_up)

"""The public test kit: recorded requests, read as a source would have sent them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hub.contracts import Integration, Signs, WebhookRequest
from hub.core.event import Report, Severity
from hub.core.records import Record, replace
from hub.errors import TocsinError
from hub.proof import Secret

NOT_SENT = frozenset({"host", "content-length", "connection", "transfer-encoding", "authorization", "accept-encoding"})
"""Headers of a recording that are of its own journey."""
RECORDED = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
"""When a fixture counts as received, unless the caller says otherwise."""


def read_fixture(path: Path, *, source: str = "", received_at: datetime = RECORDED) -> WebhookRequest:
    """A request from a `.http` file: request line, headers, an empty line, the body. The source is by default the
    one that the path in the request line names: `/in/nagios`."""
    return parse_fixture(path.read_bytes(), str(path), source=source, received_at=received_at)


def parse_fixture(raw: bytes, name: str, *, source: str = "", received_at: datetime = RECORDED) -> WebhookRequest:
    """The same, from what the file called `name` holds. Raises TocsinError."""
    end = b"\r\n\r\n" if raw.partition(b"\n")[0].endswith(b"\r") else b"\n\n"
    head, _, body = raw.partition(end)
    lines = head.decode("latin-1").splitlines()
    try:
        method, target, *_ = lines[0].split()
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
    except (IndexError, ValueError):
        raise TocsinError(f"{name} does not begin with a line such as: POST /in/nagios HTTP/1.1") from None
    parts = urlsplit(target)
    return WebhookRequest(
        source=source or _named(parts.path),
        method=method,
        headers=headers,
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        body=body,
        received_at=received_at,
    )


def _named(path: str) -> str:
    """The source of an address, also with what its tool puts behind it; of another path the last part."""
    return path[4:].partition("/")[0] if path.startswith("/in/") else path.rsplit("/", 1)[-1]


def sendable(request: WebhookRequest, tool: Integration | None, secrets: Sequence[Secret]) -> Mapping[str, str]:
    """The headers of a recorded request, with the proof renewed: signed as the tool does, else by a bearer token."""
    kept = {name: value for name, value in request.headers.items() if name not in NOT_SENT}
    if not secrets:
        return kept
    source = tool.source if tool else None
    if isinstance(source, Signs):
        return {**kept, **source.sign(request, secrets[0])}
    return {**kept, "authorization": f"Bearer {secrets[0].reveal()}"}


def report_as_json(report: Report) -> dict[str, Any]:
    """A report as `<case>.reports.json` has it: without what is empty, times in RFC 3339, the severity as a word. Its
    place is left out: the order shows it."""
    plain = _plain(replace(report, place=""))
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any) -> Any:
    """What JSON can say of a value of the core; of its records, only the fields that say something."""
    if isinstance(value, Severity):
        return value.word
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Record):
        named = {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
        return {name: said for name, said in named.items() if said is not False and said not in (None, "", [], {})}
    if isinstance(value, Mapping):
        return dict(value)
    return [_plain(entry) for entry in value] if isinstance(value, tuple) else value

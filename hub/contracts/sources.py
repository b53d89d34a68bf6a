"""What a tool posts, and what may be fetched from it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from hub.contracts.options import Setting
from hub.core.event import Event, Report
from hub.core.records import Record, replace
from hub.core.records import field as struct_field
from hub.errors import PayloadError
from hub.payload import Field, decode_form, decode_json, shown
from hub.proof import Secret

FORM = "application/x-www-form-urlencoded"


class WebhookRequest(Record, frozen=True, kw_only=True, dict=True, gc=True):
    """What came over HTTP, once, as it came. Header names are lower case."""

    source: str
    """The source that it was posted to; of what a chat posts, the chat."""
    part: str = ""
    """Of what a chat posts, what follows its name in the path: `events`."""
    method: str = "POST"
    headers: Mapping[str, str] = struct_field(default_factory=dict)
    query: Mapping[str, str] = struct_field(default_factory=dict)
    body: bytes = b""
    received_at: datetime
    fetched: str = ""
    """Empty for what was posted; else the way in which the hub itself got it: `catch-up` or `follow-up`."""

    def header(self, name: str) -> str:
        """The header, or an empty text."""
        return self.headers.get(name, "")

    @property
    def content_type(self) -> str:
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def is_form(self) -> bool:
        """Whether the body is a form. curl calls everything one unless it is told otherwise."""
        return self.content_type == FORM and not self.body.lstrip().startswith((b"{", b"["))

    def json(self) -> Field:
        """The body as JSON, decoded once. Raises PayloadError."""
        known: Field | None = self.__dict__.get("decoded")  # a `cached_property` takes a lock
        if known is None:
            try:
                known = self.__dict__["decoded"] = decode_json(self.body)
            except PayloadError as error:
                raise PayloadError("", f"{error}{self._called()}") from error
        return known

    def _called(self) -> str:
        """What somebody may have posted by mistake, where the sender itself says that it is something else."""
        kind = self.content_type
        return f"; it was sent as {shown(kind)}" if kind and self.body and "json" not in kind else ""

    def form(self) -> Field:
        """The body as a form. Raises PayloadError."""
        return decode_form(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Known, and nothing to say of it."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """What the entries of a body come to, each by itself: one that cannot be understood keeps no other back."""

    reports: Sequence[Report]
    """Each with its `place`."""
    broken: Mapping[str, Exception]
    """By the place of each entry that was not understood (`alerts[3]`), what is wrong with it."""


def each(entries: Iterable[Field], read: Callable[[Field], Report]) -> Several:
    """What is read of each. Where none can be understood, raises what is wrong with the first: such is no body of
    that tool."""
    several, reports, broken = [*entries], list[Report](), dict[str, Exception]()
    if len(several) == 1:
        return Several(reports=[read(several[0])], broken=broken)
    for entry in several:
        try:
            reports.append(replace(read(entry), place=entry.path))
        except Exception as error:  # noqa: BLE001 - a fault of the parser's own keeps no neighbour back, either
            broken[entry.path] = error
    if broken and not reports:
        raise next(iter(broken.values()))
    return Several(reports=reports, broken=broken)


class Source(Protocol):
    """A module satisfies it. `parse` is pure: the same request gives the same reports."""

    def verify(self, request: WebhookRequest, secrets: Sequence[Secret]) -> None:
        """Return, or raise Unauthenticated. Any of the secrets will do, and any of several signatures in a header: each
        side changes its secret while both hold."""

    def parse(
        self, request: WebhookRequest, options: Any, /
    ) -> Sequence[Report] | Several | Quiet:  # each tool its own options
        """Reports in the order they happened; raises PayloadError or Unsupported. A body that may have several entries
        is read by `each`."""


@runtime_checkable
class NamesDeliveries(Protocol):
    """A source whose tool gives each delivery an id that a repeat keeps."""

    def delivery(self, request: WebhookRequest) -> str:
        """The id, or an empty text: then nothing is taken for a repeat. Asked after `verify`, of what was understood or
        fetched; may raise PayloadError."""


@runtime_checkable
class Signs(Protocol):
    """A source that can be posted to as its tool would: for `tocsin send` and for tests."""

    def sign(self, request: WebhookRequest, secret: Secret) -> Mapping[str, str]:
        """The headers that prove the request, for `request.received_at`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTools:
    """What fetching is given to work with."""

    source: str
    options: Any
    setting: Setting
    http: Any  # an aiohttp.ClientSession; the contracts do not import aiohttp
    now: datetime
    accepted: Callable[[str], Awaitable[bool]]
    """Whether a delivery of this id is in the hub already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """What the hub gets by asking the tool, beside what the tool posts. An answer becomes a request like any other: it
    goes through the same parser and is stored, so that it can be replayed; only it need not prove itself again. Failing
    is harmless: TocsinError is logged, and tried again where that has a time."""

    ready: Callable[[Setting], bool]
    missing: str
    """What to set to have it: `TOCSIN_<SOURCE>_API_KEY`."""
    examine: Callable[[FetchTools], Awaitable[None]] | None = None
    """See whether the tool would answer, by a question that costs it nothing. Raises SettingsError or Unreachable."""
    catch_up: Callable[[FetchTools], AsyncIterator[WebhookRequest]] | None = None
    """Deliveries that never reached us, oldest first; asked at start and `every` so often."""
    every: timedelta = timedelta(minutes=15)
    follow_up: Callable[[Event, FetchTools], Awaitable[WebhookRequest | None]] | None = None
    """More about an event that was just accepted; what comes back adds to its alert and never delays it. None: nothing
    more to know. Not asked about events that were themselves fetched."""

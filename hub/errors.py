"""The family of errors. Raise the most precise member; catch at the one place that can act.

    TocsinError
    ├── Unauthenticated          a request does not prove where it comes from            → 401
    ├── PayloadError             a body that the tool cannot have sent; names the path   → 400, quarantine
    ├── Unsupported              a kind that we have never heard of                      → 202, quarantine
    ├── UsageError               a command that was understood but not well formed       → a reply with an example
    ├── RulesError               routes.yaml is wrong; holds every complaint             → refused whole
    ├── SettingsError            the environment or an option is wrong                   → exit 1 or 2
    ├── Overloaded               the queue to the disk is full, or the disk is gone      → 503
    │   ├── Overtaken            another replica took in the same delivery meanwhile     → looked at anew
    │   └── Deposed              another replica leads now: nothing was written          → 503, and it follows
    └── DeliveryError            a chat did not take a message
        ├── Refused              and will not: retrying changes nothing                  → dead letter
        ├── Unreachable          and may later                                           → retry
        └── Uncertain            or it did: we cannot know                               → read back, or repeat marked

No message holds a secret or a URL that is one: they end in logs and on pages.
"""

from collections.abc import Sequence

from hub.core.complaints import Complaint as Complaint


class TocsinError(Exception):
    """The root of the family."""


class Unauthenticated(TocsinError):
    """The request does not prove that it comes from the source. The text is for the operator who set it up."""


class PayloadError(TocsinError):
    """The body is not what the tool sends. `path` names the place, such as `check.status`."""

    def __init__(self, path: str, complaint: str) -> None:
        super().__init__(f"{path}: {complaint}" if path else complaint)
        self.path = path


class Unsupported(TocsinError):
    """A well-formed request of a kind that this version does not know. It is accepted and kept in quarantine."""


class UsageError(TocsinError):
    """A command that cannot run as it was said; the text says what would. `proposals` are the sentences that stand in
    it between double quotes and can be said just so."""

    def __init__(self, text: str, *, proposals: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.proposals = tuple(proposals)


class SettingsError(TocsinError):
    """What the process was told from outside is wrong."""


class Overloaded(TocsinError):
    """Nothing more can be taken just now. `retry_after` is in seconds; `outside` is told to whoever asked, where `why`
    names what only those who look after the hub are to know, such as a server."""

    def __init__(self, why: str, *, retry_after: int = 5, outside: str = "") -> None:
        super().__init__(why)
        self.retry_after = retry_after
        self.outside = outside or why


class Overtaken(Overloaded):
    """What was looked at has changed before it was written on. Nothing was written; looked at anew, it will do."""


class Deposed(Overloaded):
    """The lease by which this replica led is over. Nothing was written."""


class RulesError(TocsinError):
    """The rules cannot be used. Every complaint of one reading is here."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("\n".join(map(str, complaints)))
        self.complaints = tuple(complaints)


class DeliveryError(TocsinError):
    """A chat did not take a message."""


class Refused(DeliveryError):
    """The chat said no and will go on saying no."""


class Unreachable(DeliveryError):
    """The chat could not be asked, or asked us to wait: `retry_after` seconds, if it said so."""

    def __init__(self, why: str, *, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Uncertain(DeliveryError):
    """The message left us and no answer came back: it may or may not be there."""

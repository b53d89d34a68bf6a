"""How much of one report is kept. More than any tool says on purpose; what is over is cut, and the cut is seen."""

from hashlib import blake2b

from hub.core.event import Labels, Link, Report
from hub.core.records import replace

TITLE, BODY, KEY, KIND, ACTOR, URL = 1_000, 32_768, 1_000, 200, 200, 2_000
KEY_BYTES = 2_000
"""Of a key in UTF-8: an index of PostgreSQL takes 2,704, with all else that stands in it."""
LABELS, LABEL_NAME, LABEL_VALUE, LINKS = 100, 200, 2_000, 30
CUT = "…"
LEFT_OUT = "labels_left_out"
"""The label that says how many others were left out."""


def bounded(report: Report) -> Report:
    """The report, cut where it is too large; itself, where it is not."""
    if _fits(report):
        return report
    return replace(
        report,
        title=_cut(report.title, TITLE),
        body=_cut(report.body, BODY),
        key=_named(report.key),
        kind=_cut(report.kind, KIND),
        actor=_cut(report.actor, ACTOR),
        labels=_labels(report.labels),
        # A URL that is cut leads elsewhere.
        links=tuple(_link(link) for link in report.links if len(link.url) <= URL)[:LINKS],
    )


def _fits(report: Report) -> bool:
    return (
        len(report.title) <= TITLE
        and len(report.body) <= BODY
        and _is_short(report.key)
        and len(report.kind) <= KIND
        and len(report.actor) <= ACTOR
        and len(report.labels) <= LABELS
        and len(report.links) <= LINKS
        and max(map(len, report.labels), default=0) <= LABEL_NAME
        and max(map(len, report.labels.values()), default=0) <= LABEL_VALUE
        and (not report.links or all(len(link.url) <= URL and len(link.title) <= TITLE for link in report.links))
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + CUT


def _named(key: str) -> str:
    """Cut so that two that differ still do."""
    if _is_short(key):
        return key
    digest = blake2b(key.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    most = KEY if key.isascii() else KEY_BYTES // 4
    return f"{key[: most - 17]}{CUT}{digest}"


def _is_short(key: str) -> bool:
    if len(key) <= KEY_BYTES // 4:  # as nearly all are
        return True
    return len(key) <= KEY and len(key.encode(errors="surrogatepass")) <= KEY_BYTES


def _link(link: Link) -> Link:
    return Link(title=_cut(link.title, TITLE), url=link.url)


def _labels(labels: Labels) -> Labels:
    kept: dict[str, str] = {}
    for name, value in labels.items():
        if len(kept) == LABELS - 1 and len(labels) > LABELS:
            break
        kept.setdefault(_cut(name, LABEL_NAME), _cut(value, LABEL_VALUE))
    missing = len(labels) - len(kept)
    return {**kept, LEFT_OUT: str(missing)} if missing else kept

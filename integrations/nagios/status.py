"""How a host or service stands in Nagios, from whatever can be asked: status file, statusjson.cgi, Livestatus."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What matters of it to us. Times are in seconds since 1970; `downtimes` are the comments of those planned.

    `as_of` is when this was so: Nagios writes its status every ten seconds or so, and notifies before it does.
    """

    well: bool
    acknowledged: bool
    as_of: float = 0.0
    last_check: float = 0.0
    downtimes: tuple[str, ...] = ()
    mute_downtime_at: float = 0.0
    """When the newest downtime was entered whose comment the tool cannot show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotKnown:
    """Nagios has no such host or service. `names` are the hosts that it has."""

    names: tuple[str, ...] = ()


def read_status_file(path: Path, host: str, service: str) -> Standing | NotKnown:
    """Look it up in status.dat, which Nagios writes anew every few seconds. Raises OSError."""
    downtimes, names, found, as_of = list[str](), list[str](), None, 0.0
    status, downtime = ("servicestatus", "servicedowntime") if service else ("hoststatus", "hostdowntime")
    for kind, block in _blocks(path):
        if kind == "info":
            as_of = float(block.get("created") or 0)
        if kind == "hoststatus":
            names.append(block.get("host_name", ""))
        if block.get("host_name") != host or (service and block.get("service_description") != service):
            continue
        if kind == status:
            found = block
        elif kind == downtime:
            downtimes.append(block.get("comment", ""))
    if found is None:
        return NotKnown(names=tuple(names))
    return Standing(
        well=found.get("current_state") == "0",
        acknowledged=found.get("problem_has_been_acknowledged") == "1",
        as_of=as_of,
        last_check=float(found.get("last_check") or 0),
        downtimes=tuple(downtimes),
    )


def _blocks(path: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    kind, block = "", dict[str, str]()
    with path.open(encoding="utf-8", errors="replace") as lines:
        for raw in lines:
            line = raw.strip()
            if not kind:
                # Within a block a line may end so, too: checks print what they like.
                kind, block = line[:-1].strip() if line.endswith("{") else "", {}
            elif line == "}":
                yield kind, block
                kind = ""
            else:
                name, _, value = line.partition("=")
                block[name] = value

"""Records that are made and changed for each event.

Of a frozen dataclass with thirty fields, the making of one and the changing of another take longer than all that is
decided about them. msgspec's structs are made, changed, written as JSON and read back several times as fast; what
stands at its default is not written.
"""

import dataclasses
from typing import Any, TypeVar

import msgspec

RecordT = TypeVar("RecordT")

field = msgspec.field


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A base for what is made for each event.

    The cycle collector does not look at them: what is frozen, and holds only what was there before it, is in no cycle.
    One that holds an exception, or has a `__dict__`, says `gc=True`.
    """


def replace(record: RecordT, /, **changes: Any) -> RecordT:  # any field of any record
    """The record with these fields changed. What it asks of itself is asked again. Raises TypeError for a field that it
    does not have."""
    if isinstance(record, msgspec.Struct):
        return msgspec.structs.replace(record, **changes)
    return dataclasses.replace(record, **changes)  # type: ignore[type-var]  # else it is a dataclass


def plain(record: Record) -> dict[str, Any]:
    """A record as an answer shows it: every field, also what stands at its default."""
    return {name: _plain(getattr(record, name)) for name in record.__struct_fields__}


def _plain(value: Any) -> Any:  # any field
    if isinstance(value, Record):
        return plain(value)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value

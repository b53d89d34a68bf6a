"""Records that are made and changed for each event.

A frozen dataclass sets every field by `object.__setattr__`, and `dataclasses.replace` asks for every field by its name:
of a record with thirty fields that takes longer than all that is decided about it. `quick` gives such a class an
`__init__` that goes straight to its slots; nothing else of it changes, and it is as frozen as before.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

ClassT = TypeVar("ClassT", bound=type)

if TYPE_CHECKING:
    from dataclasses import replace as replace  # so that names and types of what is changed are checked
else:

    def replace(record: Any, /, **changes: Any) -> Any:  # any record
        """The record with these fields changed. What it asks of itself is asked again."""
        changed = getattr(record, "_changed", None)
        return dataclasses.replace(record, **changes) if changed is None else changed(changes)


def quick(cls: ClassT) -> ClassT:
    """For a dataclass that is frozen, keyword-only, and has slots."""
    names = [field.name for field in dataclasses.fields(cls)]
    # Each slot's own setter: `frozen` refuses any other way.
    setters = {name: getattr(cls, name).__set__ for name in names}
    known: dict[str, Any] = {f"set_{name}": setter for name, setter in setters.items()}
    known |= {"cls": cls, "new": object.__new__, "setters": setters, "UNSAID": dataclasses.MISSING}
    asks = ["self.__post_init__()"] if hasattr(cls, "__post_init__") else []
    sets, parameters = list[str](), list[str]()
    for field in dataclasses.fields(cls):
        sets += _filled(field, known)
        sets.append(f"set_{field.name}(self, {field.name})")
        parameters.append(_parameter(field, known))
    _define(cls, "__init__", f"self, *, {', '.join(parameters)}", [*sets, *asks], known)
    copied = [f"set_{name}(it, self.{name})" for name in names]
    changed = ["for name, value in changes.items():", "    setters[name](it, value)"]
    asked = [ask.replace("self", "it") for ask in asks]
    _define(cls, "_changed", "self, changes", ["it = new(cls)", *copied, *changed, *asked, "return it"], known)
    return cls


def _parameter(field: "dataclasses.Field[Any]", known: dict[str, Any]) -> str:
    if field.default is not dataclasses.MISSING:
        known[f"default_{field.name}"] = field.default
        return f"{field.name}=default_{field.name}"
    return field.name if field.default_factory is dataclasses.MISSING else f"{field.name}=UNSAID"


def _filled(field: "dataclasses.Field[Any]", known: dict[str, Any]) -> list[str]:
    if field.default_factory is dataclasses.MISSING:
        return []
    known[f"make_{field.name}"] = field.default_factory
    return [f"if {field.name} is UNSAID: {field.name} = make_{field.name}()"]


def _define(cls: type, name: str, parameters: str, lines: list[str], known: Mapping[str, Any]) -> None:
    source = f"def {name}({parameters}):\n" + "\n".join(f"    {line}" for line in lines)
    found: dict[str, Any] = {}
    exec(source, dict(known), found)  # noqa: S102 - as dataclasses do it, of nothing but the names of fields
    found[name].__qualname__ = f"{cls.__qualname__}.{name}"
    setattr(cls, name, found[name])

"""Records that are made quickly are records like others."""

from dataclasses import dataclass

import pytest

from hub.core.records import Record, field, replace


class Base(Record, frozen=True, kw_only=True):
    name: str
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("no name")


class Derived(Base, frozen=True, kw_only=True):
    count: int = 1


def test_it_is_frozen_and_strict() -> None:
    one = Derived(name="a")

    with pytest.raises(AttributeError):
        one.count = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="name"):
        Derived()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="nmae"):
        Derived(nmae="a")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="no name"):
        Derived(name="")


def test_each_has_its_own_defaults() -> None:
    one, other = Derived(name="a"), Derived(name="a")

    assert one == other
    assert one.labels is not other.labels
    assert "Derived(name='a', labels={}, count=1)" in repr(one)


def test_what_is_changed_is_checked_like_what_is_new() -> None:
    one = Derived(name="a", labels={"x": "y"}, count=3)

    assert Derived(name="b", labels={"x": "y"}, count=3) == replace(one, name="b")
    with pytest.raises(ValueError, match="no name"):
        replace(one, name="")
    with pytest.raises(TypeError, match="nmae"):
        replace(one, nmae="b")


def test_other_records_are_changed_as_ever() -> None:
    @dataclass(frozen=True)
    class Plain:
        count: int

    assert Plain(2) == replace(Plain(1), count=2)

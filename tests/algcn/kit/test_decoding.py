"""Dataclasses from JSON: each kind there is, the sentence for what is none, and what a file says beyond the fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import pytest

from algcn.kit.decoding import Part, Within, decode, encode
from algcn.kit.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Pair(Part, Generic[T]):
    one: T
    other: T


@dataclass(frozen=True)
class Maybe(Part):
    needed: int | None
    more: int | None = None


@dataclass(frozen=True)
class Range(Part):
    low: int
    high: int

    def misfit(self) -> str | None:
        return None if self.low <= self.high else "must not end before it begins"


@dataclass(frozen=True)
class Whole(Part):
    name: str
    share: Annotated[float, Within(0, 1)]
    ranges: tuple[Range, ...]
    numbers: Pair[float]
    notes: Mapping[str, Any] | None = None
    known: bool | None = None


WHOLE = {
    "name": "n",
    "share": 1,
    "ranges": [{"low": 1, "high": 2}],
    "numbers": {"one": 0.5, "other": 1},
    "notes": {"a": [None]},
}


def test_a_kind_that_is_none_of_json_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="no kind of JSON"):
        Whole.from_json(WHOLE)
    with pytest.raises(TypeError, match="no kind of JSON"):
        decode(bytes, "x")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (str, "x"),
        (int, 3),
        (float, 3),
        (float, 0.25),
        (int | None, None),
        (tuple[int, ...], (1, 2)),
        (Mapping[str, float], {"a b": 0.5}),
        (Pair[int], Pair(1, 2)),
        (Maybe, Maybe(None)),
        (Maybe, Maybe(1, 2)),
        (tuple[Range, ...], (Range(1, 2, others={"more": [1]}),)),
        (Annotated[float, Within(0, 1)], 1 + 1e-9),
        (Any, {"x": [1, None]}),
    ],
)
def test_what_is_written_is_what_is_read(kind: Any, value: Any) -> None:
    assert decode(kind, encode(value)) == value


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (str, 3, "The value must be a text, not 3."),
        (int, True, "The value must be a whole number, not true."),
        (int, 3.0, "The value must be a whole number, not 3.0."),
        (int, 2**60, "The value must be a whole number, not 1152921504606846976."),
        (float, float("nan"), "The value must be a number, not nan."),
        (float, 10**400, "The value must be a number, not "),
        (Annotated[int, Within(1)], 0, "The value must be a whole number of at least 1, not 0."),
        (int | None, "x", "The value must be a whole number, not 'x'."),
        (tuple[int, ...], [1, {}], "[1] must be a whole number, not an object."),
        (Mapping[str, int], {"a": {"b": 1}}, "a must be a whole number, not an object."),
        (Mapping[str, int], [], "The value must be an object, not a list."),
        (Pair[int], {"one": 1, "other": "x"}, "other must be a whole number, not 'x'."),
        (Maybe, {}, "needed is missing; it must be a whole number or null."),
        (Pair[int], {"other": 1}, "one is missing; it must be a whole number."),
        (Mapping[str, Range], {"a": {"low": 2, "high": 1}}, "a must not end before it begins."),
    ],
)
def test_what_is_wrong_is_one_sentence(kind: Any, value: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(kind, value)
    assert str(caught.value).startswith(sentence) and len(str(caught.value)) < 100
    assert str(caught.value).endswith(".")


def test_what_is_none_by_default_is_not_written() -> None:
    assert Maybe(1).to_json() == {"needed": 1} and Maybe(None).to_json() == {"needed": None}
    assert Maybe.from_json({"needed": 1, "more": None}) == Maybe(1)

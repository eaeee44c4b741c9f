"""Dataclasses from JSON and back, strict about kinds: what is wrong is one sentence that names the place.

Notable: a type is compiled to a function once, so that a file of some thousand numbers is read in milliseconds; what a
file says beyond the fields of a `Part` is kept and written again.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, NamedTuple, Self, TypeVar, Union, get_args, get_origin, get_type_hints

from algcn.kit.checks import SHOWN, is_number, is_whole, shown
from algcn.kit.errors import InputError

SLACK = 1e-6  # by which a sum of fractions may leave its range
LARGEST = 2**53  # whole number that every reader of JSON keeps exact
NOT_IN_FILE = {"in_file": False}  # marks a field of a `Part` that is no key of the file
_SIMPLE = {str: "a text", int: "a whole number", float: "a number"}


@dataclasses.dataclass(frozen=True)
class Within:
    """The range of a number: `Annotated[float, Within(0, 1)]`."""

    low: float
    high: float = math.inf

    def __str__(self) -> str:
        return f"of at least {self.low:g}" if math.isinf(self.high) else f"from {self.low:g} to {self.high:g}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """A dataclass that `from_json` reads and `to_json` writes, its fields in their order.

    A field whose default is None is left out where it is None, and null is as good as absent.

    Attributes:
        others: What a file says beyond the fields; kept, and written after them.
    """

    others: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False, metadata=NOT_IN_FILE)

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read what `to_json` gave.

        Raises:
            InputError: It is something else; the sentence names the place and what was expected there.
        """
        return decode(cls, value)

    def to_json(self) -> dict[str, Any]:
        """Return the part as JSON has it."""
        return encode(self)

    def misfit(self) -> str | None:
        """Say what does not fit between the fields, as the rest of a sentence on the part; None where all fits."""
        return None


def decode(kind: Any, value: Any, place: str = "") -> Any:
    """Read a value of JSON as `kind`.

    Args:
        kind: str, int, float, Any, `X | None`, `tuple[X, ...]`, `Mapping[str, X]`, a `Part`, or a number with `Within`.
        value: As `json.loads` gives it.
        place: Where the value stands, for the sentence.

    Raises:
        InputError: The value is of another kind; the sentence names the place and what was expected there.
    """
    try:
        return _reader(kind).read(value)
    except _Wrong as wrong:
        inside = f"{place}{''.join(reversed(wrong.place))}".removeprefix(".")
        raise InputError(f"{inside or 'The value'} {wrong.said}.") from None


def encode(value: Any) -> Any:
    """Return the JSON of what `decode` gave; values of other kinds stay as they are."""
    if isinstance(value, Part):
        written = {
            field.name: encode(found)
            for field in own_fields(type(value))
            if not ((found := getattr(value, field.name)) is None and field.default is None)
        }
        return {**written, **value.others}
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def own_fields(kind: type[Part]) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a part that stand in a file."""
    return tuple(field for field in dataclasses.fields(kind) if field.metadata.get("in_file", True))


def kinds_of(kind: Any) -> dict[str, Any]:
    """Return the kind of each of a part's own fields.

    `Both[float]` has those of `Both`, float in place of a field that is its variable.
    """
    origin = get_origin(kind) or kind
    given = dict(zip(getattr(origin, "__parameters__", ()), get_args(kind), strict=False))
    hints = get_type_hints(origin, include_extras=True)
    return {
        field.name: given.get(hint, hint) if isinstance(hint := hints[field.name], TypeVar) else hint
        for field in own_fields(origin)
    }


class _Wrong(Exception):
    """What is wrong with a value; each level on the way up adds where it was."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said
        self.place: list[str] = []

    def inside(self, key: str | int) -> _Wrong:
        plain = isinstance(key, str) and key.isidentifier() and len(key) <= SHOWN
        self.place.append(f".{key}" if plain else f"[{_shown(key)}]")
        return self


class _Reader(NamedTuple):
    read: Callable[[Any], Any]
    expected: str

    def must_be(self, value: Any) -> _Wrong:
        return _Wrong(f"must be {self.expected}, not {_shown(value)}")


@functools.cache
def _reader(kind: Any) -> _Reader:
    """Compile how a kind is read, and what it is called."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return _Reader(lambda value: value, "anything")
    if kind in _SIMPLE:
        return _simple(kind, None)
    if origin is Annotated:
        return _simple(arguments[0], arguments[1])
    if origin in (Union, types.UnionType):
        inner = _reader(next(argument for argument in arguments if argument is not types.NoneType))
        return _Reader(lambda value: None if value is None else inner.read(value), f"{inner.expected} or null")
    if origin is tuple:
        return _list(_reader(arguments[0]))
    if origin is Mapping:
        return _mapping(_reader(arguments[1]))
    if isinstance(origin or kind, type) and issubclass(origin or kind, Part):
        return _part(kind)
    raise TypeError(f"{kind} is no kind of JSON")


def _simple(kind: type, within: Within | None) -> _Reader:
    right = {str: _is_text, int: is_whole, float: is_number}[kind]
    slack, largest = (SLACK, math.inf) if kind is float else (0, LARGEST)
    low, high = (within.low - slack, min(within.high + slack, largest)) if within else (-largest, largest)

    def read(value: Any) -> Any:
        if not right(value) or (kind is not str and not low <= value <= high):
            raise reader.must_be(value)
        return value

    reader = _Reader(read, _SIMPLE[kind] + (f" {within}" if within else ""))
    return reader


def _list(item: _Reader) -> _Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, list):
            raise reader.must_be(value)
        return tuple(_each((number, item, entry) for number, entry in enumerate(value)))

    reader = _Reader(read, "a list")
    return reader


def _mapping(item: _Reader) -> _Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise reader.must_be(value)
        return dict(zip(value, _each((key, item, entry) for key, entry in value.items()), strict=True))

    reader = _Reader(read, "an object")
    return reader


def _each(items: Iterable[tuple[str | int, _Reader, Any]]) -> list[Any]:
    """Read every value by its reader; what is wrong with one is inside its key."""
    found = []
    for key, reader, value in items:
        try:
            found.append(reader.read(value))
        except _Wrong as wrong:
            raise wrong.inside(key) from None
    return found


def _part(kind: Any) -> _Reader:
    made = get_origin(kind) or kind
    readers = {name: _reader(hint) for name, hint in kinds_of(kind).items()}
    optional = {field.name for field in own_fields(made) if field.default is None}
    needed = readers.keys() - optional

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise reader.must_be(value)
        missing = [name for name in readers if name in needed and name not in value]
        if missing:
            raise _Wrong(f"is missing; it must be {readers[missing[0]].expected}").inside(missing[0])
        given = {name: item for name, item in value.items() if name in readers}
        fields = dict(zip(given, _each((name, readers[name], item) for name, item in given.items()), strict=True))
        part = made(**fields, others={name: item for name, item in value.items() if name not in readers})
        misfit = part.misfit()
        if misfit:
            raise _Wrong(misfit)
        return part

    reader = _Reader(read, "an object")
    return reader


def _shown(value: Any) -> str:
    """Return a wrong value as a sentence repeats it: short, whatever it is."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return shown(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)

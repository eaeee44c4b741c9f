"""What a person gave: what of it is used, and what is not, counted by kind with an example and what would work."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Kind:
    unit: str
    example: str
    remedy: str


class Account:
    """Counts what was given, so that nothing is lost in silence: of each unit, given is used and left out together.

    Example:
        >>> account = Account()
        >>> account.use("pictures", 312)
        >>> account.add("rows without their picture", "row 7 of metadata.csv", "add the picture", unit="rows")
        >>> account.add("rows without their picture", "row 9 of metadata.csv", unit="rows")
        >>> for line in account.lines():
        ...     print(line)
        312 pictures used; 2 rows not used.
        Rows without their picture: 2, for instance row 7 of metadata.csv; add the picture.
    """

    def __init__(self) -> None:
        self.used: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.notes: list[str] = []
        self._kinds: dict[str, _Kind] = {}

    def use(self, unit: str, count: int = 1) -> None:
        """Count what was used.

        Args:
            unit: What is counted, in the plural: "pictures", "captions", "rows".
            count: How many there are.
        """
        self.used[unit] += count

    def add(self, kind: str, example: str, remedy: str = "", count: int = 1, unit: str = "items") -> None:
        """Count something that was not used.

        Args:
            kind: What it is and why it was not used, in words that fit one and many: "captions without a picture".
            example: Where one is found; the first of a kind is shown.
            remedy: What would work, as an imperative; the first of a kind is shown.
            count: How many there are.
            unit: What is counted, in the plural; each kind has one.
        """
        self.counts[kind] += count
        self._kinds.setdefault(kind, _Kind(unit, example, remedy))

    def note(self, sentence: str) -> None:
        """Keep a sentence about how something was read, where more than one way was possible."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def merge(self, other: Account) -> None:
        """Add what another account has counted."""
        self.used.update(other.used)
        for sentence in other.notes:
            self.note(sentence)
        for kind, found in other._kinds.items():
            self.add(kind, found.example, found.remedy, other.counts[kind], found.unit)

    def __bool__(self) -> bool:
        """Tell whether something was not used."""
        return bool(self.counts)

    def left_out(self, unit: str) -> int:
        """Return how many of a unit were not used."""
        return sum(count for kind, count in self.counts.items() if self._kinds[kind].unit == unit)

    def given(self, unit: str) -> int:
        """Return how many of a unit were given: those used and those not."""
        return self.used[unit] + self.left_out(unit)

    def summary(self) -> str:
        """Return how much was used and how much not, in one sentence."""
        used = ", ".join(_counted(count, unit) for unit, count in self.used.items() if count) or "nothing"
        units = dict.fromkeys(found.unit for found in self._kinds.values())
        left = ", ".join(_counted(self.left_out(unit), unit) for unit in units)
        return f"{used[:1].upper()}{used[1:]} used" + (f"; {left} not used." if left else ", nothing left out.")

    def sentences(self) -> list[str]:
        """Return a sentence for each kind that was not used, in the order in which the kinds came up."""
        return [
            f"{kind[:1].upper()}{kind[1:]}: {self.counts[kind]:,}, for instance {found.example}"
            + (f"; {found.remedy}." if found.remedy else ".")
            for kind, found in self._kinds.items()
        ]

    def lines(self) -> list[str]:
        """Return the notes, the summary and the sentences, as a command ends with them."""
        return [*self.notes, self.summary(), *self.sentences()]

    def to_json(self) -> dict[str, Any]:
        """Return how many of each unit were used, each kind left out (unit, count, example, remedy), and the notes."""
        left_out = [
            {
                "kind": kind,
                "unit": found.unit,
                "count": self.counts[kind],
                "example": found.example,
                "remedy": found.remedy,
            }
            for kind, found in self._kinds.items()
        ]
        return {"used": dict(self.used), "left_out": left_out, "notes": list(self.notes)}


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit.removesuffix('s') if count == 1 else unit}"

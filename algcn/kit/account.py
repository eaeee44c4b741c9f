"""What a person gave and a program did not use: counted by kind, with an example of each and what would work."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class _Kind:
    example: str
    remedy: str


class Account:
    """Counts what was not used, so that nothing is lost in silence.

    Example:
        >>> account = Account()
        >>> account.add("captions without a picture", "row 7 of metadata.csv", "add the picture")
        >>> account.add("captions without a picture", "row 9 of metadata.csv")
        >>> account.sentences()
        ['Captions without a picture: 2, for instance row 7 of metadata.csv; add the picture.']
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._kinds: dict[str, _Kind] = {}

    def add(self, kind: str, example: str, remedy: str = "", count: int = 1) -> None:
        """Count something that was not used.

        Args:
            kind: What it is and why it was not used, in words that fit one and many: "captions without a picture".
            example: Where one is found; the first of a kind is shown.
            remedy: What would work, as an imperative; the first of a kind is shown.
            count: How many there are.
        """
        self.counts[kind] += count
        self._kinds.setdefault(kind, _Kind(example, remedy))

    def __bool__(self) -> bool:
        return bool(self.counts)

    def sentences(self) -> list[str]:
        """Return a sentence for each kind, in the order in which the kinds came up."""
        return [
            f"{kind[:1].upper()}{kind[1:]}: {self.counts[kind]:,}, for instance {found.example}"
            + (f"; {found.remedy}." if found.remedy else ".")
            for kind, found in self._kinds.items()
        ]

    def to_json(self) -> list[dict[str, str | int]]:
        """Return kind, count, example and remedy of each kind."""
        return [
            {"kind": kind, "count": self.counts[kind], "example": found.example, "remedy": found.remedy}
            for kind, found in self._kinds.items()
        ]

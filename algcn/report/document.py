"""What a report is made of, whatever the format: sections of sentences, tables, figures and commands.

Everything here is plain text. The two writers (`page`, `markdown`) escape it; nothing reaches them as markup but the
figures, which `figures` escapes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

WARNING = "warning"
QUIET = "quiet"
BEST = "best"


@dataclass(frozen=True)
class Paragraph:
    """A few sentences; a `WARNING` stands out, and `QUIET` ones are grey."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Row:
    """A name and its cells; `BEST` is set in bold, `QUIET` in grey."""

    name: str
    cells: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under heads.

    Attributes:
        title: What is in it.
        heads: One for each column after the first.
        rows: As many cells each as there are heads.
        note: Sentences below the title.
        folded: Closed until somebody opens it, where the format can do that.
        words: The cells are words, not numbers, and may break into lines.
    """

    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    folded: bool = False
    words: bool = False


@dataclass(frozen=True)
class Figure:
    """A drawing as SVG. `name` is one that a file can have, `note` says what there is to see."""

    name: str
    title: str
    note: str
    svg: str


@dataclass(frozen=True)
class Command:
    """A line to type that measures, or checks, what stands above."""

    purpose: str
    line: str


@dataclass(frozen=True)
class Definitions:
    """Terms and what they mean."""

    items: tuple[tuple[str, str], ...]


Block = Paragraph | Table | Figure | Command | Definitions


@dataclass
class Section:
    """A heading with what belongs to it; `level` 2 for a bundle, 3 for a part of it."""

    title: str
    level: int = 3
    blocks: list[Block] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    lead: str
    sections: tuple[Section, ...]


def plain(text: object) -> str:
    """Put a text from a bundle on one line, without control characters or marks that turn the writing's direction."""
    return "".join(letter if letter.isprintable() or letter == "\u00a0" else " " for letter in str(text)).strip()


def decimal(value: float | None, digits: int = 4) -> str:
    """Write a number as tables have it, .8619 for instance; a dash for no number."""
    if value is None or value != value:
        return "–"
    text = f"{float(value):.{digits}f}".replace("-", "−", 1)
    return text.replace("0.", ".", 1) if text.lstrip("−").startswith("0.") else text


def with_spread(value: float, spread: float | None, digits: int = 4) -> str:
    """Write the mean ± the standard deviation, where there is one."""
    return decimal(value, digits) + ("" if spread is None else f" ± {decimal(spread, digits)}")


def signed(value: float, digits: int = 4) -> str:
    """Write a difference with its sign."""
    return ("+" if value >= 0 else "") + decimal(value, digits)

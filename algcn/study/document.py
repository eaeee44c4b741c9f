"""What the study found, ready to be shown: sections of sentences, tables and figures, in one JSON file.

The page and METHOD.md show the same file, so that they never differ. Numbers in tables are texts already.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from algcn.kit.checks import is_number
from algcn.kit.errors import InputError
from algcn.kit.files import write_text

BARS, LINES = "bars", "lines"


@dataclasses.dataclass(frozen=True)
class Row:
    """One cell for each column; the best row of its table, or of its group of rows, stands out."""

    cells: tuple[str, ...]
    best: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows under heads.

    Attributes:
        name: What METHOD.md calls it in the comment above it; no two tables of a study share one.
        title: What is in it.
        heads: One for each column.
        rows: From top to bottom.
    """

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclasses.dataclass(frozen=True)
class Series:
    """One line of a figure, or its bars of one colour.

    Attributes:
        name: What the legend calls it.
        y: One value for each x of the figure; None where nothing was measured.
        error: The standard error of each value; None where it is not known.
    """

    name: str
    y: tuple[float | None, ...]
    error: tuple[float | None, ...]


@dataclasses.dataclass(frozen=True)
class Figure:
    """Means and their standard errors as `BARS` or `LINES`.

    Attributes:
        title: What there is to see.
        kind: `BARS` or `LINES`.
        x_title: What the x axis shows.
        y_title: What the y axis shows.
        x: The places on the x axis, as texts.
        series: At least one.
        chance: What a random choice reaches at each x; empty where there is no such level.
    """

    title: str
    kind: str
    x_title: str
    y_title: str
    x: tuple[str, ...]
    series: tuple[Series, ...]
    chance: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class Section:
    """An experiment.

    Attributes:
        name: What a link calls it.
        title: Its heading.
        sentence: What it shows, on what, and over how many seeds.
        gaps: A sentence for whatever is not measured yet.
        tables: In the order of reading.
        figures: Below the tables.
    """

    name: str
    title: str
    sentence: str
    gaps: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclasses.dataclass(frozen=True)
class Findings:
    """All of it; `lead` says how to read the numbers."""

    lead: str
    sections: tuple[Section, ...]

    def tables(self) -> dict[str, Table]:
        """Every table by its name."""
        return {table.name: table for section in self.sections for table in section.tables}

    def write(self, path: Path) -> None:
        """Write the file; the same study gives the same bytes."""
        text = json.dumps(dataclasses.asdict(self), ensure_ascii=False, allow_nan=False, indent=1)
        write_text(path, text + "\n")

    @classmethod
    def read(cls, path: Path) -> Findings:
        """Read the file.

        Raises:
            InputError: It is no such file.
            FileNotFoundError: There is none.
        """
        try:
            study = _study(json.loads(path.read_text(encoding="utf-8")))
            _check(study)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InputError(
                f"The file {path.name} is not the document of a study ({error}); python -m algcn.study writes one."
            ) from None
        return study


def _study(value: Mapping[str, Any]) -> Findings:
    return Findings(**{**value, "sections": tuple(map(_section, value["sections"]))})


def _section(value: Mapping[str, Any]) -> Section:
    tables = (
        Table(**{**table, "heads": tuple(table["heads"]), "rows": tuple(map(_row, table["rows"]))})
        for table in value["tables"]
    )
    figures = (
        Figure(**{**figure, "x": tuple(figure["x"]), "series": _series(figure), "chance": tuple(figure["chance"])})
        for figure in value["figures"]
    )
    return Section(**{**value, "gaps": tuple(value["gaps"]), "tables": tuple(tables), "figures": tuple(figures)})


def _row(value: Mapping[str, Any]) -> Row:
    return Row(**{**value, "cells": tuple(value["cells"])})


def _series(figure: Mapping[str, Any]) -> tuple[Series, ...]:
    return tuple(
        Series(**{**series, "y": tuple(series["y"]), "error": tuple(series["error"])}) for series in figure["series"]
    )


def _check(study: Findings) -> None:
    """Refuse what the dataclasses do not promise: other types, rows or series of another length, a name used twice."""
    _texts([study.lead])
    names = [table.name for section in study.sections for table in section.tables]
    names += [section.name for section in study.sections]
    if len(set(names)) != len(names):
        raise ValueError("a name is used twice")
    for section in study.sections:
        _texts([section.name, section.title, section.sentence, *section.gaps])
        for table in section.tables:
            _texts([table.name, table.title, *table.heads, *(cell for row in table.rows for cell in row.cells)])
            if any(len(row.cells) != len(table.heads) for row in table.rows):
                raise ValueError(f"a row of {table.name} has not one cell for each head")
        for figure in section.figures:
            _texts([figure.title, figure.x_title, figure.y_title, *figure.x, *(line.name for line in figure.series)])
            columns = [*(line.y for line in figure.series), *(line.error for line in figure.series)]
            columns += [figure.chance] if figure.chance else []
            if figure.kind not in (BARS, LINES) or not figure.series:
                raise ValueError(f"a figure of {section.name} is neither bars nor lines")
            if any(len(column) != len(figure.x) for column in columns):
                raise ValueError(f"a figure of {section.name} has not one value for each x")
            if not all(value is None or is_number(value) for column in columns for value in column):
                raise ValueError(f"a figure of {section.name} has a value that is no number")


def _texts(values: Iterable[object]) -> None:
    if not all(isinstance(value, str) for value in values):
        raise ValueError("a text is missing")

"""What a folder of measurements holds, and what of the study is not measured yet."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from algcn.kit.errors import InputError
from algcn.study.settings import Collection, Settings

Cell = Mapping[str, Any]
Measured = Mapping[tuple[str, str], Sequence[Cell]]  # by the names of collection and experiment
Runs = Mapping[int | None, Cell]  # of one method, by seed; None where nothing is drawn

NAMED_GAPS = 6
_FILE = re.compile(r"(?P<collection>.+?)-(?P<what>[a-z]+)-(?P<of>[a-z]+=.*)-[0-9a-f]{8}\.json")
_WORDS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def gathered(folder: Path) -> dict[tuple[str, str], list[Cell]]:
    """Read every measurement of a folder, whichever run made it.

    Raises:
        InputError: A file is damaged, or two are of one thing, on other data.
    """
    found: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    seen: dict[tuple[str, ...], Path] = {}
    for path in sorted(folder.glob("*.json")):
        named = _FILE.fullmatch(path.name)
        if named is None:
            raise InputError(f"The file {path} is no measurement of the study; move it elsewhere.")
        other = seen.setdefault(named.groups(), path)
        if other is not path:
            raise InputError(f"The files {other} and {path.name} measure one thing on different data; delete one.")
        try:
            found[named["collection"], named["what"]].append(json.loads(path.read_text(encoding="utf-8")))
        except ValueError:
            raise InputError(f"The measurement {path} is damaged; delete it, and it is made anew.") from None
    return found


def by_seed(cells: Iterable[Cell], settings: Settings, **of: Any) -> dict[int | None, Cell]:
    """Take those that are of something, a method for instance, by seed: the study's seeds, or None."""
    wanted = {cell.get("seed"): cell for cell in cells if all(cell.get(name) == value for name, value in of.items())}
    return {seed: wanted[seed] for seed in (None, *settings.seeds) if seed in wanted}


def concerned(settings: Settings, measured: Measured, experiment: str, what: str = "") -> list[Collection]:
    """The collections with which an experiment is to be made, or was made.

    Args:
        settings: Those of the study.
        measured: What there is.
        experiment: Its name on the command line.
        what: Its name in file names, where that is another.
    """
    return [
        collection
        for name, collection in settings.collections.items()
        if experiment in collection.experiments or (name, what or experiment) in measured
    ]


def parts(runs: Runs, *path: str) -> dict[int | None, Any]:
    """Go down the same path in the cell of each seed; seeds whose cell has no such part are left out."""
    found: dict[int | None, Any] = dict(runs)
    for step in path:
        found = {seed: value[step] for seed, value in found.items() if isinstance(value, Mapping) and step in value}
    return found


class Gaps:
    """What is missing, collected collection by collection and told in sentences."""

    def __init__(self) -> None:
        self._found = False
        self._nothing: list[str] = []
        self._sentences: list[str] = []

    def note(self, collection: str, counts: Iterable[tuple[str, int, int]]) -> bool:
        """Compare what there is of each part of an experiment: its name, the seeds that are there, those of the study.

        Returns:
            Whether there is anything.
        """
        counts = list(counts)
        found, wanted = (sum(count[place] for count in counts) for place in (1, 2))
        self._found |= bool(found)
        if not found:
            self._nothing.append(collection)
        elif found < wanted:
            missing = [f"{name}, {have} of {of} seeds" for name, have, of in counts if have < of]
            more = f"; and {len(missing) - NAMED_GAPS} more" if len(missing) > NAMED_GAPS else ""
            named = "; ".join(missing[:NAMED_GAPS]) + more
            self._sentences.append(f"Incomplete on {collection}: {found} of {wanted} measurements ({named}).")
        return bool(found)

    def sentences(self) -> tuple[str, ...]:
        """All that is missing."""
        if not self._found:
            return ("Not measured yet.",)
        nothing = [f"Not measured yet on {'; '.join(self._nothing)}."] if self._nothing else []
        return (*self._sentences, *nothing)


def seeds_in_words(settings: Settings) -> str:
    """How many seeds the study has, "Five seeds"."""
    count = len(settings.seeds)
    number = _WORDS[count] if count < len(_WORDS) else str(count)
    return f"{number} seed{'' if count == 1 else 's'}"

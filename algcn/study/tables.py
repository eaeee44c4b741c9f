"""From measurements to the study's document: tables.json, which the page shows, and study.md with the same tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from algcn.kit.files import write_text
from algcn.study import markdown, rankings, suggestions
from algcn.study.document import Findings, Section
from algcn.study.measured import Measured, gathered
from algcn.study.settings import Settings

LEAD = (
    "Means over training runs that differ in their seed alone; ± is the standard error. Everything there is to choose "
    "is chosen on validation photos. mAP: over the whole ranking, mean of image → text and text → image; relevant is "
    "what shares a label. The random ranking stands above: where most photos share a label it is high. R@10: how often "
    "the photo's own text, or the text's own photo, is among the first ten. The best mAP of each group is bold."
)
SECTIONS: Sequence[Callable[[Measured, Settings], Section]] = (
    rankings.main,
    rankings.differences,
    rankings.left_out,
    *map(rankings.damaged, rankings.DAMAGES),
    suggestions.known,
    suggestions.new,
    suggestions.rare,
    suggestions.truth,
    rankings.peers,
)
EXPERIMENTS = (
    "main",
    "ablation",
    *rankings.DAMAGES,
    "known",
    "new",
    "rare",
    "truth",
    "peers",
)  # as files of measurements name them


def write(out: Path, settings: Settings, cells: Measured | None = None) -> None:
    """Write OUT/tables.json and OUT/study.md.

    Args:
        out: The study's folder.
        settings: What is to be measured: all collections, and the seeds that count as all.
        cells: The measurements by collection and experiment; those in OUT/cells by default, whichever run made them.
    """
    found = findings(gathered(out / "cells") if cells is None else cells, settings)
    found.write(out / "tables.json")
    write_text(out / "study.md", markdown.page(found))


def findings(cells: Measured, settings: Settings) -> Findings:
    """Say all that measurements show, section by section; a section without any says so."""
    sections = tuple(section(cells, settings) for section in SECTIONS)
    data = "; ".join(collection.title for collection in settings.collections.values())
    return Findings(" ".join([f"Measured on {data}.", LEAD, *_not_shown(cells, settings)]), sections)


def _not_shown(cells: Measured, settings: Settings) -> list[str]:
    """Say what no section speaks of: collections and experiments that are not the study's, and other seeds."""
    others = {
        f"{what} on {collection}": len(those)
        for (collection, what), those in cells.items()
        if collection not in settings.collections or what not in EXPERIMENTS
    }
    seeds = {cell.get("seed") for those in cells.values() for cell in those} - {None, *settings.seeds}
    sentences = [f"Not shown: {', '.join(f'{name} ({count})' for name, count in others.items())}."] if others else []
    if seeds:
        sentences.append(f"Measurements with other seeds are not shown: {', '.join(map(str, sorted(seeds)))}.")
    return sentences

"""Tables and sentences of the Benchmark tab: parts of a bundle's record as HTML."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from algcn.evaluation import paper as published
from algcn.evaluation.ranking import Weights
from algcn.evaluation.record import HELD_OUT, EncoderResults, Record, TestedSet, TriedWeight
from algcn.evaluation.results import (
    ALL_DIRECTIONS,
    DIRECTIONS,
    MEASURES,
    PRIMARY,
    QUESTIONS,
    MethodResult,
    RelevanceBlock,
    Spread,
)
from app.benchmark.figures import MAX_NAME, NAMES
from app.kit.numbers import signed
from app.kit.templates import render
from app.kit.words import shortened

BY_LABELS = "by_labels"
ROWS = {**NAMES, BY_LABELS: "The model here, ranked by labels"}
HEADS = (*DIRECTIONS.values(), PRIMARY)
RECALL_AT = (1, 5, 10)
SHOWN_LABELS = 4
MAX_TITLE = 60
EMPTY = render("benchmark/nothing.html")
DEFINITIONS = render("benchmark/definitions.html")


@dataclasses.dataclass(frozen=True)
class Row:
    """A method in a table of mAP.

    Attributes:
        name: The method in words.
        classes: The row's classes in the style sheet.
        cells: One mean with its spread for each measure, the average last; None where there is none.
        share: The average in percent, for the bar.
        floor: What a random ranking reaches, in percent.
    """

    name: str
    classes: str
    cells: Sequence[tuple[float, float | None] | None]
    share: float
    floor: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A table of methods by one definition of relevance; `gained` is what the label graph adds, or ""."""

    title: str
    note: str
    gained: str
    rows: Sequence[Row]


def problems(sentences: Sequence[str]) -> str:
    """What is left out because the bundle says it in a way that is not understood."""
    return render("benchmark/problems.html", sentences=sentences) if sentences else ""


def header(record: Record, name: str) -> str:
    """What was measured on what; nothing where the record does not say all of it."""
    items, labels, selection = record.items or {}, record.relevance, record.selection
    if labels is None or selection is None or not {"train", "test"} <= items.keys():
        return ""
    return render(
        "benchmark/header.html",
        name=name,
        test=items["test"],
        train=items["train"],
        labels=[shortened(label, MAX_NAME) for label in labels[:SHOWN_LABELS]],
        count=len(labels),
        best_epoch=selection.best_epoch,
        split=shortened(selection.split, MAX_NAME),
        warning=selection.warning,
    )


def comparisons(record: Record) -> str:
    """A table for each definition of relevance: chance, linear probe, ALGCN and ALGCN without the GCN."""
    tables = [_comparison(title, block, seeds) for title, block, seeds in _measured(record)]
    return render("benchmark/comparisons.html", tables=tables, heads=HEADS) if tables else ""


def _measured(record: Record) -> list[tuple[str, RelevanceBlock, str]]:
    """Title, methods, and a note on seeds; of the comparison, else of this run alone."""
    compared = record.baselines
    if compared is not None:
        note = f"{len(compared.seeds)} seeds" if len(compared.seeds) > 1 else "one seed"
        return [
            (f"{plain_title(name)} ({len(block.labels)})", _with_this_model(record, block), note)
            for name, block in compared.relevance.items()
        ]
    if record.test is None or record.test.map is None:
        return []
    methods = {
        method: MethodResult(**{measure: Spread.over([run.map.of(measure)]) for measure in MEASURES})
        for method, run in record.runs("test").items()
        if run.map is not None
    }
    labels = record.relevance or ()
    count = f" ({len(labels)})" if labels else ""
    return [(f"Labels that count{count}", RelevanceBlock(labels, record.test.map.chance, methods), "one run")]


def _with_this_model(record: Record, block: RelevanceBlock) -> RelevanceBlock:
    """Add the one model that is here, ranked by labels, to the comparison by the labels that it was measured by."""
    ranked = record.ranked_by_labels and record.ranked_by_labels.test
    if ranked is None or ranked.map is None or tuple(block.labels) != tuple(record.relevance or ()):
        return block
    method = MethodResult(**{measure: Spread.over([ranked.map.of(measure)]) for measure in MEASURES})
    return dataclasses.replace(block, methods={**block.methods, BY_LABELS: method})


def _comparison(title: str, block: RelevanceBlock, note: str) -> Comparison:
    methods, chance = block.methods, float(block.chance)
    rows = [_row("chance", (None, None, (chance, None)), chance, False)]
    for method in ("linear_probe", "algcn_without_gcn", "algcn", "plus", BY_LABELS):
        if method in methods:
            spreads = [methods[method].of(measure) for measure in MEASURES]
            cells = tuple((float(spread.mean), spread.std) for spread in spreads)
            rows.append(_row(method, cells, chance, method == block.best))
    gained = ""
    if {"algcn", "algcn_without_gcn"} <= set(methods):
        difference = methods["algcn"].primary.mean - methods["algcn_without_gcn"].primary.mean
        gained = signed(difference, 4).replace("0.", ".", 1)
    return Comparison(title, note, gained, rows)


def _row(method: str, cells: Sequence[tuple[float, float | None] | None], chance: float, best: bool) -> Row:
    share, floor = (min(max(100 * float(value), 0), 100) for value in (cells[-1][0], chance))
    classes = f"method {method.replace('_', '-')}" + (" best" if best else "")
    return Row(ROWS[method], classes, cells, share, floor)


def tradeoff(weights: Iterable[TriedWeight], used: Weights) -> str:
    """The same numbers as the plot, as a table."""
    rows = [
        {
            "name": tried.name,
            "is_used": tried.is_of(used),
            "average": tried.map.primary,
            "text_to_image": tried.recall.text_to_image.get("10"),
            "image_to_text": tried.recall.image_to_text.get("10"),
        }
        for tried in weights
    ]
    return render("benchmark/tradeoff.html", rows=rows)


def encoder(results: EncoderResults | None) -> str:
    """The encoder's own recall on the splits that were held out, and chance; nothing where it was not measured."""
    measured = {split: results and results.of(split) for split in HELD_OUT}
    known = {split: result for split, result in measured.items() if result is not None}
    if not known:
        return ""
    rows = [
        (split, [recall.get(str(k)) for recall in (result.text_to_image, result.image_to_text) for k in RECALL_AT])
        for split, result in known.items()
    ]
    pictures = [result.pictures for result in known.values()][-1]
    return render(
        "benchmark/encoder.html", rows=rows, pictures=pictures, recall_at=RECALL_AT, chance_name=NAMES["chance"]
    )


def reliability(part: TestedSet) -> str:
    """Scores of the promises on one set of items."""
    rows = [
        {
            "title": title,
            "brier": found.brier,
            "brier_of_base_rate": found.brier_of_base_rate,
            "ece": found.ece,
            "first": found.first_10 and (found.first_10.predicted, found.first_10.observed),
        }
        for direction, title in ALL_DIRECTIONS.items()
        if (found := part.directions.get(direction))
    ]
    questions = [
        (title, found, found.reliability.first_10)
        for kind, title in QUESTIONS.items()
        if (found := (part.questions or {}).get(kind))
    ]
    return render(
        "benchmark/reliability.html", part=part, name=shortened(part.name, MAX_NAME), rows=rows, questions=questions
    )


def paper(caveat: str) -> str:
    """The table that the paper's project page prints, and what to know before a bundle is compared with it."""
    rows = [
        (name, [value for dataset in published.DATASETS for value in sets[dataset]])
        for name, sets in published.TABLE_1.items()
    ]
    return render(
        "benchmark/paper.html", doi=published.DOI, caveat=caveat, datasets=published.DATASETS.values(), rows=rows
    )


def plain_title(name: str) -> str:
    """The name of a definition of relevance, as a heading."""
    return name[:1].upper() + name[1:MAX_TITLE]

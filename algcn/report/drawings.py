"""Which figures a report draws, from the log, the curves and the AP of each label in a bundle's metrics.json."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from algcn.report import figures
from algcn.report.document import Block, Figure, Paragraph, Row, Table, decimal
from algcn.report.subject import DIRECTIONS, METHODS, Subject

LOSS_PARTS = ("classification", "invariance", "self_supervision", "total")
SHORT = {"algcn": "ALGCN", "algcn_without_gcn": "without GCN", "linear_probe": "linear probe", "chance": "chance"}
MAX_LABELS = 40  # bars; the table below has all


def training(subject: Subject) -> Iterator[Block]:
    """Loss parts and mAP by epoch."""
    log = subject.metrics.get("log")
    if not log:
        yield Paragraph("The metrics hold no log of the epochs.")
        return
    epochs = [float(entry["epoch"]) for entry in log]
    parts = [part for part in (*LOSS_PARTS, *log[0]["losses"]) if part in log[0]["losses"]]
    lines = [
        figures.Line(part.replace("_", "-"), "part", epochs, [float(entry["losses"][part]) for entry in log])
        for part in dict.fromkeys(parts)
    ]
    yield Figure(
        _file_name(subject, "loss"),
        "Loss",
        "Mean of each part over the training rows, by epoch; the total weights them. Each has its own scale.",
        figures.small_multiples("Parts of the loss by epoch", lines),
    )
    if any(entry["map"] is None for entry in log):
        yield Paragraph("mAP was not watched during training: there was no labelled item to watch it on.")
        return
    split = "test" if subject.metrics["selection"]["split"] == "test" else "validation"
    lines = [
        figures.Line(title, direction, epochs, [float(entry["map"][direction]) for entry in log])
        for direction, title in DIRECTIONS.items()
    ]
    chance = (subject.metrics.get(split) or {}).get("map", {}).get("chance")
    if chance is not None:
        ends = [epochs[0], epochs[-1]]
        lines.append(figures.Line("chance", "chance", ends, [float(chance)] * 2))
    best = int(subject.metrics["selection"]["best_epoch"])
    yield Figure(
        _file_name(subject, "map"),
        f"mAP on {split}",
        f"By epoch, and chance; the epoch taken is {best}. The axis does not begin at 0.",
        figures.line_chart(
            f"mAP on {split} by epoch",
            lines,
            ("epoch", "mAP"),
            (epochs[0], epochs[-1]),
            figures.padded([value for line in lines for value in line.y]),
            (best, "taken"),
        ),
    )


def curves(subject: Subject) -> Iterator[Block]:
    """Precision over recall of every method, for each definition of relevance and direction."""
    several = False
    for number, (name, block) in enumerate(_blocks(subject.metrics), start=1):
        part = block["precision_recall"]
        recall = [float(level) for level in part["recall"]]
        several = several or len(part["methods"]) > 1
        for direction, title in DIRECTIONS.items():
            shown = {**{m: part["methods"][m] for m in METHODS if m in part["methods"]}, "chance": part["chance"]}
            lines = [
                figures.Line(SHORT[method], method, recall, [float(value) for value in by_direction[direction]])
                for method, by_direction in shown.items()
            ]
            yield Figure(
                _file_name(subject, f"precision-recall-{number}-{direction}"),
                title,
                f"Relevance by {name}.",
                figures.line_chart(
                    f"Precision over recall, {title}, {name}", lines, ("recall", "precision"), (0.0, 1.0), (0.0, 1.0)
                ),
            )
    if several:
        yield Paragraph("Curves are those of one run: of the first seed, where methods are compared over several.")


def labels(subject: Subject) -> Iterator[Block]:
    """AP of every label as bars, and all of it as a table."""
    tables = []
    for number, (name, block) in enumerate(_blocks(subject.metrics), start=1):
        by_method = {method: _mean_of_directions(values) for method, values in block["per_label"].items()}
        own = by_method["algcn"]
        names = sorted(own, key=lambda label: (-own[label], label))
        shown = names
        if len(names) > MAX_LABELS:
            shown = names[: MAX_LABELS // 2] + names[-MAX_LABELS // 2 :]
        others = [method for method in METHODS if method in by_method and method != "algcn"]
        marks = {method: (SHORT[method], [by_method[method].get(label) for label in shown]) for method in others}
        best = "" if shown is names else f" The {MAX_LABELS // 2} best and worst."
        yield Figure(
            _file_name(subject, f"labels-{number}"),
            f"AP of each label, relevance by {name}",
            f"Mean of both directions on the test split, one run; best first.{best}",
            figures.bars(f"AP of each label, {name}", shown, [own[label] for label in shown], marks),
        )
        methods = ("algcn", *others)
        rows = [
            Row(
                label,
                tuple(
                    decimal(block["per_label"][method][direction].get(label), 3)
                    for method in methods
                    for direction in DIRECTIONS
                ),
            )
            for label in names
        ]
        heads = tuple(f"{SHORT[method]} {title}" for method in methods for title in DIRECTIONS.values())
        title = f"AP of each label, relevance by {name}"
        tables.append(Table(title, heads, tuple(rows), "Test split, one run.", folded=True))
    yield from tables


def _blocks(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """For each definition of relevance the curves and AP by label: of the comparison, else of this run alone."""
    compared = metrics.get("baselines", {}).get("relevance", {})
    found = [(name, block) for name, block in compared.items() if "per_label" in block and "precision_recall" in block]
    if found:
        yield from found
        return
    runs = {"algcn": metrics.get("test"), "algcn_without_gcn": (metrics.get("without_gcn") or {}).get("test")}
    runs = {method: run for method, run in runs.items() if run and "precision_recall" in run and "per_label" in run}
    if "algcn" in runs:
        own = runs["algcn"]["precision_recall"]
        yield (
            "the labels that count",
            {
                "precision_recall": {
                    "recall": own["recall"],
                    "chance": own["chance"],
                    "methods": {method: run["precision_recall"] for method, run in runs.items()},
                },
                "per_label": {method: run["per_label"] for method, run in runs.items()},
            },
        )


def _mean_of_directions(by_direction: Mapping[str, Mapping[str, float | None]]) -> dict[str, float]:
    """Of the labels that queries of both directions have."""
    one, other = (by_direction[direction] for direction in DIRECTIONS)
    return {
        label: (float(one[label]) + float(other[label])) / 2
        for label in one
        if one[label] is not None and other.get(label) is not None
    }


def _file_name(subject: Subject, what: str) -> str:
    """A name for a file: letters, digits and dashes, different for each bundle of a report."""
    name = re.sub(r"[^a-z0-9]+", "-", subject.name.lower()).strip("-")[:60]
    return f"{subject.number}-{name}-{what}".replace("_", "-").replace("--", "-")

"""Which figures a report draws: the log, the curves and the AP of each label of a bundle's record."""

from __future__ import annotations

import re
from collections.abc import Iterator

from algcn.evaluation.results import DIRECTIONS, METHODS, AveragePrecisions, Both
from algcn.report import figures
from algcn.report.document import Block, Figure, Paragraph, Row, Table, decimal
from algcn.report.subject import Subject

LOSS_PARTS = ("classification", "invariance", "self_supervision", "total")
SHORT = {
    "algcn": "ALGCN",
    "algcn_without_gcn": "without GCN",
    "plus": "mode plus",
    "linear_probe": "linear probe",
    "chance": "chance",
}
MAX_LABELS = 40  # bars; the table below has all


def training(subject: Subject) -> Iterator[Block]:
    """Draw the parts of the loss and mAP by epoch."""
    record = subject.record
    log = record.log
    if not log:
        yield Paragraph("The metrics hold no log of the epochs.")
        return
    epochs = [float(entry.epoch) for entry in log]
    parts = [part for part in (*LOSS_PARTS, *log[0].losses) if all(part in entry.losses for entry in log)]
    lines = [
        figures.Line(part.replace("_", "-"), "part", epochs, [float(entry.losses[part]) for entry in log])
        for part in dict.fromkeys(parts)
    ]
    yield Figure(
        _file_name(subject, "loss"),
        "Loss",
        "Mean of each part over the training rows, by epoch; the total weights them. Each has its own scale.",
        figures.small_multiples("Parts of the loss by epoch", lines),
    )
    if any(entry.map is None for entry in log):
        yield Paragraph("mAP was not watched during training: there was no labelled item to watch it on.")
        return
    split = "test" if record.selection is not None and record.selection.split == "test" else "validation"
    lines = [
        figures.Line(title, direction, epochs, [float(entry.map.of(direction)) for entry in log])
        for direction, title in DIRECTIONS.items()
    ]
    watched = record.of(split)
    if watched is not None and watched.map is not None:
        ends = [epochs[0], epochs[-1]]
        lines.append(figures.Line("chance", "chance", ends, [float(watched.map.chance)] * 2))
    best = None if record.selection is None else record.selection.best_epoch
    taken = "" if best is None else f" the epoch taken is {best}."
    yield Figure(
        _file_name(subject, "map"),
        f"mAP on {split}",
        f"By epoch, and chance;{taken} The axis does not begin at 0.",
        figures.line_chart(
            f"mAP on {split} by epoch",
            lines,
            ("epoch", "mAP"),
            (epochs[0], epochs[-1]),
            figures.padded([value for line in lines for value in line.y]),
            None if best is None else (best, "taken"),
        ),
    )


def curves(subject: Subject) -> Iterator[Block]:
    """Draw precision over recall of every method, for each definition of relevance and direction."""
    several = False
    for number, (name, block) in enumerate(subject.record.label_curves().items(), start=1):
        part = block.precision_recall
        recall = [float(level) for level in part.recall]
        several = several or len(part.methods) > 1
        for direction, title in DIRECTIONS.items():
            shown = {**{m: part.methods[m] for m in METHODS if m in part.methods}, "chance": part.chance}
            lines = [
                figures.Line(SHORT[method], method, recall, [float(value) for value in both.of(direction)])
                for method, both in shown.items()
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
    """Draw the AP of every label as bars, and list all of it in a table."""
    tables = []
    for number, (name, block) in enumerate(subject.record.label_curves().items(), start=1):
        by_method = {method: _mean_of_directions(values) for method, values in block.per_label.items()}
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
                    decimal(block.per_label[method].of(direction).get(label), 3)
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


def _mean_of_directions(both: Both[AveragePrecisions]) -> dict[str, float]:
    """The AP of the labels that queries of both directions have."""
    one, other = both.image_to_text, both.text_to_image
    return {
        label: (one[label] + other[label]) / 2
        for label in one
        if one[label] is not None and other.get(label) is not None
    }


def _file_name(subject: Subject, what: str) -> str:
    """A name for a file: letters, digits and dashes, different for each bundle of a report."""
    name = re.sub(r"[^a-z0-9]+", "-", subject.name.lower()).strip("-")[:60]
    return f"{subject.number}-{name}-{what}".replace("_", "-").replace("--", "-")

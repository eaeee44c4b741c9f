"""What a report says: from bundles to a document, part by part.

A bundle may come from anywhere. What it lacks is one sentence; a part that says its numbers in a way this version does
not know is one sentence too, and the rest of the report stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from algcn import __version__
from algcn.evaluation.paper import features_of
from algcn.report import commands, drawings, results
from algcn.report.document import (
    WARNING,
    Block,
    Command,
    Definitions,
    Document,
    Paragraph,
    Row,
    Section,
    Table,
    decimal,
    signed,
)
from algcn.report.subject import DIRECTIONS, Subject

CHANGES = 12
DEFINITIONS = (
    ("Relevant", "An item is relevant to a query when the two share at least one label of those named by the table."),
    (
        "mAP",
        "Mean average precision over the whole ranking (mAP@all) by cosine. An image queries all texts, a text all "
        "images, its own partner included. At each relevant result, the share of relevant ones so far; averaged over "
        "these, then over the queries. A query without a label is left out.",
    ),
    ("average", "The mean of image → text and text → image."),
    (
        "Chance",
        "The expected value of a random ranking, exact for mAP; curves show one random ranking. Where a label is on "
        "most items it is high: read every number as its distance from it.",
    ),
    (
        "Linear probe",
        "A logistic regression for each label on the same features; ranking by the cosine of the label probabilities. "
        "It has no randomness, so it has no spread.",
    ),
    (
        "Without GCN",
        "The same training with free classifiers instead of those that the graph convolution makes.",
    ),
    ("±", "Sample standard deviation over training runs that differ in their seed alone."),
    (
        "Precision and recall",
        "Of what was shown, how much was relevant; of what is relevant, how much was shown. At each recall, the "
        "highest precision reached there or later, mean over the queries.",
    ),
    (
        "AP of a label",
        "The mean average precision of the queries that have the label; relevance is by all labels of that block.",
    ),
    (
        "R@k",
        "The share of queries that find one of their own partners among the first k: for a text its image, for an "
        "image one of its texts. Its chance takes every image to have the same number of texts.",
    ),
    (
        "Validation and test",
        "Validation is held out of training and picks the epoch. Test is held out of both and measured at the end.",
    ),
    (
        "FEATURES, NEW_BUNDLE",
        "In the commands: the feature file or the authors' folder, which a bundle does not name, and a folder to write "
        "to. Commands are put together from the settings that the bundle keeps. Training on another machine gives "
        "slightly different numbers.",
    ),
)

Part = Callable[[Subject], Iterator[Block]]


def report(subjects: Sequence[Subject]) -> Document:
    """The report on one or several bundles."""
    names = ", ".join(subject.name for subject in subjects)
    sections = []
    if len(subjects) > 1:
        sections.append(Section("Comparison", 2, list(results.side_by_side(subjects))))
    for subject in subjects:
        sections += _about(subject)
    sections.append(Section("In plain words", 2, [Definitions(DEFINITIONS)]))
    lead = (
        "What the model is, what it was measured on and how well it retrieves, with chance and baselines beside, and "
        f"the commands to check it by. Made by python -m algcn.report, version {__version__}."
    )
    return Document(f"ALGCN report: {names}", lead, tuple(sections))


def _about(subject: Subject) -> Iterator[Section]:
    yield Section(subject.name, 2, list(_guarded("What it is", _identity, subject)))
    yield Section("Settings", 3, list(_guarded("Settings", _settings, subject)))
    if subject.bundle.metrics is None:
        missing = (
            "The bundle has no metrics.json, so there are no numbers to report; training writes it, and "
            "algcn.evaluate measures the bundle on any data."
        )
        yield Section("Results", 3, [Paragraph(missing), Command("Measure it with", _measure(subject))])
    else:
        parts: tuple[tuple[str, Part], ...] = (
            ("Data", _data),
            ("Selection", _selection),
            ("Against chance and baselines", results.compared),
            ("The model in this bundle", results.own_run),
            ("Ranking", results.ranking),
            ("Ablations", results.ablations),
            ("Beside the paper", results.published),
            ("Training, epoch by epoch", drawings.training),
            ("Precision and recall", drawings.curves),
            ("Label by label", drawings.labels),
        )
        for title, part in parts:
            blocks = list(_guarded(title, part, subject))
            if blocks:
                yield Section(title, 3, blocks)
    yield Section("What the label graph learned", 3, list(_guarded("Graph", _graph, subject)))


def _guarded(title: str, part: Part, subject: Subject) -> Iterator[Block]:
    """What a part says, or one sentence where its numbers are not as this version knows them."""
    try:
        yield from list(part(subject))
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        yield Paragraph(f"{title}: the bundle says this in a way that this version does not know.")


def _measure(subject: Subject) -> str:
    return commands.evaluate(subject.reference, "test")


def _identity(subject: Subject) -> Iterator[Block]:
    bundle, config = subject.bundle, subject.bundle.model.config
    encoder = bundle.encoder_reference
    if encoder is None:
        inside = "none: a model of ready-made features"
    else:
        inside = encoder if isinstance(encoder, str) else "in the bundle"
        inside += f", fingerprint {bundle.encoder_fingerprint}"
    rows = [
        Row("Bundle", (subject.reference,)),
        Row("Fingerprint", (bundle.fingerprint,)),
        Row("Labels", (_label_count(subject),)),
        Row("Encoder", (inside,)),
        Row("Common space", (f"{config.common_dim} dimensions",)),
    ]
    yield Table("What it is", ("",), tuple(rows), words=True)
    left_out = commands.left_out(subject.training, config)
    if left_out:
        yield Paragraph(f"Other than the paper's model: {', '.join(left_out)}.")


def _label_count(subject: Subject) -> str:
    sources = [label.source for label in subject.bundle.label_set]
    counts = {source: sources.count(source) for source in dict.fromkeys(sources)}
    return f"{len(sources)}: " + ", ".join(f"{count} {source}" for source, count in counts.items())


def _settings(subject: Subject) -> Iterator[Block]:
    if subject.training:
        preset = commands.nearest_preset(subject.training)
        changed = set(commands.differences(subject.training, preset))
        rows = [
            Row(name.replace("_", " "), (_setting(value), "changed" if name in changed else "preset"))
            for name, value in subject.training.items()
        ]
        title = f"Training (nearest preset: {preset})"
        yield Table(title, ("value", "from"), tuple(rows), folded=True, words=True)
    else:
        yield Paragraph("The bundle does not say how it was trained.")
    model = subject.bundle.model.config.to_dict()
    rows = [Row(name.replace("_", " "), (_setting(value),)) for name, value in model.items()]
    yield Table("Model", ("value",), tuple(rows), folded=True, words=True)


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_setting, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _data(subject: Subject) -> Iterator[Block]:
    metrics = subject.metrics
    split_name = str(metrics.get("split_name") or "")
    rows = [
        Row(split, (f"{int(sizes['images']):,}", f"{int(sizes['texts']):,}"))
        for split, sizes in metrics["items"].items()
    ]
    note = f"Split: {split_name}." if split_name else "The split has no name."
    yield Table("Items", ("images", "texts"), tuple(rows), note)
    for line in commands.prepare(split_name):
        yield Command("The split is laid out by", line)
    yield Paragraph(f"Features: {' and '.join(features_of(subject.bundle))}.")
    if "prior_labels" in metrics:
        rows = metrics["prior_labels"]
        yield Paragraph(f"The prior C was counted from the {int(rows['rows']):,} label rows of {rows['file']}.")
    relevant = [str(name) for name in metrics["relevance"]]
    every = "all" if len(relevant) == len(subject.bundle.label_set) else f"{len(relevant)} of"
    yield Paragraph(
        f"Relevance is decided by {every} {len(subject.bundle.label_set)} labels: {', '.join(relevant)}. The model "
        f"learned {_label_count(subject)}."
    )


def _selection(subject: Subject) -> Iterator[Block]:
    metrics = subject.metrics
    chosen = metrics["selection"]
    epochs = len(metrics.get("log", ()))
    of = f" of {epochs}" if epochs else ""
    if chosen["split"] == "last":
        yield Paragraph(f"The last epoch ({int(chosen['best_epoch'])}{of}) was taken; nothing was selected.")
    else:
        yield Paragraph(
            f"Epoch {int(chosen['best_epoch'])}{of} was picked on {chosen['split']} by {chosen['measure']}."
        )
    if chosen.get("warning") or chosen["split"] == "test":
        warning = chosen.get("warning") or "the epoch was picked on the test set, so its test numbers are optimistic"
        yield Paragraph(f"Warning: {warning}.", WARNING)
    if "left_out_of_training" in metrics:
        count = int(metrics["left_out_of_training"])
        rows = f"{count:,} row{'s' * (count > 1)} of the train split" if count else "none"
        yield Paragraph(f"Left out of training, because they have no label: {rows}.")
    left = [
        f"{split} {count:,} ({title})"
        for split in ("validation", "test")
        for direction, title in DIRECTIONS.items()
        if (count := int((metrics.get(split) or {}).get("queries_left_out", {}).get(direction, 0)))
    ]
    yield Paragraph(
        f"Queries left out of mAP, because they have no label that counts: {', '.join(left) if left else 'none'}."
    )


def _graph(subject: Subject) -> Iterator[Block]:
    config, history = subject.bundle.model.config, subject.bundle.history
    if not config.use_gcn or not config.adaptive:
        yield Paragraph("This model learns no change of a label graph.")
        return
    if history is None or "learned_change" not in history:
        yield Paragraph("The bundle holds no history.safetensors, so what training changed is not known.")
        return
    graph, names = subject.bundle.model.label_graph(), subject.bundle.label_set.names
    change = graph["learned_change"].cpu() - history["learned_change"][0].float()
    size = change.abs().fill_diagonal_(-1.0)
    count = min(CHANGES, len(names) * (len(names) - 1))
    rows = []
    for place in size.flatten().topk(count).indices.tolist():
        one, other = divmod(place, len(names))
        cells = (graph["prior"][one, other].item(), graph["adaptive"][one, other].item())
        moved = signed(change[one, other].item(), 3)
        rows.append(Row(f"{names[one]} → {names[other]}", (decimal(cells[0], 3), moved, decimal(cells[1], 3))))
    note = (
        "What the first label sends to the second: the paper's prior C, what training changed from its random start "
        "(γD), and A = ReLU(C + γD), which the model uses. The diagonal is left out. One run."
    )
    heads = ("prior C", "change of γD", "adaptive A")
    yield Table(f"The {count} strongest changes", heads, tuple(rows), note)

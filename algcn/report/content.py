"""What a report says: from bundles to a document, part by part.

A bundle may come from anywhere. What it lacks is one sentence; a part that is not understood is one sentence too, which
names it, and the rest of the report stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from algcn import __version__
from algcn.evaluation.paper import features_of
from algcn.evaluation.record import HELD_OUT
from algcn.evaluation.results import DIRECTIONS
from algcn.kit.errors import InputError
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
from algcn.report.subject import Subject

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
    """Write the report on one or several bundles as a document."""
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
    yield Section(subject.name, 2, list(_identity(subject)))
    yield Section("Settings", 3, list(_settings(subject)))
    if subject.bundle.metrics is None:
        missing = (
            "The bundle has no metrics.json, so there are no numbers to report; training writes it, and "
            "algcn.evaluate measures the bundle on any data."
        )
        yield Section("Results", 3, [Paragraph(missing), Command("Measure it with", _measure(subject))])
    else:
        parts: tuple[tuple[str, Part], ...] = (
            ("Numbers that are not understood", _problems),
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
            blocks = list(part(subject))
            if blocks:
                yield Section(title, 3, blocks)
    yield Section("What the label graph learned", 3, list(_graph(subject)))


def _problems(subject: Subject) -> Iterator[Block]:
    """A sentence for each part of the record that is left out because it is not understood."""
    yield from (Paragraph(f"Left out: {problem}", WARNING) for problem in subject.record.problems)


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
    if subject.training and commands.is_plus(subject.training):
        yield _plain_settings("Training (mode plus)", subject.training)
    elif subject.training:
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
    if subject.paper_training:
        yield _plain_settings("Training of the model of mode paper beside it", subject.paper_training)
    yield _plain_settings("Model", subject.bundle.model.config.to_dict())


def _plain_settings(title: str, settings: Mapping[str, object]) -> Table:
    rows = [Row(name.replace("_", " "), (_setting(value),)) for name, value in settings.items()]
    return Table(title, ("value",), tuple(rows), folded=True, words=True)


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_setting, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _data(subject: Subject) -> Iterator[Block]:
    record = subject.record
    split_name = record.split_name or ""
    note = f"Split: {split_name}." if split_name else "The split has no name."
    if record.items:
        rows = [Row(split, (f"{sizes.images:,}", f"{sizes.texts:,}")) for split, sizes in record.items.items()]
        yield Table("Items", ("images", "texts"), tuple(rows), note)
    else:
        yield Paragraph(f"The bundle does not say how many items it was measured on. {note}")
    for line in commands.prepare(split_name):
        yield Command("The split is laid out by", line)
    features = features_of(record, subject.bundle.model.config, subject.bundle.encodes)
    yield Paragraph(f"Features: {' and '.join(features)}.")
    if record.prior_labels is not None:
        prior = record.prior_labels
        yield Paragraph(f"The prior C was counted from the {prior.rows:,} label rows of {prior.file}.")
    if record.relevance is None:
        yield Paragraph(
            f"The bundle does not say which labels decide relevance. The model learned {_label_count(subject)}."
        )
        return
    relevant = record.relevance
    every = "all" if len(relevant) == len(subject.bundle.label_set) else f"{len(relevant)} of"
    yield Paragraph(
        f"Relevance is decided by {every} {len(subject.bundle.label_set)} labels: {', '.join(relevant)}. The model "
        f"learned {_label_count(subject)}."
    )


def _selection(subject: Subject) -> Iterator[Block]:
    record = subject.record
    chosen, of = record.selection, f" of {len(record.log)}" if record.log else ""
    if chosen is None:
        yield Paragraph("The bundle does not say which epoch was taken.")
    elif chosen.split == "last":
        yield Paragraph(f"The last epoch ({chosen.best_epoch}{of}) was taken; nothing was selected.")
    else:
        yield Paragraph(f"Epoch {chosen.best_epoch}{of} was picked on {chosen.split} by {chosen.measure}.")
    if chosen is not None and (chosen.warning or chosen.split == "test"):
        warning = chosen.warning or "the epoch was picked on the test set, so its test numbers are optimistic"
        yield Paragraph(f"Warning: {warning}.", WARNING)
    if record.left_out_of_training is not None:
        count = record.left_out_of_training
        rows = f"{count:,} row{'s' * (count > 1)} of the train split" if count else "none"
        yield Paragraph(f"Left out of training, because they have no label: {rows}.")
    left = [
        f"{split} {count:,} ({title})"
        for split in HELD_OUT
        if (run := record.of(split)) is not None and run.queries_left_out is not None
        for direction, title in DIRECTIONS.items()
        if (count := run.queries_left_out.of(direction))
    ]
    yield Paragraph(
        f"Queries left out of mAP, because they have no label that counts: {', '.join(left) if left else 'none'}."
    )


def _graph(subject: Subject) -> Iterator[Block]:
    config = subject.bundle.model.config
    if not config.use_gcn or not config.adaptive:
        yield Paragraph("This model learns no change of a label graph.")
        return
    try:
        history = subject.bundle.history
    except InputError as error:
        yield Paragraph(f"What training changed is not known: {error}", WARNING)
        return
    if history is None or "learned_change" not in history:
        yield Paragraph("The bundle holds no history.safetensors, so what training changed is not known.")
        return
    graph, names = subject.bundle.model.label_graph(), subject.bundle.label_set.names
    if history["learned_change"].shape[1:] != (len(names), len(names)) or not len(history["learned_change"]):
        yield Paragraph(
            f"The bundle's history.safetensors holds no changes of a graph of {len(names)} labels, so what training "
            "changed is not known."
        )
        return
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

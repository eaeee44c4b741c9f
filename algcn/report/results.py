"""The numbers of a bundle's record as tables: methods beside chance, the bundle's own run, recall, the paper."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from algcn.evaluation import paper
from algcn.evaluation.record import HELD_OUT, MethodComparison
from algcn.evaluation.results import DIRECTIONS, MEASURES, METHODS, PRIMARY, RelevanceBlock, SplitResult
from algcn.report import commands
from algcn.report.document import BEST, QUIET, Block, Command, Paragraph, Row, Table, decimal, signed, with_spread
from algcn.report.subject import Subject

MAP_HEADS = (*DIRECTIONS.values(), PRIMARY)
DEPTHS = ("1", "5", "10")
ORDER = ("linear_probe", "algcn_without_gcn", "algcn", "plus")


def compared(subject: Subject) -> Iterator[Block]:
    """Make a table for each definition of relevance: chance, the methods, their spread over seeds."""
    part = subject.record.baselines
    if part is None:
        yield Paragraph(
            "The bundle holds no comparison with baselines, so there is no spread over seeds and no linear probe to "
            "read its numbers by."
        )
        training = subject.paper_training or subject.training
        yield Command("Make one with", commands.new_baselines(subject.reference, training))
        return
    yield from methods_tables(part)
    line, beyond = commands.baselines(subject.reference, part, subject.bundle.paper_model.config)
    yield Command("Measured by", line)
    yield from beyond_flags(beyond)
    if part.linear_probe is not None and part.linear_probe.weight_decay:
        listed = ", ".join(f"{name} {value:g}" for name, value in part.linear_probe.weight_decay.items())
        yield Paragraph(f"Regularisation of the linear probe, picked on validation: {listed}.", QUIET)


def methods_tables(part: MethodComparison) -> Iterator[Block]:
    """Make the tables of a comparison, of whatever methods there are."""
    seeds = part.seeds
    listed = ", ".join(map(str, seeds))
    spread = f"mean ± sample standard deviation over {len(seeds)} seeds ({listed})" if len(seeds) > 1 else "one seed"
    for name, block in part.relevance.items():
        rows = [Row("Chance", ("", "", decimal(block.chance)), QUIET)]
        for method in (*ORDER, *(other for other in block.methods if other not in ORDER)):
            if method in block.methods:
                spreads = [block.methods[method].of(measure) for measure in MEASURES]
                cells = tuple(with_spread(spread.mean, spread.std) for spread in spreads)
                rows.append(Row(METHODS.get(method, method), cells, BEST if method == block.best else ""))
        note = (
            f"mAP on the test split, {spread}; each run's epoch picked on validation. Relevant: one of "
            f"{len(block.labels)} labels in common."
        )
        yield Table(f"Relevance by {name}", MAP_HEADS, tuple(rows), f"{note} {_graph_worth(block)}".strip())


def _graph_worth(block: RelevanceBlock) -> str:
    """What the graph convolution changes, seed by seed."""
    differences = block.gains()
    if not differences:
        return ""
    spread = f"\u00a0±\u00a0{decimal(statistics.stdev(differences))}" if len(differences) > 1 else ""
    seeds = ", seed by seed" if len(differences) > 1 else ""
    return f"The label graph changes the average by {signed(statistics.fmean(differences))}{spread}{seeds}."


def own_run(subject: Subject) -> Iterator[Block]:
    """Show the model in the bundle itself: mAP and recall on the splits that were held out."""
    record, rows = subject.record, []
    for split, run, which, name in _runs(subject):
        if run.map is not None:
            what = f"{split}{which}" + (f", {name}" if name else "")
            rows.append(Row(what, (*(decimal(run.map.of(m)) for m in MEASURES), decimal(run.map.chance))))
    seed = subject.training.get("seed")
    one = "One training run" + (f", seed {seed}" if seed is not None else "") + ": a single run has no spread."
    if rows:
        yield Table("mAP of this model", (*MAP_HEADS, "chance"), tuple(rows), one)
    else:
        yield Paragraph("No mAP was measured: no item that was held out has a label.")
    if subject.training:
        line, beyond = commands.train(
            subject.training,
            record,
            subject.bundle.model.config,
            subject.bundle.label_set,
            subject.paper_training,
            subject.bundle.paper_model.config,
        )
        yield Command("Measured by the training itself", line)
        yield from beyond_flags(beyond)
    yield from _recall(subject)
    for split in HELD_OUT:
        if record.of(split) is not None:
            yield Command(
                f"Check recall, and mAP by all labels, on {split}", commands.evaluate(subject.reference, split)
            )


def beyond_flags(names: Sequence[str]) -> Iterator[Block]:
    """Name the settings that a command line does not reach."""
    if names:
        yield Paragraph(f"No flag of that command sets {', '.join(names)}; the table of settings has them.", QUIET)


def _runs(subject: Subject) -> Iterator[tuple[str, SplitResult, str, str]]:
    """Split, numbers, what decides relevance, and which model where it is not the bundle's main one."""
    record = subject.record
    which = "" if record.relevance is None else f", by {len(record.relevance)} labels"
    for split in HELD_OUT:
        runs = record.runs(split)
        names = {
            "plus": "mode plus",
            "algcn": "mode paper" if "plus" in runs else "",
            "algcn_without_gcn": "without GCN",
        }
        for method, name in names.items():
            if method in runs:
                yield split, runs[method], which, name
    if record.test_by_all_labels is not None:
        yield "test", record.test_by_all_labels, f", by all {len(subject.bundle.label_set)} labels", ""


def _recall(subject: Subject) -> Iterator[Block]:
    rows: list[Row] = []
    for split in HELD_OUT:
        run = subject.record.of(split)
        if run is None or run.recall is None:
            continue
        for direction, title in DIRECTIONS.items():
            cells = tuple(decimal(run.recall.of(direction).get(k), 3) for k in DEPTHS)
            rows.append(Row(f"{split}, {title}", cells))
            floor = tuple(decimal(recall_chance(run.images, run.texts, direction, int(k)), 4) for k in DEPTHS)
            rows.append(Row("chance", floor, QUIET))
    if rows:
        note = "The share of queries that find one of their own partners among the first 1, 5, 10. One run."
        yield Table("Recall of an item's own partner", tuple(f"R@{k}" for k in DEPTHS), tuple(rows), note)


def recall_chance(images: int, texts: int, direction: str, depth: int) -> float:
    """Compute the share of queries that a random ranking answers with an own partner among the first `depth`.

    A text has one image. An image has texts / images texts on average, and is taken to have just that many: exact
    where all have the same number, a little too high where they differ.
    """
    partners, found = (texts / images, texts) if direction == "image_to_text" else (1.0, images)
    missed = 1.0
    for rank in range(min(depth, found)):
        missed *= max(found - partners - rank, 0) / (found - rank)
    return 1 - missed


def ranking(subject: Subject) -> Iterator[Block]:
    """Show what a search ranks by: common space, labels and encoder, for several weights."""
    part = subject.record.ranking
    if part is None:
        return
    used, rows = subject.bundle.ranking.weights, []
    for tried in part.weights:
        is_used = tried.is_of(used)
        cells = (
            decimal(tried.map.primary),
            *(decimal(tried.recall.of(direction).get("10"), 3) for direction in DIRECTIONS),
        )
        rows.append(Row(tried.name + (", used" if is_used else ""), cells, BEST if is_used else ""))
    heads = ("mAP, average", *(f"R@10 {title}" for title in DIRECTIONS.values()))
    note = (
        f"What a search ranks by, measured on {part.split}: weights of shared labels and of the encoder beside the "
        "common space, in standard deviations of each. One run."
    )
    yield Table("Common space, labels and encoder together", heads, tuple(rows), note)


def ablations(subject: Subject) -> Iterator[Block]:
    """Show what happens without a part of the method, where the record has it in the form of a comparison."""
    if subject.record.ablations is not None:
        yield from methods_tables(subject.record.ablations)


def published(subject: Subject) -> Iterator[Block]:
    """Show the paper's rows for the same data set, and why they are no like-for-like comparison."""
    record, bundle = subject.record, subject.bundle
    found = paper.comparison(
        record,
        bundle.label_set.names,
        bundle.model.config,
        bundle.encodes,
        selected_on_test=bundle.selected_on_test,
    )
    dataset = found.dataset
    if dataset is None:
        yield Paragraph(found.caveat)
        return
    rows = []
    own = record.test and record.test.map
    if own is not None:
        rows.append(Row("this bundle, one run", tuple(decimal(own.of(m), 3) for m in MEASURES)))
        rows += _over_seeds(record.baselines)
        rows.append(Row("chance on its test items", ("", "", decimal(own.chance, 3)), QUIET))
    rows += [
        Row(f"paper: {name}", tuple(decimal(value, 3) for value in sets[dataset]))
        for name, sets in sorted(paper.TABLE_1.items(), key=lambda entry: -entry[1][dataset][2])
    ]
    yield Table(f"Table 1 of the paper, {paper.DATASETS[dataset]}", MAP_HEADS, tuple(rows), f"mAP. {paper.CITATION}.")
    yield Paragraph(found.caveat, "warning")


def _over_seeds(part: MethodComparison | None) -> list[Row]:
    """ALGCN over the seeds of the comparison, where there is one."""
    if part is None or "algcn" not in part.first.methods:
        return []
    spreads = [part.first.methods["algcn"].of(measure) for measure in MEASURES]
    cells = tuple(with_spread(spread.mean, spread.std, 3) for spread in spreads)
    return [Row(f"ALGCN on its data, {len(part.seeds)} seeds", cells)]


def side_by_side(subjects: Sequence[Subject]) -> Iterator[Block]:
    """Show several bundles in one table."""
    rows = [_beside(subject) for subject in subjects]
    heads = ("mAP, this run", "chance", "mAP over seeds", "R@10 text → image", "test images", "data")
    note = (
        "Average of both directions on the test split, relevance by the labels that picked the epoch. Rows of the same "
        "data and chance can be compared; others cannot."
    )
    yield Table("Side by side", heads, tuple(rows), note)
    notes = [
        f"{subject.name}: {', '.join(left)}."
        for subject in subjects
        if (left := commands.left_out(subject.training, subject.bundle.model.config))
    ]
    if notes:
        yield Paragraph(f"Other than the paper's model: {' '.join(notes)}")


def _beside(subject: Subject) -> Row:
    test, compared = subject.record.test, subject.record.baselines
    scores = test and test.map
    recall = test and test.recall
    # Without the GCN, the comparison's row of the same name is this bundle's.
    method = "algcn" if subject.bundle.model.config.use_gcn else "algcn_without_gcn"
    method = "plus" if commands.is_plus(subject.training) else method
    spread = compared and method in compared.first.methods and compared.first.methods[method].primary
    return Row(
        subject.name,
        (
            decimal(scores and scores.primary),
            decimal(scores and scores.chance),
            with_spread(spread.mean, spread.std) if spread else "–",
            decimal(recall and recall.text_to_image.get("10"), 3),
            f"{test.images:,}" if test else "–",
            subject.record.split_name or f"{len(subject.bundle.label_set)} labels, split without a name",
        ),
    )

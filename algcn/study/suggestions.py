"""Sections about labels: known ones, new ones, rare ones, and which graph is nearer the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping

from algcn.kit.checks import is_number
from algcn.report.document import decimal
from algcn.study import formatting
from algcn.study import rare as rare_labels
from algcn.study import truth as true_graphs
from algcn.study.document import BARS, LINES, Figure, Row, Section, Table
from algcn.study.known import GRAPHS
from algcn.study.measured import Gaps, Measured, Runs, by_seed, concerned, parts, seeds_in_words
from algcn.study.rows import all_known, level, seeds_note, series
from algcn.study.settings import Collection, Settings
from algcn.study.statistics import Mean, change, over_labels

NEW_LABEL = {"names": "with the graph of similar names", "captions": "with the graph of captions that name it"}
RARE_PAIRS = (("plus-graph", "plus"), ("prior", "probe"), ("prior-graph", "prior"))
TRUTH_DAMAGES = {"whole": "whole labels", "dropped": "60 % of labels dropped", "corrupted": "corrupted prior"}
TRUTH_PAIRS = (("learned", "counted"), ("paper-learned", "paper-prior"))
AUC_CHANCE = 0.5
GRAPH_NAMES = {"none": "no graph", "counted": "counted graph", "learned": "learned graph"}


def known(measured: Measured, settings: Settings) -> Section:
    """What known labels say about the others."""
    gaps, tables, figures = Gaps(), [], []
    for collection in concerned(settings, measured, "known"):
        runs = by_seed(measured.get((collection.name, "known"), ()), settings)
        if gaps.note(collection.title, [("known labels", len(runs), len(settings.seeds))]):
            tables.append(_known_table(collection, runs, settings))
            figures += _known_figures(collection, runs, settings)
    sentence = (
        "k labels of each test photo are revealed, the others are scored by mode plus and the graph: AP is the mean "
        "over labels of the photos where each is not known, 'best is right' says how often the best suggestion is. "
        f"Differences are to no graph. {seeds_in_words(settings)}; p by a paired t test over them."
    )
    return Section("known", "Known labels", sentence, gaps.sentences(), tuple(tables), tuple(figures))


def _known_table(collection: Collection, runs: Runs, settings: Settings) -> Table:
    rows = []
    for count in settings.known_labels:
        by_graph = {graph: parts(runs, str(count), graph) for graph in GRAPHS}
        cells = [f"{count}{seeds_note(len(by_graph['none']), len(settings.seeds))}"]
        for measure, digits in (("ap", 4), ("hit", 3)):
            base = parts(by_graph["none"], measure)
            cells.append(formatting.with_error(Mean.of(base.values()), digits))
            if measure == "hit":
                chance = Mean.of(parts(by_graph["none"], "chance_of_hit").values())
                cells[-1] += f" ({decimal(chance.value, 3)})"
            found = [change(parts(by_graph[graph], measure), base) for graph in GRAPHS[1:]]
            cells += [formatting.change(difference, digits) for difference in found]
        rows.append(Row(tuple(cells)))
    heads = ("k known", "AP, no graph", "counted", "learned", "best is right, no graph (chance)", "counted", "learned")
    return Table(f"{collection.name} known", f"{collection.title}: k labels are known", heads, tuple(rows))


def _known_figures(collection: Collection, runs: Runs, settings: Settings) -> list[Figure]:
    counts = [str(count) for count in settings.known_labels]

    def means(graph: str, measure: str) -> list[Mean]:
        return [Mean.of(parts(runs, count, graph, measure).values()) for count in counts]

    made = []
    for measure, title in (("ap", "AP of labels"), ("hit", "the best suggestion is right")):
        lines = tuple(series(name, means(graph, measure)) for graph, name in GRAPH_NAMES.items())
        levels = [mean.value for mean in means("none", "chance_of_hit")] if measure == "hit" else []
        named = f"{collection.title}: {title}"
        made.append(Figure(named, LINES, "known labels", title, tuple(counts), lines, all_known(levels)))
    return made


def new(measured: Measured, settings: Settings) -> Section:
    """What a label without any example gains by the graph."""
    gaps, tables = Gaps(), []
    for collection in concerned(settings, measured, "new"):
        cells = measured.get((collection.name, "new"), ())
        by_label = {label: by_seed(cells, settings, label=label) for label in sorted({cell["label"] for cell in cells})}
        wanted = len(settings.seeds)
        if gaps.note(collection.title, [(label, len(runs), wanted) for label, runs in by_label.items()]):
            tables.append(_new_table(collection, {label: runs for label, runs in by_label.items() if runs}))
    sentence = (
        "Each label in turn has no training example; mode plus is trained on all the others. The label is scored by "
        "its name alone, and with what the predicted labels say of it through a graph of similar names, or of captions "
        f"that name it. AP on test photos, mean over labels. {seeds_in_words(settings)}, averaged for each label; ± is "
        "the standard error over labels, p a Wilcoxon signed-rank test over them."
    )
    return Section("new", "New labels", sentence, gaps.sentences(), tuple(tables))


def _new_table(collection: Collection, by_label: Mapping[str, Runs]) -> Table:
    rows = [Row(("random order", decimal(Mean.of(_of_labels(by_label, "chance").values()).value), "", "", ""))]
    base = _of_labels(by_label, "zero-shot")
    rows.append(Row(("the name alone", decimal(Mean.of(base.values()).value), "", "", "")))
    for way, title in NEW_LABEL.items():
        scored = _of_labels(by_label, way, "ap")
        both = [label for label, value in scored.items() if is_number(value) and is_number(base.get(label))]
        if not both:
            continue
        found = over_labels([scored[label] - base[label] for label in both])
        note = f" ({len(both)} of {len(base)} labels)" if len(both) < len(base) else ""
        ap = decimal(Mean.of(scored[label] for label in both).value)
        better, worse = (sum(sign * (scored[label] - base[label]) > 0 for label in both) for sign in (1, -1))
        told, p = formatting.change(found._replace(p=math.nan)), formatting.chance_alone(found.p)
        rows.append(Row((title + note, ap, told, f"{better} / {worse}", p)))
    heads = ("", "AP", "difference to the name alone", "labels better / worse", "over labels")
    return Table(f"{collection.name} new", f"{collection.title}: {len(by_label)} labels, each new", heads, tuple(rows))


def _of_labels(by_label: Mapping[str, Runs], *path: str) -> dict[str, float]:
    return {label: Mean.of(parts(runs, *path).values()).value for label, runs in by_label.items()}


def rare(measured: Measured, settings: Settings) -> Section:
    """What labels with few examples gain by their name and by the graph."""
    gaps, tables, figures = Gaps(), [], []
    for collection in concerned(settings, measured, "rare"):
        cells = measured.get((collection.name, "rare"), ())
        runs = {count: by_seed(cells, settings, examples=count) for count in settings.rare_examples}
        wanted = len(settings.seeds)
        if gaps.note(collection.title, [(f"{count} examples", len(those), wanted) for count, those in runs.items()]):
            tables += _rare_tables(collection, runs, wanted)
            figures.append(_rare_figure(collection, runs))
    sentence = (
        "Some labels keep a few training examples each; photos with more of them are left out. AP on test photos, mean "
        f"over these labels. {seeds_in_words(settings)}; ± is the standard error over them, p a paired t test."
    )
    return Section("rare", "Rare labels", sentence, gaps.sentences(), tuple(tables), tuple(figures))


def _rare_tables(collection: Collection, runs: Mapping[int, Runs], wanted: int) -> list[Table]:
    heads = ("", *(f"{count} examples{seeds_note(len(those), wanted)}" for count, those in runs.items()))
    chance = [
        decimal(mean.value) for mean in (Mean.of(_mean_over(those, "chance").values()) for those in runs.values())
    ]
    rows = [Row(("random order", *chance))]
    for method, title in rare_labels.METHODS.items():
        means = [Mean.of(_mean_over(those, "ap", method).values()) for those in runs.values()]
        rows.append(Row((title, *map(formatting.with_error, means))))
    compared = []
    for ours, theirs in RARE_PAIRS:
        found = [change(_mean_over(those, "ap", ours), _mean_over(those, "ap", theirs)) for those in runs.values()]
        compared.append(
            Row((f"{rare_labels.METHODS[ours]}, over {rare_labels.METHODS[theirs]}", *map(formatting.change, found)))
        )
    title = f"{collection.title}: labels with few examples"
    return [
        Table(f"{collection.name} rare", title, heads, tuple(rows)),
        Table(f"{collection.name} rare paired", f"{title}, differences in AP", heads, tuple(compared)),
    ]


def _rare_figure(collection: Collection, runs: Mapping[int, Runs]) -> Figure:
    lines = tuple(
        series(title, [Mean.of(_mean_over(those, "ap", method).values()) for those in runs.values()])
        for method, title in rare_labels.METHODS.items()
    )
    levels = [Mean.of(_mean_over(those, "chance").values()).value for those in runs.values()]
    title, places = f"{collection.title}: AP of rare labels", tuple(map(str, runs))
    return Figure(title, LINES, "examples of each label", "AP", places, lines, all_known(levels))


def _mean_over(runs: Runs, *path: str) -> dict[int | None, float]:
    """By seed, the mean over labels."""
    return {seed: Mean.of(by_label.values()).value for seed, by_label in parts(runs, *path).items()}


def truth(measured: Measured, settings: Settings) -> Section:
    """Which graph is nearer the true co-occurrence of drawn scenes."""
    gaps, tables, figures = Gaps(), [], []
    for collection in concerned(settings, measured, "truth"):
        cells = measured.get((collection.name, "truth"), ())
        runs = {damage: by_seed(cells, settings, damage=damage) for damage in TRUTH_DAMAGES}
        wanted = len(settings.seeds)
        if gaps.note(collection.title, [(TRUTH_DAMAGES[name], len(those), wanted) for name, those in runs.items()]):
            runs = {name: those for name, those in runs.items() if those}
            tables.append(_truth_table(collection, runs, wanted))
            figures.append(_truth_figure(collection, runs))
    sentence = (
        "Scenes are drawn from a co-occurrence that is known. How well does each graph tell the label pairs that "
        "belong together from the others, by AUC against scenes that nobody trained on? .5 is chance. "
        f"{seeds_in_words(settings)}; p by a paired t test over them."
    )
    return Section("truth", "The true co-occurrence", sentence, gaps.sentences(), tuple(tables), tuple(figures))


def _truth_table(collection: Collection, runs: Mapping[str, Runs], wanted: int) -> Table:
    rows = [Row(("random order", *[decimal(AUC_CHANCE, 3)] * len(true_graphs.GRAPHS), *[""] * len(TRUTH_PAIRS)))]
    for damage, those in runs.items():
        means = [Mean.of(parts(those, "auc", graph).values()) for graph in true_graphs.GRAPHS]
        found = [change(parts(those, "auc", ours), parts(those, "auc", theirs)) for ours, theirs in TRUTH_PAIRS]
        name = TRUTH_DAMAGES[damage] + seeds_note(len(those), wanted)
        rows.append(
            Row(
                (
                    name,
                    *(formatting.with_error(mean, 3) for mean in means),
                    *(formatting.change(difference, 3) for difference in found),
                )
            )
        )
    pairs = (f"{true_graphs.GRAPHS[ours]}, over {true_graphs.GRAPHS[theirs]}" for ours, theirs in TRUTH_PAIRS)
    heads = ("AUC of edges", *true_graphs.GRAPHS.values(), *pairs)
    return Table(f"{collection.name} truth", f"{collection.title}: which graph is nearer the truth", heads, tuple(rows))


def _truth_figure(collection: Collection, runs: Mapping[str, Runs]) -> Figure:
    bars = tuple(
        series(title, [Mean.of(parts(those, "auc", graph).values()) for those in runs.values()])
        for graph, title in true_graphs.GRAPHS.items()
    )
    places = tuple(TRUTH_DAMAGES[damage] for damage in runs)
    title = f"{collection.title}: AUC of edges against the truth"
    return Figure(title, BARS, "", "AUC of edges", places, bars, level(AUC_CHANCE, len(places)))

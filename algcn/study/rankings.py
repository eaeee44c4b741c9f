"""Sections about rankings: methods, their differences, what each ingredient is for, damaged labels, peers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from algcn.report.document import decimal
from algcn.study import ablations, comparison, damage, formatting
from algcn.study.document import BARS, LINES, Figure, Row, Section, Table
from algcn.study.measured import Gaps, Measured, Runs, by_seed, concerned, parts, seeds_in_words
from algcn.study.rows import (
    RELEVANCE,
    Line,
    chance,
    compare,
    drawn,
    heads,
    level,
    line_table,
    seeds_note,
    series,
)
from algcn.study.settings import Collection, Settings
from algcn.study.statistics import Mean, change

PAIRS = (
    ("paper", "rule", "paper", "cosine"),
    ("plus", "rule", "paper", "cosine"),
    ("plus", "rule", "paper", "rule"),
    ("plus", "rule", "probe", "rule"),
    ("plus", "rule-with-graph", "plus", "rule"),
    ("paper", "cosine", "paper-without-gcn", "cosine"),
    ("paper", "rule", "paper-without-gcn", "rule"),
)
PEERS = {"p-gnn": "P-GNN", "i-gnn": "I-GNN", "dscmr": "DSCMR", "authors-algcn": "the authors' ALGCN"}
PEER_RANKINGS = {"cosine": "as it is", "rule": "by the rule"}
WITHOUT_SEED = ("zero-shot", "probe")
UNSEEN = {"test": "all test photos", "unseen": "the test photos that nobody had looked at"}
DAMAGES = {
    "few": (
        "Few labels",
        "labelled",
        "labelled photos",
        "Only a share of the training photos is labelled; the others are left out.",
    ),
    "missing": (
        "Missing labels",
        "dropped",
        "dropped labels",
        "A share of all labels of the train and validation split is dropped.",
    ),
    "flipped": (
        "Wrong labels",
        "wrong",
        "wrong labels",
        "A share of all labels of train and validation is replaced by others.",
    ),
}
IMPUTED = {name: f"mode {name}" for name in damage.IMPUTED}
RULE, UNCHANGED, UNDAMAGED = "labels 4", "as it is", "undamaged"


def main(measured: Measured, settings: Settings) -> Section:
    """Every method by every ranking."""
    gaps, tables, figures = Gaps(), [], []
    for collection in concerned(settings, measured, "main"):
        cells = measured.get((collection.name, "main"), ())
        splits = _splits(collection)
        if not gaps.note(collection.title, _main_counts(cells, settings)):
            continue
        lines = [
            Line(f"{title}, {ranked}", tuple(parts(runs, ranking, split) for split in splits), wanted)
            for method, title in comparison.METHODS.items()
            for runs, wanted in [(by_seed(cells, settings, method=method), _wanted(method, settings))]
            for ranking, ranked in comparison.RANKINGS.items()
        ]
        columns = [heads(collection, "unseen: " if split == "unseen" else "") for split in splits]
        title = f"{collection.title}: every method"
        tables.append(line_table(f"{collection.name} main", title, columns, lines))
        figures += _main_figures(collection, cells, settings)
    sentence = (
        f"Every method ranks the same held-out photos and texts, by the cosine of its embeddings and by the rule. "
        f"{seeds_in_words(settings)} of whatever is trained from a random start."
    )
    return Section("main", "Every method", sentence, gaps.sentences(), tuple(tables), tuple(figures))


def _main_figures(collection: Collection, cells: Sequence[Any], settings: Settings) -> Iterator[Figure]:
    split = _splits(collection)[-1]
    methods = {method: runs for method in comparison.METHODS if (runs := by_seed(cells, settings, method=method))}
    for relevance, of in zip(RELEVANCE, ("", f", without '{collection.without}'"), strict=True):
        lines = {
            ranking: [Line("", (parts(runs, ranking, split),), 0) for runs in methods.values()]
            for ranking in comparison.RANKINGS
        }
        known = chance(lines["cosine"])[RELEVANCE.index(relevance)]
        yield Figure(
            f"{collection.title}{of}: mAP on {UNSEEN[split]}",
            BARS,
            "",
            "mAP",
            tuple(comparison.METHODS[method] for method in methods),
            tuple(
                series(comparison.RANKINGS[ranking], [line.mean("map", relevance) for line in those])
                for ranking, those in lines.items()
            ),
            level(known, len(methods)),
        )


def differences(measured: Measured, settings: Settings) -> Section:
    """Paired differences of methods on the same photos."""
    gaps, tables = Gaps(), []
    for collection in concerned(settings, measured, "main"):
        cells = measured.get((collection.name, "main"), ())
        runs = {method: by_seed(cells, settings, method=method) for method in comparison.METHODS}
        if not gaps.note(collection.title, _main_counts(cells, settings)):
            continue
        for split in _splits(collection):
            rows = []
            for ours, ranking, theirs, other in PAIRS:
                pair = parts(runs[ours], ranking, split), parts(runs[theirs], other, split)
                if all(pair):
                    names = (
                        f"{comparison.METHODS[ours]} ({comparison.RANKINGS[ranking]})",
                        f"{comparison.METHODS[theirs]} ({comparison.RANKINGS[other]})",
                    )
                    rows.append(_paired_row(" over ".join(names), *pair, len(settings.seeds)))
            if rows:
                name = f"{collection.name} paired" + (" unseen" if split == "unseen" else "")
                title = f"{collection.title}: differences on {UNSEEN[split]}"
                tables.append(Table(name, title, ("", *heads(collection)[:2]), tuple(rows)))
    sentence = (
        f"How far methods are apart on the same photos. {seeds_in_words(settings)}; in brackets the 95 % interval over "
        "photos (bootstrap); p over photos by a Wilcoxon signed-rank test, over seeds by a paired t test, neither "
        "corrected for how many comparisons there are."
    )
    return Section("paired", "Paired differences", sentence, gaps.sentences(), tuple(tables))


def left_out(measured: Measured, settings: Settings) -> Section:
    """What each ingredient of mode plus and of the rule is for."""
    gaps, tables, figures = Gaps(), [], []
    wanted = len(settings.seeds)
    for collection in concerned(settings, measured, "ablations", "ablation"):
        cells = measured.get((collection.name, "ablation"), ())
        nets = {net: by_seed(cells, settings, net=net) for net in ablations.NETS}
        if not gaps.note(collection.title, [(net, len(runs), wanted) for net, runs in nets.items()]):
            continue
        groups = {
            "nets": ("ingredients of mode plus", {net: parts(runs, RULE) for net, runs in nets.items()}, "all"),
            "rules": ("rules of ranking", {rule: parts(nets["all"], rule) for rule in ablations.WEIGHTS}, RULE),
            "rarity": (
                "what rare labels count",
                {UNCHANGED: parts(nets["all"], RULE)} | {name: parts(nets["all"], name) for name in ablations.RARITIES},
                UNCHANGED,
            ),
        }
        for name, (what, runs, base) in groups.items():
            if any(runs.values()):
                named = f"{collection.name} ablations {name}"
                tables.append(_ablation_table(named, f"{collection.title}: {what}", collection, runs, base, wanted))
                figures += _ablation_figure(f"{collection.title}: {what}", collection, runs, base)
    sentence = (
        f"What each ingredient is for: one is left out or takes another value, and the difference to the whole is "
        f"measured on validation photos. {seeds_in_words(settings)}."
    )
    return Section("ablations", "Ablations", sentence, gaps.sentences(), tuple(tables), tuple(figures))


def _ablation_table(
    name: str, title: str, collection: Collection, runs: Mapping[str, Runs], base: str, wanted: int
) -> Table:
    lines = [Line(label, (those,), wanted) for label, those in runs.items() if those]
    plain = line_table(name, title, [heads(collection)], lines)
    against = [("", "")]
    for line in lines:
        same = line.name == base
        found = [compare(line.columns[0], runs[base], relevance)[0] for relevance in RELEVANCE]
        against.append(("", "") if same else tuple(map(formatting.difference, found)))
    rows = [Row((*row.cells, *cells), row.best) for row, cells in zip(plain.rows, against, strict=True)]
    more = (f"mAP, difference to '{base}'", f"without '{collection.without}', difference")
    return Table(name, title, (*plain.heads, *more), tuple(rows))


def _ablation_figure(title: str, collection: Collection, runs: Mapping[str, Runs], base: str) -> Iterator[Figure]:
    names = tuple(name for name in runs if name != base)
    bars = [
        series(
            of,
            [change(parts(runs[name], "map", relevance), parts(runs[base], "map", relevance)).mean for name in names],
        )
        for relevance, of in zip(RELEVANCE, heads(collection)[:2], strict=True)
    ]
    figure = Figure(title, BARS, "", f"difference to '{base}' in mAP", names, tuple(bars))
    if drawn(figure):
        yield figure


def damaged(what: str) -> Callable[[Measured, Settings], Section]:
    """Make the section about labels that are "few", "missing" or "flipped"."""
    title, kind, axis, sentence = DAMAGES[what]

    def section(measured: Measured, settings: Settings) -> Section:
        shares = {"few": settings.label_shares, "missing": settings.missing_shares, "flipped": settings.flipped_shares}
        gaps, tables, figures = Gaps(), [], []
        methods = {name: comparison.METHODS[name] for name in damage.METHODS} | (IMPUTED if what == "missing" else {})
        for collection in concerned(settings, measured, "damage", what):
            cells = measured.get((collection.name, what), ())
            lines = [
                Line(f"{formatting.percent(share)} {kind}: {name}", (runs,), len(settings.seeds), group)
                for share in shares[what]
                for group in [formatting.percent(share)]
                for method, name in methods.items()
                for runs in [by_seed(cells, settings, share=share, method=method)]
            ]
            if not gaps.note(collection.title, [(line.name, len(line.columns[0]), line.wanted) for line in lines]):
                continue
            whole = _undamaged(measured.get((collection.name, "main"), ()), settings, methods)
            lines = [*lines, *whole] if what == "few" else [*whole, *lines]
            named = f"{collection.title}: {title.lower()}"
            tables.append(line_table(f"{collection.name} {what}", named, [heads(collection)], lines))
            figures += _damage_figures(collection, lines, methods.values(), axis, named)
        told = f"{sentence} The test split is whole; all rank by the rule. {seeds_in_words(settings)}."
        return Section(what, title, told, gaps.sentences(), tuple(tables), tuple(figures))

    return section


def _undamaged(cells: Sequence[Any], settings: Settings, methods: Mapping[str, str]) -> list[Line]:
    """The main experiment's lines: every label is there and right."""
    found = {
        method: parts(by_seed(cells, settings, method=method), "rule", "test")
        for method in methods
        if method in comparison.METHODS  # whole labels are not imputed
    }
    return [
        Line(f"{UNDAMAGED}: {methods[method]}", (runs,), _wanted(method, settings), UNDAMAGED)
        for method, runs in found.items()
        if runs
    ]


def _damage_figures(
    collection: Collection, lines: Sequence[Line], methods: Iterable[str], axis: str, title: str
) -> Iterator[Figure]:
    places = list(dict.fromkeys(line.group for line in lines))
    by_name = {(line.group, line.name.partition(": ")[2]): line for line in lines}
    for relevance, of in zip(RELEVANCE, ("", f", without '{collection.without}'"), strict=True):
        drawn_lines = []
        for method in methods:
            known = [by_name.get((place, method)) for place in places]
            means = [line.mean("map", relevance) if line else Mean.of([]) for line in known]
            drawn_lines.append(series(method, means))
        levels = level(chance(lines)[RELEVANCE.index(relevance)], len(places))
        yield Figure(f"{title}{of}", LINES, axis, "mAP", tuple(places), tuple(drawn_lines), levels)


def peers(measured: Measured, settings: Settings) -> Section:
    """Other people's methods on the same features and splits, beside ours."""
    gaps, tables = Gaps(), []
    sentences = {}
    for collection in concerned(settings, measured, "peers"):
        cells = measured.get((collection.name, "peers"), ())
        runs = {method: by_seed(cells, settings, method=method) for method in PEERS}
        wanted = len(settings.seeds)
        if not gaps.note(collection.title, [(PEERS[method], len(those), wanted) for method, those in runs.items()]):
            continue
        splits = _splits(collection)
        lines = [
            Line(f"{PEERS[method]}, {ranked}", tuple(parts(those, ranking, split) for split in splits), wanted)
            for method, those in runs.items()
            for ranking, ranked in PEER_RANKINGS.items()
        ]
        ours = by_seed(measured.get((collection.name, "main"), ()), settings, method="plus")
        whole = tuple(parts(ours, "rule", split) for split in splits)
        if all(whole):
            lines.append(Line(f"{comparison.METHODS['plus']}, rule", whole, wanted))
        columns = [heads(collection, "unseen: " if split == "unseen" else "") for split in splits]
        named = f"{collection.title}: peers"
        tables.append(line_table(f"{collection.name} peers", named, columns, lines))
        if all(whole):
            tables.append(_peer_differences(collection, runs, parts(ours, "rule", splits[-1]), splits[-1], wanted))
        for method, those in runs.items():
            for cell in those.values():
                scale = f"features {cell['scale']}"
                sentences[f"{PEERS[method]} on {collection.title}: {cell['done'].rstrip('.')}; {scale}."] = None
    sentence = (
        f"Other people's code on the same features and splits, run from their own checkouts. "
        f"{seeds_in_words(settings)}; scale of features and epoch are picked on validation."
    )
    return Section("peers", "Peers", " ".join([sentence, *sentences]), gaps.sentences(), tuple(tables))


def _peer_differences(collection: Collection, runs: Mapping[str, Runs], ours: Runs, split: str, wanted: int) -> Table:
    rows = [
        _paired_row(f"{comparison.METHODS['plus']} (rule) over {PEERS[method]} ({ranked})", ours, theirs, wanted)
        for method, those in runs.items()
        for ranking, ranked in PEER_RANKINGS.items()
        if (theirs := parts(those, ranking, split))
    ]
    title = f"{collection.title}: differences to peers on {UNSEEN[split]}"
    return Table(f"{collection.name} peers paired", title, ("", *heads(collection)[:2]), tuple(rows))


def _paired_row(name: str, ours: Runs, theirs: Runs, wanted: int) -> Row:
    found = [compare(ours, theirs, relevance) for relevance in RELEVANCE]
    drawn_from_seeds = None not in ours or None not in theirs
    note = seeds_note(found[0][1], wanted) if drawn_from_seeds else ""
    cells = [formatting.difference(paired) if seeds else decimal(None) for paired, seeds in found]
    return Row((name + note, *cells))


def _main_counts(cells: Sequence[Any], settings: Settings) -> list[tuple[str, int, int]]:
    found = {method: len(by_seed(cells, settings, method=method)) for method in comparison.METHODS}
    return [
        (title, found[method], _wanted(method, settings))
        for method, title in comparison.METHODS.items()
        if method != "zero-shot" or found[method]  # features may have no space of their own
    ]


def _wanted(method: str, settings: Settings) -> int:
    return 1 if method in WITHOUT_SEED else len(settings.seeds)


def _splits(collection: Collection) -> tuple[str, ...]:
    return ("test", "unseen") if collection.in_sight else ("test",)

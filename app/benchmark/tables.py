"""Tables and sentences of the Benchmark tab: parts of a bundle's record to HTML, everything in it escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from algcn.evaluation import paper as published
from algcn.evaluation.record import HELD_OUT, EncoderResults, Record, TestedSet, TriedWeight
from algcn.evaluation.results import (
    ALL_DIRECTIONS,
    DIRECTIONS,
    MEASURES,
    PRIMARY,
    Bin,
    MethodResult,
    RelevanceBlock,
    Spread,
)
from app.benchmark.figures import NAMES, plain

HEADS = (*DIRECTIONS.values(), PRIMARY)

EMPTY = """
<section class="numbers empty-numbers">
  <h2>This model brings no numbers of its own</h2>
  <p>A bundle says how good it is in its <code>metrics.json</code>, and this one has none. Training writes it; a
  comparison with a random ranking, a linear probe and the same model without the graph is one more command:</p>
  <pre>python -m algcn.baselines FEATURES --preset pocket --out BUNDLE</pre>
</section>
"""
DEFINITIONS = """
<section class="numbers">
  <h2>In plain words</h2>
  <dl>
    <dt>Relevant</dt><dd>A result is relevant when it shares at least one label with the query. Which labels count is
    said beside each table: those that people annotated, or all.</dd>
    <dt>mAP</dt><dd>Mean average precision. Walk down the whole ranking; at each relevant result, note which share of
    the results so far was relevant; average these, then over all queries. 1 means that everything relevant comes
    first.</dd>
    <dt>Random ranking</dt><dd>What shuffled results are expected to reach. Where most items share a label it is high,
    so read every number as its distance from this one.</dd>
    <dt>Linear probe</dt><dd>For each label a logistic regression on the same features, and ranking by the cosine of
    the label probabilities. The simplest thing that could work.</dd>
    <dt>Without GCN</dt><dd>The same training, but each label's classifier is free instead of made by the graph
    convolution. What the label graph is worth is the distance to it.</dd>
    <dt>±</dt><dd>Standard deviation over training runs with different seeds.</dd>
    <dt>Precision and recall</dt><dd>Of what was shown, how much was relevant; of what is relevant, how much was
    shown. At each recall, the highest precision reached there or later; at recall 0 that flatters even a random
    ranking.</dd>
    <dt>R@10</dt><dd>The share of queries whose own partner, the one photo a caption was written for, is among the
    first ten results. Harder than sharing a label.</dd>
    <dt>Brier score</dt><dd>Mean squared difference between a promised probability and what happened (1 or 0). Lower is
    better; who always says the overall share of relevant pairs gets the number in brackets.</dd>
    <dt>ECE</dt><dd>Expected calibration error: how far promise and outcome are apart, on average over ten groups of
    pairs.</dd>
    <dt>First ten</dt><dd>Said: the mean promise to the ten best results of each query. Was: how many of them did share
    a label.</dd>
  </dl>
</section>
"""


def problems(sentences: Sequence[str]) -> str:
    """What is left out because the bundle says it in a way that is not understood."""
    if not sentences:
        return ""
    listed = "".join(f'<p class="warning">Left out: {html.escape(sentence)}</p>' for sentence in sentences)
    return f'<section class="numbers">{listed}</section>'


def header(record: Record, name: str) -> str:
    """What was measured on what; nothing where the record does not say all of it."""
    items, labels, selection = record.items or {}, record.relevance, record.selection
    if labels is None or selection is None or not {"train", "test"} <= items.keys():
        return ""
    held_out = f"{items['test'].images:,} photos and {items['test'].texts:,} texts of the test split"
    shown = ", ".join(plain(label) for label in labels[:4]) + (", …" if len(labels) > 4 else "")
    sentence = (
        f"Measured on {held_out}, which the model never trained on. Relevant: one of {len(labels)} labels in common "
        f"({shown}). Trained on {items['train'].images:,} pictures; epoch {selection.best_epoch:d} "
        f"was picked on {plain(selection.split)}."
    )
    warning = selection.warning
    return (
        f'<section class="numbers"><h2>How good is <em>{html.escape(name)}</em>?</h2><p class="lead">{sentence}</p>'
        + (f'<p class="warning">Note: {html.escape(warning)}.</p>' if warning else "")
        + "</section>"
    )


def comparisons(record: Record) -> str:
    """A table for each definition of relevance: chance, linear probe, ALGCN and ALGCN without the GCN."""
    tables = "".join(_comparison(title, block, seeds) for title, block, seeds in _measured(record))
    return f'<div class="pair">{tables}</div>' if tables else ""


def _measured(record: Record) -> list[tuple[str, RelevanceBlock, str]]:
    """Title, methods, and a note on seeds; of the comparison, else of this run alone."""
    compared = record.baselines
    if compared is not None:
        note = f"{len(compared.seeds)} seeds" if len(compared.seeds) > 1 else "one seed"
        return [
            (f"{plain_title(name)} ({len(block.labels)})", block, note) for name, block in compared.relevance.items()
        ]
    if record.test is None or record.test.map is None:
        return []
    runs = {"algcn": record.test, "algcn_without_gcn": record.without_gcn and record.without_gcn.test}
    methods = {
        method: MethodResult(**{measure: Spread.over([run.map.of(measure)]) for measure in MEASURES})
        for method, run in runs.items()
        if run is not None and run.map is not None
    }
    labels = record.relevance or ()
    count = f" ({len(labels)})" if labels else ""
    return [(f"Labels that count{count}", RelevanceBlock(labels, record.test.map.chance, methods), "one run")]


def _comparison(title: str, block: RelevanceBlock, note: str) -> str:
    methods, chance = block.methods, float(block.chance)
    rows = [_row("chance", (None, None, (chance, None)), chance, False)]
    for method in ("linear_probe", "algcn_without_gcn", "algcn"):
        if method in methods:
            spreads = [methods[method].of(measure) for measure in MEASURES]
            cells = tuple((float(spread.mean), spread.std) for spread in spreads)
            rows.append(_row(method, cells, chance, method == block.best))
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    gcn = ""
    if {"algcn", "algcn_without_gcn"} <= set(methods):
        difference = methods["algcn"].primary.mean - methods["algcn_without_gcn"].primary.mean
        gcn = f"The label graph changes the average by <b>{_signed(difference)}</b>. "
    return (
        f'<figure class="card"><figcaption><h3>{title}</h3><p>mAP on the test split, {note}. {gcn}</p></figcaption>'
        f'<div class="scroll"><table><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></figure>"
    )


def _row(method: str, cells: Sequence[tuple[float, float | None] | None], chance: float, best: bool) -> str:
    *both, average = cells
    plain_cells = "".join(f"<td>{_value(cell)}</td>" for cell in both)
    share, floor = (min(max(100 * float(value), 0), 100) for value in (average[0], chance))
    bar = f'<span class="bar" style="--value: {share:.2f}%; --chance: {floor:.2f}%" aria-hidden="true"></span>'
    classes = f"method {method.replace('_', '-')}" + (" best" if best else "")
    return (
        f'<tr class="{classes}"><th scope="row">{NAMES[method]}</th>{plain_cells}'
        f'<td class="average">{_value(average)}{bar}</td></tr>'
    )


def _value(cell: tuple[float, float | None] | None) -> str:
    if cell is None:
        return "<small>–</small>"
    value, spread = cell
    return f"{_decimal(value, 4)}" + ("" if spread is None else f" <small>± {_decimal(spread, 4)}</small>")


def tradeoff(weights: Iterable[TriedWeight], used: float) -> str:
    """The same numbers as the plot, as a table."""
    rows = "".join(
        f"<tr{' class=best' if tried.encoder_weight == used else ''}>"
        f'<th scope="row">{_weight(tried.encoder_weight, used)}</th><td>{_decimal(tried.map.primary, 4)}</td>'
        f"<td>{_decimal(tried.recall.text_to_image.get('10'), 3)}</td>"
        f"<td>{_decimal(tried.recall.image_to_text.get('10'), 3)}</td></tr>"
        for tried in weights
    )
    return (
        '<div class="scroll"><table><thead><tr><th scope="col">weight of the encoder</th><th scope="col">mAP</th>'
        f'<th scope="col">R@10 text → image</th><th scope="col">R@10 image → text</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _weight(weight: float | None, used: float) -> str:
    name = "the encoder alone" if weight is None else "0, the common space alone" if weight == 0 else f"{weight:g}"
    return f"{name}, <b>used</b>" if weight == used else name


def encoder(results: EncoderResults | None) -> str:
    """The encoder's own recall on the splits that were held out, and chance; nothing where it was not measured."""
    measured = {split: results and results.of(split) for split in HELD_OUT}
    known = {split: result for split, result in measured.items() if result is not None}
    if not known:
        return ""
    rows, pictures = [], [result.pictures for result in known.values()][-1]
    for split, result in known.items():
        cells = "".join(
            f"<td>{_decimal(recall.get(str(k)), 3)}</td>"
            for recall in (result.text_to_image, result.image_to_text)
            for k in (1, 5, 10)
        )
        rows.append(f'<tr><th scope="row">{split}</th>{cells}</tr>')
    chance = "".join(f"<td>{_decimal(k / pictures, 3)}</td>" for _ in range(2) for k in (1, 5, 10))
    heads = "".join(f'<th scope="col">R@{k}</th>' for _ in range(2) for k in (1, 5, 10))
    return (
        '<section class="numbers"><h2>The encoder before ALGCN</h2>'
        f'<p class="lead">The encoder alone, asked for the one right photo among {pictures:,} that it never saw, or '
        "for the one right caption. One training run.</p>"
        '<div class="card scroll"><table><thead><tr><th></th><th scope="colgroup" colspan="3">text → image</th>'
        '<th scope="colgroup" colspan="3">image → text</th></tr>'
        f"<tr><th></th>{heads}</tr></thead><tbody>{''.join(rows)}"
        f'<tr class="method chance"><th scope="row">{NAMES["chance"]}</th>{chance}</tr>'
        "</tbody></table></div></section>"
    )


def reliability(part: TestedSet) -> str:
    """Scores of the promises on one set of items."""
    rows = "".join(
        f'<tr><th scope="row">{title}</th><td>{_decimal(found.brier, 3)} '
        f"<small>({_decimal(found.brier_of_base_rate, 3)})</small></td><td>{_decimal(found.ece, 3)}</td>"
        f"<td>{_first(found.first_10)}</td></tr>"
        for direction, title in ALL_DIRECTIONS.items()
        if (found := part.directions.get(direction))
    )
    return (
        f"<h3>{plain(part.name)}</h3><p>{part.images:,} pictures, {part.texts:,} texts</p>"
        '<div class="scroll"><table><thead><tr><th></th><th scope="col">Brier</th><th scope="col">ECE</th>'
        f'<th scope="col">first ten, said → was</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _first(results: Bin | None) -> str:
    """Said → was, of the first results of a query."""
    return "–" if results is None else f"{_decimal(results.predicted, 3)} → {_decimal(results.observed, 3)}"


def paper(caveat: str) -> str:
    """The table that the paper's project page prints, and what to know before a bundle is compared with it."""
    heads = "".join(f'<th scope="col">{head}</th>' for _ in published.DATASETS for head in ("i → t", "t → i", "avg"))
    groups = "".join(f'<th scope="colgroup" colspan="3">{name}</th>' for name in published.DATASETS.values())
    rows = "".join(
        f'<tr{" class=best" if name == "ALGCN" else ""}><th scope="row">{name}</th>'
        + "".join(f"<td>{_decimal(value, 3)}</td>" for dataset in published.DATASETS for value in sets[dataset])
        + "</tr>"
        for name, sets in published.TABLE_1.items()
    )
    return f"""
<section class="numbers"><h2>What the paper reports</h2>
  <p class="lead">mAP over the whole ranking, as printed in Table 1 of the paper's project page
  (<a href="{published.DOI}" target="_blank" rel="noopener noreferrer">Qian et al., IEEE TMM 2022</a>).
  {html.escape(caveat)}</p>
  <div class="card scroll"><table><thead><tr><th></th>{groups}</tr><tr><th></th>{heads}</tr></thead>
  <tbody>{rows}</tbody></table></div>
</section>"""


def plain_title(name: str) -> str:
    """The name of a definition of relevance, as a heading."""
    escaped = html.escape(name[:60])
    return escaped[:1].upper() + escaped[1:]


def _decimal(value: float | None, digits: int) -> str:
    """.8619, as tables of such numbers have it; a dash for no number."""
    if value is None:
        return "–"
    text = f"{float(value):.{digits}f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "−") + _decimal(abs(value), 4)

"""Tables and sentences of the Benchmark tab: parts of a bundle's metrics.json to HTML, everything in it escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from algcn.evaluation import paper as published
from app.benchmark.figures import DIRECTIONS, METHODS, plain

MEASURES = ("image_to_text", "text_to_image", "average")
HEADS = ("image → text", "text → image", "average")

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


def header(metrics: Mapping[str, Any], name: str) -> str:
    """What was measured on what."""
    items = metrics["items"]
    labels = metrics["relevance"]
    held_out = f"{items['test']['images']:,} photos and {items['test']['texts']:,} texts of the test split"
    shown = ", ".join(plain(label) for label in labels[:4]) + (", …" if len(labels) > 4 else "")
    sentence = (
        f"Measured on {held_out}, which the model never trained on. Relevant: one of {len(labels)} labels in common "
        f"({shown}). Trained on {items['train']['images']:,} pictures; epoch {metrics['selection']['best_epoch']:d} "
        f"was picked on {plain(metrics['selection']['split'])}."
    )
    warning = metrics["selection"].get("warning")
    return (
        f'<section class="numbers"><h2>How good is <em>{html.escape(name)}</em>?</h2><p class="lead">{sentence}</p>'
        + (f'<p class="warning">Note: {html.escape(str(warning))}.</p>' if warning else "")
        + "</section>"
    )


def comparisons(metrics: Mapping[str, Any]) -> str:
    """A table for each definition of relevance: chance, linear probe, ALGCN and ALGCN without the GCN."""
    tables = "".join(_comparison(title, methods, chance, seeds) for title, methods, chance, seeds in _measured(metrics))
    return f'<div class="pair">{tables}</div>'


def _measured(metrics: Mapping[str, Any]) -> list[tuple[str, dict[str, Any], float, str]]:
    """Title, mean and spread by method, chance, and a note on seeds; of the comparison, else of this run alone."""
    if "baselines" in metrics:
        seeds = metrics["baselines"]["seeds"]
        note = f"{len(seeds)} seeds" if len(seeds) > 1 else "one seed"
        return [
            (f"{plain_title(name)} ({len(block['labels'])})", block["methods"], float(block["chance"]), note)
            for name, block in metrics["baselines"]["relevance"].items()
        ]
    runs = {"algcn": metrics["test"], "algcn_without_gcn": (metrics.get("without_gcn") or {}).get("test")}
    methods = {
        method: {measure: {"mean": run["map"][measure], "std": None} for measure in MEASURES}
        for method, run in runs.items()
        if run
    }
    return [
        (
            f"Labels that count ({len(metrics['relevance'])})",
            methods,
            float(metrics["test"]["map"]["chance"]),
            "one run",
        )
    ]


def _comparison(title: str, methods: Mapping[str, Any], chance: float, note: str) -> str:
    best = max(methods, key=lambda method: methods[method]["average"]["mean"])
    rows = [_row("chance", (None, None, (chance, None)), chance, False)]
    for method in ("linear_probe", "algcn_without_gcn", "algcn"):
        if method in methods:
            cells = tuple((float(methods[method][m]["mean"]), methods[method][m]["std"]) for m in MEASURES)
            rows.append(_row(method, cells, chance, method == best))
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    gcn = ""
    if {"algcn", "algcn_without_gcn"} <= set(methods):
        difference = methods["algcn"]["average"]["mean"] - methods["algcn_without_gcn"]["average"]["mean"]
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
        f'<tr class="{classes}"><th scope="row">{METHODS[method]}</th>{plain_cells}'
        f'<td class="average">{_value(average)}{bar}</td></tr>'
    )


def _value(cell: tuple[float, float | None] | None) -> str:
    if cell is None:
        return "<small>–</small>"
    value, spread = cell
    return f"{_decimal(value, 4)}" + ("" if spread is None else f" <small>± {_decimal(spread, 4)}</small>")


def tradeoff(weights: Iterable[Mapping[str, Any]], used: float) -> str:
    """The same numbers as the plot, as a table."""
    rows = "".join(
        f"<tr{' class=best' if tried['encoder_weight'] == used else ''}>"
        f'<th scope="row">{_weight(tried["encoder_weight"], used)}</th><td>{_decimal(tried["map"]["average"], 4)}</td>'
        f"<td>{_decimal(tried['recall']['text_to_image']['10'], 3)}</td>"
        f"<td>{_decimal(tried['recall']['image_to_text']['10'], 3)}</td></tr>"
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


def encoder(recall: Mapping[str, Any]) -> str:
    """The encoder's own recall on the splits that were held out, and chance."""
    rows, pictures = [], int(recall["test"]["pictures"])
    for split in ("validation", "test"):
        cells = "".join(
            f"<td>{_decimal(recall[split][direction][str(k)], 3)}</td>"
            for direction in ("text_to_image", "image_to_text")
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
        f'<tr class="method chance"><th scope="row">{METHODS["chance"]}</th>{chance}</tr>'
        "</tbody></table></div></section>"
    )


def reliability(part: Mapping[str, Any]) -> str:
    """Scores of the promises on one set of items."""
    rows = "".join(
        f'<tr><th scope="row">{title}</th><td>{_decimal(found["brier"], 3)} '
        f"<small>({_decimal(found['brier_of_base_rate'], 3)})</small></td><td>{_decimal(found['ece'], 3)}</td>"
        f"<td>{_decimal(found['first_10']['predicted'], 3)} → {_decimal(found['first_10']['observed'], 3)}</td></tr>"
        for direction, title in DIRECTIONS.items()
        if (found := part["directions"].get(direction))
    )
    return (
        f"<h3>{plain(part['name'])}</h3><p>{int(part['images']):,} pictures, {int(part['texts']):,} texts</p>"
        '<div class="scroll"><table><thead><tr><th></th><th scope="col">Brier</th><th scope="col">ECE</th>'
        f'<th scope="col">first ten, said → was</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


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
    escaped = html.escape(str(name)[:60])
    return escaped[:1].upper() + escaped[1:]


def _decimal(value: float, digits: int) -> str:
    """.8619, as tables of such numbers have it."""
    text = f"{float(value):.{digits}f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "−") + _decimal(abs(value), 4)

"""The Benchmark tab's tables and plots: the bundle's numbers, as they are; nothing from a bundle is markup."""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT

from algcn.evaluation import paper
from algcn.evaluation.ranking import BALANCED, Weights
from algcn.evaluation.record import OWN_RUN, Record
from algcn.evaluation.results import ALL_DIRECTIONS, QUESTIONS, Both
from app.benchmark import figures, tables
from app.tabs import benchmark

USED = Weights(common=1.0, labels=0.25, encoder=0.5)
HOSTILE = "<img src=x onerror=\"window.hacked='metrics'\"> ${window.hacked='template'}"


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    return json.loads((PROJECT / "weights" / "pocket" / "metrics.json").read_text(encoding="utf-8"))


@pytest.fixture
def metrics(shipped: dict[str, Any]) -> dict[str, Any]:
    """A copy that a test may change."""
    return copy.deepcopy(shipped)


@pytest.fixture
def record(shipped: dict[str, Any]) -> Record:
    return Record.from_json(shipped)


@pytest.fixture
def own_run(metrics: dict[str, Any]) -> Record:
    """What a visitor's own training writes: no comparison with baselines, and no second model."""
    for part in ("baselines", "without_gcn", "encoder", "other_modes"):
        del metrics[part]
    return Record.from_json(metrics)


class Tags(HTMLParser):
    """Every tag, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def rows(page: str) -> list[list[str]]:
    """The cells of every row of every table, as text."""
    found = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
    return [[Tags(cell).text for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in found]


def test_the_comparison_has_every_method_and_spread_of_the_metrics(metrics: dict[str, Any]) -> None:
    page = tables.comparisons(Record.from_json(metrics))
    assert Tags(page).tags.count("table") == 2
    for block in metrics["baselines"]["relevance"].values():
        average = block["methods"]["algcn"]["average"]
        text = f"{average['mean']:.4f}"[1:] + " ± " + f"{average['std']:.4f}"[1:]
        assert any(row[0] == "ALGCN" and row[3] == text for row in rows(page))
        assert any(row[0] == "Random ranking" and row[3] == f"{block['chance']:.4f}"[1:] for row in rows(page))
        probe = f"{block['methods']['linear_probe']['average']['mean']:.4f}"[1:]
        assert any(row[0] == "Linear probe" and row[3] == probe for row in rows(page)), "no spread: it has no seed"
    # The best of each table is marked by its average, whoever that is.
    best = [re.search(r"<th.*?>(.*?)</th>", row)[1] for row in re.findall(r'<tr class="[^"]*best".*?</tr>', page)]
    titles = {"algcn": "ALGCN", "algcn_without_gcn": "ALGCN without GCN", "linear_probe": "Linear probe"}
    blocks = [block["methods"] for block in metrics["baselines"]["relevance"].values()]
    means = [{name: method["average"]["mean"] for name, method in methods.items()} for methods in blocks]
    ranked = metrics["ranked_by_labels"]["test"]["map"]
    row = next(row for row in rows(page) if row[0] == "The model here, ranked by labels")
    assert row[1:] == [f"{ranked[measure]:.4f}"[1:] for measure in ("image_to_text", "text_to_image", "average")]
    assert ranked["average"] > max(means[0].values())
    assert best == ["The model here, ranked by labels", titles[max(means[1], key=means[1].__getitem__)]]
    for found in means:
        worth = f"{found['algcn'] - found['algcn_without_gcn']:+.4f}".replace("0.", ".").replace("-", "−")
        assert worth in page, "what the label graph is worth, with and without 'person'"


def test_a_run_of_ones_own_shows_what_it_has(own_run: Record) -> None:
    page = tables.comparisons(own_run)
    assert Tags(page).tags.count("table") == 1
    assert [row[0] for row in rows(page)] == ["", "Random ranking", "ALGCN"]
    assert "one run" in page and "label graph" not in page
    assert list(own_run.label_curves()) == [OWN_RUN]
    figure = figures.precision_recall(own_run.label_curves()[OWN_RUN].precision_recall, "image_to_text")
    assert [trace["name"] for trace in figure["data"]] == ["ALGCN", "Random ranking"]


def test_header(metrics: dict[str, Any]) -> None:
    text = Tags(tables.header(Record.from_json(metrics), "pocket")).text
    assert "pocket" in text and "2,701 photos" in text and "18 labels" in text and "epoch 12" in text
    assert "Note" not in text
    metrics["selection"]["warning"] = "picked ON THE TEST SET"
    assert "picked ON THE TEST SET" in tables.header(Record.from_json(metrics), "pocket")


def test_curves_start_high_and_end_at_the_random_ranking(record: Record) -> None:
    drawn = record.label_curves()
    assert list(drawn) == list(record.baselines.relevance)
    for curves in drawn.values():
        for direction in ("image_to_text", "text_to_image"):
            figure = figures.precision_recall(curves.precision_recall, direction)
            lines = {trace["name"]: trace["y"] for trace in figure["data"]}
            assert list(lines) == ["ALGCN", "ALGCN without GCN", "Linear probe", "Random ranking"]
            assert all(len(line) == 21 for line in lines.values())
            assert lines["ALGCN"][0] > lines["ALGCN"][-1]
            assert abs(lines["ALGCN"][-1] - lines["Random ranking"][-1]) < 0.1
            assert len({trace["line"]["dash"] for trace in figure["data"]}) == 4, "told apart without colour"


def test_label_bars_are_sorted_and_carry_the_other_methods(record: Record) -> None:
    per_label = record.label_curves()["annotated labels"].per_label
    figure = figures.label_bars(per_label, "text_to_image")
    bars, *marks = figure["data"]
    names = figure["layout"]["yaxis"]["ticktext"]
    assert bars["x"] == sorted(bars["x"]) and len(bars["x"]) == 18
    assert bars["x"][names.index("person")] == per_label["algcn"].text_to_image["person"]
    assert [trace["name"] for trace in marks] == ["ALGCN without GCN", "Linear probe"]
    assert marks[1]["x"][names.index("dog")] == per_label["linear_probe"].text_to_image["dog"]


def test_many_labels_and_labels_that_no_query_has() -> None:
    many = {f"label {number}": number / 100 for number in range(100)} | {"unseen": None}
    figure = figures.label_bars({"algcn": Both(many, {})}, "image_to_text")
    names = figure["layout"]["yaxis"]["ticktext"]
    assert len(names) == figures.MAX_LABELS and "unseen" not in names
    assert (names[0], names[-1]) == ("label 0", "label 99")


def test_the_tradeoff_marks_the_weight_in_use(record: Record) -> None:
    weights = record.ranking.weights
    figure = figures.ranking_tradeoff(weights, USED)
    (trace,) = figure["data"]
    assert [text for text in trace["text"] if "used" in text] == ["<b>labels 0.25, encoder 0.5, used</b>"]
    assert (trace["text"][0], trace["text"][-1]) == ("labels 4", "the encoder alone")
    assert sum(bool(text) for text in trace["text"]) == 3 and all(trace["hovertext"]), "names do not overlap"
    assert trace["x"] == sorted(trace["x"]), "from who finds the fewest partners to who finds the most"
    assert trace["y"][-1] == min(trace["y"]), "the encoder alone finds most of them, at the lowest mAP"
    table = rows(tables.tradeoff(weights, USED))
    assert table[1][0] == "the common space alone"
    used = next(point for point in weights if (point.labels_weight, point.encoder_weight) == (0.25, 0.5))
    shown = [f"{used.map.average:.4f}"[1:], f"{used.recall.text_to_image['10']:.3f}"[1:]]
    assert table[4][:3] == ["labels 0.25, encoder 0.5, used", *shown]


def test_weights_of_labels_are_named_beside_that_of_the_encoder(record: Record) -> None:
    first = record.ranking.weights[2]
    tried = (
        dataclasses.replace(first, labels_weight=0.25),
        dataclasses.replace(first, labels_weight=4.0, encoder_weight=0.0),
    )
    table = rows(tables.tradeoff(tried, BALANCED))
    assert [row[0] for row in table[1:]] == ["labels 0.25, encoder 0.5, used", "labels 4"]
    (trace,) = figures.ranking_tradeoff(tried, BALANCED)["data"]
    assert sorted(trace["text"]) == ["<b>labels 0.25, encoder 0.5, used</b>", "labels 4"]


def test_reliability_beside_its_scores(record: Record) -> None:
    parts = record.calibration.sets
    assert [part.name for part in parts] == ["test split", "Postcards"]
    for part in parts:
        figure = figures.reliability(part)
        diagonal, *lines = figure["data"]
        assert diagonal["x"] == diagonal["y"] == [0, 1]
        assert [line["name"] for line in lines] == [*ALL_DIRECTIONS.values(), "single names", "two names"]
        assert all(len(line["x"]) == 10 and line["x"] == sorted(line["x"]) for line in lines)
        found = part.directions["text_to_image"]
        row = next(row for row in rows(tables.reliability(part)) if row[0] == "text → image")
        assert row[2] == f"{found.ece:.3f}"[1:]
        assert row[3].endswith(f"{found.first_10.observed:.3f}".removeprefix("0"))
        asked = rows(tables.reliability(part))[-len(part.questions) :]
        assert [row[0] for row in asked] == [QUESTIONS[kind] for kind in part.questions] == list(QUESTIONS.values())
        assert asked[-1][2].endswith("→ .000"), "what matches nothing was never right"


def test_a_record_of_before_there_were_kinds_of_question_is_shown_as_it_was(shipped: dict[str, Any]) -> None:
    metrics = json.loads(json.dumps(shipped))
    for part in metrics["calibration"]["sets"]:
        del part["questions"]
    (part, *_) = Record.read(metrics).calibration.sets
    assert [line["name"] for line in figures.reliability(part)["data"][1:]] == list(ALL_DIRECTIONS.values())
    assert "Asked of the pictures" not in tables.reliability(part)


def test_the_encoders_recall_beside_chance(record: Record) -> None:
    assert tables.encoder(None) == ""
    table = rows(tables.encoder(record.encoder))
    assert table[-2][:4] == ["test", ".328", ".671", ".791"]
    assert table[-1][:4] == ["Random ranking", ".001", ".005", ".010"]


def test_the_papers_table_is_that_of_its_page() -> None:
    table = {row[0]: row[1:] for row in rows(tables.paper(""))}
    assert table["ALGCN"] == [".747", ".758", ".753", ".792", ".819", ".806"]
    assert table["DSCMR"] == [".706", ".739", ".722", ".752", ".799", ".775"]
    assert len(table) == 12
    for sets in paper.TABLE_1.values():  # printed to three digits, each average is that of its two directions
        for both in sets.values():
            assert abs(sum(both[:2]) / 2 - both[2]) < 0.0016 or both == (0.427, 0.361, 0.394)


def test_nothing_from_a_bundle_is_markup(metrics: dict[str, Any]) -> None:
    metrics["relevance"][0] = HOSTILE
    metrics["selection"] |= {"split": HOSTILE, "warning": HOSTILE}
    metrics["baselines"]["relevance"] = {HOSTILE: metrics["baselines"]["relevance"]["annotated labels"]}
    metrics["calibration"]["sets"][1]["name"] = HOSTILE
    metrics["log"][0]["losses"] = {HOSTILE: HOSTILE}
    metrics["test"]["per_label"]["image_to_text"] = {HOSTILE: 0.5}
    record = Record.read(metrics)
    assert len(record.problems) == 1
    pages = [
        tables.header(record, HOSTILE),
        tables.problems(record.problems),
        tables.comparisons(record),
        tables.reliability(record.calibration.sets[1]),
        tables.paper(HOSTILE),
    ]
    for page in pages:
        assert "img" not in Tags(page).tags and "<img" not in page
    per_label = {"algcn": record.test.per_label}
    names = figures.label_bars(per_label, "image_to_text")["layout"]["yaxis"]["ticktext"]
    assert "<" not in "".join(names)
    assert figures.plain("x" * 1000) == "x" * (figures.MAX_NAME - 1) + "…"


@pytest.mark.parametrize("damage", ["text", [], {}, 3, {"relevance": "text"}, {"map": {"average": "<b>"}}])
@pytest.mark.parametrize("name", ["relevance", "selection", "test", "baselines", "ranking", "calibration"])
def test_a_part_of_another_shape_is_one_sentence_and_the_others_stand(
    shipped: dict[str, Any], name: str, damage: Any
) -> None:
    if name == "relevance" and damage == []:
        damage = None  # no label decides relevance: nothing is wrong with that
    record = Record.read(shipped | {name: damage})
    page = benchmark._head(record, "mine")
    assert len(record.problems) == (damage is not None)
    assert page.count("Left out: metrics.json: ") == len(record.problems)
    assert all(f"Left out: metrics.json: {name}" in Tags(page).text for _ in record.problems)
    assert ("2,701 photos" in page) == (name not in ("relevance", "selection"))
    assert "<table" in page, "the run of its own, where the comparison is not understood"
    drawn = record.label_curves()
    first = next(iter(drawn))
    assert None not in benchmark._curves(drawn, first) and benchmark._bars(drawn, first, "image → text")


def test_nothing_to_show_breaks_nothing() -> None:
    assert benchmark._head(Record.read({}), "mine") == tables.EMPTY
    assert benchmark._head(Record.read({"tests": 1}), "mine") == tables.EMPTY
    assert "no numbers of its own" not in benchmark._head(Record.read({"test": 1}), "mine")
    assert benchmark._curves({}, None) == (None, None) and benchmark._bars({}, None, "sideways") is None
    assert figures.ranking_tradeoff((), USED) is None


def test_figures_are_plain_json(record: Record) -> None:
    drawn = record.label_curves()["annotated labels"]
    made = [
        figures.precision_recall(drawn.precision_recall, "image_to_text"),
        figures.label_bars(drawn.per_label, "image_to_text"),
        figures.ranking_tradeoff(record.ranking.weights, USED),
        figures.reliability(record.calibration.sets[0]),
    ]
    for figure in made:
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure
        assert set(figure) == {"data", "layout"}


def test_every_colour_of_the_style_sheet_is_one_of_the_page() -> None:
    own = (PROJECT / "assets" / "page" / "benchmark.css").read_text(encoding="utf-8")
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", re.sub(r"#[a-z][\w-]*", "", own))
    known = set(
        re.findall(r"--[\w-]+(?=:)", Path(PROJECT / "assets" / "page" / "style.css").read_text(encoding="utf-8"))
    )
    assert set(re.findall(r"var\((--[\w-]+)\)", own)) <= known | {"--value", "--chance"}

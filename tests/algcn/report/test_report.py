"""The report: its numbers are those of metrics.json, and nothing a bundle says is markup, a request or a traceback."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import re
import shlex
import shutil
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT

from algcn import baselines, train
from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import update_bundle
from algcn.evaluation import paper
from algcn.evaluation.record import Record
from algcn.kit.errors import run_command
from algcn.report import commands, content, figures, markdown, page, results
from algcn.report.__main__ import main, save
from algcn.report.document import Document, Row, Table, decimal, plain, signed
from algcn.report.subject import Subject

POCKET = PROJECT / "weights" / "pocket"
HOSTILE = "<img src=x onerror=alert(1)> | [a](http://b) `c` *d* ${e} \u202e"
SIZES = ("--common-dim", "16", "--epochs", "2", "--learning-rate", "1e-3", "--batch-size", "64")


class Tags(HTMLParser):
    """Every tag with its attributes, and the cells of every row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.in_cell:
            self.rows[-1][-1] += data

    def row(self, name: str) -> list[str]:
        """The cells after a name, of the first row that has it."""
        return next(row[1:] for row in self.rows if row[0] == name)


def subject(path: Path, number: int = 1) -> Subject:
    return Subject(str(path), Bundle.load(path), number)


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    return json.loads((POCKET / "metrics.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pocket() -> Subject:
    return subject(POCKET)


@pytest.fixture(scope="module")
def trained(make_features, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle from the training command, with a second model; copy it before changing it."""
    folder = tmp_path_factory.mktemp("report")
    make_features(240, validation=False).save(folder / "features.safetensors")
    train.main([str(folder / "features.safetensors"), *SIZES, "--compare-gcn", "--out", str(folder / "small")])
    return folder / "small"


@pytest.fixture
def small(trained: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "small"))


def rewrite(bundle: Path, **parts: Any) -> None:
    """Other parts of a bundle's metrics.json; None takes one away."""
    metrics = json.loads((bundle / "metrics.json").read_text(encoding="utf-8")) | parts
    update_bundle(bundle, metrics={name: part for name, part in metrics.items() if part is not None})


def html_of(*bundles: Path | str) -> str:
    return page.write(content.report([subject(path, n) for n, path in enumerate(bundles, start=1)]))


def markdown_of(*bundles: Path | str) -> str:
    return markdown.write(content.report([subject(path) for path in bundles]), "figures")


def test_the_numbers_of_the_shipped_bundle(shipped: dict[str, Any]) -> None:
    found = Tags(html_of(POCKET))
    for block in shipped["baselines"]["relevance"].values():
        for method, name in (("algcn", "ALGCN"), ("algcn_without_gcn", "ALGCN without GCN")):
            measured = [block["methods"][method][m] for m in results.MEASURES]
            expected = [f"{m['mean']:.4f} ± {m['std']:.4f}".replace("0.", ".") for m in measured]
            assert [name, *expected] in found.rows
        probe = [f"{block['methods']['linear_probe'][m]['mean']:.4f}"[1:] for m in results.MEASURES]
        assert ["Linear probe", *probe] in found.rows, "the probe has no spread: it has no seed"
        assert ["Chance", "", "", f"{block['chance']:.4f}"[1:]] in found.rows
    test = shipped["test"]["map"]
    assert found.row("test, by 18 labels, mode plus") == [f"{test[m]:.4f}"[1:] for m in (*results.MEASURES, "chance")]
    recall = shipped["test"]["recall"]["text_to_image"]
    assert found.row("test, text → image") == [f"{recall[k]:.3f}"[1:] for k in ("1", "5", "10")]
    assert found.row("train") == ["24,056", "24,641"]
    assert "3 seeds (103, 104, 105)" in found.text and "Epoch 12 of 12 was picked on validation" in found.text
    values = shipped["baselines"]["relevance"]["annotated labels"]["methods"]
    paired = [
        a - b for a, b in zip(*(values[m]["average"]["values"] for m in ("algcn", "algcn_without_gcn")), strict=True)
    ]
    assert f"changes the average by {results.signed(sum(paired) / 3)}" in found.text
    assert "trained on neither, so no row of the paper" in found.text and "paper: DSCMR" not in found.text


def test_both_formats_say_the_same() -> None:
    def bare(text: str) -> str:
        return re.sub(r"\s", "", text.replace("\\", "").replace("**", ""))

    in_html = [row for row in Tags(html_of(POCKET)).rows if any(row)]
    text = markdown_of(POCKET)
    in_markdown = {bare(line) for line in text.splitlines() if line.startswith("|")}
    assert len(in_html) > 100
    for row in in_html:
        assert bare(f"| {' | '.join(row)} |") in in_markdown or bare(f"|| {' | '.join(row[1:])} |") in in_markdown
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]
    assert min(widths) >= 3


def test_the_page_asks_nobody_for_anything(pocket: Subject) -> None:
    text = page.write(content.report([pocket]))
    found = Tags(text)
    assert not {"script", "link", "img", "iframe", "object", "a"} & {tag for tag, _ in found.tags}
    loads = [attrs for _, attrs in found.tags if {"src", "href", "xlink:href", "srcset", "style"} & set(attrs)]
    assert loads == [] and "url(" not in text and "@import" not in text
    assert set(re.findall(r"https?://[^\"' <]+", text)) == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert "default-src 'none'" in text


def test_what_a_bundle_says_is_words(small: Path, tmp_path: Path) -> None:
    metrics = json.loads((small / "metrics.json").read_text(encoding="utf-8"))
    selection = metrics["selection"] | {"split": HOSTILE, "measure": HOSTILE, "warning": HOSTILE}
    test = copy.deepcopy(metrics["test"])
    test["per_label"] = {way: {HOSTILE: 0.5} for way in test["per_label"]}
    rewrite(small, selection=selection, split_name=HOSTILE, relevance=[HOSTILE], test=test, label_embeddings=HOSTILE,
            without_gcn=None)  # fmt: skip
    named = small.rename(tmp_path / "<b>x|y")
    report = content.report([subject(named)])
    tags = [tag for tag, _ in Tags(page.write(report)).tags]
    assert "img" not in tags and "b" not in tags
    text = markdown.write(report, "figures")
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert "<img" not in outside.replace("\\<", "") and not re.search(r"(?<!\\)\]\(http", outside)
    assert "\\<img src=x" in text and "\u202e" not in text
    for line in outside.splitlines():
        if line.startswith("| ") and "onerror" in line:
            assert len(re.findall(r"(?<!\\)\|", line)) == 4, "no pipe of the name opens a cell"
    written = save(report, tmp_path / "out" / "report.md")
    assert len(written) > 3
    for path in written[1:]:
        assert re.fullmatch(r"[a-z0-9-]+\.svg", path.name)
        assert not list(ET.fromstring(path.read_text(encoding="utf-8")).iter("{http://www.w3.org/2000/svg}img"))


def test_a_bundle_without_numbers(tiny_bundle_dir: Path) -> None:
    text = Tags(html_of(tiny_bundle_dir)).text
    assert "has no metrics.json" in text and "does not say how it was trained" in text
    assert "holds no history.safetensors" in text
    assert "python -m algcn.evaluate" in text


def test_parts_that_are_missing_are_sentences(small: Path) -> None:
    text = Tags(html_of(small)).text
    assert "no comparison with baselines" in text and "a single run has no spread" in text
    rewrite(small, log=None, without_gcn=None)
    text = Tags(html_of(small)).text
    assert "no log of the epochs" in text and "precision" in text
    (small / "history.safetensors").unlink()
    config = json.loads((small / "config.json").read_text(encoding="utf-8"))
    del config["files"]["history.safetensors"]
    (small / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert "holds no history.safetensors" in Tags(html_of(small)).text


@pytest.mark.parametrize(
    "part", ["items", "relevance", "selection", "validation", "test", "log", "baselines", "ranking"]
)
@pytest.mark.parametrize("value", ["words", 3, [], {}, [{}], {"x": None}])
def test_numbers_that_are_not_understood(pocket: Subject, shipped: dict[str, Any], part: str, value: object) -> None:
    odd = Subject("odd", dataclasses.replace(pocket.bundle, metrics=shipped | {part: value}))
    text = Tags(page.write(content.report([odd, pocket]))).text
    assert "In plain words" in text and ".8819" in text, "the rest stands"
    nothing = {"items": {}, "relevance": [], "log": []}.get(part, "no such thing")
    assert len(odd.record.problems) == (value != nothing)
    for problem in odd.record.problems:
        assert problem.startswith(f"metrics.json: {part}") and f"Left out: {plain(problem)}" in text


@pytest.mark.parametrize("training", ["words", ["x"], {"mode": [], "seed": {}}, {"seed": None}])
def test_settings_that_are_not_understood(pocket: Subject, training: object) -> None:
    bundle = dataclasses.replace(pocket.bundle, config=pocket.bundle.config | {"training": training})
    text = page.write(content.report([Subject("odd", bundle), pocket]))
    assert "In plain words" in text and ".8819" in text


def test_several_bundles_stand_side_by_side(small: Path, shipped: dict[str, Any], tmp_path: Path) -> None:
    other = Path(shutil.copytree(small, tmp_path / "other" / "small"))
    text = html_of(POCKET, small, other)
    found = Tags(text)
    own = json.loads((small / "metrics.json").read_text(encoding="utf-8"))["test"]
    assert found.row("pocket")[:3] == [".8609", ".6085", "–"], "the seeds are those of mode paper"
    assert found.row("small")[:2] == [f"{own['map'][key]:.4f}"[1:] for key in ("average", "chance")]
    written = save(content.report([subject(p, n) for n, p in enumerate((small, other), 1)]), tmp_path / "r.md")
    assert len({path.name for path in written}) == len(written), "bundles of one name share no figure"
    linked = re.findall(r"\]\((r_figures/[^)]+)\)", written[0].read_text(encoding="utf-8"))
    assert {(tmp_path / name) for name in linked} == set(written[1:])


def test_selection_on_the_test_set_is_said(make_features, tmp_path: Path) -> None:
    make_features(120, validation=False).save(tmp_path / "f.safetensors")
    train.main([str(tmp_path / "f.safetensors"), *SIZES, "--select", "test", "--no-gcn", "--out", str(tmp_path / "b")])
    found = Tags(html_of(tmp_path / "b"))
    assert "ON THE TEST SET" in found.text and any(attrs.get("class") == "warning" for _, attrs in found.tags)
    assert "no graph convolution" in found.text and "learns no change of a label graph" in found.text
    assert "--select test" in found.text and "--no-gcn" in found.text


def test_the_commands_are_those_of_the_run(
    small: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = subject(small)
    line, beyond = commands.train(opened.training, opened.record, opened.bundle.model.config, opened.bundle.label_set)
    words = shlex.split(line)
    given = dict(itertools.pairwise(words))
    assert given["--epochs"] == "2" and given["--batch-size"] == "64" and given["--common-dim"] == "16"
    assert float(given["--learning-rate"]) == 1e-3 and "--compare-gcn" in words and beyond == []
    assert "--relevance-labels" not in words  # the annotated ones, as by default
    places = {"FEATURES": str(trained.parent / "features.safetensors"), "NEW_BUNDLE": str(tmp_path / "again")}
    train.main([places.get(word, word) for word in words[3:]])
    again = subject(tmp_path / "again")
    for split in ("validation", "test"):
        assert again.record.of(split).map.to_json() == pytest.approx(opened.record.of(split).map.to_json(), abs=1e-6)
    capsys.readouterr()
    with pytest.raises(SystemExit):
        train.main(["--help"])
    known = capsys.readouterr().out
    assert all(word in known for word in words if word.startswith("--"))
    for setting in commands.TRAIN_FLAGS:
        assert f"--{setting.replace('_', '-')}" in known


def test_the_command_of_the_comparison_makes_it_again(small: Path, trained: Path) -> None:
    features = trained.parent / "features.safetensors"
    given = ["--epochs", "1", "--seeds", "1", "2", "--common-dim", "16", "--without", "dog"]
    baselines.main([str(features), *given, "--out", str(small)])
    opened = subject(small)
    before = opened.record.baselines
    line, beyond = commands.baselines(str(small), before, opened.bundle.model.config)
    assert beyond == []
    baselines.main([str(features) if word == "FEATURES" else word for word in shlex.split(line)[3:]])
    after = subject(small).record.baselines
    assert after.relevance.keys() == before.relevance.keys() and len(after.relevance) == 2
    for name, block in after.relevance.items():
        mine = before.relevance[name].methods["algcn"].primary.mean
        assert block.methods["algcn"].primary.mean == pytest.approx(mine, abs=1e-6)


@pytest.mark.parametrize("mode", ["plus", "both"])
def test_the_command_of_mode_plus_makes_its_model_again(trained: Path, tmp_path: Path, mode: str) -> None:
    features = str(trained.parent / "features.safetensors")
    given = ["--mode", mode, *SIZES, "--incomplete-labels", "0.5"] + (["--compare-gcn"] if mode == "both" else [])
    train.main([features, *given, "--out", str(tmp_path / "b")])
    opened = subject(tmp_path / "b")
    bundle = opened.bundle
    line, beyond = commands.train(
        opened.training,
        opened.record,
        bundle.model.config,
        bundle.label_set,
        opened.paper_training,
        bundle.paper_model.config,
    )
    assert beyond == [] and f"--mode {mode}" in line and "--incomplete-labels 0.5" in line and "--no-gcn" not in line
    assert ("--preset" in line) == ("--compare-gcn" in line) == (mode == "both")
    places = {"FEATURES": features, "NEW_BUNDLE": str(tmp_path / "again")}
    train.main([places.get(word, word) for word in shlex.split(line)[3:]])
    assert subject(tmp_path / "again").bundle.fingerprint == bundle.fingerprint
    text = Tags(html_of(tmp_path / "b")).text
    assert "mode plus (free classifiers, a loss of its own)" in text and "Training (mode plus)" in text
    assert ("Training of the model of mode paper beside it" in text) == (mode == "both")


def test_settings_without_a_flag_are_named(pocket: Subject) -> None:
    training = dict(pocket.paper_training) | {"betas": [0.9, 0.99], "invariance_weight": 0.0}
    line, beyond = commands.train(training, Record(), pocket.bundle.paper_model.config, pocket.bundle.label_set)
    assert beyond == ["betas"] and "--no-invariance" in line
    assert commands.prepare("nus-wide 2100-query seed 7") == [
        "python -m algcn.datasets nus-wide --root DIR --out PHOTOS --split 2100-query --seed 7"
    ]
    assert commands.prepare("") == commands.prepare("my own; rm -r") == []


def test_ablations_are_tables_of_their_own(pocket: Subject, shipped: dict[str, Any]) -> None:
    part = copy.deepcopy(shipped["baselines"])
    for block in part["relevance"].values():
        block["methods"] = {"algcn": block["methods"]["algcn"], "without <x>": block["methods"]["algcn"]}
    bundle = dataclasses.replace(pocket.bundle, metrics=shipped | {"ablations": part})
    found = Tags(page.write(content.report([Subject("odd", bundle)])))
    assert found.row("without <x>") == [".8801 ± .0006", ".8836 ± .0005", ".8819 ± .0005"]


def test_the_papers_row_comes_with_its_caveats(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "dataset_of", lambda *_: "mirflickr")
    found = Tags(html_of(small))
    assert found.row("paper: ALGCN") == [".792", ".819", ".806"] and found.row("paper: CFA")[2] == ".564"
    own = json.loads((small / "metrics.json").read_text(encoding="utf-8"))["test"]["map"]
    assert found.row("this bundle, one run")[2] == f"{own['average']:.3f}"[1:]
    for words in ("No like-for-like", "picks its epoch on the test set", "VGG-19", "48 test images", "not published"):
        assert words in found.text
    assert "an origin that the bundle does not name (16 wide)" in found.text


def test_where_the_features_are_from_travels_with_the_numbers(small: Path) -> None:
    said = {"image": {"source": "vgg19 fc7", "width": 16}, "text": {"source": "bag of words", "width": 12}}
    rewrite(small, features=said)
    assert "vgg19 fc7 (16 wide) and bag of words (12 wide)" in Tags(html_of(small)).text


def test_an_encoder_that_reads_pictures_only(pocket: Subject, shipped: dict[str, Any]) -> None:
    metrics = shipped | {
        "features": {"image": {"source": "encoder", "width": 512}, "text": {"source": "bag of words", "width": 512}},
        "prior_labels": {"file": "rows.mat", "rows": 1234},
    }
    bundle = dataclasses.replace(pocket.bundle, encodes=frozenset({"image"}), metrics=metrics)
    text = Tags(page.write(content.report([Subject("odd", bundle)]))).text
    assert "the image tower of the bundle's encoder (512 wide) and bag of words (512 wide)" in text
    assert "counted from the 1,234 label rows of rows.mat" in text and "--prior-labels rows.mat" in text


def test_the_chance_of_recall() -> None:
    assert results.recall_chance(100, 100, "text_to_image", 10) == pytest.approx(0.1)
    # One of 2 texts among 6 in the first 2: 1 - C(4, 2) / C(6, 2).
    assert results.recall_chance(3, 6, "image_to_text", 2) == pytest.approx(1 - 6 / 15)
    assert results.recall_chance(3, 6, "text_to_image", 10) == pytest.approx(1.0)


def test_figures_of_odd_numbers() -> None:
    flat = [figures.Line("flat & <b>", "part", [1.0], [2.0])]
    for svg in (
        figures.small_multiples("t", flat),
        figures.line_chart("t", flat, ("epoch", "mAP"), (1.0, 1.0), figures.padded([2.0]), (1.0, "taken")),
        figures.bars("t", [], [], {}),
        figures.bars("t", ["a" * 99], [2.0], {"linear_probe": ("probe", [None])}),
    ):
        ET.fromstring(svg)
        assert "nan" not in svg and "inf" not in svg
        ET.fromstring(figures.standalone(svg))


def test_how_numbers_and_words_are_written() -> None:
    assert [decimal(x) for x in (0.88194, 1.0, -0.002, None, float("nan"))] == [".8819", "1.0000", "−.0020", "–", "–"]
    assert signed(0.5, 2) == "+.50" and signed(-0.5, 2) == "−.50" and decimal(10.5, 1) == "10.5"
    assert plain("a\nb\u202ec\x00") == "a b c"
    table = Table("t|", ("h|",), (Row("a|b", ("c|d",), "best"),))
    text = markdown._table(table)
    assert "| **a\\|b** | **c\\|d** |" in text and "**t\\|.**" in text


@pytest.mark.parametrize("out", ["report.html", "report.md"])
def test_the_command(out: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(main, [str(trained), "--out", str(tmp_path / "deep" / out)]) == 0
    assert (tmp_path / "deep" / out).read_text(encoding="utf-8")
    assert not list((tmp_path / "deep").rglob("*.part")) and "1 bundle" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("bundle", "out", "message"),
    [
        ("nowhere", "r.html", "There is no bundle at"),
        ("empty", "r.html", "is no bundle"),
        ("good", "r.pdf", "use .html or .md"),
        ("good", "folder.html", "is a folder"),
        ("good", "file/r.html", "cannot be written"),
        ("good", "file/r.md", "cannot be written"),
        ("damaged", "r.html", "metrics.json is damaged"),
    ],
)
def test_errors_are_one_sentence(
    bundle: str, out: str, message: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    if bundle == "damaged":
        (small / "metrics.json").write_text("{}", encoding="utf-8")
    reference = small if bundle in ("good", "damaged") else tmp_path / bundle
    assert run_command(main, [str(reference), "--out", str(tmp_path / out)]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and "Traceback" not in said


def test_an_empty_document_is_still_a_page() -> None:
    assert Tags(page.write(Document("t <", "l", ()))).text.count("t <") == 2


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_it_fits_the_screen(browser, width: int, dark: bool, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_of(POCKET, POCKET), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light")
    tab = context.new_page()
    asked, complaints = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.goto(path.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert asked == [path.as_uri()] and complaints == []
    context.close()

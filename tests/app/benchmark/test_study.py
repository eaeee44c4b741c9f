"""The study in the Benchmark tab: all that the document says, folded, escaped; without the document nothing."""

from __future__ import annotations

import dataclasses
import html
import json
import re
from pathlib import Path

import pytest
from study_cells import every_cell, settings

from algcn.study import tables
from algcn.study.document import BARS, Figure, Findings, Row, Section, Series, Table
from app.benchmark import study, study_figures

HOSTILE = "<img src=x onerror=\"window.hacked='study'\">"


@pytest.fixture(scope="module")
def findings() -> Findings:
    return tables.findings(every_cell(settings()), settings())


def rendered(findings: Findings, folder: Path) -> str:
    findings.write(folder / "study.json")
    return study.study(folder / "study.json")


def test_every_table_and_figure_is_on_the_page(findings: Findings, tmp_path: Path) -> None:
    page = rendered(findings, tmp_path)
    assert page.count("<details") == page.count("<button") == len(findings.sections)
    assert page.count("<table>") == len(findings.tables())
    assert "METHOD.md" in page and findings.lead in html.unescape(page)
    cells = [html.unescape(cell) for cell in re.findall(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", page, re.DOTALL)]
    expected = [
        text
        for table in findings.tables().values()
        for line in (table.heads, *(row.cells for row in table.rows))
        for text in line
    ]
    assert cells == expected
    drawn = [json.loads(html.unescape(text)) for text in re.findall(r'data-figure="(.*?)"', page)]
    assert drawn == [study_figures.figure(made) for section in findings.sections for made in section.figures]
    assert page.count('<tr class="best">') == sum(
        row.best for table in findings.tables().values() for row in table.rows
    )


def test_what_is_not_measured_is_said(tmp_path: Path) -> None:
    page = rendered(tables.findings({}, settings()), tmp_path)
    assert page.count("not measured yet") == page.count("Not measured yet.") == page.count("<details")
    assert "<table" not in page and "data-figure" not in page


def test_without_the_file_the_tab_is_as_it_was(tmp_path: Path) -> None:
    assert study.study(tmp_path / "study.json") == ""


def test_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text("{")
    assert "Left out: The file study.json is not the document of a study" in study.study(tmp_path / "study.json")


def test_the_shipped_study_can_be_read() -> None:
    found = Findings.read(study.FILE)
    assert {"coco main", "mirflickr main"} <= set(found.tables())
    assert "<details" in study.study()


def test_nothing_in_the_document_is_markup(tmp_path: Path) -> None:
    figure = Figure(HOSTILE, BARS, HOSTILE, HOSTILE, (HOSTILE,), (Series(HOSTILE, (0.5,), (None,)),), (0.1,))
    table = Table(HOSTILE, HOSTILE, (HOSTILE,), (Row((HOSTILE,)),))
    section = Section("x", HOSTILE, HOSTILE, (HOSTILE,), (table,), (figure, dataclasses.replace(figure, kind="lines")))
    page = rendered(Findings(HOSTILE, (section,)), tmp_path)
    assert "<img" not in page
    for text in re.findall(r'data-figure="(.*?)"', page):
        drawn = json.loads(html.unescape(text))
        shown = [trace["name"] for trace in drawn["data"]] + drawn["layout"]["yaxis"].get("ticktext", [])
        shown += [drawn["layout"][axis].get("title", {}).get("text", "") for axis in ("xaxis", "yaxis")]
        assert not any("<img" in name for name in shown)


def test_bars_start_at_chance_and_lines_have_errors() -> None:
    series = (Series("a", (0.5, None), (0.01, None)), Series("b", (0.4, 0.7), (None, None)))
    bars = study_figures.figure(Figure("t", BARS, "", "mAP", ("one", "two"), series, (0.3, 0.3)))
    first, second, chance = bars["data"]
    assert first["base"] == 0.3 and first["x"] == [pytest.approx(0.2), None]
    assert first["customdata"] == ["0.5000", None] and first["error_x"]["array"] == [0.01, 0]
    assert first["error_x"]["visible"] and not second["error_x"]["visible"]
    assert chance["x"] == [0.3, 0.3] and chance["name"] == "Random ranking"
    assert bars["layout"]["xaxis"]["range"][0] < 0.3 < 0.7 < bars["layout"]["xaxis"]["range"][1]
    lines = study_figures.figure(Figure("t", "lines", "share", "mAP", ("1 %", "5 %"), series, (0.3, 0.2)))
    assert [trace["name"] for trace in lines["data"]] == ["a", "b", "Random ranking"]
    assert lines["data"][0]["y"] == [0.5, None] and lines["data"][2]["y"] == [0.3, 0.2]
    assert len({(trace["line"]["color"], trace["line"]["dash"]) for trace in lines["data"]}) == 3
    without = study_figures.figure(Figure("t", BARS, "", "difference", ("one", "two"), series))
    assert without["data"][0]["base"] == 0 and len(without["data"]) == 2 and without["layout"]["xaxis"]["zeroline"]

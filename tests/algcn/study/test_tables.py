"""The study's document: numbers are those of the measurements, and what is missing is said, never padded."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from study_cells import SEEDS, Cells, every_cell, settings, write_cells

from algcn.kit.errors import InputError
from algcn.study import markdown, tables
from algcn.study.document import Findings, Table
from algcn.study.measured import gathered
from algcn.study.statistics import Mean, change, common_seeds, paired

STUDY = settings()
NAMES = ["main", "paired", "ablations", "few", "missing", "flipped", "known", "new", "rare", "truth", "peers"]


@pytest.fixture
def cells() -> Cells:
    """A whole study, which a test may change."""
    return every_cell(STUDY)


def row(table: Table, *start: str) -> tuple[str, ...]:
    (found,) = [row.cells for row in table.rows if row.cells[: len(start)] == start]
    return found


def short(value: float, digits: int = 4) -> str:
    return f"{value:.{digits}f}".removeprefix("0")


def test_a_whole_study_has_every_section_and_no_gap(cells: Cells) -> None:
    found = tables.findings(cells, STUDY)
    assert [section.name for section in found.sections] == NAMES
    assert all(section.gaps == () and section.tables for section in found.sections)
    assert all("Five seeds" in section.sentence for section in found.sections)
    assert "Not shown" not in found.lead and "not shown" not in found.lead
    assert not any("seeds)" in cell for table in found.tables().values() for row in table.rows for cell in row.cells)


def test_chance_and_recall_stand_beside_every_map(cells: Cells) -> None:
    for table in tables.findings(cells, STUDY).tables().values():
        for place, head in enumerate(table.heads):
            if head.removeprefix("unseen: ") == "mAP" and not table.name.endswith(("paired", "paired unseen")):
                assert table.heads[place + 2] == "R@10"
                assert table.rows[0].cells[place : place + 3] == (".3000", ".1000", "")
                assert "random ranking" in table.rows[0].cells


def test_the_main_table_has_means_and_standard_errors(cells: Cells) -> None:
    table = tables.findings(cells, STUDY).tables()["sea main"]
    runs = [cell["rule"] for cell in cells["sea", "main"] if cell["method"] == "plus"]
    expected = []
    for split, (measure, digits) in itertools.product(("test", "unseen"), (("all", 4), ("rest", 4), ("recall", 3))):
        values = [run[split]["recall_at_10"] if measure == "recall" else run[split]["map"][measure] for run in runs]
        expected.append(f"{short(np.mean(values), digits)} ± {short(stats.sem(values), digits)}")
    assert row(table, "mode plus, rule")[1:] == tuple(expected)
    assert "±" not in "".join(row(table, "linear probe, rule")), "nothing is drawn there"
    ours = {line.cells[0]: line.cells[4].split(" ")[0] for line in table.rows[1:]}
    (best,) = [line.cells[0] for line in table.rows if line.best]
    assert ours[best] == max(ours.values()), "by mAP on the photos that nobody had looked at"


def test_differences_are_paired_by_seed(cells: Cells) -> None:
    def aps(method: str, ranking: str, seeds: tuple[int, ...] = SEEDS) -> list[list[float | None]]:
        found = {
            cell["seed"]: cell[ranking]["unseen"]["per_image"]["rest"]
            for cell in cells["sea", "main"]
            if cell["method"] == method
        }
        return [found[seed] for seed in seeds]

    table = tables.findings(cells, STUDY).tables()["sea paired unseen"]
    told = row(table, "mode plus (rule) over ALGCN, mode paper (rule)")[2]
    expected = paired(aps("plus", "rule"), aps("paper", "rule"))
    assert short(abs(expected.difference)) in told and "items p" in told and "seeds p" in told
    cells["sea", "main"] = [cell for cell in cells["sea", "main"] if (cell["method"], cell["seed"]) != ("paper", 103)]
    cells["sea", "main"].reverse()
    table = tables.findings(cells, STUDY).tables()["sea paired unseen"]
    told = row(table, "mode plus (rule) over ALGCN, mode paper (rule) (4 of 5 seeds)")[2]
    expected = paired(aps("plus", "rule", SEEDS[1:]), aps("paper", "rule", SEEDS[1:]))
    assert short(abs(expected.difference)) in told
    assert short(abs(expected.low)) in told and short(abs(expected.high)) in told


def test_what_is_missing_is_said(cells: Cells) -> None:
    cells["sea", "main"] = [
        cell for cell in cells["sea", "main"] if cell["method"] != "paper-without-gcn" or cell["seed"] in SEEDS[:3]
    ]
    cells["sea", "few"] = [cell for cell in cells["sea", "few"] if cell["method"] == "probe"]
    del cells["sea-2", "known"], cells["sea", "rare"], cells["sea-2", "rare"], cells["sea-2", "peers"]
    found = tables.findings(cells, STUDY)
    sections = {section.name: section for section in found.sections}
    assert list(sections) == NAMES
    incomplete = "Incomplete on Sea, 18 labels: 15 of 17 measurements (mode paper without the GCN, 3 of 5 seeds)."
    assert sections["main"].gaps == sections["paired"].gaps == (incomplete,)
    assert row(found.tables()["sea main"], "mode paper without the GCN, rule (3 of 5 seeds)")
    assert row(found.tables()["sea-2 main"], "mode paper without the GCN, rule")
    (gap,) = sections["few"].gaps
    assert gap.startswith("Incomplete on Sea, 18 labels: 15 of 60 measurements (1 % labelled: ALGCN, mode paper, 0 of")
    assert gap.endswith("0 of 5 seeds; and 3 more).")
    few = [line.cells[0] for line in found.tables()["sea few"].rows]
    assert [name for name in few if name.startswith("1 % labelled")] == ["1 % labelled: linear probe"]
    assert sections["known"].gaps == ("Not measured yet on Sea, 2 labels.",)
    assert sections["rare"].gaps == ("Not measured yet.",) and sections["rare"].tables == ()
    assert sections["peers"].gaps == ("Not measured yet on Sea, 2 labels.",)


def test_nothing_at_all_is_a_document_too(tmp_path: Path) -> None:
    found = tables.findings({}, STUDY)
    assert [section.name for section in found.sections] == NAMES
    assert all(section.gaps == ("Not measured yet.",) and not section.tables for section in found.sections)
    found.write(tmp_path / "tables.json")
    assert Findings.read(tmp_path / "tables.json") == found


def test_one_seed_has_no_error_and_no_test_over_seeds() -> None:
    one = settings(seeds=(103,))
    found = tables.findings(every_cell(one), one)
    assert all("One seed" in section.sentence and section.gaps == () for section in found.sections)
    for name, table in found.tables().items():
        if not name.endswith("new"):  # there it is over labels
            assert not any("±" in cell or "seeds p" in cell for line in table.rows for cell in line.cells), name
    for section in found.sections:
        assert all(error is None for made in section.figures for line in made.series for error in line.error)


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_a_measurement_without_a_value_is_counted_as_missing(
    cells: Cells, nothing: float | None, tmp_path: Path
) -> None:
    for cell in cells["sea", "main"]:
        if cell["method"] == "plus" and cell["seed"] == 104:
            cell["rule"]["test"]["map"]["all"] = nothing
        if cell["method"] == "paper":
            cell["cosine"]["unseen"]["map"]["rest"] = nothing
    for cell in cells["sea", "known"]:
        cell["1"]["learned"]["ap"] = cell["2"]["none"]["chance_of_hit"] = nothing
    found = tables.findings(cells, STUDY)
    runs = [cell["rule"]["test"]["map"]["all"] for cell in cells["sea", "main"] if cell["method"] == "plus"]
    known = [value for value in runs if value is not None and value == value]
    told = row(found.tables()["sea main"], "mode plus, rule (4 of 5 seeds)")[1]
    assert told == f"{short(np.mean(known))} ± {short(stats.sem(known))}"
    assert row(found.tables()["sea main"], "ALGCN, mode paper, cosine (0 of 5 seeds)")[5] == "–"
    assert found.tables()["sea known"].rows[0].cells[3] == "–"
    known_figures = next(section for section in found.sections if section.name == "known").figures
    assert known_figures[0].series[2].y[0] is None and known_figures[1].chance == ()
    found.write(tmp_path / "tables.json")  # strict JSON
    assert "NaN" not in (tmp_path / "tables.json").read_text(encoding="utf-8")
    assert "nan" not in markdown.page(found).lower().split()


def test_other_seeds_and_collections_are_named_and_not_mixed_in(cells: Cells) -> None:
    before = tables.findings(cells, STUDY)
    cells["sea", "known"].append({**cells["sea", "known"][0], "seed": 7})
    cells["lake", "known"] = cells["sea", "known"][:2]
    found = tables.findings(cells, STUDY)
    assert "Not shown: known on lake (2)." in found.lead
    assert "Measurements with other seeds are not shown: 7." in found.lead
    assert found.sections == before.sections


def test_methods_that_were_measured_on_other_items_are_not_compared(cells: Cells) -> None:
    cells["sea", "main"][-1]["rule"]["test"]["per_image"]["all"].pop()
    with pytest.raises(InputError, match="on different items"):
        tables.findings(cells, STUDY)


def test_damaged_labels_are_drawn_beside_whole_ones(cells: Cells) -> None:
    few, missing = (
        next(part for part in tables.findings(cells, STUDY).sections if part.name == name)
        for name in ("few", "missing")
    )
    assert few.figures[0].x == ("1 %", "5 %", "10 %", "undamaged")
    assert missing.figures[0].x == ("undamaged", "30 %", "60 %", "80 %")
    assert few.figures[0].chance == (0.3,) * 4 and few.figures[1].chance == (0.1,) * 4
    imputed = missing.figures[0].series[-1]
    assert imputed.name == "mode plus, imputed with the graph"
    assert imputed.y[0] is None and None not in imputed.y[1:], "whole labels are not imputed"
    assert sum(line.best for line in few.tables[0].rows) == 4, "one for each share"


def test_new_labels_are_compared_label_by_label(cells: Cells) -> None:
    table = tables.findings(cells, STUDY).tables()["sea new"]
    means = {
        label: np.mean([cell["names"]["ap"] for cell in cells["sea", "new"] if cell["label"] == label])
        for label in ("boat", "dog", "sea")
    }
    differences = [value - 0.5 for value in means.values()]
    told = row(table, "with the graph of similar names")
    assert told[1:3] == (
        short(np.mean(list(means.values()))),
        f"+{short(np.mean(differences))} ± {short(stats.sem(differences))}",
    )
    assert told[3] == "3 / 0" and told[4] == f"p = {short(stats.wilcoxon(differences).pvalue, 3)}"
    assert row(table, "random order")[1] == ".1000"


def test_the_folder_is_read_whichever_run_wrote_it(tmp_path: Path) -> None:
    write_cells(tmp_path / "cells", STUDY)
    tables.write(tmp_path, STUDY)
    found = Findings.read(tmp_path / "tables.json")
    assert found == tables.findings(every_cell(STUDY), STUDY)
    page = (tmp_path / "study.md").read_text(encoding="utf-8")
    assert all(f"<!-- study: {name} -->\n{markdown.table(table)}\n" in page for name, table in found.tables().items())
    first = (tmp_path / "tables.json").read_bytes()
    tables.write(tmp_path, STUDY)
    assert (tmp_path / "tables.json").read_bytes() == first


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    name = "sea-2-main-method=paper-without-gcn-seed=103"
    (tmp_path / f"{name}-0123abcd.json").write_text("{}")
    assert list(gathered(tmp_path)) == [("sea-2", "main")]
    (tmp_path / f"{name}-0123abce.json").write_text("{}")
    with pytest.raises(InputError, match="on different data; delete one"):
        gathered(tmp_path)
    (tmp_path / f"{name}-0123abce.json").rename(tmp_path / "sea-known-seed=1-0123abce.json")
    (tmp_path / "sea-known-seed=1-0123abce.json").write_text("{")
    with pytest.raises(InputError, match="is damaged; delete it"):
        gathered(tmp_path)
    (tmp_path / "sea-known-seed=1-0123abce.json").rename(tmp_path / "notes.json")
    with pytest.raises(InputError, match="is no measurement"):
        gathered(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: value.pop("sections"),
        lambda value: value.update(more=1),
        lambda value: value["sections"][0].update(title=None),
        lambda value: value["sections"][0]["tables"][0]["rows"][0]["cells"].pop(),
        lambda value: value["sections"][0]["tables"][0].update(name=value["sections"][0]["tables"][1]["name"]),
        lambda value: value["sections"][0]["figures"][0].update(kind="pie"),
        lambda value: value["sections"][0]["figures"][0]["series"][0]["y"].append(0.5),
        lambda value: value["sections"][0]["figures"][0].update(chance=[True] * 5),
        lambda value: value["sections"][0]["figures"][0]["series"][0]["y"].__setitem__(0, "0.5"),
    ],
)
def test_a_damaged_document_is_a_sentence(cells: Cells, tmp_path: Path, damage) -> None:
    path = tmp_path / "tables.json"
    tables.findings(cells, STUDY).write(path)
    value = json.loads(path.read_text(encoding="utf-8"))
    damage(value)
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(InputError, match=r"tables.json is not the document of a study \("):
        Findings.read(path)


def test_seeds_are_paired_with_runs_that_have_none() -> None:
    assert common_seeds([1, 2, 3], [3, 1]) == [(1, 1), (3, 3)]
    assert common_seeds([1, 2], [None]) == [(1, None), (2, None)]
    assert common_seeds([None], [2, 1]) == [(None, 1), (None, 2)]
    assert common_seeds([None], [None]) == [(None, None)]
    found = change({1: 0.5, 2: 0.7, 3: None}, {1: 0.4, 2: 0.5, 3: 0.1})
    assert found.mean == pytest.approx((0.15, 0.05))
    assert found.p == pytest.approx(stats.ttest_rel([0.5, 0.7], [0.4, 0.5]).pvalue)
    assert Mean.of([None, math.nan, 0.5])[0] == 0.5 and math.isnan(Mean.of([]).value)
    assert math.isnan(paired([[None]], [[0.5]]).difference)

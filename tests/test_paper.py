"""The paper's table, and which bundles its rows may stand beside."""

from __future__ import annotations

from algcn import paper
from algcn.datasets import mirflickr


def test_its_rows_stand_beside_its_own_data_only() -> None:
    assert paper.dataset_of("mirflickr 2000-query seed 103", mirflickr.NAMES) == "mirflickr"
    assert paper.dataset_of("", mirflickr.NAMES[::-1]) == "mirflickr"
    assert paper.dataset_of("mirflickr-subset 500-query-290-validation seed 103", mirflickr.NAMES) == "mirflickr"
    assert paper.dataset_of("nus-wide 2100-query seed 103", [f"c{n}" for n in range(21)]) == "nus-wide"
    assert paper.dataset_of("nus-wide 2100-query seed 103", [f"c{n}" for n in range(10)]) is None
    assert paper.dataset_of("ms-coco official", [f"c{n}" for n in range(80)]) is None
    assert paper.dataset_of("ms-coco official", mirflickr.NAMES) is None
    assert paper.dataset_of("", ["dog"]) is None


def test_every_method_has_both_data_sets() -> None:
    assert len(paper.TABLE_1) == 11 and paper.TABLE_1[paper.METHOD]["mirflickr"] == (0.792, 0.819, 0.806)
    assert all(set(sets) == set(paper.DATASETS) == set(paper.LABELS) for sets in paper.TABLE_1.values())

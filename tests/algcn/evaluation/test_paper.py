"""The paper's table, and which bundles its rows may stand beside."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import PROJECT

from algcn import train
from algcn.bundles.bundle import Bundle
from algcn.datasets import mirflickr
from algcn.datasets.features import Features
from algcn.evaluation import paper
from algcn.features.bag_of_words import BagOfWords
from algcn.features.vgg import VGG19
from algcn.method.labels import LabelSet
from algcn.report import content, markdown
from algcn.report.subject import Subject
from app.tabs import benchmark

CONCEPTS = [f"concept {number}" for number in range(21)]
SIZES = ("--common-dim", "16", "--epochs", "1", "--batch-size", "64")


def trained(make_features: Callable[..., Features], folder: Path, split_name: str, names: list[str]) -> Bundle:
    """A bundle from `algcn.train` on what `algcn.extract` writes of the paper's features."""
    made = make_features(240, validation=False)
    features = dataclasses.replace(
        made,
        labels=torch.eye(len(names), dtype=torch.uint8)[torch.arange(240) % len(names)],
        label_set=LabelSet(names),
        encoder={"image": VGG19.name, "text": BagOfWords.name, "fingerprint": "of both"},
        split_name=split_name,
    )
    features.save(folder / "features.safetensors")
    train.main([str(folder / "features.safetensors"), "--preset", "mirflickr", *SIZES, "--out", str(folder / "made")])
    return Bundle.load(folder / "made")


def compared(bundle: Bundle) -> paper.Comparison:
    return paper.comparison(
        bundle.record,
        bundle.label_set.names,
        bundle.model.config,
        bundle.encodes,
        selected_on_test=bundle.selected_on_test,
    )


def told(bundle: Bundle) -> tuple[str, str]:
    """What the report and the Benchmark tab say, without the formatting."""
    report = markdown.write(content.report([Subject("made", bundle)]), "figures").replace("\\", "")
    return report, html.unescape(benchmark._paper(bundle))


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


@pytest.mark.parametrize(
    ("dataset", "split", "names"),
    [
        ("mirflickr", "mirflickr 2000-query seed 103", mirflickr.NAMES),
        ("nus-wide", "nus-wide 2100-query seed 103", CONCEPTS),
    ],
)
def test_a_bundle_of_the_papers_data_and_features_hears_so_from_report_and_page(
    make_features: Callable[..., Features], tmp_path: Path, dataset: str, split: str, names: list[str]
) -> None:
    bundle = trained(make_features, tmp_path, split, names)
    found = compared(bundle)
    assert found.dataset == dataset
    assert "this bundle's are vgg19 fc7 (16 wide) and bag of words (12 wide)" in found.caveat
    assert f"48 test images of the split '{split}'" in found.caveat
    assert "this bundle did not" in found.caveat and "a part of" not in found.caveat
    for text in told(bundle):
        assert found.caveat in text
        for wrong in ("instead of 20,015", "another encoder", "other photos", "other labels", paper.NEITHER):
            assert wrong not in text


def test_a_part_of_a_data_set_is_called_one() -> None:
    bundle = Bundle.load(PROJECT / "weights" / "mirflickr")
    found = compared(bundle)
    assert "1,400 train, 290 validation, 500 test images" in found.caveat and "a part of MIRFlickr" in found.caveat
    assert all(found.caveat in text for text in told(bundle))


def test_a_bundle_of_other_data_hears_that_from_report_and_page() -> None:
    bundle = Bundle.load(PROJECT / "weights" / "pocket")
    assert compared(bundle) == paper.Comparison(None, paper.NEITHER)
    assert all(paper.NEITHER in text for text in told(bundle))


@pytest.mark.parametrize(
    ("damage", "unsaid"),
    [
        ({"items": 3}, "1,400 train"),
        ({"features": "vgg"}, None),
        ({"test": {"map": {"chance": "<b>"}}}, "The paper prints no chance level"),
    ],
)
def test_what_is_not_understood_is_no_caveat_and_the_others_stand(damage: dict[str, Any], unsaid: str | None) -> None:
    shipped = Bundle.load(PROJECT / "weights" / "mirflickr")
    bundle = dataclasses.replace(shipped, metrics=shipped.metrics | damage)
    assert len(bundle.record.problems) == 1
    for text in told(bundle):
        assert "a part of MIRFlickr" in text and "no spread over seeds" in text
        assert unsaid is None or unsaid not in text

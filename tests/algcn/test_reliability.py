"""Reliability: which pairs count, curves fitted on validation alone, and the command that puts both into a bundle."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY_LABELS, TINY_WIDTH

from algcn import reliability
from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle
from algcn.datasets.features import Features
from algcn.evaluation import reliability as evaluation_reliability
from algcn.evaluation.calibration import DIRECTIONS
from algcn.evaluation.fitting import fit_probabilities, fit_ranking
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import BALANCED, Ranking
from algcn.evaluation.record import FittedOn
from algcn.evaluation.retrieval import Embedded, embed_for_ranking
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError, run_command
from algcn.method.config import ModelConfig
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

ITEMS = Embedded(
    images=torch.eye(3),
    texts=torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]),
    owner=torch.tensor([0, 1, 2, 2]),
    labels=torch.tensor([[1, 0], [1, 1], [0, 0]], dtype=torch.uint8),
)


@pytest.fixture(scope="module")
def features(tiny_encoder_dir: Path) -> Features:
    """Features of an encoder: two groups of labels, each near a direction of its own, in images and texts alike."""
    from algcn.features.encoder_files import encoder_fingerprint

    generator = torch.Generator().manual_seed(3)
    group = torch.randint(2, (300,), generator=generator)
    labels = torch.zeros(300, len(TINY_LABELS), dtype=torch.uint8)
    labels[torch.arange(300), 3 * group + torch.randint(3, (300,), generator=generator)] = 1
    centres = torch.randn(2, TINY_WIDTH, generator=generator)
    image, text = (centres[group] + torch.randn(300, TINY_WIDTH, generator=generator) for _ in range(2))
    return Features(
        image_features=image,
        text_features=text,
        labels=labels,
        split=[("train", "validation", "test")[row % 3] for row in range(300)],
        label_set=LabelSet(TINY_LABELS),
        file_names=[f"{row}.png" for row in range(300)],
        encoder={"reference": str(tiny_encoder_dir), "fingerprint": encoder_fingerprint(tiny_encoder_dir)},
    )


@pytest.fixture(scope="module")
def model() -> ALGCN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return ALGCN(ModelConfig(TINY_WIDTH, TINY_WIDTH, len(TINY_LABELS), common_dim=48, label_dim=8)).eval()


def rule_of(model: ALGCN, features: Features) -> tuple[Ranking, dict[str, PlattScale]]:
    scales = fit_probabilities(model, features)
    return fit_ranking(model, features, scales, BALANCED), scales


def test_unlabelled_items_and_own_partners_do_not_count() -> None:
    pairs = evaluation_reliability.pairs_of(ITEMS, "image_to_text")
    assert pairs.scores.shape == (2, 2)  # image 2 and its two texts have no label
    assert pairs.counted.tolist() == [[False, True], [True, False]]
    scores, relevant = pairs.flat()
    assert scores.tolist() == [0.0, 0.0] and relevant.tolist() == [True, True]  # images 0 and 1 share the first label
    both = dataclasses.replace(ITEMS, labels=torch.tensor([[1, 0], [0, 1], [1, 0]], dtype=torch.uint8))
    within = evaluation_reliability.pairs_of(both, "text_to_text")
    assert within.counted.sum() == 4 * 4 - 4 - 2  # not itself, and the two texts of image 2 are partners
    assert within.relevant[0].tolist() == [True, False, True, True]


def test_no_more_pairs_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    many = dataclasses.replace(ITEMS, labels=torch.ones(3, 2, dtype=torch.uint8))
    monkeypatch.setattr(evaluation_reliability, "MAX_PAIRS", 8)
    assert evaluation_reliability.pairs_of(many, "image_to_text").scores.shape == (2, 4)
    with pytest.raises(InputError, match="No item has a label"):
        evaluation_reliability.pairs_of(
            dataclasses.replace(ITEMS, labels=torch.zeros(3, 2, dtype=torch.uint8)), "image_to_text"
        )


def test_curves_come_from_validation_and_keep_their_word_on_test(features: Features, model: ALGCN) -> None:
    calibration = evaluation_reliability.fit_calibration(model, features, *rule_of(model, features))
    assert set(calibration.curves) == set(DIRECTIONS) and calibration.weights == BALANCED
    others = dataclasses.replace(
        features, image_features=features.image_features.clone(), labels=features.labels.clone()
    )
    for row, split in enumerate(features.split):
        if split != "validation":
            others.image_features[row] = torch.randn(TINY_WIDTH)
            others.labels[row] = 1
    assert (
        evaluation_reliability.fit_calibration(model, others, *rule_of(model, features)).to_json()
        == calibration.to_json()
    )
    report = evaluation_reliability.measure_calibration(calibration, model, features, *rule_of(model, features))
    assert report.fitted_on == FittedOn("validation", images=100, texts=100)
    (test,) = report.sets
    for found in test.directions.values():
        assert found.brier < found.brier_of_base_rate
        assert found.ece < 0.1
        assert sum(part.count for part in found.bins) == 100 * 99
        assert found.first_10.count == 1000
        assert found.first_10.observed > found.base_rate


def test_the_first_ten_are_those_of_each_query(features: Features, model: ALGCN) -> None:
    calibration = evaluation_reliability.fit_calibration(model, features, *rule_of(model, features))
    pairs = evaluation_reliability.pairs_of(
        embed_for_ranking(features.select("test"), model, *rule_of(model, features)), "text_to_image"
    )
    (test,) = evaluation_reliability.measure_calibration(calibration, model, features, *rule_of(model, features)).sets
    first = test.directions["text_to_image"].first_10
    shares, promised = [], []
    for row in range(100):
        order = [c for c in pairs.scores[row].argsort(descending=True).tolist() if c != row][:10]
        shares += pairs.relevant[row, order].tolist()
        promised += calibration.probability("text_to_image", pairs.scores[row, order].numpy()).tolist()
    assert first.observed == pytest.approx(np.mean(shares))
    assert first.predicted == pytest.approx(np.mean(promised))


def test_there_is_none_without_an_encoder_or_labels(
    features: Features, model: ALGCN, make_features: Callable[..., Features]
) -> None:
    rule = rule_of(model, features)
    of_nobody = dataclasses.replace(features, encoder={})
    assert evaluation_reliability.fit_calibration(model, of_nobody, *rule) is None
    unlabelled = dataclasses.replace(features, labels=torch.zeros_like(features.labels))
    assert evaluation_reliability.fit_calibration(model, unlabelled, *rule) is None
    few = features.rows([0, 1, 2, 3])
    assert evaluation_reliability.fit_calibration(model, few, *rule) is None


def test_command(
    features: Features, model: ALGCN, tiny_encoder_dir: Path, tiny_gallery_dir: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    features.save(tmp_path / "features.safetensors")
    path = save_bundle(tmp_path / "bundle", model, LabelSet(TINY_LABELS), encoder=tiny_encoder_dir, metrics={"kept": 1})
    before = Bundle.load(path)
    assert before.calibration is None
    arguments = [str(path), str(tmp_path / "features.safetensors")]
    reliability.main(
        [*arguments, "--gallery", str(tiny_gallery_dir), "--name", "Tiny", "--json", str(tmp_path / "a.json")]
    )
    account = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["account"]
    assert account["used"] == {"feature rows": 300, "rows": 7, "pictures": 5, "captions": 5, "labels": 10}
    assert [(kind["kind"], kind["unit"], kind["count"]) for kind in account["left_out"]] == [
        ("pictures without a label that the bundle knows", "pictures", 1),
        ("captions of pictures left out", "captions", 1),
    ]
    after = Bundle.load(path)
    assert after.fingerprint == before.fingerprint
    assert after.metrics["kept"] == 1
    assert set(after.probabilities) == {"image", "text"} and after.ranking.weights == BALANCED
    assert after.directed_graph.edges.shape == (len(TINY_LABELS), len(TINY_LABELS))
    assert after.record.ranked_by_labels.test.images == 100 and len(after.record.ranking.weights) > 5
    assert [part["name"] for part in after.metrics["calibration"]["sets"]] == ["test split", "Tiny"]
    # Five labelled pictures; the one without a label and its text are left out.
    assert after.metrics["calibration"]["sets"][1]["directions"]["image_to_image"]["first_10"]["count"] == 5 * 4
    gallery = build_gallery(tiny_gallery_dir, after)
    score = reliability.gallery_items(gallery, after).images[:1].norm(dim=1).square().numpy()
    assert 0 <= after.calibration.probability("image_to_image", score)[0] <= 1
    assert "Brier" in capsys.readouterr().out

    dataclasses.replace(features, label_set=LabelSet([*TINY_LABELS[:5], "other"])).save(
        tmp_path / "features.safetensors"
    )
    assert run_command(reliability.main, arguments) == 2
    assert "its labels are others" in capsys.readouterr().err

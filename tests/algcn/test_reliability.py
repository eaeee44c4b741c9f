"""Reliability: which pairs count, curves fitted on validation alone, and the command that puts both into a bundle."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY_LABELS, TINY_WIDTH
from torch import Tensor

from algcn import reliability
from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle
from algcn.datasets.features import Features
from algcn.evaluation import reliability as evaluation_reliability
from algcn.evaluation.calibration import KINDS
from algcn.evaluation.evidence import Described, counted_labels, evidence
from algcn.evaluation.fitting import fit_probabilities, fit_ranking
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import BALANCED, Ranking, Weights
from algcn.evaluation.record import FittedOn
from algcn.evaluation.results import NAMED
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError, run_command
from algcn.method.config import ModelConfig
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

SIDES = (torch.eye(3), torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]))
ITEMS = evaluation_reliability.Labelled(
    *(Described(side, torch.full((len(side), 2), 0.5), side) for side in SIDES),
    owner=torch.tensor([0, 1, 2, 2]),
    labels=torch.tensor([[1, 0], [1, 1], [0, 0]], dtype=torch.uint8),
)
RULE = Ranking(BALANCED, Weights(1.0, 1.0, 1.0), torch.ones(2))


def asked(labels: list[list[int]], counted: tuple[bool, bool] = (True, True)) -> evaluation_reliability.Asked:
    items = dataclasses.replace(ITEMS, labels=torch.tensor(labels, dtype=torch.uint8))
    return evaluation_reliability.Asked(items, RULE, torch.tensor(counted))


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


def test_pairs_are_those_that_can_be_relevant_or_not() -> None:
    pairs = asked([[1, 0], [1, 1], [0, 0]]).pairs("image_to_text")
    assert pairs.scores.shape == (2, 2)  # image 2 and its two texts have no label
    assert pairs.counted.tolist() == [[False, True], [True, False]]
    assert pairs.relevant.tolist() == [[True, True]] * 2  # images 0 and 1 share the first label
    within = asked([[1, 0], [0, 1], [1, 0]]).pairs("text_to_text")
    assert within.counted.sum() == 4 * 4 - 4 - 2  # not itself, and the two texts of image 2 are partners
    assert within.relevant[0].tolist() == [True, False, True, True]
    without = asked([[1, 0], [0, 1], [1, 0]]).pairs("text_to_text", taken_out=True)
    assert without.counted.sum() == within.counted.sum() - (within.counted & within.relevant).sum()
    near, far = within.evidence[-1][:, 0], without.evidence[-1][:, 0]
    assert near.tolist() == [0, 0, 0, 0] and far.tolist() == [0, 0, 0, 0]  # the one at a cosine of 1 is its own


def test_a_label_that_does_not_count_makes_nothing_relevant() -> None:
    pairs = asked([[1, 0], [1, 1], [1, 1]], counted=(False, True)).pairs("image_to_image")
    assert pairs.scores.shape == (2, 3)  # the first has nothing that counts, and so asks nothing
    assert pairs.relevant.tolist() == [[False, True, True]] * 2


def test_names_are_asked_of_what_has_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = asked([[1, 0], [1, 1], [0, 0]])
    assert questions.names("image", 1).relevant.tolist() == [[True, True], [False, True]]
    monkeypatch.setattr(evaluation_reliability, "TOGETHER", 1)
    assert questions.names("image", 2).relevant.tolist() == [[False, True]]
    both = questions.names("image", 2).evidence[0]
    torch.testing.assert_close(both, torch.full((1, 2), float(np.log(0.25 / 0.75))))
    with pytest.raises(InputError, match="no name is known to be shown"):
        asked([[0, 0]] * 3).names("image", 1)


def test_no_more_pairs_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation_reliability, "MAX_PAIRS", 8)
    assert asked([[1, 1]] * 3).pairs("image_to_text").scores.shape == (2, 4)
    with pytest.raises(InputError, match="No item has a label"):
        asked([[0, 0]] * 3).pairs("image_to_text")


def test_the_labels_that_count_are_said_in_one_place() -> None:
    labels = torch.zeros(100, 4)
    for column, count in enumerate((75, 26, 25, 1)):
        labels[:count, column] = 1
    assert counted_labels(labels).tolist() == [False, False, True, True]
    assert counted_labels(labels[:, :3]).tolist() == [True, True, True], "else hardly any would be left"


def test_curves_come_from_validation_and_keep_their_word_on_test(features: Features, model: ALGCN) -> None:
    calibration = evaluation_reliability.fit_calibration(model, features, *rule_of(model, features))
    assert set(calibration.curves) == set(KINDS) and calibration.uncounted == ()
    others = dataclasses.replace(features, image_features=features.image_features.clone())
    for row, split in enumerate(features.split):
        if split != "validation":
            others.image_features[row] = torch.randn(TINY_WIDTH)
    assert (
        evaluation_reliability.fit_calibration(model, others, *rule_of(model, features)).to_json()
        == calibration.to_json()
    )
    report = evaluation_reliability.measure_calibration(calibration, model, features, *rule_of(model, features))
    assert report.fitted_on == FittedOn("validation", images=100, texts=100)
    (test,) = report.sets
    for found in test.directions.values():
        assert found.brier < found.brier_of_base_rate
        assert found.ece < 0.15
        assert sum(part.count for part in found.bins) == 100 * 99
        assert found.first_10.count == 1000
        assert found.first_10.observed > found.base_rate


def test_the_first_ten_are_those_of_each_query(features: Features, model: ALGCN) -> None:
    rule = rule_of(model, features)
    calibration = evaluation_reliability.fit_calibration(model, features, *rule)
    items = evaluation_reliability.describe_features(features.select("test"), model, rule[1])
    counted = torch.ones(len(TINY_LABELS), dtype=torch.bool)
    pairs = evaluation_reliability.Asked(items, rule[0], counted).pairs("text_to_image")
    chances = pairs.chances(calibration.curves["text_to_image"])
    (test,) = evaluation_reliability.measure_calibration(calibration, model, features, *rule).sets
    first = test.directions["text_to_image"].first_10
    shares, promised = [], []
    for row in range(100):
        order = [c for c in pairs.scores[row].argsort(descending=True).tolist() if c != row][:10]
        shares += pairs.relevant[row, order].tolist()
        promised += chances[row, order].tolist()
    assert first.observed == pytest.approx(np.mean(shares))
    assert first.predicted == pytest.approx(np.mean(promised))


def test_texts_that_match_nothing_are_promised_less(features: Features, model: ALGCN) -> None:
    def encode(texts: Sequence[str]) -> Tensor:
        """Far from what the features are about."""
        return torch.randn(len(texts), TINY_WIDTH, generator=torch.Generator().manual_seed(len(texts)))

    rule = rule_of(model, features)
    calibration = evaluation_reliability.fit_calibration(model, features, *rule, encode=encode)
    (test,) = evaluation_reliability.measure_calibration(calibration, model, features, *rule, encode=encode).sets
    found = {kind: question.reliability.first_10 for kind, question in test.questions.items()}
    assert set(found) == {"captions", "names", "taken_out", "unmatched"}
    assert found["unmatched"].observed == found["taken_out"].observed == 0
    assert found["unmatched"].predicted < found["captions"].predicted
    assert test.questions["captions"].shown >= 0.9 and test.questions["unmatched"].sure < 0.5
    assert 0 < calibration.cutoff <= 0.5


def test_there_is_none_without_an_encoder_or_labels(
    features: Features, model: ALGCN, make_features: Callable[..., Features]
) -> None:
    rule = rule_of(model, features)
    of_nobody = dataclasses.replace(features, encoder={})
    alone = evaluation_reliability.fit_calibration(model, of_nobody, *rule)
    assert set(alone.curves) == set(NAMED), "names of labels need no encoder"
    assert evaluation_reliability.fit_calibration(model, of_nobody, rule[0], {}) is None
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
    items = reliability.gallery_items(gallery, after)
    counted = torch.ones(len(TINY_LABELS), dtype=torch.bool)
    found = evidence(items.images, items.images, counted)
    assert (after.calibration.probability("image_to_image", [part.numpy() for part in found]) <= 1).all()
    assert "Brier" in capsys.readouterr().out

    kept = (path / "label_graph.safetensors").read_bytes(), after.config["ranking"], after.config["label_probabilities"]
    reliability.main([*arguments, "--chances-only"])
    again = Bundle.load(path)
    assert kept == (
        (path / "label_graph.safetensors").read_bytes(),
        again.config["ranking"],
        again.config["label_probabilities"],
    )
    assert set(again.calibration.curves) == set(after.calibration.curves) == set(KINDS)

    dataclasses.replace(features, label_set=LabelSet([*TINY_LABELS[:5], "other"])).save(
        tmp_path / "features.safetensors"
    )
    assert run_command(reliability.main, arguments) == 2
    assert "its labels are others" in capsys.readouterr().err

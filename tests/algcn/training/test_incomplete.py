"""Labels that were left out: how many were is estimated, they are imputed where they are, and what was given stays."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from algcn.datasets.features import Features
from algcn.kit.errors import InputError
from algcn.method import label_graph
from algcn.method.label_graph import DirectedGraph, counted_graph, learn_graph
from algcn.training import incomplete
from algcn.training.incomplete import complete_labels, estimate_kept


def _drop(features: Features, share: float, seed: int = 0) -> Features:
    """Leave labels out at random, by picture."""
    first, owner = features.first_rows()
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(len(first), len(features.label_set), generator=generator) >= share
    return dataclasses.replace(features, labels=features.labels * kept[owner].to(torch.uint8))


@pytest.fixture(scope="module")
def whole(make_features) -> Features:
    return make_features(1500, texts=2, noise=0.7)


@pytest.fixture(scope="module")
def dropped(whole: Features) -> Features:
    return _drop(whole, 0.6)


@pytest.fixture(scope="module")
def completed(dropped: Features) -> incomplete.CompletedLabels:
    return complete_labels(dropped)


def test_the_share_that_was_given_is_estimated(whole, completed) -> None:
    assert completed.estimated and completed.kept == pytest.approx(0.4, abs=0.15)
    nothing_missing = complete_labels(whole)
    assert nothing_missing.kept > 0.9
    assert nothing_missing.expected < 0.1 * float(whole.select("train").labels.sum()) / 2


def test_what_was_given_stays_and_what_is_missing_is_found(whole, dropped) -> None:
    completed = complete_labels(dropped, 0.4)
    truth, given = whole.select("train").labels, dropped.select("train").labels
    found = completed.training
    assert found.shape == given.shape and (found[given > 0] == 1).all() and (found <= 1).all()
    labelled = given.any(dim=1).bool()
    assert (found[~labelled] == 0).all() and completed.pictures == int(labelled.sum()) / 2
    missing = (truth > given) & labelled[:, None]
    absent = (truth == 0) & labelled[:, None]
    assert float(found[missing].mean()) > float(found[absent].mean()) + 0.5
    # As many as there are, and both texts of a picture say the same.
    assert completed.expected == pytest.approx(float(missing.sum()) / 2, rel=0.25)
    assert torch.equal(found[0::2], found[1::2])
    validation = completed.validation
    assert validation.shape == dropped.select("validation").labels.shape
    assert float(validation.sum()) == pytest.approx(float(whole.select("validation").labels.sum()), rel=0.25)


def test_it_says_in_a_line_what_it_took_for_granted(dropped, completed) -> None:
    line = completed.line()
    assert "are estimated to be given" in line and f"{completed.expected:,.0f} more" in line and "\n" not in line
    told = complete_labels(dropped, 0.5)
    assert told.line().startswith("50% of the true labels are taken to be given") and not told.estimated
    record = told.for_record()
    assert (record.share_given, record.known, "label graph" in record.evidence) == (0.5, "said", told.with_graph)
    everything = complete_labels(dropped, 1.0)
    assert torch.equal(everything.training, dropped.select("train").labels.float()) and everything.expected == 0


def test_the_graph_is_asked_where_it_tells_which_labels_were_hidden() -> None:
    generator = torch.Generator().manual_seed(0)
    first = torch.rand(4000, 1, generator=generator) < 0.3
    pair = torch.cat([first, first], dim=1)  # two labels that always come together
    other = torch.rand(4000, 1, generator=generator) < 0.3
    labels = (torch.cat([pair, other], dim=1) & (torch.rand(4000, 3, generator=generator) < 0.5)).to(torch.uint8)
    blind = torch.logit(labels.float().mean(dim=0)).expand(4000, 3)
    counted = counted_graph(labels)
    assert incomplete._likelihood(blind, labels, counted) > incomplete._likelihood(blind, labels, None)
    misleading = -counted
    assert incomplete._likelihood(blind, labels, misleading) < incomplete._likelihood(blind, labels, None)


def test_what_cannot_be_done_is_a_sentence(whole, dropped) -> None:
    for share in (0.0, 1.5, -1.0):
        with pytest.raises(InputError, match="share of labels that were given must be a number above 0"):
            complete_labels(dropped, share)
    training_alone = dataclasses.replace(
        whole, split=["train" if name == "validation" else name for name in whole.split]
    )
    with pytest.raises(InputError, match="the validation split needs labelled items"):
        complete_labels(training_alone)
    with pytest.raises(InputError, match=r"No label has 50 training examples.*--incomplete-labels 0\.5"):
        estimate_kept(torch.zeros(60, 2), torch.eye(2, dtype=torch.uint8).repeat(30, 1))


def test_a_graph_of_many_rows_is_learned_on_some_and_counted_on_all(whole, monkeypatch) -> None:
    training = whole.select("train")
    features, labels = [training.image_features], training.labels
    entire = learn_graph(features, labels)
    monkeypatch.setattr(label_graph, "LEARNED_ROWS", 600)
    some = learn_graph(features, labels)
    assert isinstance(some, DirectedGraph) and torch.equal(some.counted, entire.counted)
    assert torch.equal(some.share, labels.float().mean(dim=0))
    assert not torch.equal(some.change, entire.change)
    assert float((some.edges - entire.edges).abs().mean()) < 0.3

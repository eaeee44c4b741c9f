"""Texts that match nothing: always the same, all different, and none that names a label."""

from __future__ import annotations

from algcn.evaluation.unmatched import nonsense, unmatched_texts
from algcn.method.labels import LabelSet


def test_they_name_no_label() -> None:
    labels = LabelSet(["violin", "chess"])
    texts = unmatched_texts(labels)
    assert len(texts) > 250 and len(set(texts)) == len(texts) and all(text.strip() == text != "" for text in texts)
    assert texts == unmatched_texts(labels) and "cello" in texts
    assert not any(labels.find(text) for text in texts)
    assert set(unmatched_texts(LabelSet([]))) - set(texts) == {"violin", "chess tournament"}


def test_nonsense_goes_by_its_seed() -> None:
    assert nonsense(20, 1) == nonsense(20, 1) != nonsense(20, 2)
    assert all(text.isascii() and 1 <= len(text.split()) <= 3 for text in nonsense(20))

"""Features are found by the hash of what they are of, in whatever block they lie."""

from __future__ import annotations

import random

import pytest
import torch

from algcn.gallery import by_hash
from algcn.gallery.by_hash import FeaturesByHash


def block(first: int, count: int) -> tuple[list[str], torch.Tensor]:
    """Rows whose numbers are those of their hashes."""
    numbers = torch.arange(first, first + count)
    return [f"h{number}" for number in numbers.tolist()], numbers[:, None].expand(count, 3).half()


@pytest.fixture
def features() -> FeaturesByHash:
    found = FeaturesByHash(3)
    for first, count in ((0, 5), (5, 1), (6, 0), (6, 14)):
        found.add(*block(first, count))
    return found


def test_rows_come_in_the_order_that_is_asked_for(features: FeaturesByHash) -> None:
    numbers = random.Random(0).choices(range(20), k=50)
    rows = features.rows(f"h{number}" for number in numbers)
    assert rows.dtype == torch.float16
    assert rows[:, 0].tolist() == numbers
    assert len(features) == 20 and "h19" in features and "h20" not in features


def test_blocks_of_rows_are_the_same_rows(features: FeaturesByHash, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = sorted(features.digests)
    whole = features.rows(digests)
    for size in (1, 3, 20, 100):
        monkeypatch.setattr(by_hash, "ROWS", size)
        parts = list(features.in_blocks(digests))
        assert max(map(len, parts)) <= size
        assert torch.equal(torch.cat(parts), whole)


def test_what_is_added_later_counts(features: FeaturesByHash) -> None:
    features.add(["h3", "new"], torch.full((2, 3), 100.0))  # of whatever kind it was kept as
    assert features.rows(["h2", "h3", "new"])[:, 0].tolist() == [2, 100, 100]
    assert len(features) == 21


def test_the_last_block_can_be_replaced_by_one_that_has_more(features: FeaturesByHash) -> None:
    features.add(*block(20, 2))
    digests, numbers = block(18, 6)
    features.replace_last(digests, numbers)
    assert features.rows(f"h{number}" for number in range(24))[:, 0].tolist() == list(range(24))


def test_of_nothing_there_are_no_rows() -> None:
    assert FeaturesByHash(3).rows([]).shape == (0, 3)
    assert list(FeaturesByHash(3).in_blocks([])) == []

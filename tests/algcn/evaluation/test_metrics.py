import math
from collections.abc import Callable

import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import Tensor

import algcn.evaluation.metrics
from algcn.evaluation.metrics import (
    average_precision,
    average_precision_per_label,
    chance_level,
    expected_average_precision,
    mean_average_precision,
    precision_recall,
    recall_at_k,
)
from algcn.kit.errors import InputError


def sample(queries: int = 23, gallery: int = 41, labels: int = 5, seed: int = 0) -> tuple[Tensor, ...]:
    """Random embeddings and labels; every item has at least one label."""
    generator = torch.Generator().manual_seed(seed)
    marks = []
    for count in (queries, gallery):
        rows = (torch.rand(count, labels, generator=generator) < 0.25).to(torch.uint8)
        rows[torch.arange(count), torch.arange(count) % labels] = 1
        marks.append(rows)
    return (
        torch.randn(queries, 8, generator=generator),
        torch.randn(gallery, 8, generator=generator),
        *marks,
    )


def ranked(relevant: list[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One query whose gallery comes in the given order; 1 where an item is relevant."""
    angles = torch.linspace(0.1, 1.4, len(relevant))
    gallery = torch.stack([angles.cos(), angles.sin()], dim=1)
    labels = torch.tensor([[flag, 1 - flag] for flag in relevant])
    return torch.tensor([[2.0, 0.0]]), gallery, torch.tensor([[1, 0]]), labels


# --- average precision -----------------------------------------------------------------------------------------------


def test_by_hand() -> None:
    assert mean_average_precision(*ranked([1, 0, 1, 0])) == pytest.approx((1 + 2 / 3) / 2)
    assert mean_average_precision(*ranked([0, 0, 0, 1])) == pytest.approx(1 / 4)


def test_every_query_agrees_with_scikit_learn() -> None:
    query, gallery, query_labels, gallery_labels = sample()
    result = average_precision(query, gallery, query_labels, gallery_labels)
    cosines = torch.nn.functional.cosine_similarity(query.double()[:, None], gallery.double()[None], dim=2)
    relevant = (query_labels.int() @ gallery_labels.int().T) > 0
    for row, value in enumerate(result.per_query.tolist()):
        assert value == pytest.approx(average_precision_score(relevant[row], cosines[row]), abs=1e-9)
    assert result.mean == pytest.approx(result.per_query.mean().item())


@pytest.mark.parametrize(
    ("denominator", "expected"),
    [("capped", (1 + 2 / 3) / 3), ("relevant", (1 + 2 / 3) / 4), ("found", (1 + 2 / 3) / 2)],
)
def test_k_and_its_denominators(denominator: str, expected: float) -> None:
    items = ranked([1, 0, 1, 0, 1, 1])  # four relevant, two of them in the first three
    assert mean_average_precision(*items, k=3, denominator=denominator) == pytest.approx(expected)
    whole = mean_average_precision(*items)
    for deep in (6, 100):
        assert mean_average_precision(*items, k=deep, denominator=denominator) == pytest.approx(whole)


def test_a_perfect_short_list_reaches_one_only_when_capped() -> None:
    items = ranked([1, 1, 1, 1])
    assert mean_average_precision(*items, k=2) == pytest.approx(1)
    assert mean_average_precision(*items, k=2, denominator="relevant") == pytest.approx(0.5)
    assert mean_average_precision(*ranked([0, 0, 1]), k=2, denominator="found") == 0


def test_ties_by_index_are_ranked_in_the_order_of_the_gallery() -> None:
    """Against a brute-force ranking by (cosine, index), with many equal directions of different lengths."""
    generator = torch.Generator().manual_seed(1)
    directions = torch.randn(4, 16, generator=generator)
    lengths = 2.0 ** torch.randint(-2, 3, (60, 1), generator=generator)  # powers of two, so that the direction is exact
    gallery = directions[torch.randint(0, 4, (60,), generator=generator)] * lengths
    query, _, query_labels, _ = sample(queries=9)
    query = torch.cat([query, query], dim=1)
    _, _, _, gallery_labels = sample(gallery=60, seed=2)
    result = average_precision(query, gallery, query_labels, gallery_labels, ties="index")
    for row in range(len(query)):
        cosines = torch.nn.functional.cosine_similarity(query[row : row + 1].double(), gallery.double()).tolist()
        order = sorted(range(60), key=lambda i: (-round(cosines[i], 6), i))
        hits, total = 0, 0.0
        for rank, item in enumerate(order, start=1):
            if (query_labels[row] * gallery_labels[item]).any():
                hits += 1
                total += hits / rank
        assert result.per_query[row].item() == pytest.approx(total / hits, abs=1e-9)


def test_the_packed_ranking_is_a_stable_sort() -> None:
    generator = torch.Generator().manual_seed(4)
    similarity = torch.randint(-3, 4, (20, 90), generator=generator) / 3.0
    similarity[:, ::7] = -0.0
    similarity[:, ::5] += torch.rand(20, 18, generator=generator) * 1e-6
    relevant = torch.rand(20, 90, generator=generator) < 0.4
    order = torch.sort(similarity, dim=1, descending=True, stable=True).indices
    assert torch.equal(algcn.evaluation.metrics._ranked(similarity, relevant, "index")[0], relevant.gather(1, order))


def test_the_first_of_equals_wins_by_index() -> None:
    query, gallery = torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0, 2.0]] * 3)
    labels = torch.eye(3)
    for position in range(3):
        ap = mean_average_precision(query, gallery, labels[position : position + 1], labels, ties="index")
        assert ap == pytest.approx(1 / (position + 1))


@pytest.mark.parametrize("ties", ["expected", "index"])
def test_the_chunk_changes_nothing_but_the_memory(monkeypatch: pytest.MonkeyPatch, ties: str) -> None:
    query, gallery, query_labels, gallery_labels = sample(queries=50, gallery=64)
    gallery[32:] = gallery[:32]  # ties everywhere
    blocks: list[tuple[int, ...]] = []
    similarity = algcn.evaluation.metrics._similarity

    def watched(*arguments: Tensor) -> Tensor:
        blocks.append(tuple(similarity(*arguments).shape))
        return similarity(*arguments)

    monkeypatch.setattr(algcn.evaluation.metrics, "_similarity", watched)
    whole = average_precision(query, gallery, query_labels, gallery_labels, ties=ties, chunk=1000).per_query
    curve = precision_recall(query, gallery, query_labels, gallery_labels, ties=ties, chunk=1000)[1]
    recall = recall_at_k(query, gallery, ties=ties, chunk=1000)
    assert set(blocks) == {(50, 64)}
    for chunk in (1, 7, 50):
        blocks.clear()
        parts = average_precision(query, gallery, query_labels, gallery_labels, ties=ties, chunk=chunk).per_query
        torch.testing.assert_close(parts, whole, atol=1e-12, rtol=0)
        parts = precision_recall(query, gallery, query_labels, gallery_labels, ties=ties, chunk=chunk)[1]
        torch.testing.assert_close(parts, curve, atol=1e-12, rtol=0)
        assert recall_at_k(query, gallery, ties=ties, chunk=chunk) == recall
        assert max(rows for rows, _ in blocks) == chunk
    expected = chance_level(query_labels, gallery_labels)
    assert chance_level(query_labels, gallery_labels, chunk=3) == pytest.approx(expected, abs=1e-12)


def test_queries_without_a_relevant_item_are_skipped_and_counted() -> None:
    query, gallery, query_labels, gallery_labels = sample()
    wide = torch.cat([query_labels, torch.zeros(23, 1)], dim=1)
    wide[3] = torch.tensor([0, 0, 0, 0, 0, 1])  # a label that the gallery lacks
    wide[4] = 0
    offered = torch.cat([gallery_labels, torch.zeros(41, 1)], dim=1)
    result = average_precision(query, gallery, wide, offered)
    kept = [row for row in range(23) if row not in (3, 4)]
    assert result.skipped == 2
    assert result.per_query.isnan().nonzero().flatten().tolist() == [3, 4]
    alone = mean_average_precision(query[kept], gallery, query_labels[kept], gallery_labels)
    assert result.mean == pytest.approx(alone)
    assert chance_level(wide, offered) == pytest.approx(chance_level(query_labels[kept], gallery_labels))
    curve = precision_recall(query, gallery, wide, offered)[1]
    expected = precision_recall(query[kept], gallery, query_labels[kept], gallery_labels)[1]
    torch.testing.assert_close(curve, expected)


def test_per_label_is_the_mean_over_the_queries_with_the_label() -> None:
    query, gallery, query_labels, gallery_labels = sample()
    query_labels[:, 2] = 0
    query_labels[5] = 0  # skipped, so it must not count for any label
    result = average_precision(query, gallery, query_labels, gallery_labels)
    values = average_precision_per_label(query, gallery, query_labels, gallery_labels)
    for label in (0, 1, 3, 4):
        rows = [i for i in range(23) if query_labels[i, label] and i != 5 and query_labels[i].any()]
        assert values[label].item() == pytest.approx(result.per_query[rows].mean().item())
    assert values[2].isnan()


def test_labels_of_any_type_and_size_of_value() -> None:
    query, gallery, query_labels, gallery_labels = sample()
    expected = mean_average_precision(query, gallery, query_labels, gallery_labels)
    for change in (Tensor.bool, Tensor.long, lambda x: x * 0.5):
        assert mean_average_precision(query, gallery, change(query_labels), change(gallery_labels)) == expected
    assert mean_average_precision(query * 1e-12, gallery.half(), query_labels, gallery_labels) == pytest.approx(
        expected, abs=1e-3
    )


# --- precision and recall --------------------------------------------------------------------------------------------


def test_the_interpolated_curve_by_hand() -> None:
    # Hits at ranks 1, 4 and 5: precision 1, 1/2, 3/5; interpolated 1, 3/5, 3/5.
    levels, precision = precision_recall(*ranked([1, 0, 0, 1, 1, 0]), points=4)
    torch.testing.assert_close(levels, torch.tensor([0, 1 / 3, 2 / 3, 1], dtype=torch.float64))
    torch.testing.assert_close(precision, torch.tensor([1, 1, 3 / 5, 3 / 5], dtype=torch.float64))


def test_the_curve_falls_from_the_first_hit_to_the_share_of_relevant_items() -> None:
    items = sample()
    levels, precision = precision_recall(*items, points=21)
    assert len(levels) == len(precision) == 21
    assert (precision.diff() <= 1e-12).all()
    assert 0 < precision[-1] < precision[0] <= 1


def test_a_curve_needs_points() -> None:
    with pytest.raises(InputError, match="at least 2 points, not 1"):
        precision_recall(*sample(), points=1)


# --- recall of one's own partner -------------------------------------------------------------------------------------


def test_recall_of_pairs_by_hand() -> None:
    query = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    gallery = torch.tensor([[1.0, 0.1], [1.0, 0.0], [0.0, 1.0]])
    # Partners at ranks 2 and 3, and the last at 2 or 3: item 1 is as near.
    recall = recall_at_k(query, gallery, ks=(1, 2, 3, 50))
    assert recall == {1: 0.0, 2: pytest.approx((1 + 1 / 2) / 3), 3: 1.0, 50: 1.0}
    by_index = recall_at_k(query, gallery, ks=(1, 2, 3, 50), ties="index")
    assert by_index == {1: 0.0, 2: pytest.approx(1 / 3), 3: 1.0, 50: 1.0}


def test_recall_with_several_texts_for_an_image() -> None:
    images = torch.eye(3)
    owner = torch.tensor([0, 0, 1, 2, 2])
    texts = torch.tensor([[0.0, 1, 0], [1, 0.1, 0], [0.1, 1, 0], [0, 0.1, 1], [1, 0, 0]])
    from_images = recall_at_k(images, texts, torch.arange(3), owner, ks=(1, 2))
    # 0 finds text 4 first and its own text 1 second; 1 finds text 0 first and its own second; 2 finds its own first.
    assert from_images == {1: pytest.approx(1 / 3), 2: 1.0}
    from_texts = recall_at_k(texts, images, owner, torch.arange(3), ks=(1, 2, 3))
    assert from_texts == {1: pytest.approx(3 / 5), 2: pytest.approx(4 / 5), 3: 1.0}


def test_recall_by_index_against_brute_force() -> None:
    generator = torch.Generator().manual_seed(5)
    query = torch.randint(-1, 2, (40, 3), generator=generator).float() + 0.01
    gallery = torch.randint(-1, 2, (70, 3), generator=generator).float() + 0.01
    query_owner = torch.randint(0, 12, (40,), generator=generator)
    gallery_owner = torch.randint(0, 10, (70,), generator=generator)
    ranks = []
    for row in range(40):
        cosines = torch.nn.functional.cosine_similarity(query[row : row + 1].double(), gallery.double()).tolist()
        order = sorted(range(70), key=lambda i: (-round(cosines[i], 6), i))
        places = [place for place, item in enumerate(order) if gallery_owner[item] == query_owner[row]]
        ranks.extend(places[:1])
    assert len(ranks) < 40, "some query should have no partner"
    expected = {k: pytest.approx(sum(rank < k for rank in ranks) / len(ranks)) for k in (1, 2, 5, 20)}
    assert recall_at_k(query, gallery, query_owner, gallery_owner, ks=(1, 2, 5, 20), ties="index") == expected


def test_recall_errors() -> None:
    query, gallery = torch.eye(3), torch.eye(3)
    with pytest.raises(InputError, match="No query has a partner"):
        recall_at_k(query, gallery, torch.arange(3), torch.arange(3) + 3)
    with pytest.raises(InputError, match="The gallery needs one owner for each of its 3 rows"):
        recall_at_k(query, gallery, torch.arange(3), torch.arange(2))
    for ks in ((), (0,)):
        with pytest.raises(InputError, match="The depths ks must be whole numbers of at least 1"):
            recall_at_k(query, gallery, ks=ks)
    with pytest.raises(InputError, match="3 and 4 wide"):
        recall_at_k(query, torch.eye(4))


# --- chance ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [None, 1, 3, 10])
def test_chance_is_what_random_rankings_average_to(k: int | None) -> None:
    generator = torch.Generator().manual_seed(0)
    total, trials = 10, 20_000
    for relevant in (1, 4, 10):
        marks = (torch.rand(trials, total, generator=generator).argsort(dim=1) < relevant).double()
        depth = min(k or total, total)
        marks = marks[:, :depth]
        precision = marks.cumsum(dim=1) / torch.arange(1, depth + 1)
        values = (precision * marks).sum(dim=1) / min(depth, relevant)
        error = values.std().item() / math.sqrt(trials)
        expected = expected_average_precision(torch.tensor(relevant), total, k).item()
        assert values.mean().item() == pytest.approx(expected, abs=4 * error + 1e-12)


def test_chance_is_exact_over_all_orders() -> None:
    from itertools import permutations

    values = []
    for order in permutations([1, 1, 0, 0, 0]):
        hits = [rank for rank, flag in enumerate(order, start=1) if flag]
        values.append((1 / hits[0] + 2 / hits[1]) / 2)
    expected = expected_average_precision(torch.tensor(2), 5).item()
    assert expected == pytest.approx(sum(values) / len(values), abs=1e-12)


def test_chance_averages_over_the_queries() -> None:
    labels = torch.tensor([[1, 0], [1, 0], [1, 1], [0, 1]])
    counts = torch.tensor([3, 3, 4, 2])
    assert chance_level(labels) == pytest.approx(expected_average_precision(counts, 4).mean().item())
    assert chance_level(torch.tensor([[1]])) == 1.0
    assert expected_average_precision(torch.tensor([0, 1]), 1).isnan().tolist() == [True, False]


def test_random_embeddings_score_at_chance() -> None:
    query, gallery, query_labels, gallery_labels = sample(queries=400, gallery=200, seed=3)
    score = mean_average_precision(query, gallery, query_labels, gallery_labels)
    assert score == pytest.approx(chance_level(query_labels, gallery_labels), abs=0.02)


# --- bad input -------------------------------------------------------------------------------------------------------

Ranking = Callable[[Tensor, Tensor, Tensor, Tensor], object]


@pytest.mark.parametrize("function", [mean_average_precision, average_precision_per_label, precision_recall])
def test_bad_input_is_one_sentence(function: Ranking) -> None:
    query, gallery, query_labels, gallery_labels = sample()

    def changed(tensor: Tensor, row: int, value: float) -> Tensor:
        copy = tensor.clone()
        copy[row] = value
        return copy

    cases = [
        ((query[:0], gallery, query_labels[:0], gallery_labels), "query must be a matrix with at least one row"),
        ((query, gallery[:0], query_labels, gallery_labels[:0]), "gallery must be a matrix with at least one row"),
        ((query[0], gallery, query_labels, gallery_labels), r"query must be a matrix .* not of shape \(8,\)"),
        ((changed(query, 2, torch.nan), gallery, query_labels, gallery_labels), "Row 2 of the query contains NaN"),
        ((query, changed(gallery, 7, torch.inf), query_labels, gallery_labels), "Row 7 of the gallery contains NaN"),
        ((query, changed(gallery, 5, 0), query_labels, gallery_labels), "Row 5 of the gallery is a zero vector"),
        ((query, gallery[:, :4], query_labels, gallery_labels), "one space, but are 8 and 4 wide"),
        ((query, gallery, query_labels[:9], gallery_labels), "query has 23 embeddings but 9 rows of labels"),
        ((query, gallery, query_labels[:, :4], gallery_labels), "the same labels, but have 4 and 5 columns"),
        ((query, gallery, query_labels, gallery_labels[:, 0]), "gallery labels must be a matrix"),
        ((query, gallery, query_labels, gallery_labels * torch.nan), "gallery labels contain NaN"),
        ((query, gallery, query_labels * 0, gallery_labels), "No query shares a label"),
    ]
    for arguments, message in cases:
        with pytest.raises(InputError, match=message):
            function(*arguments)


def test_bad_options_are_one_sentence() -> None:
    items = sample()
    with pytest.raises(InputError, match="The depth k must be at least 1, or left out for the whole list, not 0"):
        mean_average_precision(*items, k=0)
    with pytest.raises(InputError, match="The denominator must be one of capped, relevant, found, not 'all'"):
        mean_average_precision(*items, k=3, denominator="all")
    for function in (mean_average_precision, average_precision_per_label, precision_recall):
        with pytest.raises(InputError, match="The ties must be one of expected, index, not 'random'"):
            function(*items, ties="random")
    with pytest.raises(InputError, match="The ties must be one of expected, index, not 'random'"):
        recall_at_k(items[0], items[1], ties="random")
    with pytest.raises(InputError, match="The chunk must be at least 1, not 0"):
        mean_average_precision(*items, chunk=0)
    with pytest.raises(InputError, match="No query shares a label with any item of the gallery, so chance"):
        chance_level(torch.zeros(3, 2))
    with pytest.raises(InputError, match="2 and 3 columns"):
        chance_level(torch.ones(3, 2), torch.ones(3, 3))

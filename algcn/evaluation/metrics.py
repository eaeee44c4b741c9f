"""How good a ranking is: average precision by shared labels, recall of an item's own partner, and what chance gives.

Definitions, the same for every function here:

- The gallery is ranked by cosine. Cosines are computed in float64 and compared as float32: equal float32 numbers are
  ties, and no others (to be near is not transitive, so a tolerance would join what it should tell apart).
- Ties: "expected", the default, is the mean over all orders of ties (`algcn.evaluation.ties`); "index" ranks them in
  the order of the gallery, lower index first. It is there to compare with the authors' code, which takes one order
  too, and rewards data sorted by label.
- Relevant: at least one label in common. A query's own pair stays in the gallery, as in the paper.
- Average precision: AP = Σ_r precision(r) · relevant(r) / denominator, ranks r = 1 … k (the whole list without k).
- A query without a relevant item has no AP. It is left out of every mean and counted (`AveragePrecision.skipped`).

Queries are taken `chunk` at a time, so that memory grows with chunk × gallery, never with queries × gallery.
Q is the number of queries, N the size of the gallery, L of labels, d the width of the embeddings.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor
from torch.nn.functional import hardshrink

from algcn.evaluation.sharing import Rows, Shared, alone
from algcn.evaluation.ties import (
    TIES,
    average_precision_gain,
    chance_of_a_hit,
    expected_found,
    found_precision,
    harmonic_numbers,
    tie_groups,
)
from algcn.kit.errors import InputError

CHUNK = 256
RIGHT_ANGLE = 1e-12  # cosines up to this are 0 and rounding errors
DENOMINATORS = ("capped", "relevant", "found")


@dataclasses.dataclass(frozen=True)
class AveragePrecision:
    """Average precision of every query."""

    per_query: Tensor  # Q, float64; NaN for a query without a relevant item

    @property
    def skipped(self) -> int:
        """How many queries have no relevant item."""
        return int(self.per_query.isnan().sum())

    @property
    def mean(self) -> float:
        """Mean over the queries that have a relevant item (mAP)."""
        return float(self.per_query.nanmean())

    def per_label(self, query_labels: Tensor) -> Tensor:
        """Mean AP of the queries that have each label (Q × L), L float64; NaN for a label that no query has."""
        counted = ~self.per_query.isnan()
        has = (query_labels != 0).to(self.per_query)[counted]
        return (has * self.per_query[counted, None]).sum(dim=0) / has.sum(dim=0)


def average_precision(
    query: Tensor,
    gallery: Tensor,
    query_labels: Tensor,
    gallery_labels: Tensor,
    k: int | None = None,
    *,
    denominator: str = "capped",
    ties: str = "expected",
    chunk: int = CHUNK,
    shared: Shared = alone,
) -> AveragePrecision:
    """Average precision of every query; the mean, the mean by label and the number skipped come with it.

    Args:
        query: Q × d embeddings; the length of a row does not matter.
        gallery: N × d embeddings.
        query_labels: Q × L; any non-zero entry is a label.
        gallery_labels: N × L.
        k: Look only at the first k ranks; at the whole list without.
        denominator: With k, AP is divided by "capped", min(k, relevant items): 1 is then always within reach; by
            "relevant", all relevant items; or by "found", the relevant items within the first k (0 when there are
            none), usual in the hashing literature and blind to what was missed. Without k all three agree.
        ties: "expected", the mean of AP over all orders of equal cosines (McSherry and Najork 2008), or "index".
        chunk: Queries at a time.
        shared: Who ranks which queries (`algcn.evaluation.sharing`).

    Raises:
        InputError: Sizes that do not fit, nothing to rank, NaN, a zero vector, or no query with a relevant item.
    """
    query, gallery = _directions(query, "query"), _directions(gallery, "gallery")
    wanted, offered = _label_matrices(query, gallery, query_labels, gallery_labels)
    if denominator not in DENOMINATORS:
        raise InputError(f"The denominator must be one of {', '.join(DENOMINATORS)}, not {denominator!r}.")
    _known_ties(ties)
    depth = _depth(k, len(gallery))
    ranks = torch.arange(1, depth + 1, dtype=torch.float64, device=query.device)
    harmonic = harmonic_numbers(depth, query.device)

    def of(queries: Rows) -> Tensor:
        asked, labels = query[queries], wanted[queries]
        values = []
        for rows in _chunks(len(asked), chunk):
            relevant = labels[rows] @ offered.T > 0
            ranked, equal = _ranked(_similarity(asked[rows], gallery), relevant, ties)
            total = relevant.sum(dim=1)
            found = ranked.cumsum(dim=1, dtype=torch.int32)
            groups = tie_groups(equal, found)
            groups = groups.where(groups.start < depth)
            precisions = (found[:, :depth] * ranked[:, :depth]).double() @ (1 / ranks)
            precisions.index_add_(0, groups.row, average_precision_gain(groups, depth, harmonic))
            found_there = found[:, depth - 1].clamp(min=1)
            divisor = {"capped": total.clamp(max=depth), "relevant": total, "found": found_there}[denominator]
            value = precisions / divisor
            if denominator == "found":
                cut = groups.where(groups.start + groups.size > depth)
                value[cut.row] = found_precision(cut, precisions[cut.row], depth, harmonic)
            values.append(torch.where(total > 0, value, torch.nan))
        return torch.cat(values)

    per_query = shared(of, len(query))
    if per_query.isnan().all():
        raise InputError("No query shares a label with any item of the gallery, so there is no average precision.")
    return AveragePrecision(per_query)


def mean_average_precision(
    query: Tensor,
    gallery: Tensor,
    query_labels: Tensor,
    gallery_labels: Tensor,
    k: int | None = None,
    *,
    denominator: str = "capped",
    ties: str = "expected",
    chunk: int = CHUNK,
) -> float:
    """mAP: the mean of `average_precision` over the queries that have a relevant item (same arguments, same errors)."""
    return average_precision(
        query, gallery, query_labels, gallery_labels, k, denominator=denominator, ties=ties, chunk=chunk
    ).mean


def average_precision_per_label(
    query: Tensor,
    gallery: Tensor,
    query_labels: Tensor,
    gallery_labels: Tensor,
    k: int | None = None,
    *,
    denominator: str = "capped",
    ties: str = "expected",
    chunk: int = CHUNK,
) -> Tensor:
    """For each label the mean AP of the queries that have it, L float64; NaN for a label that no query has.

    Relevance stays "any label in common", as in the authors' code. Same arguments and errors as `average_precision`.
    """
    result = average_precision(
        query, gallery, query_labels, gallery_labels, k, denominator=denominator, ties=ties, chunk=chunk
    )
    return result.per_label(query_labels.to(result.per_query.device))


def precision_recall(
    query: Tensor,
    gallery: Tensor,
    query_labels: Tensor,
    gallery_labels: Tensor,
    points: int = 11,
    chunk: int = CHUNK,
    *,
    ties: str = "expected",
) -> tuple[Tensor, Tensor]:
    """The interpolated precision-recall curve, averaged over the queries that have a relevant item.

    The interpolated precision at recall r is the highest precision at any recall of at least r. Where scores are
    equal, precision and recall at a rank are those expected over the orders of ties (McSherry and Najork 2008), and
    the curve is drawn through them; it is not the mean of the orders' curves, each of which would peak by luck.

    Args:
        query: Q × d embeddings.
        gallery: N × d embeddings.
        query_labels: Q × L; any non-zero entry is a label.
        gallery_labels: N × L.
        points: How many levels of recall, evenly spaced from 0 to 1 (11 is the classic curve).
        chunk: Queries at a time.
        ties: "expected" or "index".

    Returns:
        Levels of recall and precision at each, both `points` long, float64.

    Raises:
        InputError: As for `average_precision`, or fewer than 2 points.
    """
    query, gallery = _directions(query, "query"), _directions(gallery, "gallery")
    wanted, offered = _label_matrices(query, gallery, query_labels, gallery_labels)
    if points < 2:
        raise InputError(f"A precision-recall curve needs at least 2 points, not {points}.")
    _known_ties(ties)
    levels = torch.linspace(0, 1, points, dtype=torch.float64, device=query.device)
    ranks = torch.arange(1, len(gallery) + 1, dtype=torch.float64, device=query.device)
    curve, used = torch.zeros_like(levels), 0
    for rows in _chunks(len(query), chunk):
        relevant = wanted[rows] @ offered.T > 0
        ranked, equal = _ranked(_similarity(query[rows], gallery), relevant, ties)
        found = ranked.cumsum(dim=1, dtype=torch.int32)
        found = expected_found(found, tie_groups(equal, found))
        found = found[found[:, -1] > 0]
        best_from_here = (found / ranks).flip(1).cummax(dim=1).values.flip(1)
        # A recall of r is reached with the ceil(r · relevant)-th hit; the small step back absorbs rounding of r.
        hits = (levels * found[:, -1:] - 1e-9).ceil().clamp(min=1)
        first = torch.searchsorted(found, hits)
        curve += best_from_here.gather(1, first).sum(dim=0)
        used += len(found)
    if not used:
        raise InputError("No query shares a label with any item of the gallery, so there is no precision-recall curve.")
    return levels, curve / used


def recall_at_k(
    query: Tensor,
    gallery: Tensor,
    query_owner: Tensor | None = None,
    gallery_owner: Tensor | None = None,
    ks: Sequence[int] = (1, 5, 10),
    chunk: int = CHUNK,
    *,
    ties: str = "expected",
) -> dict[int, float]:
    """Instance retrieval: the share of queries that find at least one of their own partners among the first k.

    With several texts for each image, images are owned by 0 … M−1 and `gallery_owner` of a text is its image; the
    other way round, from texts to images, swap the two.

    Args:
        query: Q × d embeddings.
        gallery: N × d embeddings.
        query_owner: Q whole numbers; 0 … Q−1 without.
        gallery_owner: N whole numbers; 0 … N−1 without. A query's partners are the items with its number.
        ks: How deep to look; deeper than the gallery is the whole gallery.
        chunk: Queries at a time.
        ties: "expected", the share of the orders of ties in which a partner is among the first k (hypergeometric;
            McSherry and Najork 2008), or "index".

    Returns:
        Recall for each k, over the queries that have a partner.

    Raises:
        InputError: Sizes that do not fit, nothing to rank, NaN, a zero vector, or no query with a partner.
    """
    query, gallery = _directions(query, "query"), _directions(gallery, "gallery")
    _same_width(query, gallery)
    wanted, offered = _owners(query_owner, query, "query"), _owners(gallery_owner, gallery, "gallery")
    if not ks or any(k < 1 for k in ks):
        raise InputError(f"The depths ks must be whole numbers of at least 1, not {list(ks)}.")
    _known_ties(ties)
    positions = torch.arange(len(gallery), device=query.device)
    groups = []
    for rows in _chunks(len(query), chunk):
        similarity = _similarity(query[rows], gallery)
        partner = wanted[rows, None] == offered
        best = similarity.masked_fill(~partner, -torch.inf).max(dim=1, keepdim=True).values
        before, equal = (similarity > best).sum(dim=1), similarity == best
        own = equal & partner
        size, partners = equal.sum(dim=1), own.sum(dim=1)
        if ties == "index":  # the first partner alone, after the equals before it
            before += (equal & (positions < own.int().argmax(dim=1, keepdim=True))).sum(dim=1)
            size, partners = torch.ones_like(size), torch.ones_like(partners)
        groups.append(torch.stack([before, size, partners])[:, partner.any(dim=1)])
    before, size, partners = torch.cat(groups, dim=1)
    if not len(before):
        raise InputError("No query has a partner in the gallery, so there is no recall.")
    return {int(k): float(chance_of_a_hit(before, size, partners, k).mean()) for k in ks}


def expected_average_precision(relevant: Tensor, total: int, k: int | None = None) -> Tensor:
    """E[AP] of a ranking drawn at random, for R relevant items among N.

    Rank r holds a relevant item with probability R/N; given that, each of the r − 1 items before it is relevant with
    probability (R − 1)/(N − 1), so precision there is expected to be (1 + (r − 1)(R − 1)/(N − 1)) / r. Summed over the
    first K ranks (K = N without k), with H_K = 1 + 1/2 + … + 1/K:

        E[AP@K] = R/N · (H_K + (R − 1)/(N − 1) · (K − H_K)) / min(K, R)

    Args:
        relevant: R of each query, any shape.
        total: N.
        k: As in `average_precision`, with the denominator "capped".

    Returns:
        float64, the shape of `relevant`; NaN where R is 0.
    """
    depth = _depth(k, total)
    harmonic = float((1 / torch.arange(1, depth + 1, dtype=torch.float64)).sum())
    count = relevant.double()
    others = (count - 1) / max(total - 1, 1)
    expected = count / total * (harmonic + others * (depth - harmonic)) / count.clamp(max=depth)
    return torch.where(count > 0, expected, torch.nan)


def chance_level(
    query_labels: Tensor, gallery_labels: Tensor | None = None, k: int | None = None, chunk: int = CHUNK
) -> float:
    """The mAP that a random ranking is expected to reach, exactly (`expected_average_precision`, averaged).

    A random ranking scores high where labels are common: print this beside every result.

    Args:
        query_labels: Q × L.
        gallery_labels: N × L; the queries' own labels without (paired test sets).
        k: As in `average_precision`.
        chunk: Queries at a time.

    Raises:
        InputError: Sizes that do not fit, or no query with a relevant item.
    """
    gallery_labels = query_labels if gallery_labels is None else gallery_labels
    wanted, offered = _present(query_labels, "query"), _present(gallery_labels, "gallery")
    _same_labels(wanted, offered)
    rows = _chunks(len(wanted), chunk)
    relevant = torch.cat([(wanted[part] @ offered.T > 0).sum(dim=1) for part in rows])
    if not relevant.any():
        raise InputError("No query shares a label with any item of the gallery, so chance has no level.")
    return float(expected_average_precision(relevant, len(offered), k).nanmean())


def _chunks(count: int, chunk: int) -> Iterator[slice]:
    if chunk < 1:
        raise InputError(f"The chunk must be at least 1, not {chunk}.")
    return (slice(start, start + chunk) for start in range(0, count, chunk))


def _depth(k: int | None, total: int) -> int:
    if k is not None and k < 1:
        raise InputError(f"The depth k must be at least 1, or left out for the whole list, not {k}.")
    return total if k is None else min(k, total)


def _known_ties(ties: str) -> None:
    if ties not in TIES:
        raise InputError(f"The ties must be one of {', '.join(TIES)}, not {ties!r}.")


def _similarity(query: Tensor, gallery: Tensor) -> Tensor:
    """Cosines of float64 unit vectors, as float32; a cosine of 0 is exactly that.

    Products differ in their last bits with the size of the chunk, and that must not decide the order of equal items.
    Rounding to float32 drops those bits, except at right angles (half the pairs of binary codes can be), where they
    are all that is left.
    """
    return hardshrink((query @ gallery.T).float(), RIGHT_ANGLE)


def _ranked(similarity: Tensor, relevant: Tensor, ties: str) -> tuple[Tensor, Tensor]:
    """Sort each row of `relevant` (Q × N, bool) by falling similarity.

    Score and relevance are packed into one whole number that sorts as the ranking does, because NumPy sorts plain
    numbers several times faster than torch finds a stable order (and that is where all the time goes).

    Returns:
        `relevant` in the order of the ranking, and where an item has the score of the next, Q × (N − 1). Equals come
        with the relevant ones last. With ties by "index" they come in that order, and count as no ties, Q × 0.
    """
    bits = (similarity + 0.0).view(torch.int32)  # + 0.0: minus zero equals zero
    falling = (bits >> 31).bitwise_and_(0x7FFFFFFF).bitwise_xor_(bits).bitwise_not_()  # compares as the negated floats
    if ties == "index":
        positions = torch.arange(similarity.shape[1], device=similarity.device) << 1
        keys = _sorted_rows(falling.long().bitwise_left_shift_(31).bitwise_or_(positions).bitwise_or_(relevant))
        return keys.bitwise_and_(1).bool(), relevant[:, :0]
    # No cosine reaches 2, so the highest bit repeats the one after it and can make room for the relevance.
    keys = _sorted_rows(falling.bitwise_left_shift_(1).bitwise_or_(relevant))
    ranked = (keys & 1).bool()
    scores = keys.bitwise_right_shift_(1)
    return ranked, scores[:, 1:] == scores[:, :-1]


def _sorted_rows(keys: Tensor) -> Tensor:
    """Sort each row: on a processor in place, in as many threads as torch uses (NumPy takes one, but frees others)."""
    if keys.device.type != "cpu":
        return keys.sort(dim=1).values
    parts = keys.tensor_split(min(torch.get_num_threads(), len(keys)))
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(lambda part: part.numpy().sort(axis=1), parts))
    return keys


def _directions(embeddings: Tensor, who: str) -> Tensor:
    """Unit vectors in float64, checked."""
    if embeddings.ndim != 2 or not embeddings.numel():
        raise InputError(f"The {who} must be a matrix with at least one row, not of shape {tuple(embeddings.shape)}.")
    embeddings = embeddings.detach().double()
    norms = torch.linalg.vector_norm(embeddings, dim=1, keepdim=True)
    if not torch.isfinite(norms).all():
        row = int((~torch.isfinite(norms)).flatten().nonzero()[0])
        raise InputError(f"Row {row} of the {who} contains NaN or infinity; a ranking needs finite embeddings.")
    if not (norms > 0).all():
        row = int((norms == 0).flatten().nonzero()[0])
        raise InputError(f"Row {row} of the {who} is a zero vector, which has no cosine with anything; leave it out.")
    return embeddings / norms


def _present(labels: Tensor, who: str) -> Tensor:
    if labels.ndim != 2 or not labels.numel():
        raise InputError(f"The {who} labels must be a matrix, items × labels, not of shape {tuple(labels.shape)}.")
    if labels.isnan().any():
        raise InputError(f"The {who} labels contain NaN; give 0 and 1.")
    return (labels != 0).float()


def _same_width(query: Tensor, gallery: Tensor) -> None:
    if query.shape[1] != gallery.shape[1]:
        raise InputError(
            f"Query and gallery must lie in one space, but are {query.shape[1]} and {gallery.shape[1]} wide."
        )


def _same_labels(query_labels: Tensor, gallery_labels: Tensor) -> None:
    if query_labels.shape[1] != gallery_labels.shape[1]:
        raise InputError(
            f"Query and gallery must have the same labels, but have {query_labels.shape[1]} "
            f"and {gallery_labels.shape[1]} columns."
        )


def _label_matrices(
    query: Tensor, gallery: Tensor, query_labels: Tensor, gallery_labels: Tensor
) -> tuple[Tensor, Tensor]:
    _same_width(query, gallery)
    matrices = []
    for who, embeddings, labels in (("query", query, query_labels), ("gallery", gallery, gallery_labels)):
        if len(labels) != len(embeddings):
            raise InputError(
                f"The {who} has {len(embeddings)} embeddings but {len(labels)} rows of labels; give one row for each."
            )
        matrices.append(_present(labels, who).to(query.device))
    _same_labels(*matrices)
    return matrices[0], matrices[1]


def _owners(owner: Tensor | None, embeddings: Tensor, who: str) -> Tensor:
    if owner is None:
        return torch.arange(len(embeddings), device=embeddings.device)
    owner = torch.as_tensor(owner, device=embeddings.device)
    if owner.shape != (len(embeddings),):
        raise InputError(f"The {who} needs one owner for each of its {len(embeddings)} rows, not {tuple(owner.shape)}.")
    return owner

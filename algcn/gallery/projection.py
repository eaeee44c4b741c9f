"""Draw points of the common space as a picture by PCA, t-SNE or UMAP, and find what is near there whatever it shows.

Notable: geometry is by cosine, so rows are L2-normalised first and Euclidean distances of those rank as cosines do;
PCA needs numpy alone, scikit-learn and umap-learn (seconds to import) are imported when they are asked for; the same
points and seed give the same picture.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from algcn.kit import checks
from algcn.kit.errors import InputError
from algcn.kit.progress import tqdm_options

METHODS = ("pca", "tsne", "umap")
DIMENSIONS = (2, 3)
# Up to this many rows or columns PCA is exact; beyond, subspace iteration with some columns to spare.
EXACT = 300
SPARE_COLUMNS, ITERATIONS = 8, 5
# Fewer different points than this have no neighbourhoods that t-SNE and UMAP could keep: PCA draws them.
FEWEST = 5
NEIGHBOURS, MIN_DISTANCE = 15, 0.1
PERPLEXITY = 30.0
TSNE_START = 1e-4  # the standard deviation that t-SNE starts from
PLACED_AMONG = 8
# Of more points than this, so many are laid out; the others are placed among them, in REDUCED dimensions.
MOST_LAID_OUT, REDUCED = 20_000, 64
ROWS_AT_ONCE = 2048
Floats = NDArray[np.float32]
Layout = dict[int, Floats]  # N × 2 and N × 3, by how many dimensions


@dataclasses.dataclass(frozen=True, eq=False)
class Axes:
    """Principal axes: a linear picture of the space, in which later points can be drawn exactly.

    Attributes:
        mean: The mean of the normalised points, d.
        components: K × d, orthonormal; zero rows where the points have fewer directions than that.
        explained: The share of the variance along each of the K axes.
    """

    mean: Floats
    components: Floats
    explained: tuple[float, ...]

    def project(self, points: ArrayLike) -> Floats:
        """Project N × d points to N × K positions."""
        return (normalised(points) - self.mean) @ self.components.T

    def first(self, count: int) -> Axes:
        """Return the first of the axes alone."""
        return Axes(self.mean, self.components[:count], self.explained[:count])


def normalised(points: ArrayLike) -> Floats:
    """Return points as L2-normalised float32 rows, N × d; zeros stay zeros.

    Raises:
        InputError: The points are no matrix, or a value is NaN or infinite.
    """
    rows = np.asarray(points, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise InputError(f"Points must be a matrix with a row for each, not an array of shape {rows.shape}.")
    if not np.isfinite(rows).all():
        raise InputError("The points hold a NaN or an infinity; give finite numbers.")
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)


def fit_axes(points: ArrayLike, dimensions: int = 2, seed: int = 0) -> Axes:
    """Fit the principal axes of N × d points; the largest entry of each is positive, so that no run mirrors it.

    Raises:
        InputError: See `normalised`.
    """
    rows = normalised(points)
    width = rows.shape[1]
    mean = rows.mean(axis=0) if len(rows) else np.zeros(width, np.float32)
    centred = rows - mean
    _, values, directions = _leading(centred, dimensions, seed)
    total = float((centred**2).sum())
    # What is left of a direction that does not exist is rounding error.
    real = values > 1e-5 * max(float(values[0]) if len(values) else 0.0, 1e-3)
    directions = directions[:dimensions] * real[:dimensions, None]
    signs = np.sign(np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1))
    components = np.zeros((dimensions, width), np.float32)
    components[: len(directions)] = directions * np.where(signs == 0, 1, signs)
    shares = [float(value) ** 2 / total if total else 0.0 for value in (values * real)[:dimensions]]
    return Axes(mean, components, tuple(shares + [0.0] * (dimensions - len(shares))))


def project(
    points: ArrayLike, method: str = "pca", dimensions: int = 2, seed: int = 0, *, progress: bool = False
) -> Floats:
    """Draw N × d points in two or three dimensions; returns N × dimensions.

    The neighbourhoods that t-SNE and UMAP look at shrink with N (a perplexity below N / 3, fewer neighbours than
    points), and both start from the principal axes. Fewer than 5 different points are drawn by PCA.

    Args:
        points: The points, N × d; N may be 0.
        method: "pca", "tsne" or "umap".
        dimensions: 2 or 3.
        seed: The seed of what t-SNE and UMAP do by chance.
        progress: Show UMAP's progress bar on stderr.

    Raises:
        InputError: An unknown method, other dimensions, or points that are no finite matrix.
    """
    check_method(method, dimensions)
    rows = normalised(points)
    positions = fit_axes(rows, dimensions, seed).project(rows)
    if method == "pca" or _count_different(rows) < FEWEST:
        return positions
    return _tsne(rows, positions, seed) if method == "tsne" else _umap(rows, positions, seed, progress=progress)


def lay_out(
    points: ArrayLike, method: str = "umap", seed: int = 0, most: int = MOST_LAID_OUT, *, progress: bool = False
) -> dict[int, Floats]:
    """Draw points in two and in three dimensions, each fitted to -1 … 1: N × 2 under the key 2, N × 3 under 3.

    Of more than `most` points a random sample of that size is laid out and the others are placed among it (see
    `place`), both by the 64 leading directions of the sample.

    Raises:
        InputError: See `project`.
    """
    rows = normalised(points)
    if len(rows) <= most:
        drawn = {dimensions: project(rows, method, dimensions, seed, progress=progress) for dimensions in DIMENSIONS}
        return {dimensions: fit_to_unit(positions) for dimensions, positions in drawn.items()}
    chosen = laid_out(len(rows), most, seed)
    others = np.setdiff1d(np.arange(len(rows)), chosen)
    rows = rows @ leading_directions(rows[chosen], seed)
    layouts = {}
    for dimensions in DIMENSIONS:
        positions = np.empty((len(rows), dimensions), np.float32)
        positions[chosen] = project(rows[chosen], method, dimensions, seed, progress=progress)
        positions[others] = place(rows[others], rows[chosen], positions[chosen])
        layouts[dimensions] = fit_to_unit(positions)
    return layouts


def laid_out(count: int, most: int = MOST_LAID_OUT, seed: int = 0) -> NDArray[np.int64]:
    """Choose which of `count` points `lay_out` lays out, at most `most`, ascending."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def leading_directions(points: ArrayLike, seed: int = 0) -> Floats:
    """Return the up to 64 leading directions of N × d points, d × 64, not centred: what counts is the cosine."""
    return _leading(normalised(points), REDUCED, seed)[2][:REDUCED].T


def check_method(method: object, dimensions: object) -> None:
    """Refuse a method or a number of dimensions that `project` does not know.

    Raises:
        InputError: The message lists the methods and dimensions that it knows.
    """
    if method not in METHODS:
        raise InputError(f"The method must be one of {', '.join(METHODS)}, not {method!r:.40}.")
    if not checks.is_number(dimensions) or dimensions not in DIMENSIONS:
        raise InputError(f"The dimensions must be 2 or 3, not {checks.shown(dimensions)}.")


def fit_to_unit(positions: ArrayLike) -> Floats:
    """Move and scale positions, N × K, as a whole so that the furthest along any axis is at 1 or -1."""
    positions = np.asarray(positions, np.float32)
    if not len(positions):
        return positions
    centred = positions - (positions.max(axis=0) + positions.min(axis=0)) / 2
    reach = float(np.abs(centred).max())
    return centred / reach if reach > 0 else centred


def place(queries: ArrayLike, points: ArrayLike, positions: ArrayLike, among: int = PLACED_AMONG) -> Floats:
    """Place new points (Q × d) in a picture that has no formula, such as UMAP's: Q × K.

    An approximation: the mean of the positions (N × K) of the nearest of the old points (N × d), the nearer the
    heavier. A query that equals an old point does not lie on it exactly.

    Raises:
        InputError: There are no old points, or see `normalised`.
    """
    positions = np.asarray(positions, np.float32)
    cosines, ids = neighbours(points, queries, among)
    if ids.shape[1] == 0:
        raise InputError("There is no point to place others among; give at least one.")
    # The furthest of the neighbours still counts a little.
    weights = cosines - cosines[:, -1:] + 0.05
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("qn,qnk->qk", weights, positions[ids]).astype(np.float32)


def neighbours(points: ArrayLike, queries: ArrayLike, k: int) -> tuple[Floats, NDArray[np.int64]]:
    """Find the k points (N × d) with the highest cosine for each query (Q × d), in all d dimensions.

    A query that is itself one of the points finds itself.

    Returns:
        Cosines and positions, both Q × min(k, N), the best first, equal ones in their order.
    """
    rows, targets = normalised(points), normalised(queries)
    k = max(0, min(int(k), len(rows)))
    cosines, ids = np.empty((len(targets), k), np.float32), np.empty((len(targets), k), np.int64)
    for start in range(0, len(targets), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        scores = np.clip(targets[part] @ rows.T, -1, 1)
        best = np.arange(len(rows))[None].repeat(len(scores), 0)
        if k < len(rows) // 4:  # sorting all of a large collection would take longer than the product
            best = np.sort(np.argpartition(-scores, k, axis=1)[:, :k], axis=1)
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")[:, :k]
        ids[part] = np.take_along_axis(best, order, axis=1)
        cosines[part] = np.take_along_axis(scores, ids[part], axis=1)
    return cosines, ids


def silhouette(points: ArrayLike, groups: Sequence[str], metric: str = "cosine") -> float | None:
    """Measure how well groups hold together, from -1 to 1: scikit-learn's `silhouette_score`, without its import.

    For each point (b - a) / max(a, b), with a its mean distance to the others of its group and b to the nearest other
    group; 0 for a point alone in its group; the mean of all.

    Args:
        points: The points, N × d.
        groups: The name of each point's group.
        metric: "cosine" for the common space, "euclidean" for a picture.

    Returns:
        None where it has no meaning: with fewer than two groups, or as many groups as points.
    """
    rows = normalised(points) if metric == "cosine" else np.asarray(points, np.float32)
    names, codes = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    if not 2 <= len(names) < len(rows):
        return None
    distances = 1 - rows @ rows.T if metric == "cosine" else np.linalg.norm(rows[:, None] - rows[None], axis=2)
    np.fill_diagonal(distances, 0)
    sizes = np.bincount(codes)
    sums = np.stack([distances[:, codes == code].sum(axis=1) for code in range(len(names))], axis=1)
    own, everyone = sizes[codes], np.arange(len(rows))
    within = sums[everyone, codes] / np.maximum(own - 1, 1)
    means = sums / sizes
    means[everyone, codes] = np.inf
    nearest = means.min(axis=1)
    largest = np.maximum(within, nearest)
    scores = np.divide(nearest - within, largest, out=np.zeros_like(largest), where=(largest > 0) & (own > 1))
    return float(scores.mean())


def _leading(centred: Floats, count: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return the leading singular vectors and values of a matrix, at least `count` where it has as many."""
    if min(centred.shape) <= EXACT:
        return np.linalg.svd(centred, full_matrices=False)
    start = np.random.default_rng(seed).standard_normal((centred.shape[1], count + SPARE_COLUMNS), dtype=np.float32)
    basis, _ = np.linalg.qr(centred @ start)
    for _ in range(ITERATIONS):
        basis, _ = np.linalg.qr(centred.T @ basis)
        basis, _ = np.linalg.qr(centred @ basis)
    left, values, directions = np.linalg.svd(basis.T @ centred, full_matrices=False)
    return basis @ left, values, directions


def _count_different(rows: Floats) -> int:
    """Count how many different points there are, up to FEWEST."""
    found: list[Floats] = []
    for row in rows:
        if all(np.abs(row - other).max() > 1e-6 for other in found):
            found.append(row)
        if len(found) == FEWEST:
            break
    return len(found)


def _tsne(rows: Floats, start: Floats, seed: int) -> Floats:
    from sklearn.manifold import TSNE

    spread = float(start[:, 0].std()) or 1.0
    return TSNE(
        n_components=start.shape[1],
        perplexity=max(1.0, min(PERPLEXITY, (len(rows) - 1) / 3)),
        init=start / spread * TSNE_START,
        learning_rate="auto",
        random_state=seed,
    ).fit_transform(rows)


def _umap(rows: Floats, start: Floats, seed: int, *, progress: bool) -> Floats:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the parallelism that a fixed seed forgoes
        import umap

        return umap.UMAP(
            n_components=start.shape[1],
            n_neighbors=min(NEIGHBOURS, len(rows) - 1),
            min_dist=MIN_DISTANCE,
            init=start,
            random_state=seed,
            n_jobs=1,
            tqdm_kwds=tqdm_options(f"layout, {start.shape[1]} dimensions", "epoch", shown=progress),
        ).fit_transform(rows)

"""Find the clusters of a map, and name each by the labels that set it apart from the rest of the map.

Notable: clusters are the hills of the density as drawn, whatever laid the points out, so that a name stands where a
visitor sees points together. Everything is counted on a grid: a hundred thousand points take as long as a thousand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

CELLS = 72  # of the grid, along the longer side of the map
BLUR = 1.6  # cells; hills nearer to each other than about twice that are one
FEWEST = 5  # points that make a cluster, and LEAST of all
LEAST = 0.004
COMMON = 1 / 4  # a name is on at least this share of its cluster
CLEAR = 1.0  # and its log-odds are higher there by at least this much
NEXT = 0.6  # a second name sets its cluster apart at least this much as well as the first
NAMES = 2


@dataclasses.dataclass(frozen=True)
class Cluster:
    """A cluster of a map.

    Attributes:
        points: The numbers of its points, ascending.
        names: The labels that set it apart, the best first; none where no label does.
    """

    points: NDArray[np.int64]
    names: tuple[str, ...]


def named_clusters(positions: ArrayLike, columns: Mapping[str, NDArray[np.int64]]) -> list[Cluster]:
    """Find the clusters of N points in the plane (N × 2), the largest first, named by labels.

    Args:
        positions: Where the points are.
        columns: The points that have each label, each once.
    """
    numbers = find_clusters(positions)
    count = numbers.max(initial=-1) + 1
    every = {label: len(points) for label, points in columns.items()}
    inside = {label: np.bincount(numbers[points] + 1, minlength=count + 1)[1:] for label, points in columns.items()}
    clusters = []
    for number in range(count):
        points = np.flatnonzero(numbers == number)
        having = {label: int(counts[number]) for label, counts in inside.items()}
        clusters.append(Cluster(points, setting_apart(having, len(points), every, len(numbers))))
    return clusters


def find_clusters(positions: ArrayLike) -> NDArray[np.int64]:
    """Tell for each of N points (N × 2) its cluster, numbered from the largest; -1 where too few are together.

    Points are counted in the cells of a grid, the counts are blurred, and each cell belongs to the peak that one comes
    to by climbing from it to its highest neighbour again and again.
    """
    from scipy.ndimage import gaussian_filter

    points = np.asarray(positions, float)
    if not len(points):
        return np.zeros(0, np.int64)
    low = points.min(axis=0)
    size = max(float((points.max(axis=0) - low).max()), 1e-9) / CELLS
    cells = np.minimum(((points - low) / size).astype(np.int64), CELLS - 1)
    counts = np.zeros((CELLS, CELLS))
    np.add.at(counts, tuple(cells.T), 1)
    peaks = _peaks(gaussian_filter(counts, BLUR, mode="constant"))[tuple(cells.T)]
    found, numbers, sizes = np.unique(peaks, return_inverse=True, return_counts=True)
    large = sizes >= max(FEWEST, LEAST * len(points))
    order = np.lexsort((found, -sizes))
    rank = np.empty(len(found), np.int64)
    rank[order] = np.arange(len(found))
    return np.where(large, rank, -1)[numbers]


def setting_apart(inside: Mapping[str, int], here: int, every: Mapping[str, int], count: int) -> tuple[str, ...]:
    """Choose the labels that set the points of a cluster apart from the rest of a map.

    With p the share of the cluster's points that have a label and q that of all others, half a point added to both
    sides so that nothing is infinite, a label scores √p · (log p/(1 - p) - log q/(1 - q)): how much likelier it is
    inside, and less where it speaks for few of the points. The best are the names; of equals the first by the alphabet.

    Args:
        inside: How many points of the cluster have each label.
        here: How many points the cluster has.
        every: How many points of the whole map have each label.
        count: How many points the map has.
    """
    rest, scores = count - here, {}
    for label, having in inside.items():
        share = having / here
        log_odds = np.log((having + 0.5) / (here - having + 0.5))
        elsewhere = every[label] - having
        log_odds -= np.log((elsewhere + 0.5) / (rest - elsewhere + 0.5))
        if share >= COMMON and log_odds >= CLEAR:
            scores[label] = float(share**0.5 * log_odds)
    best = sorted(scores, key=lambda label: (-scores[label], label))[:NAMES]
    return tuple(label for label in best if scores[label] >= NEXT * scores[best[0]])


def _peaks(density: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each cell of a grid the number of the peak that one climbs to from it."""
    rows, columns = density.shape
    padded = np.pad(density, 1, constant_values=-1.0)
    steps = [(down, right) for down in (0, -1, 1) for right in (0, -1, 1)]  # to stay comes first
    around = np.stack([padded[1 + d : 1 + d + rows, 1 + r : 1 + r + columns] for d, r in steps])
    best = np.array(steps)[around.argmax(axis=0)]
    row, column = np.indices(density.shape)
    upward = ((row + best[..., 0]) * columns + column + best[..., 1]).reshape(-1)
    while not np.array_equal(upward, further := upward[upward]):
        upward = further
    return upward.reshape(density.shape)

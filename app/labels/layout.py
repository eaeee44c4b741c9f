"""Lay out labels: fixed positions for the graph, and an order of rows that puts related labels side by side.

Notable: both come from the weights alone, without chance, so the same graph is always drawn the same; positions are
kept for every stage, threshold and epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

WIDTH, HEIGHT = 1000.0, 640.0  # of the drawing, in its own units: about a pixel each on a desktop
STEPS = 300  # of stress majorisation; it has settled long before
SPREAD_STEPS = 400  # of pushing names apart
WEAKEST = 0.02  # a normalised weight below this holds no two labels together
GROUP_LENGTH = 1.5  # as far apart as two labels of a group should be where no edge says otherwise
LETTER, LINE = 7.2, 24.0  # room for a name, in the units of the drawing
DOT, GAP = 26.0, 10.0


def layout(weights: np.ndarray, groups: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Compute positions of L labels, L × 2, x from 0 to WIDTH and y from 0 to HEIGHT.

    Labels that send to each other, or are of one group, come close (stress majorisation over shortest paths, as
    Kamada and Kawai's layout, but without a random start); names do not overlap.

    Args:
        weights: The graph, L × L, not negative, in either orientation.
        groups: The group of each label.
        names: The name of each label.
    """
    count = len(names)
    if count == 1:
        return np.array([[WIDTH / 2, HEIGHT / 2]])
    wanted = _wanted_distances(weights, groups)
    points = _majorise(_classical(wanted), wanted)
    points = _fit(_turned(points), share=0.86)
    boxes = np.array([[DOT + GAP + LETTER * min(len(name), 16), LINE + 2] for name in names])
    return np.round(_spread(points, boxes), 1)


def seriation(weights: np.ndarray) -> list[int]:
    """Order the L labels so that strongly connected ones are side by side: optimal leaf ordering."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    if len(weights) < 3:
        return list(range(len(weights)))
    near = _symmetric(weights)
    distance = 1.0 - near / max(near.max(), 1e-12)
    np.fill_diagonal(distance, 0.0)
    condensed = squareform(distance, checks=False)
    return leaves_list(optimal_leaf_ordering(linkage(condensed, "average"), condensed)).tolist()


def _symmetric(weights: np.ndarray) -> np.ndarray:
    """Return the stronger direction of each pair over the geometric mean of both labels' totals, so hubs count less."""
    near = np.maximum(weights, weights.T).astype(np.float64)
    np.fill_diagonal(near, 0.0)
    totals = near.sum(axis=0) + 1e-9
    return near / np.sqrt(np.outer(totals, totals))


def _wanted_distances(weights: np.ndarray, groups: Sequence[str]) -> np.ndarray:
    """Return how far apart each two labels should be: shortest paths over edges, short where they are strong."""
    from scipy.sparse.csgraph import shortest_path

    near = _symmetric(weights)
    length = np.full(near.shape, np.inf)
    linked = near >= WEAKEST
    length[linked] = 0.3 + 1.2 / (1.0 + 8.0 * near[linked])
    same = np.equal.outer(np.array(groups, dtype=object), np.array(groups, dtype=object)).astype(bool)
    same &= np.array([bool(group) for group in groups])[:, None]
    length[same] = np.minimum(length[same], GROUP_LENGTH)
    np.fill_diagonal(length, 0.0)
    paths = shortest_path(length, directed=False)
    reached = np.isfinite(paths)
    paths[~reached] = paths[reached].max() + 1.0
    return paths


def _classical(distances: np.ndarray) -> np.ndarray:
    """Scale classically: the plane that keeps the squared distances best; its signs are settled."""
    count = len(distances)
    centring = np.eye(count) - 1.0 / count
    values, vectors = np.linalg.eigh(-0.5 * centring @ distances**2 @ centring)
    plane = vectors[:, -2:][:, ::-1] * np.sqrt(np.maximum(values[-2:][::-1], 1e-9))
    signs = np.sign(plane[np.abs(plane).argmax(axis=0), [0, 1]])
    # Labels that are alike in everything would start, and stay, on one spot.
    angle = np.arange(count) * 2.399963
    nudge = 1e-3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return plane * np.where(signs == 0, 1, signs) + nudge


def _majorise(points: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Run SMACOF: every step lowers the sum of ((distance - wanted) / wanted)²."""
    importance = 1.0 / np.maximum(wanted, 1e-6) ** 2
    np.fill_diagonal(importance, 0.0)
    laplacian = np.diag(importance.sum(axis=1)) - importance
    inverse = np.linalg.pinv(laplacian)
    for _ in range(STEPS):
        distance = np.linalg.norm(points[:, None] - points[None], axis=2)
        pull = -importance * wanted / np.maximum(distance, 1e-9)
        np.fill_diagonal(pull, 0.0)
        np.fill_diagonal(pull, -pull.sum(axis=1))
        points = inverse @ (pull @ points)
    return points


def _turned(points: np.ndarray) -> np.ndarray:
    """Turn the longest side across."""
    points = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(points, full_matrices=False)
    axes = axes * np.where(axes[:, :1] < 0, -1, 1)
    return points @ axes.T


def _fit(points: np.ndarray, share: float) -> np.ndarray:
    """Stretch positions to fill `share` of the drawing."""
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.array([WIDTH, HEIGHT])
    return (points - (low + high) / 2) / np.maximum(high - low, 1e-9) * size * share + size / 2


def _spread(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Push boxes (L × 2 sizes) apart until none overlap, inside the drawing as far as there is room."""
    room = (boxes[:, None] + boxes[None]) / 2
    low = boxes / 2
    high = np.array([WIDTH, HEIGHT]) - boxes / 2
    points = points.copy()
    for _ in range(SPREAD_STEPS):
        apart = points[:, None] - points[None]
        overlap = room - np.abs(apart)
        touching = (overlap > 0).all(axis=2)
        np.fill_diagonal(touching, False)
        if not touching.any():
            break
        # Each pair along the side where less is in the way; pairs on one spot part by their number.
        sideways = overlap[..., 0] / room[..., 0] < overlap[..., 1] / room[..., 1]
        order = np.sign(np.arange(len(points))[:, None] - np.arange(len(points))[None])
        direction = np.where(apart == 0, order[..., None], np.sign(apart))
        push = 0.25 * overlap * direction * touching[..., None]
        push[..., 0] *= sideways
        push[..., 1] *= ~sideways
        points = np.clip(points + push.sum(axis=1), low, high)
    return _filled(points, low, high)


def _filled(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Stretch about the middle until a box touches an edge; that parts boxes and never joins them."""
    middle = np.array([WIDTH, HEIGHT]) / 2
    away = points - (points.min(axis=0) + points.max(axis=0)) / 2
    room = np.where(away < 0, middle - low, high - middle)
    factor = (room / np.maximum(np.abs(away), 1e-9)).min(axis=0)
    return middle + away * np.maximum(factor, 1.0)

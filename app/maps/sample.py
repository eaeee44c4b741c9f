"""What a map draws of more points than can be told apart: a sample of every colour, over a shade of all of them.

Notable: each point has its place in one order drawn by chance, and of every colour the first are taken. So the same
gallery has the same picture, and other colours show mostly the same points.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_DRAWN = 20_000
RARE = 0.01  # of the sample: of a rare colour so much is drawn, where it has that many points
SEED = 0
CELLS, BLUR = 128, 1.2  # of the shade, along the longer side of the map; cells
SHADE = "rgba(122, 126, 140, {})"  # is seen on light paper and on dark
DARKEST = 0.5


def drawn_of(colours: NDArray[np.integer], most: int) -> NDArray[np.int64]:
    """Choose about `most` of N points, ascending: of each colour its share, and of a rare one more.

    Args:
        colours: The number of each point's colour, N.
        most: How many are chosen; all where there are no more.
    """
    count = len(colours)
    if count <= most:
        return np.arange(count)
    chance = np.random.default_rng(SEED).permutation(count)
    order = np.lexsort((chance, colours))
    _, firsts, sizes = np.unique(colours[order], return_index=True, return_counts=True)
    wanted = np.maximum(np.round(sizes * (most / count)), np.ceil(RARE * most)).astype(np.int64)
    place_in_colour = np.arange(count) - np.repeat(firsts, sizes)
    return np.sort(order[place_in_colour < np.repeat(wanted, sizes)])


def shade_trace(positions: ArrayLike) -> dict[str, Any]:
    """Shade the plane where N points lie (N × 2), the denser the darker; clicks and the pointer go through."""
    from scipy.ndimage import gaussian_filter

    points = np.asarray(positions, float)
    low = points.min(axis=0)
    size = max(float((points.max(axis=0) - low).max()), 1e-9) / CELLS
    cells = np.minimum(((points - low) / size).astype(np.int64), CELLS - 1)
    counts = np.bincount(cells @ [CELLS, 1], minlength=CELLS * CELLS).reshape(CELLS, CELLS).astype(float)
    # By the logarithm, so that a dense heap leaves something to be seen of the others.
    density = np.log1p(gaussian_filter(counts, BLUR, mode="constant"))
    return {
        "type": "heatmap",
        "z": (density.T / density.max()).round(2).tolist(),
        "x0": float(low[0] + size / 2),
        "dx": size,
        "y0": float(low[1] + size / 2),
        "dy": size,
        "zsmooth": "best",
        "zmin": 0,
        "zmax": 1,
        "colorscale": [[0, SHADE.format(0)], [1, SHADE.format(DARKEST)]],
        "showscale": False,
        "hoverinfo": "skip",
    }

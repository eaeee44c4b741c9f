"""The chance of every result that it is what was asked for, and what that is, in words.

Notable: what a search ranks by, steers away from or weighs differently changes no chance: it is a matter of the
question and the result (`algcn.evaluation.calibration`). What is known of a picture, a label that the gallery gives it,
is not a chance but 1. Words of which the encoder knows none match nothing.

N is the number of items, L of the model's labels, M of the visitor's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from algcn.evaluation.evidence import Described, describe, evidence, shown

if TYPE_CHECKING:
    from algcn.evaluation.calibration import Calibration
    from algcn.evaluation.ranking import Parts
    from app.search.reading import Part

MOST_NAMED = 3  # labels that are listed; of more, how many


class Chances:
    """The chances that a calibration gives.

    Args:
        calibration: The model's.
        names: Those of the model's labels, then of the visitor's own.
    """

    def __init__(self, calibration: Calibration, names: Sequence[str]) -> None:
        self._calibration, self._names = calibration, list(names)
        self._counted = torch.tensor([name not in calibration.uncounted for name in self._names], dtype=torch.bool)

    def of(
        self,
        parts: Sequence[Part],
        shares: Sequence[float],
        modality: str,
        items: Parts,
        likely: Tensor,
        pictures: Parts,
    ) -> NDArray[np.floating] | None:
        """The chance of each of N pictures or texts; those of words and a picture are averaged by their shares.

        Args:
            parts: What the query consists of.
            shares: How much each counts; they sum to 1.
            modality: "image" or "text": what the items are.
            items: The items, N.
            likely: The probabilities of their labels, N × (L + M).
            pictures: The pictures of the gallery.

        Returns:
            None where the calibration has no curve for this.
        """
        described = Described(items.common, likely, items.encoder)
        found = [self._of_part(part, modality, described, pictures.encoder) for part in parts]
        if any(chances is None for chances in found):
            return None
        return sum(share * chances for share, chances in zip(shares, found, strict=True))

    def meaning(self, parts: Sequence[Part]) -> str:
        """Say what has the chance, to stand after "chance": "of showing dog and beach"."""
        if len(parts) > 1:
            return "of fitting your words and your picture"
        named = parts[0].named
        if named:
            more = len(named) - MOST_NAMED
            listed = [*named[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
            return f"of showing {_listed(listed)}"
        uncounted = self._calibration.uncounted
        other = f" other than {_listed(uncounted[:MOST_NAMED], 'or')}" if uncounted else ""
        return f"of sharing a label{other} with the query"

    def _of_part(self, part: Part, modality: str, items: Described, pictures: Tensor) -> NDArray[np.floating] | None:
        kind = f"{'name' if part.named else part.modality}_to_{modality}"
        if kind not in self._calibration.curves:
            return None
        if part.means_nothing:
            return np.zeros(len(items.common))
        if part.named:
            columns = [self._names.index(name) for name in part.named]
            probabilities = items.probabilities[:, columns]
            found = self._calibration.probability(kind, (shown(probabilities).numpy(),))
            return np.where((probabilities == 1).all(dim=1).numpy(), 1.0, found)
        query = describe(part.embedding, part.probabilities, part.features)
        near = (query.encoder @ pictures.T).amax(dim=1) if part.modality == "text" else None
        found = evidence(query, items, self._counted, near)
        return self._calibration.probability(kind, [piece[0].numpy() for piece in found])


def _listed(names: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join(", ".join(those) for those in (names[:-1], names[-1:]) if those)

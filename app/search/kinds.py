"""The pictures and texts of a gallery as a ranking sees them: all, or some rows of a large one."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from algcn.gallery.rows import sample_of
from app.search.own_labels import OwnLabels, known_labels
from app.search.scores import Kind

if TYPE_CHECKING:
    from algcn.bundles.predictor import LabelPredictor
    from algcn.evaluation.ranking import Ranking
    from algcn.gallery.store import Gallery

Rows = NDArray[np.int64]


class Kinds:
    """Describes a gallery's pictures and texts for a ranking.

    Args:
        gallery: The pictures and texts.
        predictor: The model's labels.
        rule: What ranks, by the visitor's own labels too.
        own: Labels that the visitor has beside the model's.
        known: Whether labels that the gallery gives are known to be there.
    """

    def __init__(
        self, gallery: Gallery, predictor: LabelPredictor, rule: Ranking, own: OwnLabels, *, known: bool
    ) -> None:
        self._gallery, self._predictor, self._rule, self._own, self._known = gallery, predictor, rule, own, known

    @cached_property
    def whole(self) -> tuple[Kind, Kind]:
        """All pictures and all texts."""
        gallery = self._gallery
        return self.some(np.arange(len(gallery.items)), np.arange(len(gallery.texts)))

    def some(self, pictures: Rows, texts: Rows) -> tuple[Kind, Kind]:
        """The pictures and texts of some rows, ascending."""
        return self._kind("image", pictures), self._kind("text", texts)

    @cached_property
    def samples(self) -> tuple[Kind, Kind]:
        """Pictures and texts that stand for all, always the same ones."""
        return self.some(sample_of(len(self._gallery.items)), sample_of(len(self._gallery.texts)))

    @cached_property
    def given(self) -> Tensor:
        """Which of the model's labels each picture is known to have, N × L of 1 and 0, a byte each."""
        given = self._predictor.known(self._gallery.items).to(torch.int8)
        return given if self._known else torch.zeros_like(given)

    def _kind(self, modality: str, rows: Rows) -> Kind:
        gallery = self._gallery
        if modality == "image":
            embeddings, features, owner = gallery.image_embeddings, gallery.image_features, rows
        else:
            embeddings, features = gallery.text_embeddings, gallery.text_features
            owner = gallery.text_owner.numpy()[rows]
        if len(rows) < len(embeddings):
            chosen = torch.from_numpy(rows)
            embeddings, features = embeddings.index_select(0, chosen), features.index_select(0, chosen)
        embeddings, features = embeddings.float(), features.float()
        likely = self._predictor.probabilities(embeddings, modality, self.given[torch.from_numpy(owner)])
        if self._own.labels:
            given = known_labels([gallery.items[item] for item in owner.tolist()] if self._known else [])
            likely = torch.cat([likely, self._own.probabilities(features, likely, modality, given)], dim=1)
        return Kind(modality, self._rule.parts(embeddings, likely, features), owner, likely, rows)

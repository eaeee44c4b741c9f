"""Predict labels by the model's classifiers: of a query, of every picture, and those a query shares with a result."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle


# Without saved thresholds no score is a prediction; the best few are still worth showing.
LABELS_WITHOUT_THRESHOLDS = 3
MAX_QUERY_LABELS = 8
MAX_SHARED_LABELS = 5


class LabelPredictor:
    """Scores labels with a bundle's classifiers.

    The graph convolution gives the same classifiers for every query, so it is run once.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._labels = bundle.label_set
        self._names = bundle.label_set.names
        self._bundle = bundle
        with torch.no_grad():
            self._classifiers = functional.normalize(bundle.model.classifiers(), dim=1)

    def scores(self, embeddings: Tensor) -> Tensor:
        """Return the cosine of every embedding (N × d, L2-normalised or zero) with every classifier, N × L."""
        return embeddings @ self._classifiers.T

    def direction(self, names: Sequence[str]) -> Tensor:
        """Return where the classifiers of some labels point together, 1 × d, L2-normalised."""
        rows = [self._labels.index(name) for name in names]
        return functional.normalize(self._classifiers[rows].sum(dim=0, keepdim=True), dim=1)

    def of_query(self, scores: Tensor, modality: str, mentioned: Sequence[str]) -> list[LabelScore]:
        """Return the labels that the words name, then those that the model predicts, the clearest first.

        Args:
            scores: L cosines of the query.
            modality: "image" or "text": whose thresholds hold.
            mentioned: Names of labels.
        """
        names = self._names
        named = [LabelScore(name, float(scores[self._labels.index(name)]), True) for name in mentioned]
        thresholds = self._bundle.thresholds.get(modality)
        if thresholds is None:
            wanted = max(0, LABELS_WITHOUT_THRESHOLDS - len(named))
            order = scores.argsort(descending=True, stable=True)[:wanted].tolist()
        else:
            margin = scores - thresholds
            order = [label for label in margin.argsort(descending=True, stable=True).tolist() if margin[label] > 0]
        predicted = [LabelScore(names[label], float(scores[label])) for label in order if names[label] not in mentioned]
        named.sort(key=lambda label: -label.score)
        return (named + predicted)[:MAX_QUERY_LABELS]

    def of_pictures(self, embeddings: Tensor) -> list[tuple[str, ...]]:
        """Return for every picture (N × d) the labels above their thresholds; none without thresholds."""
        thresholds = self._bundle.thresholds.get("image")
        if thresholds is None:
            return [()] * len(embeddings)
        return [tuple(names) for names in self._labels.decode(self.scores(embeddings) > thresholds)]

    def shared(self, query: Tensor, results: Tensor) -> list[tuple[SharedLabel, ...]]:
        """Return for each of K results the labels whose classifiers are near both to it and to the query.

        The product of the two cosines says how much; only labels with both above 0 are named.

        Args:
            query: L cosines.
            results: K × L cosines.
        """
        together = query.clamp(min=0) * results.clamp(min=0)
        best = together.topk(min(MAX_SHARED_LABELS, together.shape[1]), dim=1)
        of_query, of_results = query.tolist(), results.tolist()
        return [
            tuple(
                SharedLabel(self._names[label], of_query[label], of_results[row][label])
                for value, label in zip(values, labels, strict=True)
                if value > 0
            )
            for row, (values, labels) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True))
        ]


@dataclasses.dataclass(frozen=True)
class LabelScore:
    """A label of the query: its cosine with the query in the common space, and whether the words name it."""

    name: str
    score: float
    mentioned: bool = False


@dataclasses.dataclass(frozen=True)
class SharedLabel:
    """A label that query and result both lean to: the cosine of its classifier with each, in the common space."""

    name: str
    query: float
    result: float

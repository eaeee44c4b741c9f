"""The labels that a model predicts: of pictures, of texts, of a query, by its own classifiers or an edited graph's.

Notable: this is the only place that says when a label is predicted. Its score is the cosine of the embedding with the
label's classifier, and it is predicted where the score is at least the label's threshold, as `fit_thresholds` has it.
A label whose threshold is NaN (no item it could be fitted on has it) is never predicted. Without thresholds nothing is.

N is the number of items, L of labels, d the width of the common space.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle


# Without saved thresholds no score is a prediction; the best few are still worth showing.
LABELS_WITHOUT_THRESHOLDS = 3
MAX_QUERY_LABELS = 8
MAX_SHARED_LABELS = 5
_SMALLEST_NORM = 1e-12  # as torch's own `normalize` has it; a zero embedding has the score 0


def cosine_scores(embeddings: Tensor, classifiers: Tensor) -> Tensor:
    """Return the cosine of every embedding (N × d, of any length) with every classifier (L × d), N × L."""
    norms = torch.linalg.vector_norm(embeddings, dim=1, keepdim=True).clamp(min=_SMALLEST_NORM)
    return embeddings @ functional.normalize(classifiers, dim=1).T / norms


def is_predicted(scores: Tensor, thresholds: Tensor) -> Tensor:
    """Tell whether each score is at least its label's threshold; never where that is NaN.

    Args:
        scores: L, or N × L.
        thresholds: L.
    """
    return scores >= thresholds.to(scores.device)


def thresholds_to_json(thresholds: Mapping[str, Tensor] | None, num_labels: int) -> dict[str, list[float]]:
    """Return thresholds as config.json has them.

    Raises:
        InputError: They are not "image" and "text" with a number for each label.
    """
    written = {name: [round(float(v), 6) for v in values] for name, values in (thresholds or {}).items()}
    if not set(written) <= {"image", "text"} or any(len(values) != num_labels for values in written.values()):
        raise InputError(f"Thresholds are given as 'image' and 'text', {num_labels} numbers each.")
    return written


def thresholds_from_json(value: Any, num_labels: int) -> dict[str, Tensor]:
    """Read thresholds, whatever a config.json says.

    Raises:
        InputError: They are not a number for each label.
    """
    try:
        thresholds = {name: torch.tensor(values, dtype=torch.float32) for name, values in (value or {}).items()}
        if any(values.shape != (num_labels,) for values in thresholds.values()):
            raise ValueError
    except (AttributeError, TypeError, ValueError, OverflowError, RuntimeError):  # the last is torch's own
        raise InputError(
            f"The thresholds of pictures and of texts must be {num_labels} numbers; restore the file."
        ) from None
    return thresholds


class LabelPredictor:
    """A bundle's classifiers and thresholds at work, on the CPU.

    The graph convolution gives the same classifiers for every item, so it is run once.

    Args:
        bundle: The model, its labels and its thresholds.
        classifiers: L × d, those of an edited label graph for instance; the model's own by default.
    """

    def __init__(self, bundle: Bundle, classifiers: Tensor | None = None) -> None:
        self._labels = bundle.label_set
        self._names = bundle.label_set.names
        self._bundle = bundle
        with torch.no_grad():
            given = bundle.model.classifiers() if classifiers is None else classifiers
            self._classifiers = functional.normalize(given.detach().float().cpu(), dim=1)

    def scores(self, embeddings: Tensor) -> Tensor:
        """The cosine of every embedding (N × d) with every classifier, N × L."""
        return cosine_scores(embeddings.float().cpu(), self._classifiers)

    def predicted(self, scores: Tensor, modality: str) -> Tensor | None:
        """Tell which labels some scores (L, or N × L) predict; None where the bundle has no thresholds.

        Args:
            scores: As `scores` gives them.
            modality: "image" or "text": whose thresholds hold.
        """
        thresholds = self._bundle.thresholds.get(modality)
        return None if thresholds is None else is_predicted(scores, thresholds)

    def direction(self, names: Sequence[str]) -> Tensor:
        """Return where the classifiers of some labels point together, 1 × d, L2-normalised."""
        rows = [self._labels.index(name) for name in names]
        return functional.normalize(self._classifiers[rows].sum(dim=0, keepdim=True), dim=1)

    def clearest(self, scores: Tensor, modality: str) -> list[tuple[str, float]]:
        """Return the labels that the scores (L) of one item predict, the farthest above its threshold first.

        Where the bundle has no thresholds, the three labels of the highest scores.
        """
        predicted = self.predicted(scores, modality)
        if predicted is None:
            order = scores.argsort(descending=True, stable=True)[:LABELS_WITHOUT_THRESHOLDS]
        else:
            margin = (scores - self._bundle.thresholds[modality].cpu()).masked_fill(~predicted, -torch.inf)
            order = margin.argsort(descending=True, stable=True)[: int(predicted.sum())]
        return [(self._names[label], float(scores[label])) for label in order.tolist()]

    def clearest_of(self, embeddings: Tensor, modality: str) -> list[list[tuple[str, float]]]:
        """Return what `clearest` does for every item (N × d)."""
        return [self.clearest(scores, modality) for scores in self.scores(embeddings)]

    def of_query(self, scores: Tensor, modality: str, mentioned: Sequence[str]) -> list[LabelScore]:
        """Return the labels that the words name, then those that the model predicts, the clearest first.

        Args:
            scores: L cosines of the query.
            modality: "image" or "text": whose thresholds hold.
            mentioned: Names of labels.
        """
        named = [LabelScore(name, float(scores[self._labels.index(name)]), True) for name in mentioned]
        named.sort(key=lambda label: -label.score)
        clearest = self.clearest(scores, modality)
        if modality not in self._bundle.thresholds:
            clearest = clearest[: max(0, LABELS_WITHOUT_THRESHOLDS - len(named))]
        predicted = [LabelScore(name, score) for name, score in clearest if name not in mentioned]
        return (named + predicted)[:MAX_QUERY_LABELS]

    def of_pictures(self, embeddings: Tensor) -> list[tuple[str, ...]]:
        """For every picture (N × d) the labels that it is predicted to have; none without thresholds."""
        if "image" not in self._bundle.thresholds:
            return [()] * len(embeddings)
        return [tuple(names) for names in self._labels.decode(self.predicted(self.scores(embeddings), "image"))]

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

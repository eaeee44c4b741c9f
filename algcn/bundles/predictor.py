"""The labels that a model predicts: of pictures, of texts, of a query, by its own classifiers or an edited graph's.

Notable: this is the only place that says when a label is predicted. Its score is the cosine of the embedding with the
label's classifier, and it is predicted where the score is at least the label's threshold, as `fit_thresholds` has it.
A label whose threshold is NaN (no item it could be fitted on has it) is never predicted. Without thresholds nothing is.

N is the number of items, L of labels, d the width of the common space.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from algcn.kit.errors import InputError
from algcn.method.label_graph import known_probabilities

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.datasets.image_folder import Item


# Without saved thresholds no score is a prediction; the best few are still worth showing.
LABELS_WITHOUT_THRESHOLDS = 3
MAX_QUERY_LABELS = 8
MAX_SHARED_LABELS = 5
SMALLEST_SHARE = 5e-4  # of a score; less is not worth a line
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

    @property
    def names(self) -> list[str]:
        """The names of the L labels."""
        return self._names

    @property
    def fingerprint(self) -> str:
        """The bundle's (`Bundle.fingerprint`)."""
        return self._bundle.fingerprint

    @property
    def version(self) -> str:
        """A hash of the bundle's whole config: beside the fingerprint, how cosines become probabilities."""
        return hashlib.sha256(json.dumps(self._bundle.config, sort_keys=True).encode()).hexdigest()

    @property
    def has_probabilities(self) -> bool:
        """Whether the bundle has scales from cosines to probabilities."""
        return bool(self._bundle.probabilities)

    def logits(self, embeddings: Tensor, modality: str) -> Tensor | None:
        """The log-odds of every label, N × L, of embeddings (N × d); None where the bundle has no scales.

        Args:
            embeddings: N × d.
            modality: "image" or "text": whose scales hold.
        """
        scale = self._bundle.probabilities.get(modality)
        return None if scale is None else scale.logits(self.scores(embeddings))

    def margins(self, embeddings: Tensor, modality: str) -> Tensor | None:
        """How far the score of every label is above its threshold, N × L; None where the bundle has no thresholds.

        Args:
            embeddings: N × d.
            modality: "image" or "text": whose thresholds hold.
        """
        thresholds = self._bundle.thresholds.get(modality)
        if thresholds is None:
            return None
        return (self.scores(embeddings) - thresholds.cpu()).nan_to_num(nan=-torch.inf)

    def probabilities(self, embeddings: Tensor, modality: str, known: Tensor | None = None) -> Tensor:
        """The probability of every label, N × L, of embeddings (N × d); zero where the bundle has no scales.

        An embedding of zeros, in which the model sees nothing, has no label but those that are known.

        Args:
            embeddings: N × d.
            modality: "image" or "text": whose scales hold.
            known: N × L, 1 where a label is known to be there, −1 where it is known not to be, else 0. What is known
                also says something about the other labels, by the bundle's directed graph if it has one.
        """
        logits = self.logits(embeddings, modality)
        if logits is None:
            return torch.zeros(len(embeddings), len(self._names))
        is_seen = torch.linalg.vector_norm(embeddings.cpu(), dim=1, keepdim=True) > 0
        if known is None:
            return logits.sigmoid() * is_seen
        graph = self._bundle.directed_graph
        edges = torch.zeros(2 * (len(self._names),)) if graph is None else graph.edges
        likely = known_probabilities(logits, known.to(logits), edges)
        return likely * (is_seen | (known != 0))

    def known(self, items: Sequence[Item]) -> Tensor:
        """Say which of the model's labels items are given, N × L of 1 and 0 (nothing is known of the others)."""
        rows: dict[tuple[str, ...], int] = {}  # many items are given the same
        of_items = [rows.setdefault(tuple(item.labels or ()), len(rows)) for item in items]
        return self._labels.encode(map(self._labels.among, rows))[of_items]

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

    def shared(self, shares: Tensor, more: Sequence[str] = ()) -> list[tuple[SharedLabel, ...]]:
        """Name for each of K results the labels that give most of its score, the strongest first.

        Args:
            shares: What each label gives, K × (L + M).
            more: The names of M labels beside the model's.
        """
        names = [*self._names, *more]
        best = shares.topk(min(MAX_SHARED_LABELS, shares.shape[1]), dim=1)
        return [
            tuple(
                SharedLabel(names[label], value)
                for value, label in zip(values, labels, strict=True)
                if value > SMALLEST_SHARE
            )
            for values, labels in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]


@dataclasses.dataclass(frozen=True)
class LabelScore:
    """A label of the query: its cosine with the query in the common space, and whether the words name it."""

    name: str
    score: float
    mentioned: bool = False


@dataclasses.dataclass(frozen=True)
class SharedLabel:
    """A label that query and result probably share, and what that adds to the score."""

    name: str
    share: float

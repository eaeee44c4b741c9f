"""Suggest labels of pictures: from picture, captions and what is known already, and say why.

Notable: the log-odds of a picture and of its captions are averaged, and each label that is known to be there adds what
the bundle's directed graph says (`algcn.method.label_graph.with_known`). Where a bundle has no probabilities, labels
are suggested where they are above their thresholds; where it has no thresholds either, the three highest are.

N is the number of pictures, W of labels: the model's, then new ones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from algcn.bundles.predictor import LABELS_WITHOUT_THRESHOLDS
from algcn.method.label_graph import known_probabilities, with_known
from app.labelling.marks import Said, key_of
from app.labelling.new_labels import MIN_COMPARED, NewLabels, mean_by_owner

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.bundles.predictor import LabelPredictor
    from algcn.datasets.image_folder import Item
    from algcn.gallery.store import Gallery
    from algcn.method.new_label import NewLabel
    from app.kit.name_features import NameFeatures

SHOWN = 8  # suggestions for one choice of pictures
LEAST = 0.05  # probability of one
LEAST_EDGE = 0.15  # log-odds: less is no reason
PERCENTS = range(50, 100)
PICTURE, CAPTION, NAME = "picture", "caption", "name"


@dataclasses.dataclass(frozen=True)
class Suggestion:
    """A label that some pictures may have.

    Attributes:
        label: Its name.
        probability: Its mean over the pictures of which it is not known; None where the bundle has none.
        because: The known label that says most for it, "" where none does.
        seen: What shows it else: "picture", "caption", or "name", the name alone where no model knows the label.
        pictures: How many of the pictures it may be given to.
    """

    label: str
    probability: float | None
    because: str
    seen: str
    pictures: int


class Suggester:
    """What a model sees in some pictures, ready to be combined with what is known of them.

    Args:
        bundle: The model.
        predictor: The model's labels.
        gallery: The pictures, embedded with the model.
        new: Labels that the model does not know.
        features: Reads names of labels; needed for new ones only.
        loaded: Labels among them that were made with the same model before, by their names.
    """

    def __init__(
        self,
        bundle: Bundle,
        predictor: LabelPredictor,
        gallery: Gallery,
        new: Sequence[str] = (),
        features: NameFeatures | None = None,
        loaded: Mapping[str, NewLabel] | None = None,
    ) -> None:
        self._bundle, self._predictor, self._gallery, self._features = bundle, predictor, gallery, features
        self._loaded = dict(loaded or {})
        own = bundle.label_set
        self.new = [name for name in new if not own.among([name])] if features is not None else []
        self.names = [*own.names, *self.new]
        self._columns = {key_of(name): column for column, name in enumerate(self.names)}

    @property
    def has_probabilities(self) -> bool:
        """Whether suggestions have probabilities."""
        return self._seen is not None

    @property
    def has_graph(self) -> bool:
        """Whether what is known of a picture changes what is suggested for it."""
        return self.has_probabilities and bool(self._edges.any())

    @property
    def can_accept(self) -> bool:
        """Whether it can be told which suggestions are good enough to be accepted unseen."""
        return self.has_probabilities or "image" in self._bundle.thresholds

    def known(self, items: Sequence[Item], said: Said) -> Tensor:
        """Say what is known, N × W: 1 where a label is there, −1 where it is said not to be, 0 else.

        Args:
            items: The N pictures, with the labels that they are known to have.
            said: What was said by hand.
        """
        known = torch.zeros(len(items), len(self.names))
        for row, item in enumerate(items):
            for key, is_there in said.get(item.file_name, {}).items():
                if not is_there and key in self._columns:
                    known[row, self._columns[key]] = -1
            for label in item.labels or ():
                if key_of(label) in self._columns:
                    known[row, self._columns[key_of(label)]] = 1
        return known

    def values(self, known: Tensor, labels: Sequence[NewLabel] | None = None) -> Tensor:
        """How likely each label is given what is known, N × W: probabilities, or how far each is above its threshold.

        Args:
            known: As `known` gives it.
            labels: What `new_labels` gives for it, where that is at hand.
        """
        labels = self.new_labels(known) if labels is None else labels
        if self._seen is None:
            return torch.cat([self._margins, self._of_new(known, labels)], dim=1)
        logits = with_known(self._seen[0], known[:, : len(self._bundle.label_set)], self._edges)
        return torch.cat([logits.sigmoid(), self._of_new(known, labels).sigmoid()], dim=1)

    def new_labels(self, known: Tensor) -> list[NewLabel]:
        """Make the labels that the model does not know; none among fewer than MIN_COMPARED pictures.

        Args:
            known: As `known` gives it.
        """
        if not self.new or len(self._gallery) < MIN_COMPARED:
            return []
        given = known[:, len(self._bundle.label_set) :]
        return self._maker.make(given, self._likely(known))

    def suggest(
        self, rows: Sequence[int], known: Tensor, values: Tensor | None = None, limit: int = SHOWN
    ) -> list[Suggestion]:
        """Suggest labels that some pictures may have, the likeliest first, or the best three where none is likely.

        Args:
            rows: Positions of the pictures.
            known: As `known` gives it.
            values: What `values` gives for it, where that is at hand.
            limit: How many at most.
        """
        rows = list(rows)
        if not rows:
            return []
        values = (self.values(known) if values is None else values)[rows]
        undecided = known[rows] == 0
        asked = undecided.sum(dim=0)
        mean = torch.where(undecided & values.isfinite(), values, torch.zeros(())).sum(dim=0) / asked.clamp(min=1)
        possible = (asked > 0) & (values.isfinite() | ~undecided).all(dim=0)
        likely = possible & (mean >= (LEAST if self.has_probabilities else 0.0))
        # Where nothing stands out, the best few are still quicker to click than to type.
        count = int(likely.sum()) or min(LABELS_WITHOUT_THRESHOLDS, int(possible.sum()))
        order = mean.masked_fill(~possible, -torch.inf).argsort(descending=True, stable=True)
        return [
            Suggestion(
                self.names[column],
                float(mean[column]) if self.has_probabilities else None,
                self._because(column, known[rows]),
                self._seen_in(column, rows),
                int(asked[column]),
            )
            for column in order[: min(limit, count)].tolist()
        ]

    def passing(self, rows: Sequence[int], known: Tensor, at_least: float) -> list[tuple[int, str]]:
        """List the pictures and labels that are undecided and probable enough; those above thresholds without scales.

        Args:
            rows: Positions of the pictures.
            known: As `known` gives it.
            at_least: A probability.
        """
        rows = list(rows)
        if not rows or not self.can_accept:
            return []
        values = self.values(known)[rows]
        passing = (known[rows] == 0) & (values >= (at_least if self.has_probabilities else 0.0))
        return [(rows[row], self.names[column]) for row, column in passing.nonzero().tolist()]

    def counts(self, rows: Sequence[int], known: Tensor, values: Tensor | None = None) -> list[int]:
        """Count what `passing` lists for each of PERCENTS.

        Args:
            rows: Positions of the pictures.
            known: As `known` gives it.
            values: What `values` gives for it, where that is at hand.
        """
        rows = list(rows)
        if not rows or not self.can_accept:
            return [0] * len(PERCENTS)
        values = (self.values(known) if values is None else values)[rows][known[rows] == 0]
        if not self.has_probabilities:
            return [int((values >= 0).sum())] * len(PERCENTS)
        return [int((values >= percent / 100).sum()) for percent in PERCENTS]

    def predicted(self, known: Tensor, values: Tensor | None = None) -> list[list[tuple[str, float | None]]]:
        """List for every picture the labels that are predicted, with their probabilities; none that is decided.

        The model's labels are predicted as everywhere, by their thresholds; new ones where they are likelier than not.

        Args:
            known: As `known` gives it.
            values: What `values` gives for it, where that is at hand.
        """
        count = len(self._bundle.label_set)
        values = self.values(known) if values is None else values
        clear = values[:, count:] >= (0.5 if self.has_probabilities else 0.0)
        passing = (known == 0) & torch.cat([self._above, clear], dim=1)
        found: list[list[tuple[str, float | None]]] = [[] for _ in range(len(known))]
        for row, column in passing.nonzero().tolist():
            probability = float(values[row, column]) if self.has_probabilities else None
            found[row].append((self.names[column], probability))
        return found

    @cached_property
    def _above(self) -> Tensor:
        """Where a label of the model is predicted, N × L."""
        scores = self._predictor.scores(self._gallery.image_embeddings)
        predicted = self._predictor.predicted(scores, "image")
        return torch.zeros_like(scores, dtype=torch.bool) if predicted is None else predicted

    @cached_property
    def _seen(self) -> tuple[Tensor, Tensor] | None:
        """Log-odds N × L by picture and captions, and where the captions say more than the picture; None without."""
        gallery = self._gallery
        of_pictures = self._predictor.logits(gallery.image_embeddings, "image")
        if of_pictures is None:
            return None
        nothing = torch.zeros_like(of_pictures, dtype=torch.bool)
        of_texts = self._predictor.logits(gallery.text_embeddings, "text") if len(gallery.text_owner) else None
        if of_texts is None:
            return of_pictures, nothing
        mean = mean_by_owner(of_texts, gallery.text_owner, len(gallery))
        has_text = nothing[:, :1].index_fill(0, gallery.text_owner, True)
        return torch.where(has_text, (of_pictures + mean) / 2, of_pictures), has_text & (mean > of_pictures)

    @cached_property
    def _margins(self) -> Tensor:
        margins = self._predictor.margins(self._gallery.image_embeddings, "image")
        if margins is None:
            scores = self._predictor.scores(self._gallery.image_embeddings)
            margins = scores - scores.topk(min(LABELS_WITHOUT_THRESHOLDS, scores.shape[1]), dim=1).values[:, -1:]
        return margins

    @cached_property
    def _edges(self) -> Tensor:
        graph, count = self._bundle.directed_graph, len(self._bundle.label_set)
        return torch.zeros(count, count) if graph is None else graph.edges

    def _likely(self, known: Tensor) -> Tensor:
        """The probabilities of the model's labels, N × L, 1 or 0 where they are known; 0 where the model has none."""
        given = known[:, : len(self._bundle.label_set)]
        if self._seen is None:
            return torch.zeros_like(given)
        return known_probabilities(self._seen[0], given, self._edges)

    def _of_new(self, known: Tensor, labels: Sequence[NewLabel]) -> Tensor:
        """The log-odds of the new labels, N × M; so low that none is suggested among too few pictures."""
        if not labels:
            return torch.full((len(known), len(self.new)), -torch.inf)
        return self._maker.logits(labels, self._likely(known))

    @cached_property
    def _maker(self) -> NewLabels:
        seen = None if self._seen is None else self._seen[0].sigmoid()
        return NewLabels(self._bundle, self._gallery, self.new, self._features, self._loaded, seen)

    def _because(self, column: int, known: Tensor) -> str:
        count = len(self._bundle.label_set)
        if column >= count or not self.has_graph:
            return ""
        shares = (known[:, :count] > 0).float().mean(dim=0) * self._edges[:, column]
        strongest = int(shares.argmax())
        return self.names[strongest] if shares[strongest] >= LEAST_EDGE else ""

    def _seen_in(self, column: int, rows: Sequence[int]) -> str:
        if column >= len(self._bundle.label_set):
            return NAME
        if self._seen is None:
            return PICTURE
        return CAPTION if self._seen[1][list(rows), column].float().mean() > 0.5 else PICTURE

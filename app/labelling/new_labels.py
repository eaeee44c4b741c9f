"""Labels that no model knows: their place among pictures by name, by what else the pictures show, and by examples.

Notable: before any training a label's name is compared with the pictures by the encoder alone (zero-shot), the graph of
its name or of its examples adds what the model's labels say (`algcn.method.label_graph.new_label_scores`), and how sure
such a score makes is told by the model's own labels: one Platt scale from the scores of their names to their
probabilities, fitted on the pictures at hand. Examples correct that score (`algcn.method.new_label`).

N is the number of pictures, L of the model's labels, M of new ones, e the width of the encoder's features.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from algcn.evaluation.probabilities import PlattScale, fit_platt
from algcn.gallery.rows import inner_products
from algcn.method.label_graph import edges_of_a_name, edges_of_examples
from algcn.method.new_label import NewLabel, correction, quiet_directions

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import Gallery
    from app.kit.name_features import NameFeatures

MIN_COMPARED = 5  # pictures: among fewer no score is high or low
CLEAR = 2.0  # standard deviations above the mean, where there are no probabilities


def zero_shot(gallery: Gallery, names: Tensor) -> Tensor:
    """Score pictures for names by the encoder alone, N × M: cosines, standardised over the pictures.

    Of a picture with captions, the mean of what the picture and the captions score.

    Args:
        gallery: The pictures.
        names: The features of M names, M × e.
    """
    of_pictures, of_texts = _cosines(gallery, names.T)
    of_pictures = _standardised(of_pictures)
    if not len(of_texts):
        return of_pictures
    has_text = torch.zeros(len(gallery), dtype=torch.bool).index_fill(0, gallery.text_owner, True)
    both = of_pictures.clone()
    both[has_text] = (of_pictures[has_text] + _standardised(of_texts)) / 2
    return both


def mean_by_owner(values: Tensor, owner: Tensor, count: int) -> Tensor:
    """Average rows of texts by their pictures, N × …; zero where a picture has none.

    Args:
        values: M × …, a row for each text.
        owner: M positions of pictures.
        count: N.
    """
    sums = torch.zeros(count, *values.shape[1:]).index_add(0, owner, values)
    texts = torch.zeros(count).index_add(0, owner, torch.ones(len(owner)))
    return sums / texts.clamp(min=1)[:, None]


def scale_of_names(known: Tensor, of_known: Tensor) -> PlattScale:
    """Fit how sure the score of a name makes, one scale for all names, by what the model says of its own labels.

    Args:
        known: `zero_shot` of the names of the model's labels, N × L.
        of_known: Their probabilities, N × L.
    """
    return fit_platt(known.reshape(-1, 1), of_known.reshape(-1, 1))


class NewLabels:
    """Makes labels beside a model's, of their names and of what is said of some pictures.

    Args:
        bundle: The model.
        gallery: The pictures, embedded with the model; at least MIN_COMPARED, else no score is high or low.
        names: The names of the new labels.
        features: Reads names of labels.
        loaded: Labels that were made with the same model before, by their names: these begin where they were.
        seen: The probabilities of the model's labels by picture and captions alone, N × L, on which a scale is fitted;
            None where the model has none.
    """

    def __init__(
        self,
        bundle: Bundle,
        gallery: Gallery,
        names: Sequence[str],
        features: NameFeatures,
        loaded: Mapping[str, NewLabel],
        seen: Tensor | None,
    ) -> None:
        self._bundle, self._gallery, self._names, self._features = bundle, gallery, list(names), features
        self._loaded, self._seen = loaded, seen

    def make(self, known: Tensor, likely: Tensor) -> list[NewLabel]:
        """Make the M labels.

        Args:
            known: What is known of them, N × M: 1 where one is there, −1 where it is said not to be, 0 else.
            likely: The probabilities of the model's labels by all that is known, N × L; zero where the model has none.
        """
        return [self._make(name, known[:, column], likely) for column, name in enumerate(self._names)]

    def logits(self, labels: Sequence[NewLabel], likely: Tensor) -> Tensor:
        """The log-odds of the labels in the pictures, N × M: by picture, and by the captions where there are some.

        Args:
            labels: What `make` gave.
            likely: As for `make`.
        """
        return torch.stack([self._logits(label, likely) for label in labels], dim=1)

    def _make(self, name: str, known: Tensor, likely: Tensor) -> NewLabel:
        label = self._loaded.get(name) or self._by_name(name, likely)
        examples, decided = known > 0, known != 0
        if examples.any():
            counted = label.examples + int(examples.sum())
            vector = label.vector * (1 + label.examples) + self._gallery.image_embeddings[examples].float().sum(dim=0)
            label = dataclasses.replace(label, examples=counted, vector=functional.normalize(vector, dim=0))
            if name not in self._loaded:
                label = dataclasses.replace(label, edges=edges_of_examples(likely[examples], likely))
        if not decided.any():
            return label
        pictures = self._gallery.image_features.float()
        mean = pictures.mean(dim=0)
        logits = self._logits(label, likely)[decided]
        more = correction(pictures[decided] - mean, examples[decided], logits, self._quiet)
        return dataclasses.replace(label, weights=label.weights + more, offset=label.offset - float(mean @ more))

    def _by_name(self, name: str, likely: Tensor) -> NewLabel:
        features, own = self._features([name])[0], self._features(self._bundle.label_set.names)
        scale = self._scale
        edges = edges_of_a_name(features, own)
        sides = [_moments(cosines) for cosines in _cosines(self._gallery, features[:, None])]
        return NewLabel(
            name=name,
            model=self._bundle.fingerprint,
            name_features=features,
            centre=tuple(float(mean) for mean, _ in sides),
            spread=tuple(float(spread) for _, spread in sides),
            edges=edges,
            share=likely.mean(dim=0),
            slope=1.0 if scale is None else float(scale.slope),
            intercept=-CLEAR if scale is None else float(scale.intercept),
            weights=torch.zeros_like(features),
            offset=0.0,
            vector=self._point(features, edges),
            examples=0,
            is_calibrated=scale is not None,
        )

    def _logits(self, label: NewLabel, likely: Tensor) -> Tensor:
        gallery = self._gallery
        zero_shot = label.zero_shot(gallery.image_features.float(), "image")
        if len(gallery.text_owner):
            of_texts = label.zero_shot(gallery.text_features.float(), "text")
            means = mean_by_owner(of_texts[:, None], gallery.text_owner, len(gallery))[:, 0]
            has_text = torch.zeros(len(gallery), dtype=torch.bool).index_fill(0, gallery.text_owner, True)
            zero_shot = torch.where(has_text, (zero_shot + means) / 2, zero_shot)
        return label.logits(zero_shot, likely, gallery.image_features.float())

    def _point(self, features: Tensor, edges: Tensor) -> Tensor:
        """Where a name is in the common space, d: as words; of a model that reads none, amid the labels like it."""
        model = self._bundle.model
        with torch.no_grad():
            if "text" in self._bundle.encodes:
                point = model.embed_text(features[None]).float()[0]
            else:
                point = edges @ functional.normalize(model.classifiers().float(), dim=1)
        return functional.normalize(point.cpu(), dim=0)

    @cached_property
    def _scale(self) -> PlattScale | None:
        if self._seen is None:
            return None
        own = self._features(self._bundle.label_set.names)
        return scale_of_names(zero_shot(self._gallery, own), self._seen)

    @cached_property
    def _quiet(self) -> Tensor:
        return quiet_directions(self._gallery.image_features.float())


def _cosines(gallery: Gallery, names: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines with names (e × M) of all N pictures, and of the captions' mean of those that have some."""
    of_pictures, owner = inner_products(gallery.image_features, names), gallery.text_owner
    if not len(owner):
        return of_pictures, of_pictures[:0]
    of_texts = mean_by_owner(inner_products(gallery.text_features, names), owner, len(gallery))
    return of_pictures, of_texts[owner.unique()]


def _moments(cosines: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the standard deviation of columns; 0 and 1 of none."""
    if not len(cosines):
        return torch.zeros(cosines.shape[1]), torch.ones(cosines.shape[1])
    return cosines.mean(dim=0), cosines.std(dim=0, correction=0).clamp(min=1e-6)


def _standardised(cosines: Tensor) -> Tensor:
    mean, spread = _moments(cosines)
    return (cosines - mean) / spread

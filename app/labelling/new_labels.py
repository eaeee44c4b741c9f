"""Labels that no model knows: their place among pictures by name, by what else the pictures show, and by examples.

Notable: before any training a label's name is compared with the pictures by the encoder alone (zero-shot), the graph of
its name or of its examples adds what the model's labels say (`algcn.method.label_graph.new_label_scores`), and how sure
such a score makes is told by the model's own labels: one Platt scale from the scores of their names to their
probabilities, fitted on the pictures at hand.

N is the number of pictures, L of the model's labels, M of new ones, e the width of the encoder's features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from algcn.evaluation.probabilities import PlattScale, fit_platt
from algcn.method.label_graph import edges_of_a_name, edges_of_examples, new_label_scores

if TYPE_CHECKING:
    from algcn.gallery.store import Gallery

STRENGTH = 0.25  # of what the model's labels say
MIN_COMPARED = 5  # pictures: among fewer no score is high or low
CLEAR = 2.0  # standard deviations above the mean, where there are no probabilities


def zero_shot(gallery: Gallery, names: Tensor) -> Tensor:
    """Score pictures for names by the encoder alone, N × M: cosines, standardised over the pictures.

    Of a picture with captions, the mean of what the picture and the captions score.

    Args:
        gallery: The pictures.
        names: The features of M names, M × e.
    """
    of_pictures = _standardised(gallery.image_features @ names.T)
    owner = gallery.text_owner
    if not len(owner):
        return of_pictures
    of_texts = mean_by_owner(gallery.text_features @ names.T, owner, len(gallery))
    has_text = torch.zeros(len(gallery), dtype=torch.bool).index_fill(0, owner, True)
    of_texts[has_text] = _standardised(of_texts[has_text])
    return torch.where(has_text[:, None], (of_pictures + of_texts) / 2, of_pictures)


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


def edges_of(examples: Tensor, name: Tensor, names: Tensor, of_known: Tensor) -> Tensor:
    """What the model's labels say about a new one, L: by its examples where there are some, else by its name.

    Args:
        examples: N, true for pictures that are said to have it.
        name: The features of its name, e.
        names: The features of the names of the model's labels, L × e.
        of_known: The probabilities of the model's labels, N × L.
    """
    if examples.any():
        return edges_of_examples(of_known[examples], of_known)
    return edges_of_a_name(name, names)


def new_label_probabilities(scores: Tensor, edges: Tensor, of_known: Tensor, scale: PlattScale) -> Tensor:
    """The probability of a new label, N.

    Args:
        scores: `zero_shot` of its name, N.
        edges: What `edges_of` gave.
        of_known: The probabilities of the model's labels, N × L.
        scale: What `scale_of_names` gave.
    """
    total = new_label_scores(scores, of_known, of_known.mean(dim=0), edges, STRENGTH)
    return scale(total[:, None])[:, 0]


def _standardised(cosines: Tensor) -> Tensor:
    spread = cosines.std(dim=0, correction=0).clamp(min=1e-6)
    return (cosines - cosines.mean(dim=0)) / spread

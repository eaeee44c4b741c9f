"""A label that nobody trained: scored by its name and by what other labels say, and corrected by a few examples.

    score(x)  = zs(x) + s Σ_j G_j (p_j(x) − π_j)          the name, and the graph (`new_label_scores`)
    logit(x)  = a · score(x) + b + w·x + o                 a Platt scale, and what examples add

zs are the cosines with the name, standardised over the collection that the label was made in. The examples do not make
a classifier of their own (a few make a poor one): they add to the zero-shot score the smallest correction w that they
ask for, a ridge towards it (`correction`). Without examples w = 0.

This is no part of the paper. N is the number of items, L of the model's labels, e the width of the encoder's features,
d of the common space.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from algcn.method.label_graph import new_label_scores

STRENGTH = 0.25  # s, of what the model's labels say
# Log-odds that an example shall have at least. On six draws of 300 COCO photos, tested on 3,000 others, the mean AP of
# a label by its name alone is .473; with one example .486, with three .500, with ten .522 → .558 (of the labels that
# have so many). Three examples without the name: .375.
WANTED = 2.0
KEPT = 0.1  # how firmly pictures of which nothing was said keep their scores, against an example's 1
MOST_KEPT = 300  # pictures: more of them keep their scores together no more firmly, else examples would change nothing
SMALL = 1.0  # how small the correction is kept beside that
MODALITIES = ("image", "text")


@dataclasses.dataclass(frozen=True, eq=False)
class NewLabel:
    """A label beside a model's: all that is needed to score an item for it.

    Attributes:
        name: What it is called.
        model: The fingerprint of the bundle that it stands beside.
        name_features: The features of its name, e, L2-normalised.
        centre: The mean of the cosines with the name over the collection: of pictures, of texts.
        spread: Their standard deviation, likewise.
        edges: G, what each of the model's labels says about it, L.
        share: π, the mean probability of the model's labels in the collection, L.
        slope: a.
        intercept: b.
        weights: w, what examples add for a picture, e.
        offset: o, which makes that 0 for the mean picture of the collection.
        vector: Its point in the common space, d, L2-normalised.
        examples: How many pictures were said to have it.
        is_calibrated: Whether slope and intercept are fitted, so that σ(logit) is a probability.
    """

    name: str
    model: str
    name_features: Tensor
    centre: tuple[float, float]
    spread: tuple[float, float]
    edges: Tensor
    share: Tensor
    slope: float
    intercept: float
    weights: Tensor
    offset: float
    vector: Tensor
    examples: int
    is_calibrated: bool

    def zero_shot(self, features: Tensor, modality: str) -> Tensor:
        """Score items by the name alone, N: standardised cosines.

        Args:
            features: N × e, L2-normalised.
            modality: "image" or "text".
        """
        side = MODALITIES.index(modality)
        return (features @ self.name_features - self.centre[side]) / self.spread[side]

    def logits(self, zero_shot: Tensor, probabilities: Tensor, pictures: Tensor | None = None) -> Tensor:
        """The log-odds of the label, N.

        Args:
            zero_shot: What `zero_shot` gave, N.
            probabilities: Those of the model's labels, N × L.
            pictures: The features of the pictures, N × e, for which the examples speak; None of texts.
        """
        score = new_label_scores(zero_shot, probabilities, self.share, self.edges, STRENGTH)
        logits = self.slope * score + self.intercept
        return logits if pictures is None else logits + pictures @ self.weights + self.offset

    def probabilities(self, features: Tensor, probabilities: Tensor, modality: str) -> Tensor:
        """The probability of the label, N.

        Args:
            features: N × e, L2-normalised.
            probabilities: Those of the model's labels, N × L.
            modality: "image" or "text".
        """
        pictures = features if modality == "image" else None
        return self.logits(self.zero_shot(features, modality), probabilities, pictures).sigmoid()


def quiet_directions(pictures: Tensor) -> Tensor:
    """Where a correction may go and change little else: (KEPT · XᵀX + SMALL · 1)⁻¹, e × e, X the centred pictures.

    Of more pictures than MOST_KEPT each counts for less, so that all count as so many.

    Args:
        pictures: The features of the collection, N × e.
    """
    centred = pictures - pictures.mean(dim=0)
    kept = KEPT * min(1.0, MOST_KEPT / len(pictures))
    return torch.linalg.inv(kept * centred.T @ centred + SMALL * torch.eye(pictures.shape[1]))


def correction(decided: Tensor, there: Tensor, logits: Tensor, quiet: Tensor) -> Tensor:
    """The smallest correction that decided pictures ask for, e: argmin Σ (r − w·x)² + KEPT Σ (w·x')² + SMALL ‖w‖².

    r is what an example's log-odds lack to WANTED, or have above −WANTED where the label is said not to be there; x'
    are all pictures of the collection. By the matrix inversion lemma K × K equations are solved where K is small.

    Args:
        decided: The features of the K decided pictures minus the collection's mean, K × e.
        there: Whether each is an example, K.
        logits: Their log-odds without a correction, K.
        quiet: What `quiet_directions` gave, e × e.
    """
    lacking = torch.where(there, (WANTED - logits).clamp(min=0), (-WANTED - logits).clamp(max=0))
    if len(decided) > len(quiet):
        return torch.linalg.solve(torch.linalg.inv(quiet) + decided.T @ decided, decided.T @ lacking)
    reached = decided @ quiet
    return reached.T @ torch.linalg.solve(reached @ decided.T + torch.eye(len(decided)), lacking)

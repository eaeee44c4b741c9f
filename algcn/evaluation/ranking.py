"""What a search ranks by: the labels that two items probably share, the common space and the encoder, in one score.

    score(x, y) = λ_c · cos(u_x, u_y) / σ_c  +  λ_l · φ(p_x)·φ(p_y) / σ_l  +  λ_e · cos(e_x, e_y) / σ_e

- The common space knows which subject is near which; the encoder remembers the particular ("two", "at sunset"); the
  labels say what is relevant. Each has a weight λ, in units of how much its scores vary over a collection, σ.
- φ(p) = [√(w_c / k) · p_c^k], k = 1 … 3, c = 1 … L. φ(p)·φ(q) = Σ_c w_c Σ_k (p_c q_c)^k / k is the beginning of
  −Σ_c w_c log(1 − p_c q_c): with all w_c = 1, of how surely two items share a label, labels taken as independent.
- w_c = √log(N / n_c), scaled to mean 1 (n_c of N training items have the label): the rarer a label, the more it says.

All three are inner products, so the score is one of concatenated vectors: an index holds the items' (`joined`), and a
query's are weighted (`Ranking.weighted`). That makes each part's share, and each label's, exact.

N is the number of items, L of labels, d the width of the common space, e of the encoder's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor
from torch.nn import functional

from algcn.kit import checks
from algcn.kit.errors import InputError

TERMS = 3  # of the series; on COCO three rank better than the exact form
RARITY_POWER = 0.5
_MOST_COMMON = 0.05  # log(N / n) of a label that nearly every item has
PARTS = ("common", "labels", "encoder")
_SMALLEST_SPREAD = 1e-6
_LARGEST = 1e9  # of a factor or a rarity: beyond, single precision says nothing
DIGITS = 6


class Weights(NamedTuple):
    """How much each part of the score counts, in units of its spread."""

    common: float = 1.0
    labels: float = 0.0
    encoder: float = 0.0

    def to_json(self) -> dict[str, float]:
        """The weights as a config.json has them."""
        return {name: round(value, DIGITS) for name, value in self._asdict().items()}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read what `to_json` gave; a part that is not named has its default.

        Raises:
            InputError: One is not a number of at least 0, all are 0, or a part is not known.
        """
        if not isinstance(value, Mapping) or not set(value) <= set(cls._fields):
            raise InputError(f"The weights of a ranking are those of {', '.join(cls._fields)}; restore them.")
        weights = cls(**{name: check_weight(number, name) for name, number in value.items()})
        if not any(weights):
            raise InputError("The weights of a ranking must not all be 0; let one of its parts count.")
        return weights


# What mAP asks for.
BY_LABELS = Weights(common=1.0, labels=4.0)
# What the page ranks by. On the pocket bundle's validation photos, mAP / the same without 'person' / R@10 of both
# directions: labels 0 .8426 / .4254 / .388, 0.25 .8470 / .4447 / .345, 0.5 .8490 / .4530 / .313, 2 .8526 / - / .262.
# Over its 67 label names the first ten of Postcards are right in .842, .957, .978 and .994.
BALANCED = Weights(common=1.0, labels=0.25, encoder=0.5)
ENCODER_WEIGHT = 0.5  # where there are no probabilities of labels


class Parts(NamedTuple):
    """N items as the three parts of the score see them; the inner product of two rows is a part's score."""

    common: Tensor  # N × d, L2-normalised
    labels: Tensor  # N × 3L, √(w_c / k) · p_c^k
    encoder: Tensor  # N × e, L2-normalised, or zero where the encoder says nothing


def rarity(labels: Tensor) -> Tensor:
    """Weigh the labels by how rare they are: w_c = √log(N / n_c), scaled to mean 1, L.

    Args:
        labels: N × L of 0 and 1, the training items'.
    """
    count = (labels != 0).sum(dim=0).clamp(min=1)
    weights = (len(labels) / count.float()).log().clamp(min=_MOST_COMMON) ** RARITY_POWER
    return weights / weights.mean()


def rarity_among(weights: Tensor, columns: Tensor) -> Tensor:
    """Let only some labels count (column numbers), their w_c scaled to mean 1: those that decide what is relevant."""
    columns = columns.to(weights.device)
    kept = torch.zeros_like(weights)
    kept[columns] = weights[columns] / weights[columns].mean()
    return kept


def label_vectors(probabilities: Tensor, rarity: Tensor) -> Tensor:
    """φ(p): the vectors whose inner product grows with what two items probably share, N × 3L of p, N × L."""
    powers = [(rarity / k).sqrt().to(probabilities) * probabilities**k for k in range(1, TERMS + 1)]
    return torch.cat(powers, dim=1)


def label_shares(one: Tensor, other: Tensor) -> Tensor:
    """Split the labels' score of pairs of rows (N × 3L each) into what each label gives, N × L."""
    return (one * other).unflatten(1, (TERMS, -1)).sum(dim=1)


@dataclasses.dataclass(frozen=True, eq=False)
class Ranking:
    """A bundle's rule of ranking.

    Attributes:
        weights: How much each part counts.
        spreads: The standard deviation of each part's scores over pairs of a picture and a text.
        rarity: w_c of every label, L.
    """

    weights: Weights
    spreads: Weights
    rarity: Tensor

    def __post_init__(self) -> None:
        Weights.from_json(self.weights._asdict())
        if not all(0 <= factor <= _LARGEST for factor in self.factors):  # what is no number is refused, too
            raise InputError("The ranking's weights and spreads are too far apart to be computed with; restore them.")

    @classmethod
    def of_encoder_weight(cls, weight: float, num_labels: int) -> Self:
        """The rule of a bundle without probabilities: the common space and `weight` times the encoder."""
        return cls(Weights(1.0, 0.0, weight), Weights(1.0, 1.0, 1.0), torch.ones(num_labels))

    @classmethod
    def fit(cls, images: Parts, texts: Parts, rarity: Tensor, weights: Weights) -> Self:
        """Measure the spreads on pictures and texts of a held-out split."""
        found = (_spread(getattr(images, name), getattr(texts, name)) for name in PARTS)
        return cls(weights, Weights(*found), rarity)

    def reweighted(self, **weights: float) -> Ranking:
        """The same rule with other weights for some parts."""
        return dataclasses.replace(self, weights=self.weights._replace(**weights))

    def parts(self, embeddings: Tensor, probabilities: Tensor, features: Tensor) -> Parts:
        """Describe items by their embeddings (N × d), probabilities (N × L) and encoder features (N × e)."""
        return Parts(
            functional.normalize(embeddings, dim=1),
            label_vectors(probabilities, self.rarity),
            functional.normalize(features, dim=1),
        )

    @property
    def factors(self) -> Weights:
        """What each part's inner product is multiplied by: weight / spread, scaled so that the weights sum to 1."""
        total = sum(self.weights)
        return Weights(*(weight / spread / total for weight, spread in zip(self.weights, self.spreads, strict=True)))

    def symmetric(self, items: Parts) -> Tensor:
        """Join parts so that the inner product of any two rows is their score, N × (d + 3L + e)."""
        return torch.cat([factor**0.5 * part for factor, part in zip(self.factors, items, strict=True)], dim=1)

    def weighted(self, query: Parts) -> Tensor:
        """Join the parts of a query, each times its factor, N × (d + 3L + e): what is asked of an index of `joined`."""
        return torch.cat([factor * part for factor, part in zip(self.factors, query, strict=True)], dim=1)

    def to_json(self) -> dict[str, Any]:
        """The rule as a config.json has it."""
        return {
            "weights": self.weights.to_json(),
            "spreads": self.spreads.to_json(),
            "rarity": [round(value, DIGITS) for value in self.rarity.tolist()],
        }

    @classmethod
    def from_json(cls, value: Any, num_labels: int) -> Self:
        """Read what `to_json` gave, whatever a config.json says.

        Raises:
            InputError: It is no rule of ranking for so many labels.
        """
        if isinstance(value, Mapping) and set(value) <= {"encoder_weight"}:  # before there were probabilities
            weight = value.get("encoder_weight", ENCODER_WEIGHT)
            return cls.of_encoder_weight(check_weight(weight, "encoder"), num_labels)
        try:
            weights, spreads = Weights.from_json(value["weights"]), Weights(**value["spreads"])
            rarity = torch.tensor(value["rarity"], dtype=torch.float32)
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError, RuntimeError):
            raise InputError("The ranking must be an object with weights, spreads and rarity; restore it.") from None
        if rarity.shape != (num_labels,) or not ((rarity >= 0) & (rarity <= _LARGEST)).all():
            raise InputError(f"The ranking's rarity must be {num_labels} numbers from 0 to {_LARGEST:g}; restore it.")
        for name in PARTS:
            checks.number(getattr(spreads, name), f"ranking's spread of {name}", 0, above=True)
        return cls(weights, spreads, rarity)


def joined(items: Parts) -> Tensor:
    """Join the parts of items, N × (d + 3L + e): what an index holds."""
    return torch.cat(items, dim=1)


def equally_long(images: Tensor, texts: Tensor) -> tuple[Tensor, Tensor]:
    """Add a column for each side, so that all rows are of one length and cosine ranks as the inner product does.

    [x ; √(R² − ‖x‖²) ; 0] and [y ; 0 ; √(R² − ‖y‖²)], R the greatest length: inner products between the sides stay as
    they are (Bachrach et al., 2014), and within a side they do not.

    Args:
        images: M × k.
        texts: N × k.
    """
    squares = [rows.double().square().sum(dim=1) for rows in (images, texts)]
    longest = torch.cat(squares).max()
    missing = [(longest - square).clamp(min=0).sqrt().to(images)[:, None] for square in squares]
    none = [torch.zeros_like(column) for column in missing]
    return torch.cat([images, missing[0], none[0]], dim=1), torch.cat([texts, none[1], missing[1]], dim=1)


def check_weight(value: object, name: str) -> float:
    """`value` as the weight of a part of the score, whatever a config or a page says.

    Raises:
        InputError: It is not a number of at least 0.
    """
    return checks.number(value, f"weight of the {name} in the ranking", 0)


def _spread(images: Tensor, texts: Tensor) -> float:
    """Measure the standard deviation of all inner products, without making them: from the sides' moments."""
    images, texts = images.double(), texts.double()
    mean = float(images.mean(dim=0) @ texts.mean(dim=0))
    square = float(((images.T @ images / len(images)) * (texts.T @ texts / len(texts))).sum())
    spread = max(0.0, square - mean**2) ** 0.5
    return spread if spread > _SMALLEST_SPREAD else 1.0

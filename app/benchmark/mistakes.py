"""What the model gets wrong on the pictures that are open, beside the labels that these were given.

Notable: the predictions are the model's own. Everywhere else on the page labels that are known count as known, and help
the others (`LabelPredictor.probabilities` with `known`); here that would be looking the answer up.

N is the number of labelled pictures, L of the model's labels.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch

from algcn.evaluation.mistakes import Mistakes, find_mistakes
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from algcn.datasets.image_folder import Item
    from app.service import RetrievalService

MISSED, TAKEN = "missed", "taken"
UNLABELLED = (
    "The pictures that are open were given no label that this model knows, so nothing says where it is wrong; open "
    "labelled ones, or label your own in the Collections tab."
)
UNDECIDED = (
    "This model has no thresholds, so it predicts no label for certain and gets none wrong; a model that is trained "
    "with validation pictures has them."
)
# Of the shares and probabilities that programs get.
DIGITS = 4
PAIRS = 5


@dataclasses.dataclass(frozen=True, eq=False)
class GalleryMistakes:
    """The mistakes of a model on a gallery.

    Attributes:
        names: The names of the L labels.
        items: The N labelled pictures.
        positions: Where in the gallery each of them is.
        mistakes: What is wrong; items are numbered as in `items`.
        order: The labels that some picture was given, those with most mistakes first.
        from_certainty: The certainty from which each label is predicted, L.
        has_probabilities: Whether certainties are probabilities; else cosines.
        trained_on: How many of the pictures the model was trained on; None where it does not know.
    """

    names: list[str]
    items: list[Item]
    positions: list[int]
    mistakes: Mistakes
    order: list[int]
    from_certainty: Tensor
    has_probabilities: bool
    trained_on: int | None

    def check_label(self, name: str, number: int) -> int:
        """Make sure that some picture was given label number `number`.

        Raises:
            InputError: No picture was; the gallery may well call it by another name.
        """
        if not self.mistakes.counts.given[number]:
            raise InputError(
                f"No picture that is open was given the label {name!r:.60}, so nothing says where the model is wrong "
                "about it."
            )
        return number

    def of(self, kind: str, label: int) -> list[int]:
        """Return the pictures of one kind of mistake, MISSED or TAKEN, the surest mistake first."""
        return (self.mistakes.missed if kind == MISSED else self.mistakes.taken)(label).tolist()

    def instead(self, label: int) -> list[tuple[int, int]]:
        """Return the labels that are taken where a label is missed, and on how many pictures, the strongest first."""
        pairs = self.mistakes.confusion.pairs
        return [(j, int(pairs[i, j])) for i, j in self.mistakes.confusion.strongest if i == label][:PAIRS]

    def mistaken_for(self, label: int) -> list[tuple[int, int]]:
        """Return the labels that are missed where a label is taken wrongly, likewise."""
        pairs = self.mistakes.confusion.pairs
        return [(i, int(pairs[i, j])) for i, j in self.mistakes.confusion.strongest if j == label][:PAIRS]


def mistakes_of(service: RetrievalService) -> GalleryMistakes:
    """Find what the model gets wrong on the gallery, once.

    Raises:
        InputError: The model predicts no labels, or no picture was given one that it knows.
    """
    return service.cache.get("mistakes", lambda: _find(service))


@torch.inference_mode()
def _find(service: RetrievalService) -> GalleryMistakes:
    bundle, gallery, predictor = service.bundle, service.gallery, service.predictor
    # A picture without any label is most often one that nobody has labelled yet.
    positions = [position for position, item in enumerate(gallery.items) if item.labels]
    items = [gallery.items[position] for position in positions]
    given = predictor.known(items)
    if not given.any():
        raise InputError(UNLABELLED)
    embeddings = gallery.image_embeddings[positions]
    scores = predictor.scores(embeddings)
    predicted = predictor.predicted(scores, "image")
    if predicted is None:
        raise InputError(UNDECIDED)
    certainty, from_certainty = scores, bundle.thresholds["image"]
    scale = bundle.probabilities.get("image")
    if scale is not None:
        certainty, from_certainty = predictor.probabilities(embeddings, "image"), scale(from_certainty)
    mistakes = find_mistakes(certainty, predicted, given)
    counts = mistakes.counts
    wrong = (counts.missed + counts.taken).tolist()
    order = sorted(counts.given.nonzero().flatten().tolist(), key=lambda label: (-wrong[label], label))
    trained_on = None
    if bundle.split is not None:
        trained_on = len(bundle.split.trained_on(item.file_name for item in items))
    names = bundle.label_set.names
    return GalleryMistakes(names, items, positions, mistakes, order, from_certainty, scale is not None, trained_on)


def mistakes_answer(service: RetrievalService, name: str, limit: int) -> dict[str, Any]:
    """Return the mistakes about one label, for programs; pictures are positions in the gallery.

    Raises:
        InputError: There is no such label, no picture was given it, or there is nothing to compare.
    """
    number = service.bundle.label_set.index(name)
    found = mistakes_of(service)
    label = found.check_label(found.names[number], number)
    counts, confusion = found.mistakes.counts, found.mistakes.confusion

    def told(item: int) -> dict[str, Any]:
        certainty = float(found.mistakes.certainty[item, label])
        return {
            "position": found.positions[item],
            "file": found.items[item].file_name,
            "labels": list(found.items[item].labels),
            "probability": round(certainty, DIGITS) if found.has_probabilities else None,
        }

    missed, taken = found.of(MISSED, label), found.of(TAKEN, label)
    return {
        "label": found.names[label],
        "pictures": counts.items,
        "trained_on": found.trained_on,
        "given": int(counts.given[label]),
        "predicted": int(counts.predicted[label]),
        "right": int(counts.right[label]),
        "precision": share(counts.precision[label]),
        "precision_by_chance": share(counts.chance_precision[label]),
        "recall": share(counts.recall[label]),
        "recall_by_chance": share(counts.chance_recall[label]),
        "missed_in_all": len(missed),
        "missed": [told(item) for item in missed[:limit]],
        "taken_wrongly_in_all": len(taken),
        "taken_wrongly": [told(item) for item in taken[:limit]],
        "taken_instead": [
            {
                "label": found.names[other],
                "pictures": pictures,
                "share": share(confusion.shares[label, other]),
                "pictures_by_chance": round(float(confusion.expected[label, other]), 1),
            }
            for other, pictures in found.instead(label)
        ],
    }


def share(value: Tensor) -> float | None:
    """A share as a number of a few digits; None where there is nothing that it is a share of."""
    return None if value.isnan() else round(float(value), DIGITS)

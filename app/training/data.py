"""Make training data for the page: the gallery that a visitor searches, as features with labels and a split.

Notable: ALGCN learns from pictures and texts, and who labels photos by hand writes no captions. For a picture without
one its labels stand: the mean of what the encoder says of their names, which is what a search for them says.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from algcn.datasets.features import Features
from algcn.datasets.validation import carve_validation
from algcn.kit.errors import InputError
from algcn.method.labels import Label, LabelSet
from algcn.training.given import learnable

if TYPE_CHECKING:
    from algcn.datasets.image_folder import Item
    from algcn.gallery.store import Gallery
    from app.service import RetrievalService

MIN_PICTURES = 10
# More would not be trained in seconds; a program on one's own machine has no such bounds.
MAX_PICTURES = 4000
MAX_LABELS = 150
# Of the pictures: this share picks the epoch, and as many measure the result.
HELD_OUT = 0.15
NAMED = 5


@dataclasses.dataclass(frozen=True)
class TrainingData:
    """Features with a train, a validation and a test split, and sentences about what was left out."""

    features: Features
    notes: list[str]

    def pictures(self, split: str) -> int:
        """Return how many pictures a split has."""
        return len(set(self.features.select(split).file_names))


def names(service: RetrievalService) -> Callable[[Sequence[str]], Tensor] | None:
    """Return what reads the names of labels for a service; None where its model reads no words."""
    return service.names if service.reads_words else None


def training_data(
    gallery: Gallery,
    label_set: LabelSet,
    encoder: str | None,
    seed: int,
    read_names: Callable[[Sequence[str]], Tensor] | None = None,
) -> TrainingData:
    """Return the labelled pictures of a gallery as features; nothing is encoded but names of labels.

    Pictures keep the split that the gallery's metadata gives them, if it gives one to each; else 70 % are for learning,
    15 % pick the epoch, 15 % measure, drawn with `seed`.

    Args:
        gallery: The gallery; its items' labels count, whatever labels the model knows.
        label_set: The labels of the model at hand: groups and synonyms are taken from there.
        encoder: Fingerprint of the encoder that made the gallery's features.
        seed: The seed of the split and of which pictures are taken where there are too many.
        read_names: Reads names of labels with that encoder, L × e; without, pictures without a caption are left out.

    Raises:
        InputError: The gallery has no labels, or too few pictures with a label (and a caption, without `read_names`).
    """
    notes: list[str] = []
    captioned = set(gallery.text_owner.tolist())
    labelled = [position for position, item in enumerate(gallery.items) if item.labels]
    usable = [position for position in labelled if read_names is not None or position in captioned]
    needed = "a label" if read_names is not None else "a label and a caption"
    if not labelled:
        raise InputError(
            "This gallery has no labels, and labels are what ALGCN learns from; choose one with labels, or label your "
            "own pictures in the Collections tab."
        )
    if len(usable) < MIN_PICTURES:
        raise InputError(
            f"Training needs at least {MIN_PICTURES} pictures with {needed}; this gallery has {len(usable)}."
        )
    if len(usable) < len(gallery.items):
        lacking = needed.replace("and", "or")
        notes.append(f"{_count(len(gallery.items) - len(usable), 'picture')} without {lacking} left out.")
    if len(usable) > MAX_PICTURES:
        notes.append(f"{MAX_PICTURES:,} of {len(usable):,} pictures are used, drawn with the seed.")
        usable = sorted(random.Random(seed).sample(usable, MAX_PICTURES))
    split = _given_split(gallery, usable)
    learned_from = [position for position in usable if split is None or split[position] == "train"]
    labels = _labels([gallery.items[position] for position in learned_from], label_set, notes)
    uncaptioned = [position for position in usable if position not in captioned]
    if uncaptioned:
        notes.append(f"{_count(len(uncaptioned), 'picture')} without a caption: their labels stand for it.")
        gallery = _with_labels_as_texts(gallery, uncaptioned, labels, read_names)
    features = _features(gallery, usable, labels, split, encoder)
    features = features if split else _with_split(features, seed, notes)
    return TrainingData(_measurable(features, notes), notes)


def _measurable(features: Features, notes: list[str]) -> Features:
    """Have all labels count where those that count show on no picture to measure with, as among few labelled ones."""
    counting = [label.source == "annotated" for label in features.label_set]
    held_out = [features.select(part).labels for part in ("validation", "test")]
    if all(not len(labels) or labels[:, counting].any() for labels in held_out):
        return features
    notes.append("All labels count in the measures: too few pictures show one that was annotated in the model's data.")
    labels = LabelSet(dataclasses.replace(label, source="annotated") for label in features.label_set)
    return dataclasses.replace(features, label_set=labels)


def _key(label: str) -> str:
    """Return what two spellings of a label have in common."""
    return " ".join(label.split()).casefold()


def _given_split(gallery: Gallery, usable: Sequence[int]) -> dict[int, str] | None:
    """Return the split of each picture, where the metadata gives one to each, and one to learn from among them."""
    split = {position: gallery.items[position].split for position in usable}
    return split if None not in split.values() and {"train", "validation"} <= {*split.values()} else None


def _labels(items: Sequence[Item], known: LabelSet, notes: list[str]) -> LabelSet:
    """Return the labels that have an example: the known ones in their order, then the others by name."""
    counts = Counter(key for item in items for key in {_key(label) for label in item.labels})
    spelled = {_key(label): Label(" ".join(label.split())) for item in items for label in item.labels}
    order = {_key(label.name): position for position, label in enumerate(known)}
    without = [label.name for label in known if _key(label.name) not in counts]
    if without:
        notes.append(f"{_count(len(without), 'label')} without an example left out: {_some(without)}.")
    if len(counts) > MAX_LABELS:
        notes.append(f"The {MAX_LABELS} most frequent of {len(counts):,} labels are learned.")
    kept = sorted((key for key, _ in counts.most_common(MAX_LABELS)), key=lambda key: (order.get(key, len(order)), key))
    return LabelSet(known[order[key]] if key in order else spelled[key] for key in kept)


def _features(
    gallery: Gallery, usable: Sequence[int], labels: LabelSet, split: dict[int, str] | None, encoder: str | None
) -> Features:
    """Return a row for each text of a usable picture; all "train" without a split."""
    columns = {_key(label.name): column for column, label in enumerate(labels)}
    multi_hot = torch.zeros(len(gallery.items), len(labels), dtype=torch.uint8)
    chosen = torch.zeros(len(gallery.items), dtype=torch.bool)
    for position in usable:
        found = [columns[key] for label in gallery.items[position].labels if (key := _key(label)) in columns]
        multi_hot[position, found] = 1
        chosen[position] = True
    rows = chosen[gallery.text_owner].nonzero().flatten()
    owner = gallery.text_owner[rows]
    return Features(
        image_features=gallery.image_features[owner],
        text_features=gallery.text_features[rows],
        labels=multi_hot[owner],
        split=[split[position] if split else "train" for position in owner.tolist()],
        label_set=labels,
        file_names=[gallery.items[position].file_name for position in owner.tolist()],
        encoder={"fingerprint": encoder} if encoder else {},
    )


def _with_labels_as_texts(
    gallery: Gallery, uncaptioned: Sequence[int], labels: LabelSet, read_names: Callable[[Sequence[str]], Tensor]
) -> Gallery:
    """Return the gallery with one more text for each of some pictures: the mean of the names of its labels."""
    columns = {_key(label.name): column for column, label in enumerate(labels)}
    of_names = read_names(labels.names)
    found = {
        position: [columns[key] for label in gallery.items[position].labels if (key := _key(label)) in columns]
        for position in uncaptioned
    }
    found = {position: those for position, those in found.items() if those}  # others have only labels that are too rare
    texts = [functional.normalize(of_names[those].mean(dim=0), dim=0) for those in found.values()]
    return dataclasses.replace(
        gallery,
        text_owner=torch.cat([gallery.text_owner, torch.tensor(list(found), dtype=torch.long)]),
        text_features=torch.cat([gallery.text_features, *(text[None] for text in texts)]),
    )


def _with_split(features: Features, seed: int, notes: list[str]) -> Features:
    carved = carve_validation(features, share=2 * HELD_OUT, seed=seed)
    parts = dict(zip(carved.file_names, carved.split, strict=True))
    held_out = [name for name, part in parts.items() if part == "validation"]
    if len(held_out) < 2:
        held_out = _held_out_at_a_loss(features)
        parts = {name: "validation" if name in held_out else "train" for name in parts}
    random.Random(seed).shuffle(held_out)
    parts.update(dict.fromkeys(held_out[: len(held_out) // 2], "test"))
    split = dataclasses.replace(features, split=[parts[name] for name in features.file_names])
    learned, left_out = learnable(split)
    if left_out:
        notes.append(left_out)
    return learned


def _held_out_at_a_loss(features: Features) -> list[str]:
    """Choose two of few pictures to measure with, where each has a label of its own: those that lose fewest labels.

    Raises:
        InputError: No two share a label with another picture.
    """
    first, _ = features.first_rows()
    labels = features.labels[first].bool()
    taken: list[int] = []
    for _ in range(2):
        support = labels.sum(dim=0) - labels[taken].sum(dim=0)
        shared, lost = (labels & (support > 1)).sum(dim=1), (labels & (support == 1)).sum(dim=1)
        possible = [image for image in range(len(first)) if shared[image] and image not in taken]
        if not possible:
            raise InputError(
                "Too few labels are on several pictures: none can be held out to measure with; give labels to more "
                "pictures, or choose a larger gallery."
            )
        taken.append(min(possible, key=lambda image: int(lost[image])))
    return [features.file_names[first[image]] for image in taken]


def _count(number: int, noun: str) -> str:
    return f"1 {noun} is" if number == 1 else f"{number:,} {noun}s are"


def _some(names: Sequence[str]) -> str:
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")

"""Turn words and pictures from outside into vectors: the encoder's features and the embedding in the common space.

Notable: of words, a model that reads pictures only is given the names of its labels: their classifiers are points of
the common space, and so a query. To the encoder such a query is nothing.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from algcn.features.emoji import spell_emoji
from algcn.features.encoder import clean_text
from algcn.features.vocabulary import words_of
from algcn.kit.errors import InputError
from algcn.kit.files import file_state
from app.kit.cache import Cache
from app.kit.decoders import open_image
from app.search.own_labels import OwnLabels

if TYPE_CHECKING:
    from PIL import Image

    from algcn.bundles.bundle import Bundle
    from algcn.bundles.predictor import LabelPredictor
    from algcn.features.encoder import Encoder
    from algcn.method.labels import LabelSet


# Words that are nothing but names of labels are also what these labels' classifiers stand for, and one word is little
# for the text projection. On Postcards, over all 67 labels by name, average precision rises from 0.66 to 0.73.
CLASSIFIER_SHARE = 1.0
EXAMPLE_LABELS = 5
KEPT_TEXTS, KEPT_PICTURES = 256, 32


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """A part of a query: its words or its picture, as vectors.

    Attributes:
        modality: "image" or "text".
        features: 1 × e, L2-normalised.
        embedding: 1 × d, L2-normalised; zero if ALGCN sees nothing in it.
        probabilities: 1 × (L + M): how likely each of the model's labels is, then of the visitor's own; 1 of those that
            the words name.
        mentioned: Names of the model's labels that the words name.
        own: Names of the visitor's own that they name.
        labels_only: The words say nothing but names of labels.
        unknown: Words and symbols that the encoder was never taught.
        means_nothing: None of the words that say something is known.
        corrected: The words with misspelt ones put right, or None.
        notice: A sentence for the reader, or None.
    """

    modality: str
    features: Tensor
    embedding: Tensor
    probabilities: Tensor
    mentioned: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    labels_only: bool = False
    unknown: tuple[str, ...] = ()
    means_nothing: bool = False
    corrected: str | None = None
    notice: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The names of labels that the words name, the model's and the visitor's own."""
        return tuple(dict.fromkeys((*self.mentioned, *self.own)))


class Reader:
    """Reads words and pictures with a bundle; remembers what it read last."""

    def __init__(self, bundle: Bundle, encoder: Encoder, predictor: LabelPredictor, own: OwnLabels) -> None:
        self._model, self._labels, self._own = bundle.model, bundle.label_set, own
        self._reads_words = "text" in bundle.encodes
        self._encoder = encoder
        self._predictor = predictor
        self._texts = Cache(KEPT_TEXTS)
        self._pictures = Cache(KEPT_PICTURES)

    def text(self, text: str) -> Part:
        """Read words as a part of a query.

        Raises:
            InputError: The words say nothing, or more than labels where the model reads no words.
        """
        cleaned = spell_emoji(clean_text(text))
        read = self._read_text if self._reads_words else self._read_labels
        return self._texts.get(cleaned, lambda: read(cleaned))

    def picture(self, picture: Image.Image | Path | str | bytes) -> Part:
        """Read a picture as a part of a query, given decoded, as a path, or as the bytes of a file.

        Raises:
            InputError: The picture cannot be read.
        """
        if isinstance(picture, (str, Path)) and Path(picture).is_file():
            key = (str(picture), *file_state(picture))
            return self._pictures.get(key, lambda: self._read_picture(picture))
        return self._read_picture(picture)

    def _read_text(self, text: str) -> Part:
        with torch.no_grad():
            features = self._encoder.encode_texts([text]).clone()
            embedding = functional.normalize(self._model.embed_text(features).float(), dim=1)
            mentioned, own = tuple(self._labels.find(text)), tuple(self._own.find(text))
            known = self._labels.encode([mentioned])
            probabilities = self._with_own(
                features, self._predictor.probabilities(embedding, "text", known), "text", own
            )
            bare = named_only(text, self._labels, self._own.label_set)
            if bare and embedding.any():
                share = CLASSIFIER_SHARE * self._direction(bare)
                embedding = functional.normalize(embedding + share, dim=1)
        return Part(
            "text",
            features,
            embedding,
            probabilities,
            mentioned,
            own,
            bool(bare),
            **self._words_of(text),
            notice=self._length_notice(text),
        )

    def _words_of(self, text: str) -> dict[str, Any]:
        """Say what the encoder knows of some words; nothing where nobody noted what it was taught."""
        vocabulary = self._encoder.vocabulary
        if vocabulary is None:
            return {}
        names = [phrase for label in (*self._labels, *self._own.label_set) for phrase in (label.name, *label.synonyms)]
        unknown = vocabulary.unknown(text, names)
        # Of several unknown words most are of another language, and any is like some word of this one.
        alone = len(unknown) == 1
        corrections = {word: vocabulary.correction(word, names, often=alone) for word in unknown}
        corrected = " ".join(_replaced(word, corrections) for word in text.split())
        return {
            "unknown": tuple(unknown),
            "means_nothing": bool(unknown) and set(vocabulary.meant(text)) <= set(unknown),
            "corrected": None if corrected == text else corrected,
        }

    def item(self, features: Tensor, embedding: Tensor, known: Tensor, labels: Sequence[str]) -> Part:
        """A picture of the gallery as a part of a query.

        Args:
            features: 1 × e.
            embedding: 1 × d.
            known: Which of the model's labels it is known to have, 1 × L.
            labels: All labels that it is known to have.
        """
        likely = self._predictor.probabilities(embedding, "image", known)
        return Part("image", features, embedding, self._with_own(features, likely, "image", labels))

    def _with_own(self, features: Tensor, likely: Tensor, modality: str, known: Sequence[str] = ()) -> Tensor:
        return torch.cat([likely, self._own.probabilities(features, likely, modality, [known])], dim=1)

    def _direction(self, names: Sequence[str]) -> Tensor:
        """Where labels point together in the common space, the model's and the visitor's own, 1 × d."""
        own = [name for name in names if name in self._own.names]
        others = [name for name in names if name not in own]
        rows = [self._predictor.direction(others) * len(others)] if others else []
        rows += [self._own.vectors(own)] if own else []
        return functional.normalize(torch.cat(rows).sum(dim=0, keepdim=True), dim=1)

    def _read_labels(self, text: str) -> Part:
        names = named_only(text, self._labels, self._own.label_set)
        if not names:
            known = ", ".join(self._labels.names[:EXAMPLE_LABELS])
            raise InputError(
                f"This model reads pictures only; of words it knows the names of its {len(self._labels)} labels, such "
                f"as {known}: name some of them, or give a picture."
            )
        with torch.no_grad():
            embedding = self._direction(names)
        own = [name for name in names if name in self._own.names]
        mentioned = [name for name in names if name not in own]
        known = [float(name in names) for name in (*self._labels.names, *self._own.names)]
        nothing = torch.zeros(1, self._encoder.width)
        # Classifiers are compared with pictures by the thresholds of pictures.
        return Part("image", nothing, embedding, torch.tensor([known]), tuple(mentioned), tuple(own), labels_only=True)

    def _read_picture(self, picture: Image.Image | Path | str | bytes) -> Part:
        # The only place where a picture that somebody asks with is decoded.
        is_file = isinstance(picture, (str, Path, bytes))
        image = open_image(picture, resizing=self._encoder.resizing) if is_file else picture
        with torch.no_grad():
            features = self._encoder.encode_images([image]).clone()
            embedding = functional.normalize(self._model.embed_image(features).float(), dim=1)
        likely = self._predictor.probabilities(embedding, "image")
        return Part("image", features, embedding, self._with_own(features, likely, "image"))

    def _length_notice(self, text: str) -> str | None:
        context = getattr(self._encoder.tokenizer, "context_length", None)
        # A word is one token or more, and a start and an end token frame them.
        if context is None or len(text.split()) <= context - 2:
            return None
        return f"The text is long: at most its first {context - 2} words were read."


def _replaced(written: str, corrections: Mapping[str, str | None]) -> str:
    """One written word with the misspelt words in it replaced, and what else stands there as it is."""
    for word in words_of(written):
        if corrections.get(word):
            written = re.sub(re.escape(word), corrections[word], written, flags=re.IGNORECASE)
    return written


FILLERS = frozenset({"a", "an", "the", "some", "and"})


MAX_TERMS = 8


def named_only(text: str, *label_sets: LabelSet) -> list[str]:
    """Return the labels that `text` names, if it says nothing else: "a dog and a cat", but not "a dog that sleeps"."""
    named, rest = named_and_rest(text, *label_sets)
    return named if set(re.findall(r"\w+", rest)) <= FILLERS else []


def named_and_rest(text: str, *label_sets: LabelSet) -> tuple[list[str], str]:
    """Return the labels that `text` names and what is left of it without the words that name them."""
    named = [label_set[label_set.index(name)] for label_set in label_sets for name in label_set.find(text)]
    rest = re.sub(r"[\s_\-]+", " ", text.casefold())
    phrases = {
        re.sub(r"[\s_\-]+", " ", phrase.casefold()) for label in named for phrase in (label.name, *label.synonyms)
    }
    for phrase in sorted(phrases, key=len, reverse=True):
        rest = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", " ", rest)
    return [label.name for label in named], rest


def terms(text: str) -> Sequence[str]:
    """Split "snow, night" at its commas into at most eight terms."""
    return [term.strip() for term in text.split(",") if term.strip()][:MAX_TERMS]

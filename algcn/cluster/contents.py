"""What a collection holds of a gallery: a row for each picture and each text, and one that says whose they are.

Notable: a row is found by its key, which follows from its position, so writing it again changes nothing. Names of
labels may hold anything, quotes and backslashes too; they are kept percent-encoded, so that nothing in a filter needs
quoting.

N is the number of pictures, M of texts.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import numpy as np
import torch

from algcn.bundles.predictor import LabelPredictor
from algcn.evaluation.ranking import joined
from algcn.gallery.layout import gallery_key
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.datasets.image_folder import Item
    from algcn.gallery.candidates import Allowed
    from algcn.gallery.store import Gallery

MODALITIES = ("image", "text")  # each has a partition of its own
ABOUT = -1  # the key of the row that says whose the others are
FORMAT = "algcn-index-1"
MOST_LABELS = 4096  # of a picture, as an array of Milvus holds them
LONGEST_LABEL = 512
LONGEST_TEXT = 65_535  # bytes, Milvus's own limit
_DIGITS = 16


@dataclasses.dataclass(frozen=True)
class About:
    """Whose rows a collection holds.

    Attributes:
        model: Changes with the model, and with whatever else of its bundle decides on a row.
        gallery: Changes with the pictures, the texts, the labels and the model.
        kind: How Milvus searches, one of `algcn.cluster.milvus.KINDS`.
        pictures: N.
        texts: M.
    """

    model: str
    gallery: str
    kind: str
    pictures: int
    texts: int

    @classmethod
    def of(cls, bundle: Bundle, gallery: Gallery, kind: str) -> Self:
        """Return what is said of a gallery as a bundle sees it."""
        given = [item.labels for item in gallery.items]
        contents = _hash([gallery_key(gallery, bundle), given])
        return cls(model_key(bundle), contents, kind, len(gallery.items), len(gallery.texts))

    @property
    def rows(self) -> int:
        """How many there are when all is published, this one too."""
        return self.pictures + self.texts + 1

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """Read what `to_json` gave; None where it is something else."""
        try:
            value = json.loads(text)
            return cls(**value) if value.pop("format") == FORMAT else None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def difference(self, here: About) -> str | None:
        """Say why these rows are not those of what is here; None where they are."""
        if self.model != here.model:
            return f"another model's vectors ({self.model}, and this one is {here.model})"
        if self.gallery != here.gallery:
            counts = f"{self.pictures:,} pictures and {self.texts:,} texts"
            return (
                f"another gallery, or this one before it changed ({counts}; here {here.pictures:,} and {here.texts:,})"
            )
        return None


def model_key(bundle: Bundle) -> str:
    """Return a hash of all of a bundle that decides on a row: the model, the probabilities and the rarity of labels."""
    graph = bundle.directed_graph
    values = [
        bundle.fingerprint,
        bundle.ranking.rarity.tolist(),
        {name: (of.slope.tolist(), of.intercept.tolist()) for name, of in sorted(bundle.probabilities.items())},
        {modality: values.tolist() for modality, values in sorted(bundle.thresholds.items())},
        None if graph is None else graph.edges.tolist(),
    ]
    return _hash(values)


def key_of(modality: str, row: int) -> int:
    """Return the key of a picture or a text by its position."""
    return 2 * row + MODALITIES.index(modality)


def row_of(key: int) -> int:
    """Return the position that a key stands for."""
    return key // 2


def written(label: str) -> str:
    """Return a label's name as a collection has it: without regard to case, in ASCII, nothing in it that is quoted."""
    name = quote(label.casefold(), safe=" ", errors="surrogatepass")
    return name if len(name) <= LONGEST_LABEL else f"#{hashlib.sha256(name.encode()).hexdigest()}"


def expression(allowed: Allowed | None) -> str:
    """Return a filter as Milvus reads it; "" for everything."""
    if allowed is None or not allowed.labels:
        return ""
    names = ", ".join(f'"{name}"' for name in dict.fromkeys(map(written, allowed.labels)))
    function = "array_contains_all" if allowed.match == "all" else "array_contains_any"
    return f"{'not ' if allowed.match == 'none' else ''}{function}(labels, [{names}])"


def listing(modality: str, positions: Iterable[int]) -> str:
    """Return a filter that leaves some pictures or texts, by their positions, as Milvus reads it."""
    return f"key in [{', '.join(str(key_of(modality, int(position))) for position in positions)}]"


class Rows:
    """Makes the rows of a gallery, a few at a time.

    Args:
        bundle: The model.
        gallery: The pictures and texts.
    """

    def __init__(self, bundle: Bundle, gallery: Gallery) -> None:
        self._bundle, self._gallery = bundle, gallery
        self._predictor = LabelPredictor(bundle)

    @property
    def widths(self) -> dict[str, int]:
        """How wide the vectors of each space are."""
        (row,) = self.of("image", [0])
        return {space: len(row[space]) for space in ("ranking", "encoder")}

    def of(self, modality: str, positions: Sequence[int]) -> list[dict[str, Any]]:
        """Return the rows of some pictures or texts.

        Raises:
            InputError: A picture has too many labels.
        """
        gallery, wanted = self._gallery, torch.tensor(positions)
        if modality == "image":
            owners, texts = wanted, [""] * len(positions)
            kept = gallery.image_embeddings[wanted], gallery.image_features[wanted]
        else:
            owners, kept = gallery.text_owner[wanted], (gallery.text_embeddings[wanted], gallery.text_features[wanted])
            texts = [gallery.texts[position] for position in positions]
        embeddings, features = (rows.float() for rows in kept)
        items = [gallery.items[owner] for owner in owners.tolist()]
        likely = self._predictor.probabilities(embeddings, modality, self._predictor.known(items))
        parts = self._bundle.ranking.parts(embeddings, likely, features)
        vectors = [part.numpy().astype(np.float32) for part in (joined(parts), parts.encoder)]
        predicted = self._predictor.of_pictures(gallery.image_embeddings[owners].float())
        return [
            {
                "key": key_of(modality, position),
                "file": as_text(item.file_name),
                "text": as_text(text),
                "labels": _labels(item, names),
                "ranking": ranking,
                "encoder": encoder,
            }
            for position, item, text, names, ranking, encoder in zip(
                positions, items, texts, predicted, *vectors, strict=True
            )
        ]


def as_text(text: str) -> str:
    """Return a text as Milvus can hold it: in Unicode, which a file's name need not be, and its beginning."""
    return text.encode("utf-8", "backslashreplace")[:LONGEST_TEXT].decode("utf-8", "ignore")


def _labels(item: Item, predicted: Iterable[str]) -> list[str]:
    """Return the labels that a filter goes by: those that are given, else the model's."""
    names = list(dict.fromkeys(map(written, predicted if item.labels is None else item.labels)))
    if len(names) > MOST_LABELS:
        raise InputError(
            f"The picture {as_text(item.file_name)} has {len(names):,} labels, and Milvus holds {MOST_LABELS:,}; "
            "leave some out."
        )
    return names


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]

"""Every answer the page and the API give: a bundle, a gallery and an index behind three kinds of query.

Notable: nothing here knows gradio. Results of a query are ranked exactly, against the whole gallery, so a score can be
said as what it is worth: the share of the gallery that a result beats.

N is the number of pictures, M of texts, L of labels, d the width of the common space.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from algcn.encoders import clean_text
from algcn.errors import InputError
from algcn.images import open_image
from algcn.index import VectorIndex
from algcn.model import label_scores
from app.limits import DEFAULT_LIMIT, check_limit
from app.pictures import SHARED_KEY

if TYPE_CHECKING:
    from PIL import Image

    from algcn.bundle import Bundle
    from algcn.encoders import Encoder
    from algcn.gallery import Gallery

# Without saved thresholds no score is a prediction; the best few are still worth showing.
LABELS_WITHOUT_THRESHOLDS = 3
MAX_QUERY_LABELS = 8
# The common space knows labels and forgets much else ("two", "at sunset"), so the encoder's own cosine counts too. On
# the pocket bundle's validation photos 0.5 takes text→image R@10 from 0.22 to 0.37 and average mAP from 0.863 to
# 0.850; 1.0 would give 0.40 and 0.836.
ENCODER_WEIGHT = 0.5
EXAMPLE_PICTURES, EXAMPLE_QUERIES = 6, 5
EXAMPLES_PATH = Path(__file__).resolve().parent.parent / "assets" / "examples.json"


@dataclasses.dataclass(frozen=True)
class LabelScore:
    """A label of the query: its cosine with the query in the common space, and whether the words themselves name it."""

    name: str
    score: float
    mentioned: bool = False


@dataclasses.dataclass(frozen=True)
class Hit:
    """One result: a picture of the gallery, or a text of it together with the picture it belongs to.

    Attributes:
        rank: 1 is the best.
        item: Position of the picture in the gallery.
        file: Its file name inside the gallery's folder.
        text: The text found, or the first text of the picture found; "" where it has none.
        captions: Every text of the picture.
        labels: The picture's labels: those of the gallery, or what the model predicts where the gallery says nothing.
        matched_labels: Those of them that are labels of the query.
        labels_are_predicted: The labels come from the model.
        score: Cosine with the query, two thirds in the common space, one third of the encoder alone.
        percentile: Share of the gallery's pictures (or texts) that score less, 0 to 100.
    """

    rank: int
    item: int
    file: str
    text: str
    captions: tuple[str, ...]
    labels: tuple[str, ...]
    matched_labels: tuple[str, ...]
    labels_are_predicted: bool
    score: float
    percentile: float

    def to_dict(self) -> dict[str, Any]:
        """What the API returns of it."""
        return {
            "rank": self.rank,
            "file": self.file,
            "text": self.text,
            "labels": list(self.labels),
            "matched_labels": list(self.matched_labels),
            "score": round(self.score, 6),
            "percentile": round(self.percentile, 4),
        }


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """What a query found; `notice` is a sentence for the reader, or None; `seconds` is what the answer took."""

    images: list[Hit]
    texts: list[Hit]
    query_labels: list[LabelScore]
    notice: str | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """What the API returns; ready for JSON."""
        return {
            "query_labels": [{"label": label.name, "score": round(label.score, 6)} for label in self.query_labels],
            "images": [hit.to_dict() for hit in self.images],
            "texts": [hit.to_dict() for hit in self.texts],
            "notice": self.notice,
        }


class RetrievalService:
    """Search a gallery with a bundle; safe to call from several threads.

    Args:
        bundle: The model.
        gallery: Pictures and texts, embedded in the bundle's common space.
        encoder: What reads queries; the bundle's own by default.
        name: What to call the bundle; its folder's name by default.
        key: Under which `app.pictures.Shelf` serves the gallery's pictures.
    """

    def __init__(
        self,
        bundle: Bundle,
        gallery: Gallery,
        encoder: Encoder | None = None,
        name: str | None = None,
        key: str = SHARED_KEY,
    ) -> None:
        self.name = name or bundle.path.resolve().name
        self.key = key
        self.bundle = bundle
        self.gallery = gallery
        self.encoder = encoder or bundle.encoder()
        self._image_index = VectorIndex(ranking_vectors(gallery.image_embeddings, gallery.image_features))
        self._text_index = VectorIndex(ranking_vectors(gallery.text_embeddings, gallery.text_features))
        with torch.inference_mode():
            # The graph convolution gives the same classifiers for every query: it is run once.
            self._classifiers = bundle.model.classifiers()

    @property
    def pictures(self) -> str:
        """Where a browser finds the gallery's pictures: this, then /SIZE/NUMBER."""
        return f"picture/{self.key}"

    def search_by_text(self, text: str, limit: int = DEFAULT_LIMIT) -> SearchResult:
        """The pictures and texts nearest to what `text` says.

        Raises:
            InputError: Nothing to search for in `text`, or a limit outside 1 to 500.
        """
        start = time.perf_counter()
        limit = check_limit(limit)
        cleaned = clean_text(text)
        with torch.inference_mode():
            features = self.encoder.encode_texts([cleaned])
            embedding = self.bundle.model.embed_text(features)
        mentioned, notice = self.bundle.label_set.find(cleaned), self._length_notice(cleaned)
        return self._answer(features, embedding, "text", limit, start, mentioned=mentioned, notice=notice)

    def search_by_image(self, image: Image.Image | str | Path | bytes, limit: int = DEFAULT_LIMIT) -> SearchResult:
        """The pictures and texts nearest to a picture, given decoded, as a path, or as the bytes of a file.

        Raises:
            InputError: It is no picture that can be read, or a limit outside 1 to 500.
        """
        start = time.perf_counter()
        limit = check_limit(limit)
        if isinstance(image, (str, Path, bytes)):
            image = open_image(image)
        with torch.inference_mode():
            features = self.encoder.encode_images([image])
            embedding = self.bundle.model.embed_image(features)
        return self._answer(features, embedding, "image", limit, start)

    def search_by_item(self, item: int, limit: int = DEFAULT_LIMIT) -> SearchResult:
        """More like a picture of the gallery; the picture itself is left out.

        Raises:
            InputError: There is no such picture, or a limit outside 1 to 500.
        """
        start = time.perf_counter()
        limit = check_limit(limit)
        position = self.check_item(item)
        chosen = slice(position, position + 1)
        features, embedding = self.gallery.image_features[chosen], self.gallery.image_embeddings[chosen]
        return self._answer(features, embedding, "image", limit, start, without=position)

    def check_item(self, item: object) -> int:
        """`item` as the position of a picture, whatever a browser or a client sent.

        Raises:
            InputError: It is not one.
        """
        count = len(self.gallery.items)
        if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item < count:
            raise InputError(f"There is no such picture: the gallery has {count:,}, counted from 0.")
        return item

    def picture_path(self, item: int) -> Path:
        """Where a picture of the gallery is.

        Raises:
            InputError: There is no such picture.
        """
        return self.gallery.root / self.gallery.items[self.check_item(item)].file_name

    def example_pictures(self, count: int = EXAMPLE_PICTURES) -> list[int]:
        """A few pictures to start from, spread over the gallery."""
        total = len(self.gallery.items)
        count = min(count, total)
        return [(2 * position + 1) * total // (2 * count) for position in range(count)]

    def example_queries(self, count: int = EXAMPLE_QUERIES) -> list[str]:
        """A few texts to start from: written ones whose labels the gallery has, else short texts of its own."""
        available = {label for item in self.gallery.items for label in item.labels or ()}
        written = json.loads(EXAMPLES_PATH.read_text(encoding="utf-8"))
        queries = [example["text"] for example in written if available.issuperset(example["labels"])]
        short = sorted(dict.fromkeys(self.gallery.texts), key=lambda text: (abs(len(text) - 40), text))
        return (queries + short)[:count]

    def _answer(
        self,
        features: Tensor,
        embedding: Tensor,
        modality: str,
        limit: int,
        start: float,
        *,
        mentioned: Sequence[str] = (),
        notice: str | None = None,
        without: int | None = None,
    ) -> SearchResult:
        embedding = functional.normalize(embedding.float(), dim=1)
        if not embedding.any():
            notice = "ALGCN sees nothing it knows in this query, so the order below is the encoder's alone."
        query_labels = self._query_labels(embedding, modality, mentioned)
        query = ranking_vectors(embedding, features)
        images = self._hits(self._image_index, query, limit, query_labels, self._picture_of, without)
        texts = self._hits(self._text_index, query, limit, query_labels, self._text_of, None)
        return SearchResult(images, texts, query_labels, notice, time.perf_counter() - start)

    def _query_labels(self, embedding: Tensor, modality: str, mentioned: Sequence[str]) -> list[LabelScore]:
        """The labels that the words name, then those that the model predicts, the clearest first."""
        with torch.inference_mode():
            scores = label_scores(embedding, self._classifiers)[0]
        names = self.bundle.label_set.names
        named = [LabelScore(name, float(scores[self.bundle.label_set.index(name)]), True) for name in mentioned]
        thresholds = self.bundle.thresholds.get(modality)
        if thresholds is None:
            order = scores.argsort(descending=True, stable=True)[
                : max(0, LABELS_WITHOUT_THRESHOLDS - len(named))
            ].tolist()
        else:
            margin = scores - thresholds
            order = [label for label in margin.argsort(descending=True, stable=True).tolist() if margin[label] > 0]
        predicted = [LabelScore(names[label], float(scores[label])) for label in order if names[label] not in mentioned]
        named.sort(key=lambda label: -label.score)
        return (named + predicted)[:MAX_QUERY_LABELS]

    def _hits(
        self,
        index: VectorIndex,
        query: Tensor,
        limit: int,
        query_labels: Sequence[LabelScore],
        describe: Callable[[int], tuple[int, str]],
        without: int | None,
    ) -> list[Hit]:
        total = len(index)
        if total == 0:
            return []
        scores, ids = (np.asarray(found)[0] for found in index.search(query, total))
        # Scores fall along the ranking, so what lies strictly below a score is what follows its last tie.
        below = total - np.searchsorted(-scores, -scores, side="right")
        wanted = {label.name.casefold() for label in query_labels}
        hits: list[Hit] = []
        for position in range(total):
            item, text = describe(int(ids[position]))
            if item == without:
                continue
            if len(hits) == limit:
                break
            labels, predicted = self._item_labels(item)
            hits.append(
                Hit(
                    rank=len(hits) + 1,
                    item=item,
                    file=self.gallery.items[item].file_name,
                    text=text,
                    captions=tuple(self.gallery.items[item].texts),
                    labels=labels,
                    matched_labels=tuple(label for label in labels if label.casefold() in wanted),
                    labels_are_predicted=predicted,
                    score=float(scores[position]),
                    percentile=100.0 * float(below[position]) / total,
                )
            )
        return hits

    def _picture_of(self, item: int) -> tuple[int, str]:
        return item, next(iter(self.gallery.items[item].texts), "")

    def _text_of(self, text: int) -> tuple[int, str]:
        return int(self.gallery.text_owner[text]), self.gallery.texts[text]

    def _item_labels(self, item: int) -> tuple[tuple[str, ...], bool]:
        """The labels of a picture, and whether they are the model's."""
        labels = self.gallery.items[item].labels
        if labels is not None:
            return tuple(labels), False
        return self._predicted_labels[item], True

    @cached_property
    def _predicted_labels(self) -> list[tuple[str, ...]]:
        """For every picture the labels that the model predicts; none without thresholds."""
        thresholds = self.bundle.thresholds.get("image")
        if thresholds is None:
            return [()] * len(self.gallery.items)
        with torch.inference_mode():
            scores = label_scores(torch.as_tensor(self.gallery.image_embeddings), self._classifiers)
        return [tuple(names) for names in self.bundle.label_set.decode(scores > thresholds)]

    def _length_notice(self, text: str) -> str | None:
        context = getattr(self.encoder.tokenizer, "context_length", None)
        # A word is one token or more, and a start and an end token frame them.
        if context is None or len(text.split()) <= context - 2:
            return None
        return f"The text is long: at most its first {context - 2} words were read."


def ranking_vectors(embeddings: Tensor, features: Tensor) -> Tensor:
    """What pictures, texts and queries are ranked by, N × (d + e).

    The inner product of two is (cosine in the common space + ENCODER_WEIGHT · cosine of the encoder's features) /
    (1 + ENCODER_WEIGHT).

    Args:
        embeddings: N × d in the common space, L2-normalised.
        features: N × e of the encoder, L2-normalised.
    """
    return torch.cat([embeddings, ENCODER_WEIGHT**0.5 * features], dim=1) / (1 + ENCODER_WEIGHT) ** 0.5


def load_service(
    bundle: str | Path, gallery: str | Path, report: Callable[[str], None] = lambda _: None, name: str | None = None
) -> RetrievalService:
    """Load what a search needs and answer one query, so that the next is fast.

    Args:
        bundle: A bundle's folder.
        gallery: An image folder.
        report: Told in a few words what is being done.
        name: What to call the bundle; its folder's name by default.

    Raises:
        InputError: The bundle or the gallery is missing, damaged, or not of its kind.
    """
    from algcn.bundle import Bundle
    from algcn.gallery import build_gallery

    report("loading the model")
    loaded = Bundle.load(bundle)
    loaded.encoder()
    report("opening the gallery")
    found = build_gallery(gallery, loaded, lambda done, total: report(f"reading the gallery, {done:,} of {total:,}"))
    service = RetrievalService(loaded, found, name=name)
    service.search_by_text("a picture", limit=1)
    return service

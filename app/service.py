"""The retrieval service: every answer that the page and the API give of a bundle and a gallery.

Notable: nothing here knows gradio. A query is ranked exactly, against the whole gallery, so a score can be said as what
it is worth: the share of the gallery that a result beats and, where the bundle is calibrated, the chance that the
result shares a label with the query.

N is the number of pictures, M of texts, L of labels, d the width of the common space.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.bundles.predictor import LabelPredictor, LabelScore
from algcn.features.encoder import clean_text
from algcn.kit import checks
from algcn.kit.errors import InputError
from app.kit.cache import Cache
from app.kit.limits import DEFAULT_LIMIT
from app.kit.name_features import NameFeatures
from app.kit.numbers import counted
from app.kit.pictures import SHARED_KEY, pictures_prefix
from app.search.filters import LabelFilter
from app.search.own_labels import OwnLabels
from app.search.parse import ParsedQuery, parse_query
from app.search.query import Query
from app.search.ranker import Ranker
from app.search.reading import Reader
from app.search.results import Found, SearchResult
from app.search.steering import left_out_labels
from app.search.written import Written

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from algcn.bundles.bundle import Bundle
    from algcn.evaluation.calibration import Calibration
    from algcn.features.encoder import Encoder
    from algcn.gallery.candidates import Candidates
    from algcn.gallery.store import Gallery
    from algcn.method.new_label import NewLabel
    from app.search.reading import Part

# Below this chance even the best result is more likely than not to have nothing to do with the query.
EVEN_CHANCE = 0.5
FIRST = "two dogs"  # a word and what is most often a label: what is written of the gallery is read once, at the start
MOST_UNKNOWN = 8  # words that are listed
STEERED = "What to steer away from changes the order; the chances are those of the rest of the query."
UNWEIGHTED = "This model has no probabilities of labels, so shared subjects were given no weight."
OWN = "A label of your own counts in the order as the model's do; the chances were calibrated without it."
MEAN = "The chances were calibrated on single pictures; here the mean of several is asked."
MIXED = "The chances are those of the words and of the picture, averaged by their weights."
LABELS_ALONE = (
    "The plain encoder knows no labels, so it has no ranking of its own here: give a picture to compare the two."
)
UNSEEN = "ALGCN sees nothing it knows in this query, so the order below is the encoder's alone."


OwnLabelsOf = Callable[["RetrievalService"], Sequence["NewLabel"]]


class RetrievalService:
    """Search a gallery with a bundle; safe to call from several threads.

    Args:
        bundle: The model.
        gallery: Pictures and texts, embedded in the bundle's common space.
        encoder: What reads queries; the bundle's own by default.
        name: What to call the bundle; its folder's name by default.
        key: Under which `app.visitors.addresses.Addresses` serves the gallery's pictures.
        source: The same gallery with its texts, where the model reads no words and `gallery` has none.
        names: What the encoder says of names of labels, where that is known already.
        own_labels: Makes the labels that a visitor has beside the model's, of a service; none by default.
        candidates: An index of the same gallery and model; by default the gallery is searched here.

    Attributes:
        own: The labels that the visitor whose service this is has beside the model's.
        cache: What was computed of the bundle and the gallery, the maps for instance; it goes with the service.
    """

    def __init__(
        self,
        bundle: Bundle,
        gallery: Gallery,
        encoder: Encoder | None = None,
        name: str | None = None,
        key: str = SHARED_KEY,
        source: Gallery | None = None,
        names: NameFeatures | None = None,
        own_labels: OwnLabelsOf | None = None,
        candidates: Candidates | None = None,
    ) -> None:
        self.name = name or bundle.path.resolve().name
        self.key = key
        self.bundle = bundle
        self.gallery = gallery
        self.source = source or gallery
        self.encoder = encoder or bundle.encoder()
        self.names = names or NameFeatures(self.encoder.encode_texts)
        self.predictor = LabelPredictor(bundle)
        self.cache = Cache()
        self.own_labels = own_labels
        self.own = OwnLabels(() if own_labels is None else own_labels(self))
        self._reader = Reader(bundle, self.encoder, self.predictor, self.own)
        self._written = Written(gallery, (bundle.label_set, self.own.label_set))
        self._ranker = Ranker(gallery, self.predictor, bundle.ranking, self.own, self._written, candidates)

    @property
    def reads_words(self) -> bool:
        """Whether any words can be asked for; of a model that reads pictures only, just the names of its labels."""
        return reads_words(self.bundle)

    @property
    def pictures(self) -> str:
        """Where a browser finds the gallery's pictures: this, then /SIZE/NUMBER."""
        return pictures_prefix(self.key)

    @property
    def labels(self) -> LabelFilter:
        """The labels of the gallery's pictures, the model's where the gallery says nothing."""
        return self._ranker.labels

    @property
    def index(self) -> Candidates | None:
        """What names the pictures and texts that a query is ranked among; None where all are ranked."""
        return self._ranker.candidates

    def item_labels(self, item: int) -> tuple[tuple[str, ...], bool]:
        """Return the labels of a picture of the gallery, and whether the model predicted them."""
        return self._ranker.item_labels(item)

    @cached_property
    def known(self) -> Tensor:
        """Which of the model's labels the gallery's pictures are given, N × L of 1 and 0."""
        return self.predictor.known(self.gallery.items)

    @property
    def has_written(self) -> bool:
        """Whether anything is written of the gallery's pictures: a given label or a caption that the model reads."""
        return self._written.is_there

    @property
    def cutoff_by(self) -> str:
        """What a cut-off goes by: "probability" where the bundle is calibrated, else "percentile"."""
        return "percentile" if self.bundle.calibration is None else "probability"

    @property
    def cutoff(self) -> float:
        """The cut-off of a query that names none, in percent: 0 where the bundle is not calibrated."""
        return 0.0 if self.bundle.calibration is None else round(100 * self.bundle.calibration.cutoff, 2)

    @property
    def labels_weight(self) -> float | None:
        """How much shared labels count where a query does not say; None where the model has no probabilities."""
        return self.bundle.ranking.weights.labels if self.predictor.has_probabilities else None

    def search(self, query: Query) -> SearchResult:
        """Find the pictures and texts nearest to a query.

        Raises:
            InputError: Nothing is asked for, a picture cannot be read, or there is no such item or label.
        """
        start = time.perf_counter()
        for item in (*query.liked, *query.unlike):
            self.check_item(item)
        parsed = parse_query(query, self._reader, self.gallery, self.predictor, self.bundle.ranking, self.own)
        # Only names of labels, to a model that reads no words, are nothing to the encoder.
        of_encoder = bool(parsed.point.features.any())
        if query.space == "encoder" and not of_encoder:
            raise InputError(LABELS_ALONE)
        calibration = self._calibration_of(query.space)
        pictures, captions = self._ranker.answer(parsed, query.space, calibration)
        chance = self._ranker.chance(parsed, calibration) if pictures.cutoff_by == "probability" else None
        beside = None
        if query.beside and of_encoder:
            # Nobody calibrated the encoder alone, and it is there to be compared with: it is not cut off.
            other = "ranking" if query.space == "encoder" else "encoder"
            uncut = dataclasses.replace(parsed, query=dataclasses.replace(query, cutoff=0.0))
            beside = self._ranker.answer(uncut, other, self._calibration_of(other))
        return SearchResult(
            query=query,
            point=parsed.point,
            pictures=pictures,
            captions=captions,
            beside=beside,
            query_labels=[] if all(part.means_nothing for part in parsed.parts) else parsed.query_labels,
            notice=self._notice(parsed, pictures, chance),
            remark=self._remark(parsed, pictures),
            seconds=time.perf_counter() - start,
            chance=chance,
            suggestion=next((part.corrected for part in parsed.parts if part.corrected), None),
        )

    def search_by_text(self, text: str, limit: int = DEFAULT_LIMIT) -> SearchResult:
        """Find the pictures and texts nearest to what `text` says.

        Raises:
            InputError: Nothing to search for in `text`, or a limit outside 1 to 500.
        """
        return self.search(Query(text=clean_text(text), limit=limit))

    def search_by_image(self, image: Image.Image | str | Path | bytes, limit: int = DEFAULT_LIMIT) -> SearchResult:
        """Find the pictures and texts nearest to a picture, given decoded, as a path, or as the bytes of a file.

        Raises:
            InputError: It is no picture that can be read, or a limit outside 1 to 500.
        """
        return self.search(Query(picture=image, limit=limit))

    def search_by_item(self, item: int, limit: int = DEFAULT_LIMIT) -> SearchResult:
        """Find more like a picture of the gallery; the picture itself is left out.

        Raises:
            InputError: There is no such picture, or a limit outside 1 to 500.
        """
        return self.search(Query(item=self.check_item(item), limit=limit))

    def read_picture(self, picture: Image.Image | str | Path | bytes) -> Part:
        """Open and encode a picture that somebody asks with; a file's is remembered, so `search` need not wait for it.

        Raises:
            InputError: It is no picture that can be read.
        """
        return self._reader.picture(picture)

    def predict_labels(self, image: Image.Image | str | Path | bytes) -> list[LabelScore]:
        """Predict the labels of a picture, the clearest first.

        Raises:
            InputError: It is no picture that can be read.
        """
        return self.predictor.of_query(self.predictor.scores(self.read_picture(image).embedding)[0], "image", ())

    def check_item(self, item: object) -> int:
        """Make sure that `item` is the position of a picture, whatever a browser or a client sent.

        Raises:
            InputError: There is no such picture.
        """
        count = len(self.gallery.items)
        if not checks.is_whole(item) or not 0 <= item < count:
            raise InputError(f"There is no such picture: the gallery has {count:,}, counted from 0.")
        return item

    def find_item(self, file: object) -> int:
        """Find the position of the picture with a file name.

        Raises:
            InputError: The gallery has none of this name.
        """
        if not isinstance(file, str) or file not in self._positions:
            raise InputError(f"The gallery has no picture called {file!r:.100}.")
        return self._positions[file]

    def picture_path(self, item: int) -> Path:
        """Find the file of a picture of the gallery.

        Raises:
            InputError: There is no such picture.
        """
        return self.gallery.root / self.gallery.items[self.check_item(item)].file_name

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {item.file_name: position for position, item in enumerate(self.gallery.items)}

    def _calibration_of(self, space: str) -> Calibration | None:
        """Chances stand beside the model's own ranking; the encoder's alone is there to be compared with."""
        return self.bundle.calibration if space == "ranking" else None

    def _notice(self, parsed: ParsedQuery, pictures: Found, chance: str | None) -> str | None:
        sentences = [part.notice for part in parsed.parts if part.notice]
        unknown = list(dict.fromkeys(word for part in parsed.parts for word in part.unknown))
        if unknown:
            sentences.append(
                f"I do not know {'this word' if len(unknown) == 1 else 'these words'}: {_listed(unknown)}."
            )
        if parsed.query.beside and not parsed.point.features.any():
            sentences.append(LABELS_ALONE)
        if not parsed.point.embedding.any() and not parsed.seen.labels.any():
            sentences.append(UNSEEN)
        if parsed.query.labels_weight is not None and self.labels_weight is None:
            sentences.append(UNWEIGHTED)
        if chance is not None and pictures.hits and pictures.best < 100 * EVEN_CHANCE:
            best = f"even the likeliest picture has only a {pictures.best:.0f} % chance {chance}"
            sentences.append(f"Nothing here matches well: {best}.")
        return " ".join(sentences) or None

    def _remark(self, parsed: ParsedQuery, pictures: Found) -> str | None:
        names, count = " or ".join(left_out_labels(parsed.unwanted)), counted(pictures.left_out, "picture")
        count = f"at least {count}" if pictures.in_part else count
        has_chances = pictures.cutoff_by == "probability"
        remarks = (
            (pictures.left_out > 0, f"Left out for having or probably showing {names}: {count}."),
            (has_chances and len(parsed.parts) > 1, MIXED),
            (has_chances and bool(parsed.unwanted or parsed.query.unlike), STEERED),
            (has_chances and bool(parsed.query.also), MEAN),
            (has_chances and any(part.own for part in parsed.parts), OWN),
        )
        return " ".join(sentence for applies, sentence in remarks if applies) or None


def _listed(words: Sequence[str]) -> str:
    more = len(words) - MOST_UNKNOWN
    return ", ".join(words[:MOST_UNKNOWN]) + (f" and {more} more" if more > 0 else "")


def reads_words(bundle: Bundle) -> bool:
    """Whether a bundle's encoder reads the texts that its model takes."""
    return "text" in bundle.encodes


def load_service(
    bundle: str | Path,
    gallery: str | Path,
    report: Callable[[str], None] = lambda _: None,
    name: str | None = None,
    encoders: Iterable[Encoder] = (),
    index: str | None = None,
) -> RetrievalService:
    """Load what a search needs and answer one query, so that the next is fast.

    Args:
        bundle: A bundle's folder.
        gallery: An image folder.
        report: Told in a few words what is being done.
        name: What to call the bundle; its folder's name by default.
        encoders: Those that are loaded already; if the bundle's is among them, it is not loaded again.
        index: Where the gallery was published for the bundle; None to search it here.

    Raises:
        InputError: The bundle, the gallery or the index is missing, damaged, or not of its kind.
    """
    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import build_gallery

    report("loading the model")
    loaded = Bundle.load(bundle)
    for encoder in encoders:
        if encoder.fingerprint == loaded.encoder_fingerprint:
            loaded.adopt_encoder(encoder)
            break
    loaded.encoder()
    report("opening the gallery")
    found = build_gallery(gallery, loaded, lambda done, total: report(f"reading the gallery, {done:,} of {total:,}"))
    candidates = None
    if index is not None:
        from algcn.cluster.milvus import open_index

        report("opening the index")
        candidates = open_index(index, loaded, found)
    service = RetrievalService(loaded, found, name=name, candidates=candidates)
    if service.reads_words:
        service.search_by_text(FIRST, limit=1)
    else:
        service.search_by_item(0, limit=1)
    return service

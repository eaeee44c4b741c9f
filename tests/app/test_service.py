"""The answers behind the page: on a random bundle what holds for any, on the real one what it is for."""

from __future__ import annotations

import io
import json
import math
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from algcn.kit.images import open_image
from algcn.method.model import label_scores
from app.kit.limits import DEFAULT_LIMIT, MAX_LIMIT, check_limit
from app.kit.pictures import SMALL_BYTES, media_type, picture_file
from app.search.examples import EXAMPLES_PATH, example_pictures, example_queries
from app.search.query import Query
from app.search.results import SearchResult
from app.service import RetrievalService, load_service
from app.visitors.loading import Loading

PROJECT = Path(__file__).resolve().parents[2]
HIT_KEYS = {
    "rank", "file", "text", "labels", "matched_labels", "score", "shares", "says", "looks", "percentile", "probability",
}  # fmt: skip


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


@pytest.fixture(scope="module")
def pocket() -> RetrievalService:
    return load_service(PROJECT / "weights" / "pocket", PROJECT / "assets" / "gallery")


@pytest.fixture
def own_bundle(tiny_bundle_dir: Path) -> Bundle:
    """A bundle that a test may change."""
    return Bundle.load(tiny_bundle_dir)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def test_a_text_finds_pictures_and_texts_in_the_order_of_their_cosines(service: RetrievalService) -> None:
    """Two thirds of a score are the cosine in the common space, one third is the encoder's own."""
    result = service.search(Query("a dog on the beach", written=False))
    with torch.inference_mode():
        features = service.encoder.encode_texts(["a dog on the beach"])
        query = functional.normalize(service.bundle.model.embed_text(features), dim=1)
    gallery = service.gallery
    for hits, embeddings, own in (
        (result.images, gallery.image_embeddings, gallery.image_features),
        (result.texts, gallery.text_embeddings, gallery.text_features),
    ):
        expected = (2 * embeddings @ query[0] + own @ features[0]) / 3
        assert [hit.score for hit in hits] == pytest.approx(expected.sort(descending=True).values.tolist(), abs=1e-5)
    for hits in (result.images, result.texts):
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert result.seconds > 0


def test_a_text_result_belongs_to_the_picture_it_describes(service: RetrievalService) -> None:
    texts = {text: item for item in service.gallery.items for text in item.texts}
    for hit in service.search_by_text("anything").texts:
        assert texts[hit.text].file_name == hit.file == service.gallery.items[hit.item].file_name
        assert hit.text in hit.captions


def test_a_picture_finds_itself_whether_decoded_a_path_or_bytes(service: RetrievalService) -> None:
    for item in (0, 3):
        path = service.picture_path(item)
        for source in (path, str(path), path.read_bytes(), open_image(path)):
            assert service.search_by_image(source, limit=1).images[0].item == item


def test_more_like_a_picture_leaves_the_picture_out(service: RetrievalService) -> None:
    result = service.search_by_item(2)
    assert [hit.rank for hit in result.images] == [1, 2, 3, 4, 5]
    assert 2 not in {hit.item for hit in result.images}
    assert any(hit.item == 2 for hit in result.texts), "its own captions are an answer, and show what it is about"


def test_a_percentile_is_the_share_of_the_gallery_that_scores_less(tiny_bundle_dir: Path, tmp_path: Path) -> None:
    for name, colour in (("a.png", "red"), ("b.png", "red"), ("c.png", "blue"), ("d.png", "green")):
        Image.new("RGB", (64, 64), colour).save(tmp_path / name)
    service = load_service(tiny_bundle_dir, tmp_path)
    hits = service.search_by_image(tmp_path / "a.png").images
    assert [(hit.file, hit.percentile) for hit in hits[:2]] == [("a.png", 50.0), ("b.png", 50.0)], (
        "equal scores share one"
    )
    assert [hit.percentile for hit in hits[2:]] == [25.0, 0.0]
    for hit in hits:
        assert hit.percentile == 100 * sum(other.score < hit.score for other in hits) / 4


def test_the_limit_cuts_but_does_not_change_the_order(service: RetrievalService) -> None:
    everything, few = service.search_by_text("a boat"), service.search_by_text("a boat", limit=2)
    assert few.images == everything.images[:2]
    assert few.texts == everything.texts[:2]


@pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1, 2.5, math.nan, math.inf, True, None, "many", [3]])
def test_a_limit_that_is_none_is_one_sentence(limit: object) -> None:
    with pytest.raises(InputError, match=r"^The limit must be a whole number from 1 to 500, not "):
        check_limit(limit)
    assert check_limit(3.0) == 3


@pytest.mark.parametrize("text", ["", "   \n\t ", "\x00\x07\x1b", "\u200b\u202e"])
def test_a_text_without_words_is_one_sentence(service: RetrievalService, text: str) -> None:
    with pytest.raises(InputError, match=r"^The text is empty: type at least one word\.$"):
        service.search_by_text(text)


@pytest.mark.parametrize("text", ["🐶🏖️", "a\x00dog\x1b[31m", "<b>dog</b>", "'; DROP TABLE", "ü" * 300, "\ud83d dog"])
def test_odd_texts_are_answered(service: RetrievalService, text: str) -> None:
    assert len(service.search_by_text(text).images) == 6


def test_a_long_text_is_cut_and_that_is_said(service: RetrievalService) -> None:
    result = service.search_by_text("dog beach " * 1000)
    assert result.notice == "The text is long: at most its first 30 words were read."
    assert result.images
    assert service.search_by_text("a dog on the beach").notice is None


@pytest.mark.parametrize("item", [-1, 6, 1.0, True, None, "0", [0], {"item": 0}])
def test_an_item_that_is_none_is_one_sentence(service: RetrievalService, item: object) -> None:
    with pytest.raises(InputError, match="There is no such picture: the gallery has 6"):
        service.search_by_item(item)
    with pytest.raises(InputError, match="There is no such picture"):
        service.picture_path(item)


def test_labels_named_in_the_words_come_first_and_match(service: RetrievalService) -> None:
    result = service.search_by_text("a DOG at the beach")
    mentioned = [label.name for label in result.query_labels if label.mentioned]
    assert set(mentioned) == {"dog", "beach"}
    assert [label.name for label in result.query_labels][:2] == mentioned
    by_file = {hit.file: hit for hit in result.images}
    assert set(by_file["beach_dog.webp"].matched_labels) == {"beach", "dog"}
    wanted = {label.name for label in result.query_labels}
    for hit in (*result.images, *result.texts):
        assert set(hit.matched_labels) == set(hit.labels) & wanted
    assert by_file["unlabelled.png"].labels == by_file["unlabelled.png"].matched_labels == ()


def test_labels_above_their_threshold_are_predicted(own_bundle: Bundle, tiny_gallery_dir: Path) -> None:
    gallery = build_gallery(tiny_gallery_dir, own_bundle)
    service = RetrievalService(own_bundle, gallery)
    assert len(service.search_by_image(service.picture_path(0)).query_labels) == 3, "without thresholds, the best three"
    with torch.inference_mode():
        scores = label_scores(gallery.image_embeddings[:1], own_bundle.model.classifiers())[0]
    boundary = scores.sort(descending=True).values[1:3].mean()
    own_bundle.thresholds = {"image": torch.full((6,), boundary), "text": torch.full((6,), 2.0)}
    predicted = service.search_by_image(service.picture_path(0)).query_labels
    assert [label.name for label in predicted] == [
        own_bundle.label_set.names[i] for i in scores.argsort(descending=True)[:2]
    ]
    assert [label.score for label in predicted] == pytest.approx(
        scores.sort(descending=True).values[:2].tolist(), abs=1e-3
    )
    assert service.search_by_text("nothing known").query_labels == []


def test_photos_without_labels_or_captions_get_predicted_labels(own_bundle: Bundle, tmp_path: Path) -> None:
    for name, colour in (("one.png", "red"), ("two.png", "blue")):
        Image.new("RGB", (64, 64), colour).save(tmp_path / name)
    own_bundle.thresholds = {"image": torch.tensor([-2.0, 2, 2, 2, 2, 2]), "text": torch.full((6,), 2.0)}
    service = RetrievalService(own_bundle, build_gallery(tmp_path, own_bundle))
    result = service.search_by_text("a beach")
    assert result.texts == []
    assert {(hit.labels, hit.labels_are_predicted, hit.text) for hit in result.images} == {(("beach",), True, "")}
    assert all(hit.matched_labels == ("beach",) for hit in result.images)


def test_a_query_that_the_model_does_not_see_is_said(own_bundle: Bundle, tiny_gallery_dir: Path) -> None:
    service = RetrievalService(own_bundle, build_gallery(tiny_gallery_dir, own_bundle))
    with torch.no_grad():
        own_bundle.model.instance.text.weight.zero_()
        own_bundle.model.instance.text.bias.fill_(-1.0)  # nothing is left after the ReLU
    result = service.search(Query("a dog", written=False))
    assert "the encoder's alone" in result.notice
    own = service.gallery.image_features @ service.encoder.encode_texts(["a dog"])[0]
    assert [hit.score for hit in result.images] == pytest.approx(
        (own / 3).sort(descending=True).values.tolist(), abs=1e-5
    )


def test_every_kind_of_picture_is_searched_or_refused_in_one_sentence(service: RetrievalService) -> None:
    plain = Image.new("RGB", (40, 30), "teal")
    exif = Image.Exif()
    exif[0x0112] = 6
    fine = {
        "CMYK": encoded(plain.convert("CMYK"), "JPEG"),
        "16 bits": encoded(Image.fromarray(np.full((30, 40), 40000, np.uint16)), "PNG"),
        "palette": encoded(plain.quantize(4), "PNG"),
        "animated": encoded(plain, "GIF", save_all=True, append_images=[Image.new("RGB", (40, 30), "red")]),
        "rotated": encoded(plain, "JPEG", exif=exif),
        "1×1": encoded(plain.resize((1, 1)), "PNG"),
    }
    for name, data in fine.items():
        assert len(service.search_by_image(data).images) == 6, name
    for data in (b"", b"not a picture", encoded(plain, "PNG")[:-30]):
        with pytest.raises(InputError) as caught:
            service.search_by_image(data)
        assert "\n" not in str(caught.value)


def test_the_answer_of_the_api_is_json_with_the_promised_keys(service: RetrievalService) -> None:
    answer = json.loads(json.dumps(service.search_by_text("a dog on the beach").to_dict()))
    assert set(answer) == {"query_labels", "images", "texts", "probability_of", "did_you_mean", "notice"}
    for hit in answer["images"] + answer["texts"]:
        assert set(hit) == HIT_KEYS
        assert 0 <= hit["percentile"] < 100
    assert set(answer["query_labels"][0]) == {"label", "score"}


def test_examples_are_of_the_gallery(service: RetrievalService) -> None:
    assert example_pictures(service.gallery) == [0, 1, 3, 4, 5]
    assert example_pictures(service.gallery, 3) == [1, 3, 5]
    queries = example_queries(service.gallery)
    written = {example["text"]: example["labels"] for example in json.loads(EXAMPLES_PATH.read_text(encoding="utf-8"))}
    available = {label for item in service.gallery.items for label in item.labels or ()}
    assert "a dog on the beach" in queries
    for query in queries:
        assert available.issuperset(written.get(query, ())), "not for a gallery without such labels"
        assert query in written or query in service.gallery.texts, "its own captions where too few are written"
    assert len(queries) == len(set(queries)) == 5


def test_small_pictures_are_sent_as_they_are_and_others_as_previews(tmp_path: Path) -> None:
    small, large, tiff = tmp_path / "small.png", tmp_path / "large.png", tmp_path / "scan.tif"
    Image.new("RGB", (50, 40), "red").save(small)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (900, 700, 3), dtype=np.uint8)).save(large)
    Image.new("RGB", (50, 40), "blue").save(tiff)
    assert large.stat().st_size > SMALL_BYTES
    cache = tmp_path / "cache"
    assert picture_file(small, "card", cache) == small
    assert not cache.exists()
    previews = [
        picture_file(large, "card", cache),
        picture_file(large, "large", cache),
        picture_file(tiff, "card", cache),
    ]
    assert [open_image(preview).size for preview in previews] == [(498, 640), (700, 900), (50, 40)]
    assert {media_type(path) for path in previews} == {"image/webp"}
    made = previews[0].stat().st_mtime_ns
    assert picture_file(large, "card", cache).stat().st_mtime_ns == made, "made once"
    Image.new("RGB", (50, 40), "green").save(large)
    assert picture_file(large, "card", cache) == large, "another picture under the same name"
    with pytest.raises(InputError, match="There is no picture"):
        picture_file(tmp_path / "gone.tif", "card", cache)


def test_loading_waits_reports_and_passes_errors_on(service: RetrievalService) -> None:
    reported, go_on = threading.Event(), threading.Event()

    def load(report: Callable[[str], None]) -> RetrievalService:
        report("halfway")
        reported.set()
        assert go_on.wait(30)
        return service

    loading = Loading(load)
    assert reported.wait(30)
    assert loading.state == "halfway"
    assert not loading.done()
    go_on.set()
    assert loading.service() is service
    assert loading.done()

    def fail(report: Callable[[str], None]) -> RetrievalService:
        raise InputError("no such thing")

    failed = Loading(fail)
    assert failed.done(timeout=30)
    with pytest.raises(InputError, match="no such thing"):
        failed.service()


def test_a_damaged_bundle_is_one_sentence(tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_bundle_dir, tmp_path / "bundle")
    weights = copy / "encoder" / "open_clip_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"open_clip_model\.safetensors is damaged"):
        load_service(copy, tiny_gallery_dir)


class TestPocket:
    """The bundle and the gallery of the repository, which are there for `python app.py`."""

    @staticmethod
    def share(result: SearchResult, label: str, count: int = 10) -> float:
        return sum(label in hit.labels for hit in result.images[:count]) / count

    def test_the_gallery_comes_with_its_embeddings(self, pocket: RetrievalService) -> None:
        assert pocket.gallery.notices == []
        assert len(pocket.gallery.items) >= 1000
        assert len(pocket.search_by_text("dog").images) == DEFAULT_LIMIT

    @pytest.mark.parametrize("label", ["beach", "kitchen", "snow", "boat", "street", "tennis", "pizza"])
    def test_a_word_finds_pictures_of_what_it_means(self, pocket: RetrievalService, label: str) -> None:
        share = sum(label in (item.labels or ()) for item in pocket.gallery.items) / len(pocket.gallery.items)
        assert 0 < share < 0.4, "else the next line shows nothing"
        assert self.share(pocket.search_by_text(label), label) >= 0.7

    def test_a_picture_finds_itself_and_captions_of_its_kind(self, pocket: RetrievalService) -> None:
        for item in example_pictures(pocket.gallery):
            result = pocket.search_by_image(pocket.picture_path(item))
            labels = set(pocket.gallery.items[item].labels)
            assert result.images[0].item == item
            assert result.images[0].percentile > 99.8
            assert sum(bool(labels & set(hit.labels)) for hit in result.texts[:10]) >= 7
            assert labels & {label.name for label in result.query_labels}, "a label predicted for it is right"

    def test_every_written_example_has_what_it_asks_for(self, pocket: RetrievalService) -> None:
        written = {e["text"]: e["labels"] for e in json.loads(EXAMPLES_PATH.read_text(encoding="utf-8"))}
        queries = example_queries(pocket.gallery)
        assert set(queries) <= set(written)
        for query in queries:
            best = pocket.search_by_text(query).images[:6]
            assert any(set(written[query]) <= set(hit.labels) for hit in best), query


@pytest.fixture(scope="module")
def pictures(pictures_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(pictures_bundle_dir, tiny_gallery_dir)


class TestPicturesOnly:
    """A model that reads pictures only: its words are the names of its labels."""

    @pytest.mark.parametrize("text", ["sky", "a dog and a boat", "Plant life"])
    def test_labels_rank_pictures_by_their_classifiers(self, pictures: RetrievalService, text: str) -> None:
        result = pictures.search(Query(text, written=False))
        named = pictures.bundle.label_set.find(text)
        assert {label.name for label in result.query_labels} == set(named)
        direction = pictures.predictor.direction(named)
        cosines = (pictures.gallery.image_embeddings @ direction[0]).sort(descending=True).values
        assert [hit.score for hit in result.images] == pytest.approx(cosines.tolist(), abs=1e-5)
        assert (result.texts, result.point.modality) == ([], "image")
        assert all(hit.probability is None and hit.caption_cosines is None for hit in result.images)

    @pytest.mark.parametrize("text", ["a dog that sleeps", "happiness", "dog, street"])
    def test_other_words_are_one_sentence(self, pictures: RetrievalService, text: str) -> None:
        with pytest.raises(InputError, match=r"reads pictures only; of words it knows the names of its 5 labels"):
            pictures.search_by_text(text)
        with pytest.raises(InputError, match="reads pictures only"):
            pictures.search(Query(text="dog", without=text))

    def test_a_picture_is_read_as_ever_and_mixes_with_a_label(
        self, pictures: RetrievalService, tiny_gallery_dir: Path
    ) -> None:
        photo = tiny_gallery_dir / "street.jpg"
        assert pictures.search_by_image(photo).images[0].file == "street.jpg"
        beside = pictures.search(Query(picture=photo, beside=True)).beside
        assert beside is not None
        assert beside[0].hits[0].file == "street.jpg"
        mixed = pictures.search(Query(picture=photo, text="dog", weight=0.2, without="sky", beside=True))
        assert mixed.beside is not None
        assert mixed.query_labels[0].name == "dog"

    def test_the_plain_encoder_knows_no_labels(self, pictures: RetrievalService) -> None:
        with pytest.raises(InputError, match="The plain encoder knows no labels"):
            pictures.search(Query(text="dog", space="encoder"))
        answer = pictures.search(Query(text="dog", beside=True))
        assert answer.beside is None
        assert "The plain encoder knows no labels" in answer.notice

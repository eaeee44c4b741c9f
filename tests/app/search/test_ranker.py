"""What a search makes of a whole query: mixed, steered, filtered, cut off, folded, and compared."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from curves import calibration, curve
from likely import with_probabilities

from algcn.bundles.bundle import Bundle
from algcn.evaluation.calibration import KINDS, Calibration
from algcn.evaluation.ranking import BALANCED, Ranking
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from app.search.query import Query
from app.search.results import NOTHING, SearchResult
from app.service import RetrievalService, load_service

PROJECT = Path(__file__).resolve().parents[3]
WORDS = "something green in the sun"  # that name none of the labels


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


@pytest.fixture(scope="module")
def pocket() -> RetrievalService:
    return load_service(PROJECT / "weights" / "pocket", PROJECT / "assets" / "gallery")


@pytest.fixture
def calibrated(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    """Chances by the encoder's cosine, that of texts half as large for words."""
    bundle = Bundle.load(tiny_bundle_dir)
    curves = {kind: curve(kind, high=0.5 if kind == "text_to_image" else 1.0) for kind in KINDS}
    bundle.calibration = Calibration(curves)
    return RetrievalService(bundle, build_gallery(tiny_gallery_dir, bundle))


@pytest.fixture(scope="module")
def by_labels(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    """One that ranks by labels, too."""
    return RetrievalService(bundle := with_probabilities(tiny_bundle_dir), build_gallery(tiny_gallery_dir, bundle))


def files(result: SearchResult) -> list[str]:
    return [hit.file for hit in result.images]


def share(result: SearchResult, label: str, count: int = 10) -> float:
    return sum(label in hit.labels for hit in result.images[:count]) / count


class TestFilter:
    @pytest.mark.parametrize(
        ("labels", "match", "expected"),
        [
            (("boat",), "any", {"beach.png", "night/boat.png"}),
            (("boat", "DOG"), "any", {"beach.png", "night/boat.png", "beach_dog.webp"}),
            (("boat", "night"), "all", {"night/boat.png"}),
            (("street", "beach", "boat"), "none", {"unlabelled.png"}),
            (("boat", "car"), "all", set()),
        ],
    )
    def test_it_leaves_some_pictures_and_their_captions(
        self, service: RetrievalService, labels: tuple[str, ...], match: str, expected: set[str]
    ) -> None:
        result = service.search(Query(text="a boat", labels=labels, match=match))
        assert set(files(result)) == expected
        assert {hit.file for hit in result.texts} == {
            item.file_name for item in service.gallery.items if item.file_name in expected and item.texts
        }
        assert result.pictures.total == result.pictures.allowed == len(expected)

    def test_it_changes_no_score_and_no_percentile(self, service: RetrievalService) -> None:
        free = {hit.file: (hit.score, hit.percentile) for hit in service.search(Query(text="a boat")).images}
        for hit in service.search(Query(text="a boat", labels=("boat",))).images:
            assert free[hit.file] == (hit.score, hit.percentile)

    def test_an_unknown_label_is_one_sentence(self, service: RetrievalService) -> None:
        with pytest.raises(InputError, match=r"No picture here has the label 'boot'\. Did you mean 'boat'\?"):
            service.search(Query(text="a boat", labels=("boot",)))


class TestCutoff:
    def test_without_a_calibration_it_goes_by_percentile(self, service: RetrievalService) -> None:
        everything = service.search(Query(text="a boat"))
        assert everything.pictures.cutoff_by == "percentile"
        assert {hit.probability for hit in everything.images} == {None}
        half = service.search(Query(text="a boat", cutoff=50))
        assert files(half) == [hit.file for hit in everything.images if hit.percentile >= 50]
        nothing = service.search(Query(text="a boat", cutoff=99))
        assert nothing.images == nothing.texts == []
        assert nothing.pictures.best == max(hit.percentile for hit in everything.images)
        assert nothing.pictures.allowed == 6

    def test_with_one_it_goes_by_the_chance(self, calibrated: RetrievalService) -> None:
        seen = Query(text=WORDS, written=False)
        everything = calibrated.search(seen)
        assert everything.pictures.cutoff_by == "probability"
        for hit in everything.images:
            assert hit.probability == pytest.approx((hit.picture_cosines[1] + 1) / 4, abs=1e-5)
        for hit in everything.texts:
            assert hit.probability == pytest.approx((hit.caption_cosines[1] + 1) / 2, abs=1e-5)
        chances = sorted(hit.probability for hit in everything.images)
        cut = calibrated.search(dataclasses.replace(seen, cutoff=100 * (chances[2] + chances[3]) / 2))
        assert files(cut) == [hit.file for hit in everything.images if hit.probability >= chances[3]]
        assert cut.pictures.total == 3

    def test_what_is_written_of_a_result_is_no_chance(self, calibrated: RetrievalService) -> None:
        """Of a word that no model knows, too: a caption has it."""
        said, seen = (calibrated.search(Query("something green", written=written)) for written in (True, False))
        saying = {hit.file: hit.probability for hit in said.images if hit.probability == 1}
        assert set(saying) == {"unlabelled.png"}
        assert all(hit.probability < 1 for hit in seen.images)

    def test_even_the_best_may_be_unlikely_and_that_is_said(self, calibrated: RetrievalService) -> None:
        notice = calibrated.search(Query(text=WORDS)).notice
        assert notice.startswith("Nothing here matches well: even the likeliest picture has only a ")

    @pytest.mark.parametrize(
        ("query", "words"),
        [
            (Query(text="boat"), None),
            (Query(text=WORDS, without="dog"), "What to steer away from changes the order"),
            (Query(text=WORDS, unlike=(0,)), "What to steer away from changes the order"),
            (Query(item=0, also=(1,)), "here the mean of several is asked"),
            (Query(text=WORDS, item=1), "averaged by their weights"),
            (Query(text=WORDS), None),
            (Query(text="boat", space="encoder"), None),
        ],
    )
    def test_how_far_chances_can_be_trusted_is_said(
        self, calibrated: RetrievalService, query: Query, words: str | None
    ) -> None:
        remark = calibrated.search(query).remark
        assert (remark is None) if words is None else (words in remark)

    def test_steering_changes_the_order_but_no_chance(self, calibrated: RetrievalService) -> None:
        plain = {hit.file: hit.probability for hit in calibrated.search(Query(text=WORDS)).images}
        steered = calibrated.search(Query(text=WORDS, without="street, dog"))
        assert {hit.file: hit.probability for hit in steered.images} == pytest.approx(plain, abs=1e-6)
        assert [hit.score for hit in steered.images] != [hit.score for hit in calibrated.search(Query("x")).images]

    def test_of_words_and_a_picture_the_chances_are_averaged(self, calibrated: RetrievalService) -> None:
        words = {hit.file: hit.probability for hit in calibrated.search(Query(text=WORDS)).images}
        picture = {hit.file: hit.probability for hit in calibrated.search(Query(item=2)).images}
        mixed = calibrated.search(Query(text=WORDS, item=2, weight=0.25))
        assert len(mixed.images) == 5
        for hit in mixed.images:
            assert hit.probability == pytest.approx(0.75 * words[hit.file] + 0.25 * picture[hit.file], abs=1e-6)

    def test_the_encoder_alone_is_calibrated_by_nobody(self, calibrated: RetrievalService) -> None:
        result = calibrated.search(Query(text="a boat", space="encoder"))
        assert {hit.probability for hit in result.images} == {None}
        assert result.pictures.cutoff_by == "percentile"

    def test_a_direction_without_a_curve_has_percentiles(self, calibrated: RetrievalService) -> None:
        curves = dict(calibrated.bundle.calibration.curves)
        del curves["text_to_text"]
        calibrated.bundle.calibration = Calibration(curves)
        result = calibrated.search(Query(text=WORDS))
        assert (result.pictures.cutoff_by, result.captions.cutoff_by) == ("probability", "percentile")

    def test_a_query_that_names_no_cut_off_has_the_models_own(self, calibrated: RetrievalService) -> None:
        everything = calibrated.search(Query(text=WORDS))
        chances = sorted(hit.probability for hit in everything.images)
        middle = round((chances[2] + chances[3]) / 2, 6)
        bundle = dataclasses.replace(
            calibrated.bundle, calibration=dataclasses.replace(calibrated.bundle.calibration, cutoff=middle)
        )
        usual = RetrievalService(bundle, calibrated.gallery, encoder=calibrated.encoder)
        cut = usual.search(Query(text=WORDS, cutoff=None))
        assert (len(cut.images), cut.pictures.cutoff) == (3, pytest.approx(100 * middle))
        assert len(usual.search(Query(text=WORDS)).images) == 6, "a program is shown everything"
        assert len(usual.search(Query(text=WORDS, space="encoder", cutoff=None)).images) == 6


class TestBeside:
    def test_both_rankings_know_each_others_ranks(self, service: RetrievalService) -> None:
        result = service.search(Query(text="a boat at night", beside=True, fold=True))
        alone = service.search(Query(text="a boat at night", space="encoder"))
        theirs, captions = result.beside
        assert [hit.file for hit in theirs.hits] == files(alone)
        assert [hit.text for hit in captions.hits] == [hit.text for hit in alone.texts]
        here = {hit.file: (hit.rank, hit.other_rank) for hit in result.images}
        there = {hit.file: (hit.other_rank, hit.rank) for hit in theirs.hits}
        assert here == there
        assert not any(hit.folded for hit in result.images), "ranks are compared, so nothing is folded"

    def test_only_the_calibrated_side_is_cut(self, calibrated: RetrievalService) -> None:
        """What is said of a picture is certain, so only what is seen is asked for."""
        result = calibrated.search(Query(text="a boat", written=False, beside=True, cutoff=99))
        assert result.images == []
        assert len(result.beside[0].hits) == 6


def test_the_cosines_of_a_result_are_its_own(service: RetrievalService) -> None:
    result = service.search(Query(text="a boat at night", written=False))
    point, gallery = result.point, service.gallery
    for hit in result.images:
        expected = (
            float(gallery.image_embeddings[hit.item] @ point.embedding[0]),
            float(gallery.image_features[hit.item] @ point.features[0]),
        )
        assert hit.picture_cosines == pytest.approx(expected, abs=1e-5)
        assert (hit.caption_cosines is None) == (not hit.captions)
        assert hit.score == pytest.approx((expected[0] + 0.5 * expected[1]) / 1.5, abs=1e-5)
    for hit in result.texts:
        text = gallery.texts.index(hit.text)
        assert hit.caption_cosines[0] == pytest.approx(
            float(gallery.text_embeddings[text] @ point.embedding[0]), abs=1e-5
        )


class TestByLabels:
    @pytest.mark.parametrize(
        "query",
        [
            Query(text="a boat at night"),
            Query(text="dog"),
            Query(item=3),
            Query(text="a boat", item=1, weight=0.3),
            Query(text="a boat at night", without="dog, street"),
            Query(text="a boat at night", labels_weight=4),
            Query(text="a boat at night", labels_weight=0),
        ],
    )
    def test_the_shares_of_each_result_sum_to_its_score(self, by_labels: RetrievalService, query: Query) -> None:
        result = by_labels.search(query)
        for hit in (*result.images, *result.texts):
            assert sum(hit.shares) == pytest.approx(hit.score, abs=1e-4)
            values = [label.share for label in hit.shared_labels]
            assert values == sorted(values, reverse=True) and all(value > 0 for value in values)
            assert (hit.shares.labels != 0) == (query.labels_weight != 0)
            if not query.without:
                assert sum(values) <= hit.shares.labels + 1e-4
        scores = [hit.score for hit in result.images]
        assert scores == sorted(scores, reverse=True)

    def test_what_is_known_of_pictures_finds_them(self, by_labels: RetrievalService) -> None:
        """The bundle is random: nothing but the gallery's own labels can put these first."""
        for label in ("boat", "dog", "night", "car"):
            having = {item.file_name for item in by_labels.gallery.items if label in (item.labels or ())}
            result = by_labels.search(Query(text=label, labels_weight=4))
            assert set(files(result)[: len(having)]) == having
            assert {hit.shared_labels[0].name for hit in result.images[: len(having)]} == {label}
            captions = [hit.file for hit in result.texts]
            of_them = [file for file in captions if file in having]
            assert captions[: len(of_them)] == of_them

    def test_the_slider_goes_from_the_picture_to_its_subjects(self, by_labels: RetrievalService) -> None:
        shares = []
        for weight in (0, 1, 2, 4):
            hit = next(
                h for h in by_labels.search(Query(text="boat", labels_weight=weight)).images if "boat" in h.labels
            )
            shares.append(hit.shares.labels / sum(map(abs, hit.shares)))
        assert shares[0] == 0 and shares == sorted(shares)
        own = by_labels.search(Query(text="boat", labels_weight=BALANCED.labels))
        assert [hit.score for hit in own.images] == [hit.score for hit in by_labels.search(Query(text="boat")).images]

    def test_the_encoder_alone_has_no_shares(self, by_labels: RetrievalService) -> None:
        result = by_labels.search(Query(text="a boat at night", space="encoder", beside=True))
        for hit in (*result.images, *result.texts):
            assert (hit.shares, hit.shared_labels, hit.to_dict()["shares"]) == (NOTHING, (), None)
        assert all(any(hit.shares) for hit in result.beside[0].hits)

    def test_another_weight_changes_the_order_but_no_chance(
        self, tiny_bundle_dir: Path, tiny_gallery_dir: Path
    ) -> None:
        bundle = with_probabilities(tiny_bundle_dir)
        bundle.calibration = calibration()
        calibrated = RetrievalService(bundle, build_gallery(tiny_gallery_dir, bundle))
        own, other = (calibrated.search(Query(text="a boat at night", labels_weight=w)) for w in (None, 4))
        chances = {hit.file: hit.probability for hit in own.images}
        assert {hit.file: hit.probability for hit in other.images} == pytest.approx(chances, abs=1e-6)
        assert {hit.file: hit.score for hit in other.images} != {hit.file: hit.score for hit in own.images}
        assert own.remark is None and other.remark is None

    def test_words_that_the_model_does_not_see_are_ranked_by_the_encoder(
        self, tiny_bundle_dir: Path, tiny_gallery_dir: Path
    ) -> None:
        bundle = with_probabilities(tiny_bundle_dir)
        with torch.no_grad():
            bundle.model.instance.text.weight.zero_()
            bundle.model.instance.text.bias.fill_(-1.0)
        blind = RetrievalService(bundle, build_gallery(tiny_gallery_dir, bundle))
        result = blind.search(Query(text="something green"))
        assert "ALGCN sees nothing it knows" in result.notice
        assert files(result) == files(blind.search(Query(text="something green", space="encoder")))


class TestWithoutProbabilities:
    def test_it_ranks_as_bundles_always_did(self, pocket: RetrievalService) -> None:
        rule = Ranking.from_json({"encoder_weight": 0.5}, len(pocket.bundle.label_set))
        old = dataclasses.replace(pocket.bundle, probabilities={}, ranking=rule, calibration=None)
        pocket = RetrievalService(old, pocket.gallery, encoder=pocket.encoder)
        for query in (Query(text="a dog on the beach"), Query(item=5), Query(text="cow")):
            result, gallery = pocket.search(dataclasses.replace(query, written=False)), pocket.gallery
            sides = {
                "image": (gallery.image_embeddings, gallery.image_features, [hit.item for hit in result.images]),
                "text": (gallery.text_embeddings, gallery.text_features, None),
            }
            for embeddings, features, found in sides.values():
                scores = (embeddings @ result.point.embedding[0] + 0.5 * (features @ result.point.features[0])) / 1.5
                hits = result.images if found is not None else result.texts
                best = scores.clone()
                if found is not None and query.item is not None:
                    best[query.item] = -torch.inf
                expected = best.sort(descending=True).values[: len(hits)]
                assert [hit.score for hit in hits] == pytest.approx(expected.tolist(), abs=1e-5)
                if found is not None:
                    assert [hit.score for hit in hits] == pytest.approx(scores[found].tolist(), abs=1e-5)
            assert all(not hit.shared_labels and hit.shares.labels == 0 for hit in result.images)

    def test_a_weight_of_labels_changes_nothing_and_that_is_said(self, service: RetrievalService) -> None:
        plain = service.search(Query(text="a boat at night"))
        weighed = service.search(Query(text="a boat at night", labels_weight=4))
        assert [(hit.file, hit.score) for hit in weighed.images] == [(hit.file, hit.score) for hit in plain.images]
        assert service.labels_weight is None and plain.notice is None
        assert weighed.notice.startswith("This model has no probabilities of labels")


def test_copies_are_folded_behind_the_best_and_counted(
    tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_gallery_dir, tmp_path / "gallery")
    with (folder / "metadata.csv").open("a", encoding="utf-8") as table:
        for number in range(3):
            shutil.copyfile(folder / "street.jpg", folder / f"copy{number}.jpg")
            table.write(f"copy{number}.jpg,,street\n")
    service = load_service(tiny_bundle_dir, folder)
    folded, flat = (service.search(Query(text="a street", fold=fold)) for fold in (True, False))
    everyone = [[hit.file, *(member.file for member in hit.near_duplicates)] for hit in folded.images]
    assert sorted(file for group in everyone for file in group) == sorted(files(flat))
    group = next(group for group in everyone if "street.jpg" in group)
    assert {"copy0.jpg", "copy1.jpg", "copy2.jpg"} <= set(group)
    assert [hit.folded for hit in folded.images] == [len(group) - 1 for group in everyone]
    assert [hit.rank for hit in folded.images] == list(range(1, len(everyone) + 1))
    assert [group[0] for group in everyone] == [file for file in files(flat) if file in {g[0] for g in everyone}]


def test_the_point_says_what_was_asked(service: RetrievalService) -> None:
    points = [
        service.search(query).point
        for query in (
            Query(text=" a boat "),
            Query(picture=service.picture_path(0)),
            Query(text="a boat", item=1, weight=0.3),
            Query(text="a boat", item=1, weight=0.7),
        )
    ]
    assert [point.words for point in points[:3]] == ["a boat", "your picture", "a boat and a picture of the gallery"]
    assert [point.modality for point in points] == ["text", "image", "text", "image"]
    for point in points:
        assert point.embedding.shape == (1, 48)
        assert point.features.shape == (1, 32)
        assert not point.features.is_inference()
        assert not point.embedding.requires_grad


def test_weights_at_the_ends_are_the_parts_alone(service: RetrievalService) -> None:
    words, picture = service.search(Query(text="a boat")), service.search(Query(item=1))
    mixed = [service.search(Query(text="a boat", item=1, weight=weight)) for weight in (0, 1)]
    assert files(mixed[0]) == [file for file in files(words) if file != "beach_dog.webp"]
    assert files(mixed[1]) == files(picture)


@pytest.mark.parametrize("query", [Query(without="snow"), Query(text="  ", without="snow")])
def test_only_unwanted_words_are_one_sentence(service: RetrievalService, query: Query) -> None:
    with pytest.raises(InputError, match="Say what to look for, too"):
        service.search(query)


def test_items_are_found_by_file_name(service: RetrievalService) -> None:
    assert service.find_item("night/boat.png") == 4
    for name in ("nothing.png", "../beach.png", None, 4):
        with pytest.raises(InputError, match="The gallery has no picture called"):
            service.find_item(name)


def test_a_picture_that_changed_is_read_again(
    service: RetrievalService, tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    upload = tmp_path / "upload.png"
    for name in ("beach.png", "night/street.png"):
        shutil.copyfile(tiny_gallery_dir / name, upload)
        assert service.search(Query(picture=upload, limit=1)).images[0].file == name


class TestPocket:
    @pytest.mark.parametrize("word", ["cow", "sheep", "a cow", "elephant", "train", "pizza"])
    def test_the_bare_name_of_a_label_finds_it(self, pocket: RetrievalService, word: str) -> None:
        label = word.split()[-1]
        assert share(pocket.search(Query(text=word, limit=10)), label) >= 0.8

    def test_unwanted_words_push_pictures_away(self, pocket: RetrievalService) -> None:
        pairs = (("tree", "night"), ("water", "boat"), ("field", "cow"), ("city", "car"), ("table", "cake"))
        plain = [share(pocket.search(Query(text=wanted)), unwanted) for wanted, unwanted in pairs]
        steered = [pocket.search(Query(text=wanted, without=unwanted)) for wanted, unwanted in pairs]
        after = [share(result, unwanted) for result, (_, unwanted) in zip(steered, pairs, strict=True)]
        assert sum(plain) > 0
        assert sum(after) < 0.6 * sum(plain)
        assert np.mean([share(result, wanted) for result, (wanted, _) in zip(steered, pairs, strict=True)]) > 0.7

    def test_a_mixture_goes_from_the_words_to_the_picture(self, pocket: RetrievalService) -> None:
        pairs = (("beach", "dog"), ("street", "bus"), ("table", "cake"), ("snow", "bird"), ("city", "boat"))
        of_picture, of_words = {}, {}
        for weight in (0.25, 0.5, 0.75):
            mixed = []
            for seen, word in pairs:
                labels = [set(item.labels) for item in pocket.gallery.items]
                item = next(i for i, names in enumerate(labels) if seen in names and word not in names)
                mixed.append(pocket.search(Query(text=word, item=item, weight=weight)))
            of_picture[weight] = np.mean([share(result, seen) for result, (seen, _) in zip(mixed, pairs, strict=True)])
            of_words[weight] = np.mean([share(result, word) for result, (_, word) in zip(mixed, pairs, strict=True)])
        assert of_picture[0.25] < of_picture[0.75]
        assert of_words[0.75] < of_words[0.5] < of_words[0.25] + 0.1
        assert of_words[0.5] > 0.25

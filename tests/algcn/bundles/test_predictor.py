"""When a label is predicted: at its threshold and above, whoever asks."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.bundles.predictor import LabelPredictor, cosine_scores, is_predicted
from algcn.bundles.saving import save_bundle
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.thresholds import fit_thresholds
from algcn.gallery.store import Gallery, build_gallery
from algcn.kit.errors import InputError
from algcn.method.config import ModelConfig
from algcn.method.label_graph import DirectedGraph
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN
from app.api import search as api_search
from app.collection.folder import Collection, Dropped
from app.labelling.board import Board
from app.labels.edits import Edit, effect_of
from app.labels.graph import label_graph_of
from app.maps.gallery import GalleryMap
from app.maps.layouts import Layouts
from app.maps.worker import LayoutWorker
from app.program import Program
from app.service import RetrievalService
from app.visitors.loading import Loading

BOUNDARY = torch.tensor(0.6)  # the cosine of (1, 0, …) with (3, 4, 0, …), exactly
ABOVE = torch.nextafter(BOUNDARY, torch.tensor(1.0))
BELOW = torch.nextafter(BOUNDARY, torch.tensor(0.0))
THRESHOLDS = {"equal": BOUNDARY, "above": ABOVE, "below": BELOW, "unknown": torch.tensor(torch.nan)}
PREDICTED = {"equal", "below"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_dir: Path) -> Bundle:
    """One that sees the same in every picture and text, and scores every label with BOUNDARY."""
    config = ModelConfig(image_dim=32, text_dim=32, num_labels=len(THRESHOLDS), common_dim=8, label_dim=4)
    model = ALGCN(config)
    with torch.no_grad():
        for projection in (model.instance.image, model.instance.text):
            projection.weight.zero_()
            projection.bias.copy_(torch.tensor([2.0] + [0.0] * 7))
        model.label.head.weight.zero_()
        model.label.head.bias.copy_(torch.tensor([3.0, 4.0] + [0.0] * 6))
    folder = tmp_path_factory.mktemp("boundary") / "bundle"
    save_bundle(folder, model, LabelSet(THRESHOLDS), encoder=tiny_encoder_dir)
    bundle = Bundle.load(folder)
    thresholds = torch.stack(list(THRESHOLDS.values()))
    bundle.thresholds = {"image": thresholds, "text": thresholds}  # a file would round them
    return bundle


@pytest.fixture(scope="module")
def gallery(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """Two pictures without labels."""
    folder = tmp_path_factory.mktemp("boundary") / "gallery"
    folder.mkdir()
    for name in ("one.png", "two.png"):
        Image.new("RGB", (16, 16), "red" if name == "one.png" else "blue").save(folder / name)
    return build_gallery(folder, bundle)


def picture(gallery: Gallery) -> Path:
    return gallery.root / gallery.items[0].file_name


def of_pictures(bundle: Bundle, gallery: Gallery, folder: Path) -> set[str]:
    return {name for name, _ in bundle.predict_labels([picture(gallery)])[0]}


def of_texts(bundle: Bundle, gallery: Gallery, folder: Path) -> set[str]:
    return {name for name, _ in bundle.predict_labels_of_texts(["red"])[0]}


def of_a_query(bundle: Bundle, gallery: Gallery, folder: Path) -> set[str]:
    return {label.name for label in RetrievalService(bundle, gallery).search_by_text("red").query_labels}


def of_results(bundle: Bundle, gallery: Gallery, folder: Path) -> set[str]:
    (hit, *_) = RetrievalService(bundle, gallery).search_by_text("red").images
    assert hit.labels_are_predicted
    return set(hit.labels)


def of_the_map(bundle: Bundle, gallery: Gallery, folder: Path) -> set[str]:
    return set(GalleryMap(bundle, gallery, Layouts(folder, LayoutWorker(folder))).labels[0])


def of_a_collection(bundle: Bundle, gallery: Gallery, folder: Path) -> set[str]:
    (folder / "collection").mkdir()
    collection = Collection(folder / "collection")
    collection.add([Dropped(Path(copied(picture(gallery), folder / "dropped.png")), "dropped.png")], bundle)
    board, service = Board(), RetrievalService(bundle, collection.gallery)
    home = board.write_zip(folder / "home.zip", collection, board.sight(service, collection))
    with zipfile.ZipFile(home) as archive:
        (row,) = csv.DictReader(archive.read("home/metadata.csv").decode().splitlines())
    return set(row["predicted_labels"].split("|"))


def of_an_edited_graph(bundle: Bundle, gallery: Gallery, folder: Path) -> set[str]:
    service = RetrievalService(bundle, gallery)
    point = service.search_by_image(picture(gallery)).point
    rows = effect_of(service, label_graph_of(service), [Edit(0, 1, 0.7)], point).predictions
    names = bundle.label_set.names
    assert {names[row.label] for row in rows if row.was_predicted} == {
        names[row.label] for row in rows if row.is_predicted
    }
    return {names[row.label] for row in rows if row.is_predicted}


def of_the_api(bundle: Bundle, gallery: Gallery, folder: Path) -> set[str]:
    loading = Loading(lambda report: RetrievalService(bundle, gallery))
    (folder / "uploads").mkdir()
    program = Program(loading, folder / "uploads", folder / "cache")
    (endpoint,) = (function for function in api_search.api(program) if function.__name__ == "predict_labels")
    upload = copied(picture(gallery), folder / "uploads" / "photo.png")
    return {label["label"] for label in endpoint({"path": str(upload)})["labels"]}


def copied(source: Path, target: Path) -> Path:
    target.write_bytes(source.read_bytes())
    return target


USERS = (of_pictures, of_texts, of_a_query, of_results, of_the_map, of_a_collection, of_an_edited_graph, of_the_api)


@pytest.mark.parametrize("labels_of", USERS, ids=lambda function: function.__name__)
def test_a_score_equal_to_the_threshold_predicts_the_label(
    labels_of: Callable[[Bundle, Gallery, Path], set[str]], bundle: Bundle, gallery: Gallery, tmp_path: Path
) -> None:
    assert labels_of(bundle, gallery, tmp_path) == PREDICTED


def test_the_score_is_the_cosine_whatever_the_lengths() -> None:
    generator = torch.Generator().manual_seed(0)
    embeddings, classifiers = (torch.randn(count, 16, generator=generator) for count in (5, 3))
    expected = torch.nn.functional.cosine_similarity(embeddings[:, None], classifiers[None], dim=2)
    torch.testing.assert_close(cosine_scores(7 * embeddings, 0.1 * classifiers), expected)
    assert cosine_scores(torch.zeros(1, 16), classifiers).tolist() == [[0.0, 0.0, 0.0]]


def test_what_is_fitted_is_what_is_predicted() -> None:
    generator = torch.Generator().manual_seed(1)
    scores = torch.rand(50, 4, generator=generator)
    labels = (scores + 0.3 * torch.rand(50, 4, generator=generator) > 0.8).to(torch.uint8)
    labels[:, 3] = 0  # nobody has it
    predicted = is_predicted(scores, fit_thresholds(scores, labels))
    assert not predicted[:, 3].any()
    everything = 2 * labels.sum(dim=0) / (len(labels) + labels.sum(dim=0))
    f1 = 2 * (predicted & labels.bool()).sum(dim=0) / (predicted.sum(dim=0) + labels.sum(dim=0))
    assert (f1[:3] > everything[:3]).all()


def test_the_clearest_label_comes_first_and_a_label_of_no_threshold_never(tiny_bundle_dir: Path) -> None:
    bundle = Bundle.load(tiny_bundle_dir)
    classifiers = torch.eye(6, 48)
    embedding = torch.zeros(1, 48)
    embedding[0, :4] = torch.tensor([0.8, 0.6, 0.4, 0.2])
    predictor = LabelPredictor(bundle, classifiers)
    scores = predictor.scores(embedding)
    assert [name for name, _ in predictor.clearest_of(embedding, "image")[0]] == ["beach", "boat", "dog"]
    assert predictor.predicted(scores, "image") is None and predictor.of_pictures(embedding) == [()]
    bundle.thresholds = {"image": scores[0] - torch.tensor([0.1, 0.3, -0.1, 0.2, torch.nan, 0.0])}
    names = [name for name, _ in predictor.clearest_of(embedding, "image")[0]]
    assert names == ["boat", "street", "beach", "night"]
    assert predictor.of_pictures(embedding) == [("beach", "boat", "street", "night")]


def test_pictures_are_taken_as_paths_bytes_and_decoded(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> None:
    bundle = Bundle.load(tiny_bundle_dir)
    path = tiny_gallery_dir / "beach.png"
    data = path.read_bytes()
    found = bundle.predict_labels([path, str(path), data, Image.open(io.BytesIO(data))])
    assert len(found) == 4 and len(found[0]) == 3, "without thresholds, the best three"
    for labels in found:
        assert [name for name, _ in labels] == [name for name, _ in found[0]]
        assert [score for _, score in labels] == pytest.approx([score for _, score in found[0]], abs=1e-6)
    assert all(-1 <= score <= 1 and name in bundle.label_set.names for name, score in found[0])
    assert found[0] == sorted(found[0], key=lambda label: -label[1])
    assert bundle.predict_labels([]) == [] and bundle.embed_images([]).shape == (0, 48)


def test_embeddings_of_scripts_are_those_of_galleries_and_queries(
    tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> None:
    bundle = Bundle.load(tiny_bundle_dir)
    gallery = build_gallery(tiny_gallery_dir, bundle)
    images = bundle.embed_images(tiny_gallery_dir / item.file_name for item in gallery.items)
    torch.testing.assert_close(images, gallery.image_embeddings, atol=2e-3, rtol=0)  # a gallery keeps float16
    texts = bundle.embed_texts(gallery.texts)
    torch.testing.assert_close(texts, gallery.text_embeddings, atol=2e-3, rtol=0)
    point = RetrievalService(bundle, gallery).search_by_text("A car on a street").point
    torch.testing.assert_close(LabelPredictor(bundle).scores(point.embedding), bundle.label_scores(point.embedding))
    graph = bundle.label_graph()
    assert {name: tuple(stage.shape) for name, stage in graph.items()} == dict.fromkeys(
        ("prior", "learned_change", "adaptive", "normalised"), (6, 6)
    )


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda bundle: bundle.predict_labels("photo.jpg"), r"^Give a list of pictures, even where it is one\.$"),
        (lambda bundle: bundle.predict_labels(Image.new("RGB", (2, 2))), "Give a list of pictures"),
        (lambda bundle: bundle.predict_labels(["nowhere.jpg"]), "There is no picture at nowhere.jpg"),
        (lambda bundle: bundle.predict_labels_of_texts("a dog"), r"^Give a list of texts, even where it is one\.$"),
        (lambda bundle: bundle.embed_texts([" "]), "The text is empty"),
        (lambda bundle: bundle.embed_texts(["a dog", None]), r"^Text 2 is nothing; give words\.$"),
        (lambda bundle: bundle.predict_labels([None]), "^Picture 1 is nothing; give a path"),
        (lambda bundle: bundle.predict_labels([3]), "^Picture 1 is 3; give a path"),
    ],
)
def test_what_cannot_be_embedded_is_one_sentence(
    call: Callable[[Bundle], object], sentence: str, tiny_bundle_dir: Path
) -> None:
    with pytest.raises(InputError, match=sentence):
        call(Bundle.load(tiny_bundle_dir))


def test_a_model_that_reads_no_texts_says_so(pictures_bundle_dir: Path) -> None:
    bundle = Bundle.load(pictures_bundle_dir)
    with pytest.raises(InputError, match="reads no texts for its model"):
        bundle.predict_labels_of_texts(["a dog"])


def test_an_edited_graph_scores_by_its_own_classifiers(tiny_bundle_dir: Path) -> None:
    bundle = Bundle.load(tiny_bundle_dir)
    adaptive: Tensor = bundle.label_graph()["adaptive"]
    adaptive[0, 1] = 1.5
    with torch.no_grad():
        classifiers = bundle.model.classifiers(adaptive)
    embedding = bundle.embed_texts(["a boat"])
    torch.testing.assert_close(
        LabelPredictor(bundle, classifiers).scores(embedding), cosine_scores(embedding, classifiers)
    )
    assert not torch.equal(LabelPredictor(bundle, classifiers).scores(embedding), bundle.label_scores(embedding))


class TestProbabilities:
    @pytest.fixture
    def predictor(self, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> LabelPredictor:
        """Scales of which the first label is likely and the others are not."""
        scale = PlattScale(torch.full((4,), 2.0), torch.tensor([1.0, -3.0, -3.0, -3.0]))
        monkeypatch.setattr(bundle, "probabilities", {"image": scale})
        return LabelPredictor(bundle)

    def test_they_are_those_of_the_scale_of_the_modality(self, predictor: LabelPredictor) -> None:
        seen = functional.normalize(torch.randn(3, 8, generator=torch.Generator().manual_seed(0)), dim=1)
        expected = (2.0 * predictor.scores(seen) + torch.tensor([1.0, -3.0, -3.0, -3.0])).sigmoid()
        torch.testing.assert_close(predictor.probabilities(seen, "image"), expected)
        assert not predictor.probabilities(seen, "text").any(), "there is no scale of texts"
        nothing = torch.zeros(3, 4)
        torch.testing.assert_close(predictor.probabilities(seen, "image", nothing), expected)

    def test_what_is_known_is_certain_and_says_something_of_the_others(
        self, bundle: Bundle, predictor: LabelPredictor
    ) -> None:
        seen, known = torch.ones(2, 8), torch.tensor([[0, 1, 0, -1], [0, 0, 0, 0]])
        plain = predictor.probabilities(seen, "image")
        likely = predictor.probabilities(seen, "image", known)
        assert likely[0, 1] == 1 and likely[0, 3] == 0
        torch.testing.assert_close(likely[0, [0, 2]], plain[0, [0, 2]])
        torch.testing.assert_close(likely[1], plain[1])
        counted = torch.zeros(4, 4)
        counted[1, 2], counted[1, 0] = 3.0, -3.0
        bundle.directed_graph = DirectedGraph(counted, torch.zeros(4, 4), torch.full((4,), 0.2))
        try:
            by_graph = predictor.probabilities(seen, "image", known)
        finally:
            del bundle.directed_graph
        assert by_graph[0, 1] == 1 and by_graph[0, 3] == 0
        assert by_graph[0, 2] > plain[0, 2] and by_graph[0, 0] < plain[0, 0]
        torch.testing.assert_close(by_graph[1], plain[1])

    def test_in_what_the_model_does_not_see_only_known_labels_are(self, predictor: LabelPredictor) -> None:
        assert not predictor.probabilities(torch.zeros(1, 8), "image").any()
        known = torch.tensor([[0, 0, 1, -1]])
        assert predictor.probabilities(torch.zeros(1, 8), "image", known).tolist() == [[0, 0, 1, 0]]

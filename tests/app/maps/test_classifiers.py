"""The classifiers as points: pictures, true neighbours, the query, and what programs are told."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from plus_bundles import write_plus_bundle
from sklearn.metrics import silhouette_score
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.gallery.projection import lay_out, place
from algcn.gallery.store import Gallery, build_gallery
from algcn.kit.errors import InputError
from algcn.method.model import ALGCN
from app.api import classifiers as api_classifiers
from app.kit.cache import Cache
from app.maps import classifiers as module
from app.maps.classifiers import ClassifierMap, ClassifierView, Variant, classifier_map_of
from app.maps.layouts import Layouts
from app.maps.panels import classifier_legend, classifier_panel, silhouette_line
from app.search.own_labels import OwnLabels
from app.search.query import QueryPoint


class AtOnce:
    """A worker that computes in this process, and spares the test the quarter of a minute that UMAP compiles."""

    def start(self, points: Callable[[], np.ndarray], method: str) -> Future:
        future: Future = Future()
        future.set_result(lay_out(points(), "tsne"))
        return future


@pytest.fixture
def bundle(tiny_bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """The tiny bundle with a model without the graph and three epochs of history, the middle one kept."""
    loaded = Bundle.load(tiny_bundle_dir)
    torch.manual_seed(1)
    other = ALGCN(dataclasses.replace(loaded.model.config, use_gcn=False)).eval()
    monkeypatch.setattr(module, "without_gcn", lambda _: other)
    kept = loaded.model.classifiers().detach()
    loaded.history = {"classifiers": torch.stack([torch.rand_like(kept), kept, 2 * kept.flip(0)]).half()}
    return loaded


@pytest.fixture(scope="module")
def gallery(tiny_gallery_dir: Path, tiny_bundle_dir: Path) -> Gallery:
    return build_gallery(tiny_gallery_dir, Bundle.load(tiny_bundle_dir))


@pytest.fixture
def found(bundle: Bundle, gallery: Gallery, tmp_path: Path) -> ClassifierMap:
    return ClassifierMap(bundle, gallery, Layouts(tmp_path, AtOnce()))


def query_of(bundle: Bundle, words: str = "a <i>dog</i>", modality: str = "text") -> QueryPoint:
    features = functional.normalize(bundle.encoder().encode_texts([words]), dim=1)
    embed = bundle.model.embed_text if modality == "text" else bundle.model.embed_image
    with torch.inference_mode():
        return QueryPoint(words, modality, functional.normalize(embed(features), dim=1), features)


def point_ids(figure: dict) -> list[int]:
    return sorted(number for trace in figure["data"] for number in trace.get("customdata", []))


def test_both_variants_are_there_and_the_kept_epoch_is_found(found: ClassifierMap) -> None:
    assert [variant.key for variant in found.variants] == ["with_gcn", "without_gcn"]
    assert (found.epochs, found.variants[0].kept, found.variants[1].kept) == (3, 1, None)
    assert found.variants[0].at(1) is found.variants[0].classifiers
    assert not np.allclose(found.variants[0].at(0), found.variants[0].classifiers)


def test_a_bundle_without_the_second_model_or_a_history_has_one_picture(
    bundle: Bundle, gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle.history = None
    monkeypatch.setattr(module, "without_gcn", lambda _: None)
    single = ClassifierMap(bundle, gallery, Layouts(tmp_path, AtOnce()))
    assert ([variant.key for variant in single.variants], single.epochs) == (["with_gcn"], 0)
    bundle.history = {"classifiers": torch.zeros(4, 2, 2)}
    assert ClassifierMap(bundle, gallery, Layouts(tmp_path, AtOnce())).epochs == 0, "a history of another model is none"


def test_the_accessor_is_the_bundles_own_attribute() -> None:
    assert module.without_gcn(SimpleNamespace()) is None
    assert module.without_gcn(SimpleNamespace(without_gcn="a model")) == "a model"


@pytest.mark.parametrize(
    ("beside", "keys", "epochs"), [(True, ["plus", "with_gcn", "without_gcn"], 3), (False, ["plus"], 0)]
)
def test_a_bundle_of_mode_plus_has_its_own_model_first(
    bundle: Bundle, gallery: Gallery, tmp_path: Path, beside: bool, keys: list[str], epochs: int
) -> None:
    """The history is that of mode paper, and a query of labels alone is embedded for the model that answers."""
    made = Bundle.load(write_plus_bundle(tmp_path / "plus", bundle, gallery, beside=beside))
    found = ClassifierMap(made, gallery, Layouts(tmp_path, AtOnce()))
    assert [variant.key for variant in found.variants] == keys
    assert (found.epochs, found.kept) == (epochs, 1 if beside else 0)
    assert all(variant.history is None for variant in found.variants if variant.key != "with_gcn")
    query = dataclasses.replace(query_of(made), features=torch.zeros(1, 32))
    knows = [bool(found.query_neighbours(variant, query)) for variant in found.variants]
    assert knows == [key == "plus" for key in keys]


def test_a_model_without_the_graph_as_the_only_one(tiny_bundle_dir: Path) -> None:
    config = dataclasses.replace(Bundle.load(tiny_bundle_dir).model.config, use_gcn=False)
    model = ALGCN(config)
    variant = Variant.of(model)
    assert variant.key == "without_gcn"
    before = variant.classifiers.copy()
    model.label.free_classifiers.data += 1
    assert np.array_equal(variant.classifiers, before), "a model that trains on does not change what is drawn"


def test_neighbours_are_true_ones_whatever_the_picture(found: ClassifierMap) -> None:
    for variant in found.variants:
        near = found.neighbours(variant, 2, 3)
        cosines = functional.cosine_similarity(
            torch.tensor(variant.classifiers[2:3]), torch.tensor(variant.classifiers)
        )
        order = [label for label in cosines.argsort(descending=True).tolist() if label != 2]
        assert [neighbour.label for neighbour in near] == order[:3]
        assert near[0].cosine == pytest.approx(float(cosines[order[0]]), abs=1e-5)
    assert len(found.neighbours(found.variants[0], 2, 500)) == 5


def test_silhouettes_are_those_of_the_space_and_of_the_picture(found: ClassifierMap) -> None:
    variant, view = found.variants[0], ClassifierView()
    true, drawn = found.silhouettes(variant, view)
    assert true == pytest.approx(silhouette_score(variant.classifiers, found.groups, metric="cosine"), abs=1e-5)
    assert drawn == pytest.approx(silhouette_score(found.positions(variant, view), found.groups), abs=1e-5)
    assert f"{abs(true):.2f}" in silhouette_line((true, drawn))
    assert "no groups" in silhouette_line((None, None))
    for value in (-0.5, 0.0, 0.1, 0.6):
        assert "</b> in the common space" in silhouette_line((value, None))


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_every_picture_has_every_label_once(found: ClassifierMap, bundle: Bundle, method: str, dimensions: int) -> None:
    found.start(method)
    assert found.waiting(method) is None
    assert found.is_ready(method)
    for variant in found.variants:
        figure = found.figure(variant, ClassifierView(method, dimensions, label=3), query_of(bundle))
        json.dumps(figure, allow_nan=False)
        assert point_ids(figure) == list(range(6))
        assert "<i>" not in json.dumps(figure), "what a visitor typed is no markup"
        texts = [text for trace in figure["data"] for text in trace.get("text", [])]
        assert "<b>street</b>" in texts


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_chosen_label_and_all_its_nearest_are_named(found: ClassifierMap, dimensions: int) -> None:
    for variant in found.variants:
        for label in range(len(found.label_set)):
            view = ClassifierView("pca", dimensions, label)
            layout = (figure := found.figure(variant, view))["layout"]
            texts = [text for trace in figure["data"] for text in trace.get("text", [])]
            place = layout if dimensions == 2 else layout["scene"]
            texts += [annotation["text"] for annotation in place.get("annotations", [])]
            near = [neighbour.label for neighbour in found.neighbours(variant, label, 8)]
            assert {f"<b>{found.label_set.names[one]}</b>" for one in (label, *near)} == {
                text for text in texts if text.startswith("<b>")
            }


def test_one_legend_tells_a_group_apart_in_every_picture(found: ClassifierMap) -> None:
    view = found.view("pca", 2, None, None, 1)
    for variant in found.variants:
        points = [trace for trace in found.figure(variant, view)["data"] if "customdata" in trace]
        assert not any(trace["showlegend"] for trace in points)
        assert [trace.get("opacity", 1) < 1 for trace in points] == [number != 1 for number in range(len(points))]
    shown = classifier_legend(found, view.group)
    assert shown.count("<button") == len(found.colours)
    assert shown.count('aria-pressed="true"') == 1
    for wrong in (-1, len(found.colours), 0.5, True, "1", None):
        assert found.view("pca", 2, None, None, wrong).group is None
    found.colours = dict(list(found.colours.items())[:1])
    assert classifier_legend(found, None) == ""


def test_what_is_not_computed_yet_is_drawn_by_pca(found: ClassifierMap) -> None:
    assert not found.is_ready("tsne")
    variant = found.variants[0]
    assert found.positions(variant, ClassifierView("tsne")) is None
    assert found.figure(variant, ClassifierView("tsne")) == found.figure(variant, ClassifierView("pca"))


def test_epochs_share_their_axes_and_their_frame(found: ClassifierMap, bundle: Bundle) -> None:
    variant = found.variants[0]
    figures = [found.figure(variant, ClassifierView(epoch=epoch), query_of(bundle)) for epoch in (0, 1, 2)]
    assert figures[0]["layout"] == figures[1]["layout"] == figures[2]["layout"]
    assert figures[0]["data"] != figures[1]["data"]
    stars = [any("your query" in str(trace.get("name")) for trace in figure["data"]) for figure in figures]
    assert stars == [False, True, False], "a query was asked of the kept model alone"


def test_a_query_is_read_by_each_model(found: ClassifierMap, bundle: Bundle) -> None:
    query = query_of(bundle)
    ours, other = (variant.embed(query) for variant in found.variants)
    assert np.allclose(ours, query.embedding.numpy(), atol=1e-5)
    assert not np.allclose(ours, other, atol=1e-2)
    as_picture = dataclasses.replace(query, modality="image")
    assert not np.allclose(found.variants[0].embed(as_picture), ours, atol=1e-2)
    near = found.query_neighbours(found.variants[0], query)
    assert len(near) == 5
    assert near[0].cosine >= near[-1].cosine
    blind = dataclasses.replace(query, features=torch.full_like(query.features, -1e9))
    for parameter in ("weight", "bias"):
        getattr(found.variants[0].model.instance.text, parameter).data.zero_()
    assert found.query_neighbours(found.variants[0], blind) == []
    assert "knows nothing" in classifier_panel(found, found.variants[0], ClassifierView(), blind)
    found.figure(found.variants[0], ClassifierView(), blind)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("tsne", 3, "DOG", None), ClassifierView("tsne", 3, 2, None)),
        (("pca", 2, None, 2), ClassifierView("pca", 2, None, 2)),
        (("pca", 2, None, 3), ClassifierView()),
        (("umap", 2, None, 1), ClassifierView("umap")),
        (({"a": 1}, [2], ["dog"], "1"), ClassifierView()),
        (("<script>", True, "no such label", True), ClassifierView()),
    ],
)
def test_what_a_browser_sends_is_made_a_view(found: ClassifierMap, values: tuple, expected: ClassifierView) -> None:
    assert found.view(*values) == expected


def test_names_are_never_markup_in_a_panel(found: ClassifierMap, bundle: Bundle) -> None:
    found.label_set = SimpleNamespace(names=["<i>x</i>"] * 6)
    found.groups = ["<u>g</u>"] * 6
    found.colours = {"<u>g</u>": "#000000"}
    shown = classifier_panel(found, found.variants[0], ClassifierView(label=1), query_of(bundle))
    assert "<i>x" not in shown
    assert "<u>g" not in shown
    assert "<i>dog" not in shown
    assert shown.count('data-action="label"') == 10


@pytest.fixture
def service(bundle: Bundle, gallery: Gallery) -> SimpleNamespace:
    """As much of a service as the map looks at."""
    return SimpleNamespace(bundle=bundle, gallery=gallery, cache=Cache(), own=OwnLabels())


def test_a_service_has_one_map_in_each_cache_folder(service: SimpleNamespace, tmp_path: Path) -> None:
    worker = AtOnce()
    found = classifier_map_of(service, tmp_path, worker)
    assert classifier_map_of(service, tmp_path, worker) is found
    assert classifier_map_of(service, tmp_path / "other", worker) is not found
    assert classifier_map_of(SimpleNamespace(**{**vars(service), "cache": Cache()}), tmp_path, worker) is not found


@pytest.fixture
def endpoints(service: SimpleNamespace, tmp_path: Path) -> dict[str, Callable]:
    program = SimpleNamespace(named_service=lambda: service, cache_folder=tmp_path, layout_worker=AtOnce())
    return {function.__name__: function for function in api_classifiers.api(program)}


def test_programs_get_neighbours_and_pictures(endpoints: dict[str, Callable]) -> None:
    answer = json.loads(json.dumps(endpoints["classifier_neighbours"]("Dog", 2)))
    assert answer["label"] == "dog"
    assert answer["plus"] is None
    for key in ("with_gcn", "without_gcn"):
        assert [set(row) for row in answer[key]] == [{"label", "group", "cosine"}] * 2
        assert answer[key][0]["cosine"] >= answer[key][1]["cosine"]
    for method in ("pca", "tsne"):
        picture = json.loads(json.dumps(endpoints["classifier_map"](method, 3, points=True)))
        assert (picture["method"], picture["dimensions"]) == (method, 3)
        assert [len(point["position"]) for point in picture["without_gcn"]["points"]] == [3] * 6


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("classifier_neighbours", ("dgo",), "There is no label 'dgo'. Did you mean 'dog'"),
        ("classifier_neighbours", (7,), "A label is named by a text"),
        ("classifier_neighbours", ("dog", 0), "limit must be"),
        ("classifier_map", ("lda",), "method must be one of"),
        ("classifier_map", ("pca", 4), "dimensions must be 2 or 3"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    endpoints: dict[str, Callable], name: str, arguments: tuple, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        endpoints[name](*arguments)


@pytest.mark.parametrize(("method", "dimensions"), [("pca", 2), ("pca", 3), ("tsne", 2)])
def test_a_visitors_own_label_has_a_point_among_those_of_the_model_that_answers(
    bundle: Bundle, gallery: Gallery, tmp_path: Path, method: str, dimensions: int
) -> None:
    vector = functional.normalize(torch.from_numpy(ClassifierMap(bundle, gallery, None).variants[0].classifiers), dim=1)
    own = [SimpleNamespace(name="<b>mine", vector=vector[2])]
    with_own = ClassifierMap(bundle, gallery, Layouts(tmp_path, AtOnce()), own)
    if method != "pca":
        with_own.start(method)
    first, second = with_own.variants
    trace = with_own.figure(first, ClassifierView(method, dimensions))["data"][-1]
    assert trace["hovertext"] == ["&lt;b&gt;mine · a label of your own"] and "customdata" not in trace
    assert trace["type"] == ("scatter" if dimensions == 2 else "scatter3d")
    if method == "tsne":  # as a query has it, amid its nearest classifiers
        positions = with_own.positions(first, ClassifierView("tsne"))
        expected = place(vector[2:3].numpy(), first.classifiers, positions)[0]
        assert [trace["x"][0], trace["y"][0]] == pytest.approx(expected.tolist(), abs=1e-3)
    for variant, view in ((second, ClassifierView()), (first, ClassifierView(epoch=0))):
        assert all(trace["name"] != "yours" for trace in with_own.figure(variant, view)["data"] if "name" in trace)

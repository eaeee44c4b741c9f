"""Pictures and texts of a gallery as points."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import MethodType, SimpleNamespace

import numpy as np
import pytest
import torch
from serving import HOSTILE_CAPTIONS, HOSTILE_LABEL, write_hostile_gallery
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.gallery.projection import lay_out
from algcn.gallery.store import Gallery, build_gallery
from algcn.kit.errors import InputError
from app.api import maps
from app.kit.cache import Cache
from app.kit.words import bold
from app.maps.colours import NONE
from app.maps.gallery import PICTURES, TEXTS, GalleryMap, GalleryView
from app.maps.layouts import Layouts
from app.maps.panels import focus_panel, gallery_note, selection_panel
from app.search.query import QueryPoint
from app.service import RetrievalService

PREFIX = "picture/gallery"


@pytest.fixture(scope="module")
def bundle(tiny_bundle_dir: Path) -> Bundle:
    return Bundle.load(tiny_bundle_dir)


@pytest.fixture(scope="module")
def gallery(bundle: Bundle, tiny_gallery_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """Seven pictures in two folders and eight texts, some of them hostile."""
    return build_gallery(write_hostile_gallery(tiny_gallery_dir, tmp_path_factory.mktemp("map") / "gallery"), bundle)


class AtOnce:
    """A worker that computes in this process, and spares the test the quarter of a minute that UMAP compiles."""

    def start(self, points: Callable[[], np.ndarray], method: str) -> Future:
        future: Future = Future()
        future.set_result(lay_out(points(), "pca"))
        return future


@pytest.fixture
def found(bundle: Bundle, gallery: Gallery, tmp_path: Path) -> GalleryMap:
    return GalleryMap(bundle, gallery, Layouts(tmp_path, AtOnce()))


def query_near(gallery: Gallery, text: int) -> QueryPoint:
    """A query that says what a text of the gallery says."""
    return QueryPoint("<b>dog</b>", "text", gallery.text_embeddings[text][None], gallery.text_features[text][None])


def ids_by_trace(figure: dict) -> list[tuple[str, list[int]]]:
    return [(trace["name"], trace["customdata"]) for trace in figure["data"] if "customdata" in trace]


def group_of(found: GalleryMap, picture: int) -> str:
    return list(found.groups.colours)[found.groups.codes[picture]]


def test_every_point_is_there_once_and_pictures_are_on_top(found: GalleryMap) -> None:
    for colouring in found.colourings:
        for dimensions in (2, 3):
            figure = found.figure(GalleryView("pca", dimensions, colouring, label="dog"), PREFIX)
            json.dumps(figure, allow_nan=False)
            ids = [number for _, part in ids_by_trace(figure) for number in part]
            assert sorted(ids) == list(range(15))
            assert ids.index(7) < ids.index(0), "texts are drawn first"
            for trace in figure["data"]:
                assert trace["meta"]["pictures"] == all(number < 7 for number in trace["customdata"])
            assert figure["layout"]["meta"]["pictures"] == PREFIX
            assert figure["layout"]["meta"]["lasso"] == (dimensions == 2)


def test_colours_say_what_they_should(found: GalleryMap) -> None:
    assert found.colourings == ["group", "label", "modality", "folder"]
    by_name = dict(
        ids_by_trace(found.figure(GalleryView("pca", colouring="label", label="dog", shown=(PICTURES,)), PREFIX))
    )
    assert by_name["has the label"] == [1]
    assert len(by_name["has it not"]) == 6
    by_name = dict(ids_by_trace(found.figure(GalleryView("pca", colouring="folder", shown=(PICTURES,)), PREFIX)))
    assert by_name["night"] == [3, 4]
    by_name = dict(ids_by_trace(found.figure(GalleryView("pca", colouring="modality"), PREFIX)))
    assert (by_name[PICTURES], by_name[TEXTS]) == (list(range(7)), list(range(7, 15)))
    # dog and car are rarer than beach, street and night; a picture without labels has no group.
    assert group_of(found, 1) == "animal"
    assert group_of(found, 2) == "thing"
    assert group_of(found, 5) == NONE


def test_one_kind_can_be_left_out(found: GalleryMap) -> None:
    for shown, expected in (((PICTURES,), range(7)), ((TEXTS,), range(7, 15))):
        ids = ids_by_trace(found.figure(GalleryView("pca", shown=shown), PREFIX))
        assert sorted(number for _, part in ids for number in part) == list(expected)


def test_what_does_not_help_is_not_offered(bundle: Bundle, gallery: Gallery, tmp_path: Path) -> None:
    items = [dataclasses.replace(item, labels=(), file_name=Path(item.file_name).name) for item in gallery.items]
    plain = dataclasses.replace(gallery, items=items)
    assert GalleryMap(bundle, plain, Layouts(tmp_path, AtOnce())).colourings == ["modality"]


def test_nearest_are_true_ones(found: GalleryMap, gallery: Gallery) -> None:
    near = found.nearest(found.embedding(9)[None], 3, 3, without=9)
    kinds = [hit.point < 7 for hit in near]
    assert kinds == [True] * 3 + [False] * 3
    pictures = (gallery.image_embeddings @ gallery.text_embeddings[2]).argsort(descending=True)
    assert [hit.point for hit in near[:3]] == pictures[:3].tolist()
    assert 9 not in [hit.point for hit in near]
    assert near[3].cosine >= near[4].cosine >= near[5].cosine
    assert len(found.nearest(found.embedding(0)[None], 99, 99, without=0)) == 14


def test_until_umap_is_there_pca_is_drawn_and_then_it_is_kept(
    found: GalleryMap, bundle: Bundle, gallery: Gallery, tmp_path: Path
) -> None:
    assert not found.is_ready("umap")
    assert found.usual_method == "pca", "of few points, UMAP shows what is not there"
    assert found.figure(GalleryView("umap"), PREFIX) == found.figure(GalleryView("pca"), PREFIX)
    found.start("umap")
    assert found.waiting("umap", 1) is None
    assert found.is_ready("umap")
    assert found.usual_method == "umap"
    assert found.positions("umap", 3).shape == (15, 3)
    assert GalleryMap(bundle, gallery, Layouts(tmp_path, AtOnce())).is_ready("umap")


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_a_query_and_a_chosen_point_are_shown_with_lines(found: GalleryMap, gallery: Gallery, method: str) -> None:
    found.start("umap")
    plain = found.figure(GalleryView(method), PREFIX)
    query = query_near(gallery, 1)
    figure = found.figure(GalleryView(method), PREFIX, 3, query)
    kinds = [trace["mode"] for trace in figure["data"][len(plain["data"]) :]]
    assert sorted(kinds) == ["lines", "lines", "markers", "markers", "markers", "markers+text"]
    assert found.near_query(query)[4].point == 7 + 1
    assert "<b>dog" not in json.dumps(figure)
    place = found.place(query.embedding, "pca", 2)
    assert np.allclose(place, found.positions("pca", 2)[7 + 1], atol=1e-5), "by PCA it lies on its like"
    blind = dataclasses.replace(query, embedding=torch.zeros_like(query.embedding))
    assert len(found.figure(GalleryView(method), PREFIX, None, blind)["data"]) == len(plain["data"])
    assert "knows nothing" in gallery_note(found, GalleryView(method), blind)


def test_clusters_have_their_names_over_them_in_the_plane_alone(
    bundle: Bundle, gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two heaps of copies of the gallery's pictures; a name is text, whoever wrote it."""
    half = 40
    pick = [0] * half + [1] * half
    labels = [("beach",)] * half + [(HOSTILE_LABEL,)] * half
    items = [dataclasses.replace(gallery.items[i], labels=own) for i, own in zip(pick, labels, strict=True)]
    heaps = dataclasses.replace(
        gallery,
        items=items,
        image_embeddings=gallery.image_embeddings[pick],
        image_features=gallery.image_features[pick],
        texts=[],
        text_owner=gallery.text_owner[:0],
        text_embeddings=gallery.text_embeddings[:0],
        text_features=gallery.text_features[:0],
    )
    found = GalleryMap(bundle, heaps, Layouts(tmp_path, AtOnce()))
    figure = found.figure(GalleryView("pca"), PREFIX)
    names = {name["text"]: (name["x"], name["y"]) for name in figure["layout"]["annotations"]}
    assert set(names) == {"<b>beach</b>", bold(HOSTILE_LABEL, 40)}
    positions = found.positions("pca", 2)
    assert np.allclose(names["<b>beach</b>"], positions[0], atol=1e-3)
    assert figure["layout"]["meta"]["thin"] is True
    solid = found.figure(GalleryView("pca", 3), PREFIX)
    assert "annotations" not in solid["layout"]["scene"]
    assert found.clusters("umap") == [], "nothing is laid out yet"


@pytest.mark.parametrize("dimensions", [2, 3])
def test_what_a_search_found_is_ringed(found: GalleryMap, dimensions: int) -> None:
    figure = found.figure(GalleryView("pca", dimensions), PREFIX, marked=(2, 5))
    rings = [trace for trace in figure["data"] if trace.get("marker", {}).get("symbol") == "circle-open"]
    assert len(rings) == 1
    positions = found.positions("pca", dimensions)[[2, 5]]
    assert np.allclose(np.stack([rings[0][axis] for axis in "xyz"[:dimensions]], axis=1), positions, atol=1e-4)


def test_the_modality_gap_is_measured(bundle: Bundle, gallery: Gallery, tmp_path: Path) -> None:
    shifted = functional.normalize(gallery.text_embeddings + 3 * torch.eye(48)[0], dim=1)
    near = GalleryMap(bundle, gallery, Layouts(tmp_path, AtOnce())).gap
    far = GalleryMap(bundle, dataclasses.replace(gallery, text_embeddings=shifted), Layouts(tmp_path, AtOnce()))
    centres = gallery.image_embeddings.mean(0) - shifted.mean(0)
    assert far.gap.distance == pytest.approx(float(centres.norm()), abs=1e-5)
    assert far.gap.distance > near.distance
    assert far.gap.falls_apart
    assert "two clouds" in gallery_note(far, GalleryView("pca"), None)
    no_texts = dataclasses.replace(
        gallery, texts=[], text_owner=gallery.text_owner[:0], text_embeddings=gallery.text_embeddings[:0]
    )
    bare = GalleryMap(bundle, no_texts, Layouts(tmp_path, AtOnce()))
    assert bare.gap is None
    assert "gap" not in gallery_note(bare, GalleryView("pca"), None)
    assert len(ids_by_trace(bare.figure(GalleryView("pca"), PREFIX, 0))) > 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("pca", 3, "label", "dog", ["captions"]), GalleryView("pca", 3, "label", "dog", (TEXTS,))),
        ((None, None, None, None, None), GalleryView("pca")),
        (({}, "2", [1], {"a": 1}, ["x", 3]), GalleryView("pca")),
        (("umap", 4, "colour", "no such label", []), GalleryView()),
    ],
)
def test_what_a_browser_sends_is_made_a_view(found: GalleryMap, values: tuple, expected: GalleryView) -> None:
    assert found.view(*values) == expected


def test_panels_show_texts_as_texts(found: GalleryMap) -> None:
    whole = selection_panel(found, range(15), 24, PREFIX)
    assert whole.count('data-action="focus"') == 15
    assert "7 pictures and 8 captions" in whole
    assert 'data-action="more"' not in whole
    for panel in (whole, *(focus_panel(found, point, PREFIX) for point in range(15))):
        assert HOSTILE_LABEL not in panel
        assert not any(caption in panel for caption in HOSTILE_CAPTIONS)
        assert "<script" not in panel
    assert "no point inside" in selection_panel(found, [], 24, PREFIX)
    page = selection_panel(found, [*range(15)], 4, PREFIX)
    assert page.count('data-action="focus"') == 4
    assert "Show 11 more" in page


def test_labels_that_a_gallery_does_not_give_are_predicted(bundle: Bundle, gallery: Gallery, tmp_path: Path) -> None:
    items = [dataclasses.replace(item, labels=None) for item in gallery.items]
    bare = dataclasses.replace(gallery, items=items)
    assert GalleryMap(bundle, bare, Layouts(tmp_path, AtOnce())).labels == [()] * 7, "without thresholds nothing is"
    eager = dataclasses.replace(bundle, thresholds={"image": torch.full((6,), -2.0)})
    assert all(len(labels) == 6 for labels in GalleryMap(eager, bare, Layouts(tmp_path, AtOnce())).labels)


@pytest.fixture
def endpoints(bundle: Bundle, gallery: Gallery, tmp_path: Path) -> dict[str, Callable]:
    service = SimpleNamespace(bundle=bundle, gallery=gallery, cache=Cache(), pictures="/pictures")
    service._positions = {item.file_name: position for position, item in enumerate(gallery.items)}
    service.find_item = MethodType(RetrievalService.find_item, service)
    program = SimpleNamespace(named_service=lambda: service, cache_folder=tmp_path, layout_worker=AtOnce())
    return {function.__name__: function for function in maps.api(program)}


def test_programs_get_points_and_neighbours(endpoints: dict[str, Callable]) -> None:
    for method in ("pca", "umap"):
        answer = json.loads(json.dumps(endpoints["gallery_map"](method, 3, True)))
        assert [point["kind"] for point in answer["points"]] == ["picture"] * 7 + ["caption"] * 8
        assert all(len(point["position"]) == 3 for point in answer["points"])
    near = endpoints["gallery_neighbours"]("street.jpg", 2)
    assert {kind: len(rows) for kind, rows in near.items()} == {"pictures": 2, "captions": 2}
    assert "street.jpg" not in [row["file"] for row in near["pictures"]]


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("gallery_map", ("tsne",), "The method must be pca or umap"),
        ("gallery_map", ("pca", "2"), "dimensions 2 or 3"),
        ("gallery_neighbours", ("../../etc/passwd",), "no picture"),
        ("gallery_neighbours", (["street.jpg"],), "no picture"),
        ("gallery_neighbours", ("street.jpg", 0), "limit must be"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    endpoints: dict[str, Callable], name: str, arguments: tuple, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        endpoints[name](*arguments)


@pytest.fixture
def many(bundle: Bundle, gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GalleryMap:
    """Each picture and caption 60 times, where no more than 100 points are drawn."""
    monkeypatch.setattr("app.maps.gallery.MOST_DRAWN", 100)
    items, times = len(gallery.items), 60
    owner = torch.cat([gallery.text_owner + items * time for time in range(times)])
    repeated = dataclasses.replace(
        gallery,
        items=gallery.items * times,
        texts=gallery.texts * times,
        text_owner=owner,
        image_embeddings=gallery.image_embeddings.repeat(times, 1),
        text_embeddings=gallery.text_embeddings.repeat(times, 1),
    )
    return GalleryMap(bundle, repeated, Layouts(tmp_path, AtOnce()))


@pytest.mark.parametrize("colouring", ["group", "label", "modality", "folder"])
@pytest.mark.parametrize("shown", [(PICTURES,), (TEXTS,), (PICTURES, TEXTS)])
def test_of_many_points_a_sample_of_each_colour_is_drawn_over_a_shade_of_all(
    many: GalleryMap, colouring: str, shown: tuple[str, ...]
) -> None:
    view = GalleryView("pca", 2, colouring, label="dog", shown=shown)
    figure = many.figure(view, PREFIX)
    shade, *points = figure["data"]
    assert shade["type"] == "heatmap"
    assert "customdata" not in shade, "clicks and lassos pass it by"
    ids = sorted(number for trace in points for number in trace["customdata"])
    assert ids == many.drawn(view).tolist()
    assert 95 <= len(ids) <= 110
    kinds = {PICTURES if number < len(many.gallery.items) else TEXTS for number in ids}
    assert kinds == set(shown)
    codes = many._codes(view)
    colours = {code for kind in shown for code in codes[many._points_of(kind)].tolist()}
    assert len(points) == len(colours), "no colour is lost"
    note = gallery_note(many, view, None)
    assert f"{len(ids)} of 900 points are drawn" in note
    assert "The shade shows where all of them are" in note


def test_of_many_points_in_space_a_sample_is_drawn_without_a_shade(many: GalleryMap) -> None:
    view = GalleryView("pca", 3)
    assert {trace["type"] for trace in many.figure(view, PREFIX)["data"]} == {"scatter3d"}
    assert "shade" not in gallery_note(many, view, None)


def test_what_was_asked_for_is_always_drawn(many: GalleryMap) -> None:
    view = GalleryView("pca")
    missing = next(point for point in range(len(many)) if point not in many.drawn(view))
    found = many.figure(view, PREFIX, focus=missing, marked=[missing + 1])
    ids = {number for trace in found["data"] for number in trace.get("customdata", ())}
    assert {missing, missing + 1} <= ids
    assert {near.point for near in many.nearest(many.embedding(missing)[None], without=missing)} <= ids
    only_texts = many.figure(dataclasses.replace(view, shown=(TEXTS,)), PREFIX, focus=missing)
    ids = {number for trace in only_texts["data"] for number in trace.get("customdata", ())}
    assert min(ids) >= len(many.gallery.items), "pictures that were put away stay away"


def test_few_points_are_all_drawn_without_a_word(found: GalleryMap) -> None:
    assert "drawn:" not in gallery_note(found, GalleryView("pca"), None)
    assert not any(trace["type"] == "heatmap" for trace in found.figure(GalleryView("pca"), PREFIX)["data"])

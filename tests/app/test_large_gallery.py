"""Whatever looks at a gallery takes one whose rows are mapped in half precision, and says nearly the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.large_gallery import large_gallery

from algcn.bundles.bundle import Bundle
from algcn.gallery import rows
from algcn.gallery.store import build_gallery
from app.benchmark.mistakes import mistakes_of
from app.kit.name_features import NameFeatures
from app.labelling.marks import Marks
from app.labelling.new_labels import NewLabels
from app.labelling.suggestions import Suggester
from app.labels.details import label_details
from app.labels.graph import label_graph_of
from app.labels.own import own_labels_of
from app.labels.sayings import _scores
from app.maps.gallery import GalleryMap
from app.maps.layouts import Layouts
from app.maps.worker import LayoutWorker
from app.search.query import Query
from app.service import RetrievalService, load_service

PROJECT = Path(__file__).resolve().parents[2]
QUERIES = (
    Query(text="a red bus in a city"),
    Query(text="a dog", without="person"),
    Query(item=7, also=(9,)),
    Query(text="a boat", unlike=(11,)),
    Query(text="snow", space="encoder"),
    Query(text="an animal", item=3, weight=0.5, beside=True, fold=True),
)


def own_labels(service: RetrievalService) -> list:
    known = torch.zeros(len(service.gallery), 1)
    known[:5] = 1
    likely = service.predictor.probabilities(service.gallery.image_embeddings, "image")
    return NewLabels(service.bundle, service.gallery, ["lighthouse"], service.names, {}, likely).make(known, likely)


@pytest.fixture(scope="module")
def services() -> tuple[RetrievalService, RetrievalService]:
    """The same gallery, held in memory and as if it were large."""
    bundle, gallery = PROJECT / "weights" / "pocket", PROJECT / "assets" / "gallery"
    held = load_service(bundle, gallery)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "LARGE", 100)
        mapped = load_service(bundle, gallery, encoders=[held.encoder])
    assert (held.gallery.image_features.dtype, mapped.gallery.image_features.dtype) == (torch.float32, torch.float16)
    return tuple(
        RetrievalService(one.bundle, one.gallery, one.encoder, own_labels=own_labels) for one in (held, mapped)
    )


def test_the_gallery_of_the_benchmark_opens_with_nothing_to_encode(tmp_path: Path) -> None:
    source, bundle = PROJECT / "assets" / "gallery", Bundle.load(PROJECT / "weights" / "pocket")
    folder = large_gallery(tmp_path / "many", source, bundle, 60)
    gallery = build_gallery(folder, bundle, lambda done, total: pytest.fail("something is encoded"))
    assert (len(gallery.items), len(gallery.texts)) == (60, 60)
    assert all(item.labels for item in gallery.items)


def searched(service: RetrievalService) -> list[float]:
    found = [service.search(query) for query in QUERIES]
    return [hit.score for result in found for hit in (*result.images[:10], *result.texts[:10])]


def looked_at(service: RetrievalService) -> list[float]:
    details = label_details(service, 2, service.bundle.model.classifiers().detach())
    return [
        *(picture.cosine for picture in details.pictures),
        *(text.cosine for text in details.texts),
        *(cosine for _, cosine in details.nearest),
    ]


def own(service: RetrievalService) -> list[float]:
    (label,) = own_labels_of(service, label_graph_of(service))
    return [*(chance for _, chance, _ in label.pictures), *(cosine for _, cosine in label.nearest)]


def scored_by_the_rule(service: RetrievalService) -> Sequence[float]:
    point = service.search(Query(text="a train")).point
    return _scores(service, service.predictor, point).tolist()


def suggested(service: RetrievalService) -> Sequence[float]:
    asked = Suggester(
        service.bundle,
        service.predictor,
        service.gallery,
        ("lighthouse",),
        NameFeatures(service.encoder.encode_texts),
    )
    return asked.values(asked.known(service.gallery.items, Marks().said())).flatten().tolist()


def wrong(service: RetrievalService) -> Sequence[float]:
    return mistakes_of(service).mistakes.counts.missed.tolist()


def on_the_map(service: RetrievalService) -> list[float]:
    drawn = GalleryMap(
        service.bundle, service.gallery, Layouts(service.gallery.root, LayoutWorker(service.gallery.root), keep=False)
    )
    near = drawn.nearest(torch.nn.functional.normalize(torch.ones(1, 512), dim=1), 5, 5)
    return [*(one.cosine for one in near), drawn.gap.distance, *np.abs(drawn.positions("pca", 2)[:50]).flatten()]


VIEWS = {view.__name__: view for view in (searched, looked_at, own, scored_by_the_rule, suggested, wrong, on_the_map)}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_it_says_nearly_the_same(
    services: tuple[RetrievalService, RetrievalService], view: Callable[[RetrievalService], Sequence[float]]
) -> None:
    held, mapped = map(view, services)
    assert len(held) == len(mapped) > 5
    np.testing.assert_allclose(mapped, held, rtol=0, atol=0.02 if view is not wrong else 3)

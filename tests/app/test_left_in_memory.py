"""What visitors opened and trained goes with them: nothing of it is held by what outlives them."""

from __future__ import annotations

import gc
import time
from collections import Counter
from pathlib import Path

import pytest
from here import serve_here
from PIL import Image
from visiting import Visit

from algcn.bundles.bundle import Bundle
from algcn.gallery.store import Gallery
from algcn.method.model import ALGCN
from app import interface
from app.kit.jobs import Job
from app.labels.graph import LabelGraph
from app.maps.gallery import GalleryMap
from app.search.ranker import Ranker
from app.service import RetrievalService, load_service
from app.visitors.sessions import MAX_SESSIONS, Sessions
from app.visitors.visitor import Visitor

HELD = (ALGCN, Bundle, Gallery, GalleryMap, Job, LabelGraph, Ranker, RetrievalService, Visitor)
PATIENCE = 120
VISITORS = 2
PICTURES, LABELS = 24, ("boat", "dog")


def alive() -> Counter[str]:
    """How many objects there are of each kind that a visitor may have of their own."""
    gc.collect()
    return Counter(type(value).__name__ for value in gc.get_objects() if type(value) in HELD)


def write_pictures(folder: Path, number: int) -> list[Path]:
    """As many as a training needs, and a table of their captions and labels."""
    folder.mkdir()
    names = [f"{number}-{position}.png" for position in range(PICTURES)]
    for position, name in enumerate(names):
        Image.new("RGB", (64, 48), (8 * position, 40 * number, 200)).save(folder / name)
    rows = [f"{name},a {LABELS[n % 2]} number {n},{LABELS[n % 2]}\n" for n, name in enumerate(names)]
    table = folder / "metadata.csv"
    table.write_text("file_name,text,labels\n" + "".join(rows), encoding="utf-8")
    return [*(folder / name for name in names), table]


def visit_everything(url: str, pictures: list[Path]) -> Counter[str]:
    """Open pictures of one's own, ask in every way, train a model, leave; what was alive before leaving."""
    with Visit(url) as visit:
        visit.open_page()
        visit.put("collect-drop", visit.upload(*pictures))
        visit.fire("collect-drop", "upload")
        visit.put("train-epochs", 1)
        visit.open_tab("train")
        trained = visit.fire("train-start", "click")
        assert "mAP" in trained["train-result"], trained["train-status"]
        visit.put("query-text", "a boat")
        assert pictures[0].name in str(visit.fire("query-text", "submit")["results"])
        visit.fire("results", "select", {"action": "similar", "item": 1})
        visit.put("query-picture", visit.upload(pictures[0])[0])
        visit.fire("query-picture", "upload")
        for tab in ("labels", "map", "benchmark", "train"):
            visit.open_tab(tab)
        return alive()


def wait_until_no_more_than(counts: dict[str, int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while (more := alive() - Counter(counts)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not more


def test_nothing_of_a_visitor_is_held_when_they_have_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> None:
    monkeypatch.setattr(Sessions.__init__, "__defaults__", (MAX_SESSIONS, 0.2))
    monkeypatch.setattr(interface, "LOOK_SECONDS", 0.2)
    service = load_service(tiny_bundle_dir, tiny_gallery_dir)
    (tmp_path / "program").mkdir()
    with serve_here(service, tmp_path / "program") as (url, _):
        start = alive()
        visit_everything(url, write_pictures(tmp_path / "first", 0))
        wait_until_no_more_than(start | {"GalleryMap": 1, "LabelGraph": 1})  # which the program has once, from now on
        before = alive()
        for number in range(1, VISITORS + 1):
            during = visit_everything(url, write_pictures(tmp_path / str(number), number))
            assert during["RetrievalService"] > before["RetrievalService"]
            assert during["Gallery"] > before["Gallery"] and during["ALGCN"] > before["ALGCN"]
        wait_until_no_more_than(before)

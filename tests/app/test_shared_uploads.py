"""The same picture from several at once: gradio keeps it once, and nobody takes it away from the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client import Client, handle_file
from here import serve_here
from PIL import Image

from app.collection import work
from app.collection.work import dropped_files, forget_dropped
from app.frame import to_the_end
from app.kit.words import WENT_WRONG
from app.program import Program
from app.service import RetrievalService, load_service
from app.tabs.collections import CollectionsTab
from app.tabs.training import TrainTab

PATIENCE = 60
PROGRAMS = 8


@pytest.fixture(scope="module")
def service(tiny_bundle_dir: Path, tiny_gallery_dir: Path) -> RetrievalService:
    return load_service(tiny_bundle_dir, tiny_gallery_dir)


@pytest.fixture
def served(service: RetrievalService, tmp_path: Path) -> Iterator[tuple[str, Program]]:
    with serve_here(service, tmp_path) as here:
        yield here


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_programs_label_the_same_picture_at_once(served: tuple[str, Program], photo: Path) -> None:
    url, program = served
    clients = [Client(url, verbose=False) for _ in range(PROGRAMS)]
    with ThreadPoolExecutor(PROGRAMS) as pool:
        answers = list(
            pool.map(lambda client: client.predict([handle_file(photo)], api_name="/label_pictures"), clients)
        )
    assert [[each["file"] for each in answer["pictures"]] for answer in answers] == [["photo.png"]] * PROGRAMS
    assert [path.name for path in program.uploads.rglob("*.png")] == ["photo.png"], "it is there once, and stays"
    assert not list((program.cache_folder / "visitors").rglob("*.png"))


def test_two_search_with_the_same_picture_while_another_labels_it(served: tuple[str, Program], photo: Path) -> None:
    url, _ = served
    calls = [("/search_by_image", handle_file(photo)), ("/label_pictures", [handle_file(photo)]),
             ("/predict_labels", handle_file(photo)), ("/search_by_image", handle_file(photo))]  # fmt: skip
    clients = [Client(url, verbose=False) for _ in calls]
    with ThreadPoolExecutor(len(calls)) as pool:
        told = list(pool.map(lambda client, call: client.predict(call[1], api_name=call[0]), clients, calls))
    assert all(told)


def test_two_visitors_drop_the_same_photo_at_once(served: tuple[str, Program], photo: Path) -> None:
    url, program = served

    def drop(session: str) -> str:
        (path,) = httpx.post(
            f"{url}gradio_api/upload", files={"files": ("photo.png", photo.read_bytes())}, timeout=PATIENCE
        ).json()
        events = httpx.get(f"{url}config", timeout=PATIENCE).json()["dependencies"]
        number = next(event["id"] for event in events if event["api_name"] == "add_pictures")
        file = {"path": path, "orig_name": "photo.png", "meta": {"_type": "gradio.FileData"}}
        body = {"data": [None, None, [file]], "fn_index": number, "session_hash": session}
        httpx.post(f"{url}gradio_api/queue/join", json=body, timeout=PATIENCE).raise_for_status()
        address = f"{url}gradio_api/queue/data?session_hash={session}"
        with httpx.stream("GET", address, timeout=PATIENCE) as stream:
            return "\n".join(stream.iter_lines())

    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(drop, ("one", "two", "three")))
    for messages in told:
        assert "1 picture" in messages and "did not arrive" not in messages
        assert str(program.cache_folder) not in messages and "There is no picture" not in messages
    assert len(list((program.cache_folder / "visitors").rglob("photo.png"))) == 3, "each has a copy of their own"


@pytest.mark.parametrize("linking", [True, False])
def test_what_is_dropped_is_linked_else_copied(
    tmp_path: Path, photo: Path, linking: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not linking:
        monkeypatch.setattr(work.os, "link", _no_links)
    first, second = (
        dropped_files({"path": str(photo), "orig_name": "a.png"}, tmp_path, tmp_path / "visitor") for _ in range(2)
    )
    assert first[0].path != second[0].path
    assert first[0].path.read_bytes() == photo.read_bytes()
    assert (first[0].path.stat().st_ino == photo.stat().st_ino) is linking
    forget_dropped(first)
    assert photo.is_file() and second[0].path.is_file() and not first[0].path.exists()
    forget_dropped(second)
    assert photo.is_file() and not list((tmp_path / "visitor").iterdir())


def _no_links(*_: object) -> None:
    raise PermissionError(1, "no links here")


@pytest.mark.parametrize(("tab", "event"), [(CollectionsTab, "_add"), (TrainTab, "_train")])
def test_whatever_is_raised_leaves_the_controls_enabled(
    service: RetrievalService, tmp_path: Path, tab: type, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(self: Any, *_: object) -> Iterator[dict[Any, Any]]:
        yield {self.status: "begun"}
        raise RuntimeError("/srv/secret/place")

    monkeypatch.setattr(tab, event, fails)
    with serve_here(service, tmp_path) as (url, _):
        events = httpx.get(f"{url}config", timeout=PATIENCE).json()["dependencies"]
        name = {"_add": "add_pictures", "_train": "train_model"}[event]
        found = next(each for each in events if each["api_name"] == name)
        values = [None, None, []] if name == "add_pictures" else [None, None, "paper", True, True, 0.5, 0.4, 20, 1]
        body = {"data": values, "fn_index": found["id"], "session_hash": "visitor"}
        httpx.post(f"{url}gradio_api/queue/join", json=body, timeout=PATIENCE).raise_for_status()
        address = f"{url}gradio_api/queue/data?session_hash=visitor"
        with httpx.stream("GET", address, timeout=PATIENCE) as stream:
            told = [json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:")]
    shown = json.dumps(told)
    assert WENT_WRONG in shown and "secret" not in shown
    assert '"interactive": true' in shown


def test_the_last_update_says_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    def fails() -> Iterator[dict[Any, Any]]:
        yield {"status": "begun"}
        raise KeyError("x")

    told = list(to_the_end(fails(), lambda sentence: {"status": sentence, "button": gr.update(interactive=True)}))
    assert told[0] == {"status": "begun"}
    assert WENT_WRONG in told[1]["status"] and told[1]["button"]["interactive"] is True
    assert "KeyError" in capsys.readouterr().err, "the log has the rest"

"""What a board does and shows, what it writes, and what a browser may send."""

from __future__ import annotations

import base64
import csv
import dataclasses
import json
import zipfile
from pathlib import Path

import pytest
import torch
from conftest import TINY_LABELS

from algcn.bundles.bundle import Bundle
from algcn.bundles.new_label import save_new_label
from algcn.datasets.image_folder import read_image_folder
from algcn.gallery.store import Gallery
from algcn.kit.errors import InputError
from app.collection.folder import Collection, Dropped
from app.labelling.board import NO_CHOICE, OTHER_ENCODER, Board, check_rows, why
from app.labelling.suggestions import Suggestion
from app.service import RetrievalService


@pytest.fixture
def collection(tmp_path: Path, graph_bundle: Bundle, tiny_gallery_dir: Path) -> Collection:
    """The pictures of the tiny gallery without what is said of them."""
    (tmp_path / "visitor").mkdir()
    collection = Collection(tmp_path / "visitor")
    files = []
    for number, source in enumerate(sorted(tiny_gallery_dir.rglob("*.*"))):
        if source.suffix in (".png", ".webp", ".jpg"):
            (tmp_path / f"upload-{number}").write_bytes(source.read_bytes())
            files.append(Dropped(tmp_path / f"upload-{number}", source.name))
    collection.add(files, graph_bundle)
    return collection


@pytest.fixture
def service(graph_bundle: Bundle, collection: Collection) -> RetrievalService:
    return RetrievalService(graph_bundle, collection.gallery)


class Desk:
    """A board in use."""

    def __init__(self, service: RetrievalService, collection: Collection) -> None:
        self.service, self.collection, self.board = service, collection, Board()

    def act(self, action: str, rows: list[int] = (), **more: object) -> str:
        sight = self.board.sight(self.service, self.collection)
        return self.board.act({"action": action, "rows": list(rows), **more}, sight)

    def state(self, *rows: int) -> dict:
        state = self.board.state(self.board.sight(self.service, self.collection), rows)
        assert json.loads(json.dumps(state, allow_nan=False)) == state
        return state

    def labels(self, kind: str = "given", *rows: int) -> list[list[str]]:
        state = self.state(*rows)
        return [[state["names"][label] for label in labels] for labels in state[kind]]


@pytest.fixture
def desk(service: RetrievalService, collection: Collection) -> Desk:
    return Desk(service, collection)


def test_a_click_changes_what_is_suggested_and_says_why(desk: Desk) -> None:
    before = desk.state(0)
    assert before["given"] == [[]] * 6 and before["note"] == "" and before["percents"]
    desk.act("on", [0], label="Beach")
    after = desk.state(0)
    assert desk.labels()[0] == ["beach"], "as the model spells it"
    assert after["version"] > before["version"]
    named = {after["names"][found["label"]]: found for found in after["suggestions"]}
    assert "beach" not in named and named["boat"]["why"] == "because you said beach"
    desk.act("off", [0], label="boat")
    assert desk.labels("refused")[0] == ["boat"]
    assert "boat" not in {after["names"][found["label"]] for found in desk.state(0)["suggestions"]}
    assert desk.act("undo") == "Taken back: 1 change."
    assert desk.labels("refused")[0] == []
    desk.act("undo")
    assert desk.labels() == [[]] * 6 and desk.state()["steps"] == 0
    assert desk.act("undo") == ""


def test_all_above_a_percentage_are_accepted_in_one_step(desk: Desk) -> None:
    desk.act("off", [1], label="dog")
    counts = desk.state(0, 1, 2)["counts"]
    count = counts[0]
    assert count > 0
    assert desk.act("accept", [0, 1, 2], percent=50).startswith(f"{count} label")
    assert sum(map(len, desk.labels())) == count
    assert "dog" not in desk.labels()[1] and desk.labels()[3:] == [[], [], []]
    assert desk.state(0, 1, 2)["counts"] == [0] * 50
    desk.act("undo")
    assert desk.labels() == [[]] * 6 and desk.state(0, 1, 2)["counts"] == counts


def test_any_label_can_be_typed_and_a_new_one_has_a_place(desk: Desk) -> None:
    told = desk.act("on", [2], label="Grandma's  house")
    assert told == (
        "Grandma's house is a label of your own now. Pictures that may show it are suggested; see it in Labels, too."
    )
    state = desk.state(0)
    assert [state["names"][label] for label in state["new"]] == ["Grandma's house"]
    assert desk.labels()[2] == ["Grandma's house"]
    assert desk.act("on", [3], label="GRANDMA'S HOUSE") == ""
    assert desk.labels()[3] == ["Grandma's house"]
    told = desk.act("on", [], label="lighthouse")
    assert told.startswith("lighthouse is a label of your own"), "examples may come later"
    desk.act("forget", [], label="Grandma's house")
    assert desk.labels() == [[]] * 6
    assert desk.state()["names"] == [*TINY_LABELS, "lighthouse"]


@pytest.mark.parametrize(
    ("action", "more", "sentence"),
    [
        ("on", {"label": "beach"}, NO_CHOICE),
        ("off", {"label": "unknown"}, NO_CHOICE),
        ("accept", {"percent": 80}, NO_CHOICE),
        ("accept", {"rows": [0], "percent": "80"}, "percentage must be a number from 0 to 100"),
        ("accept", {"rows": [0], "percent": float("nan")}, "percentage must be a number"),
        ("on", {"rows": [0], "label": ["beach"]}, "Type the name of a label"),
        ("on", {"rows": [0], "label": "a|b"}, "must not begin or end with a space or contain"),
        ("forget", {"label": None}, "Type the name of a label"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(desk: Desk, action: str, more: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        desk.act(**{"action": action, "rows": [], **more})
    assert desk.state()["version"] == 0


def test_what_is_nothing_of_the_board_does_nothing(desk: Desk) -> None:
    for action in (None, 3, "drop table", ["on"]):
        assert desk.act(action, [0], label="beach") == ""
    assert desk.state()["version"] == 0


def test_rows_that_a_browser_sends_are_checked() -> None:
    assert check_rows([2, 0, 2, -1, 6, True, "1", 1.0, None], 6) == [2, 0]
    assert [check_rows(rows, 6) for rows in (None, "01", {"0": 1}, 3)] == [[]] * 4


def test_without_the_encoder_that_read_them_pictures_are_labelled_without_suggestions(desk: Desk) -> None:
    desk.collection.encoder = "another"
    desk.act("on", [0], label="beach")
    state = desk.state(0)
    assert (state["suggestions"], state["counts"], state["note"]) == ([], [], OTHER_ENCODER)
    assert desk.labels()[0] == ["beach"] and not state["accepts"]
    desk.act("off", [0], label="beach")
    assert desk.labels()[0] == []


def test_pictures_that_are_added_later_keep_what_was_said(desk: Desk, graph_bundle: Bundle, tmp_path: Path) -> None:
    desk.act("on", [0, 1], label="beach")
    name = desk.collection.gallery.items[0].file_name
    (tmp_path / "table").write_text(f"file_name,text,labels\n{name},My beach,zebra\n", encoding="utf-8")
    desk.collection.add([Dropped(tmp_path / "table", "metadata.csv")], graph_bundle)
    assert desk.labels()[:3] == [["zebra", "beach"], ["beach"], []]
    desk.act("off", [0], label="Zebra")
    assert desk.labels()[0] == ["beach"]


def test_given_and_predicted_are_taken_home_apart(desk: Desk, tmp_path: Path) -> None:
    desk.act("on", [0], label="beach")
    desk.act("on", [0], label="grandma, mine")
    desk.act("off", [0], label="boat")
    path = desk.board.write_zip(tmp_path / "home.zip", desk.collection, desk.board.sight(desk.service, desk.collection))
    with zipfile.ZipFile(path) as archive:
        rows = list(csv.DictReader(archive.read("home/metadata.csv").decode().splitlines()))
        archive.extractall(tmp_path / "out")
    assert json.loads(rows[0]["labels"]) == ["beach", "grandma, mine"]
    assert rows[0]["predicted_labels"] == "dog", "what is decided is not predicted"
    assert rows[1]["labels"] == ""
    for row in rows[1:]:
        labels = row["predicted_labels"]
        labels = json.loads(labels) if labels.startswith("[") else labels.split("|")
        assert labels[:3] == ["beach", "boat", "dog"]
        likely = [float(value) for value in row["predicted_probabilities"].split("|")]
        assert len(labels) == len(likely) and all(0 < value < 1 for value in likely)
    again = {item.file_name: item.labels for item in read_image_folder(tmp_path / "out" / "home")}
    assert again[rows[0]["file_name"]] == ["beach", "grandma, mine"]
    assert not again[rows[1]["file_name"]], "what was predicted is nobody's label"


def test_the_filter_of_a_search_knows_at_once(desk: Desk, graph_bundle: Bundle) -> None:
    from app.visitors.derive import with_gallery

    assert "grandma" not in desk.service.labels.counts
    desk.act("on", [3], label="grandma")
    desk.act("on", [3], label="car")
    import dataclasses

    gallery: Gallery = desk.collection.gallery
    gallery = dataclasses.replace(gallery, items=desk.board.marks.items(gallery.items))
    labelled = with_gallery(desk.service, gallery, "key")
    assert labelled.labels.counts["grandma"] == 1
    (hit, *_) = [hit for hit in labelled.search_by_text("car").images if hit.item == 3]
    assert (hit.labels, hit.labels_are_predicted) == (("grandma", "car"), False)


@pytest.mark.parametrize(
    ("because", "seen", "chosen", "words"),
    [
        ("sea", "picture", 1, "because you said sea"),
        ("", "picture", 1, "seen in the picture"),
        ("", "picture", 2, "seen in the pictures"),
        ("", "caption", 1, "the caption says it"),
        ("", "caption", 3, "the captions say it"),
        ("", "name", 3, "by its name"),
    ],
)
def test_reasons_in_words(because: str, seen: str, chosen: int, words: str) -> None:
    assert why(Suggestion("boat", 0.5, because, seen, chosen), chosen) == words


def test_a_label_leaves_as_a_file_and_comes_back(desk: Desk, tmp_path: Path) -> None:
    desk.act("on", [1, 2], label="Grandma's house")
    bundle = desk.service.bundle
    sight = desk.board.sight(desk.service, desk.collection)
    path = desk.board.write_label(tmp_path, "GRANDMA'S house", sight, bundle)
    assert path.name == "grandma-s-house.safetensors"
    assert desk.board.write_label(tmp_path, "Grandma's house", sight, bundle) == path
    (made,) = sight.own
    content = base64.b64encode(path.read_bytes()).decode()
    desk.act("forget", label="Grandma's house")
    assert desk.state()["new"] == desk.state()["own"] == []
    assert desk.board.load(content, bundle) == "Grandma's house is back, as it was made with 2 examples."
    (back,) = desk.board.sight(desk.service, desk.collection).own
    assert back.examples == 2 and torch.allclose(back.weights, made.weights)
    state = desk.state()
    assert [[state["names"][label], examples] for label, examples in state["own"]] == [["Grandma's house", 2]]
    desk.act("on", [3], label="Grandma's house")
    assert [label.examples for label in desk.board.sight(desk.service, desk.collection).own] == [3]
    for _ in range(2):
        desk.act("undo")
    assert desk.state()["new"] == []
    with pytest.raises(InputError, match="There is no such label of yours to download"):
        desk.board.write_label(tmp_path, "lighthouse", desk.board.sight(desk.service, desk.collection), bundle)


@pytest.mark.parametrize("content", [None, 5, "", "no base64!", "bm8gbGFiZWw="])
def test_what_is_no_label_file_is_refused_and_changes_nothing(desk: Desk, content: object) -> None:
    with pytest.raises(InputError, match=r"That is no label file|holds no label of your own"):
        desk.board.load(content, desk.service.bundle)
    assert desk.board.marks.version == 0 and desk.state()["new"] == []


def test_a_label_that_another_model_has_made_goes_by_its_name_and_says_so(desk: Desk) -> None:
    desk.act("on", [], label="lighthouse")
    (made,) = desk.board.sight(desk.service, desk.collection).own
    desk.board.marks.load(dataclasses.replace(made, model="another", examples=7))
    (now,) = desk.board.sight(desk.service, desk.collection).own
    assert now.examples == 0 and now.model == desk.service.bundle.fingerprint
    assert desk.state()["note"] == (
        "lighthouse: made with another model than the one that is open, so here it goes by its name alone."
    )


def test_a_label_of_the_model_is_not_loaded_over(desk: Desk, tmp_path: Path) -> None:
    desk.act("on", [], label="lighthouse")
    sight, bundle = desk.board.sight(desk.service, desk.collection), desk.service.bundle
    path = save_new_label(tmp_path / "dog.safetensors", dataclasses.replace(sight.own[0], name="Dog"), bundle)
    with pytest.raises(InputError, match="has a label Dog already; nothing was changed"):
        desk.board.load(base64.b64encode(path.read_bytes()).decode(), bundle)

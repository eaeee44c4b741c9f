"""MS-COCO files of annotation tools: odd ids, null and lists are read right, counted or refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from official import write_ms_coco, write_tool_coco

from algcn.datasets.__main__ import main
from algcn.datasets.coco_entries import read_id
from algcn.datasets.ms_coco import MsCoco
from algcn.kit.account import Account
from algcn.kit.errors import InputError, run_command

IDS: dict[str, Callable[[int], Any]] = {
    "restart": lambda n: n,
    "texts": lambda n: f"photo-{n}",
    "digits": str,
    "floats": float,
    "halves": lambda n: n + 0.5,
    "huge": lambda n: 2**63 + n,
    "huge texts": lambda n: str(10**30 + n),
    "negative": lambda n: -n,
}
# What is null in an entry of train's first photo: why the photo is left out, and what is counted.
NULLS: dict[str, tuple[set[str], set[str]]] = {
    "": (set(), set()),
    "supercategory": (set(), set()),
    "id": (set(), set()),  # of a caption
    "caption": ({"without a caption"}, {"captions that are null or empty"}),
    "file_name": ({"without a file name"}, {"images without a file name"}),
    "category_id": ({"without a label"}, {"labels of an unknown category"}),
    "image_id": (
        {"without a caption", "without a label"},
        {"captions of an unknown image", "labels of an unknown image"},
    ),
}
Change = Callable[[str, str, dict[str, list]], None]


def read(root: Path) -> tuple[dict[str, tuple[list[str], list[str], str | None]], Account, Account]:
    """The photos that are kept, why others are not, and what else is counted."""
    with closing(MsCoco(root)) as collection:
        left_out = Account()
        kept = {
            record.file_name: (list(record.texts), list(record.labels), record.official)
            for record in collection.records(left_out)
        }
    return kept, left_out, collection.account


def null_caption_id(kind: str, part: str, content: dict[str, list]) -> None:
    if kind == "captions":
        content["annotations"][0]["id"] = None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("ids", IDS)
def test_every_photo_caption_and_label_is_used_or_counted(ids: str, null: str, encoding: str, tmp_path: Path) -> None:
    lists = ids in ("restart", "texts")
    change = null_caption_id if null == "id" else None
    null_of_entry = "" if null == "id" else null
    root = write_tool_coco(tmp_path, IDS[ids], null=null_of_entry, encoding=encoding, lists=lists, change=change)
    kept, left_out, account = read(root)
    reasons, kinds = NULLS[null]
    wanted = {
        f"{part}2014/p{n}.jpg": ([f"{part} {n} {turn}" for turn in range(1 + lists)], [("dog", "cat")[n % 2]], split)
        for part, count, split in (("train", 6, "train"), ("val", 4, "test"))
        for n in range(1, count + 1)
    }
    if reasons:
        del wanted["train2014/p1.jpg"]
    assert kept == wanted
    assert left_out.counts.total() == bool(reasons) and set(left_out.counts) <= reasons
    assert account.counts == {kind: 1 + lists if kind == "captions of an unknown image" else 1 for kind in kinds}
    assert all(sentence.endswith(".") and "for instance" in sentence for sentence in account.sentences())


def rename(what: str, place: int, **values: Any) -> Change:
    def change(kind: str, part: str, content: dict[str, list]) -> None:
        if part == "train" and what in content and (what != "annotations" or kind == "instances"):
            content[what].append({**content[what][place], **values})

    return change


def test_entries_that_are_there_twice_count_once(tmp_path: Path) -> None:
    for name in ("images", "categories", "annotations"):
        kept, left_out, account = read(write_tool_coco(tmp_path / name, IDS["restart"], change=rename(name, 0)))
        assert len(kept) == 10 and not left_out and not account
        assert kept["train2014/p1.jpg"] == (["train 1 0"], ["cat"], "train")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rename("images", 0, file_name="p2.jpg"),
         "image 1 of train is 'p1.jpg' and, in entry 7 of 'images' in the file captions_train2014.json, 'p2.jpg'"),
        (rename("images", 0, id=99), "images 1 and 99 of train are both 'p1.jpg'; give"),
        (rename("images", 0, id=None), "Entry 7 of 'images' .* must be a whole number or a text, not null"),
        (rename("images", 0, id=True), "Entry 7 .* not True"),
        (rename("images", 0, id=[1]), r"Entry 7 .* not \[1\]"),
        (rename("images", 0, id=float("nan")), "Entry 7 .* not nan"),
        (rename("images", 0, id=float("inf")), "Entry 7 .* not inf"),
        (rename("images", 0, id=99, file_name="../p1.jpg"), "inside the folder of photos, not '../p1.jpg'"),
        (rename("images", 0, id=99, file_name="/p1.jpg"), "inside the folder of photos, not '/p1.jpg'"),
        (rename("images", 0, id=99, file_name=7), "file_name must be a text, not 7"),
        (rename("images", 0, id="\ud83d"), "Entry 7 .*its id holds half of a character"),
        (rename("images", 0, id=99, file_name="\ud83d.jpg"), "Entry 7 .*its file_name holds half of a character"),
        (rename("categories", 0, name="dog"), "category 0 of train is 'cat' and, in entry 3 of 'categories'"),
        (rename("categories", 0, id=5, supercategory="pet"), "'cat' is of the supercategory 'animal' and, .* of 'pet'"),
        (rename("categories", 0, id=5, name="a|b"), r"Entry 3 of 'categories' .* contain '\|'"),
        (rename("categories", 0, id=5, name=None), "Entry 3 of 'categories' .* name must be a word"),
        (rename("annotations", 0, category_id={}), "Entry 7 of 'annotations' .* category_id must be a whole number"),
        (lambda kind, part, content: content["images"].append("p1.jpg"), "Entry 7 of 'images' .* none of COCO's"),
        (lambda kind, part, content: content["annotations"][0].pop("image_id"), "it has no 'image_id'"),
        (lambda kind, part, content: content["annotations"][0].update(caption={"en": "a"}), "caption must be a text"),
        (lambda kind, part, content: content["annotations"][0].update(caption="a \ud83d"), "caption holds half of"),
    ],
)  # fmt: skip
def test_what_may_mean_two_things_is_refused_in_a_sentence_that_names_it(
    change: Change, message: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    root = write_tool_coco(tmp_path / "coco", IDS["restart"], change=change)
    with pytest.raises(InputError, match=message):
        MsCoco(root)
    assert run_command(main, ["ms-coco", "--root", str(root), "--out", str(tmp_path / "out"), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.endswith(".\n") and not (tmp_path / "out").exists()


def test_a_photo_whose_name_is_too_long_for_a_file_is_missing(tmp_path: Path) -> None:
    def change(kind: str, part: str, content: dict[str, list]) -> None:
        content["images"][0]["file_name"] = "p" * 5000

    with pytest.raises(InputError, match=r"^The photo p{100} is missing"):
        read(write_tool_coco(tmp_path, IDS["restart"], change=change))


def test_captions_and_instances_must_mean_the_same_photo_by_an_id(tmp_path: Path) -> None:
    def change(kind: str, part: str, content: dict[str, list]) -> None:
        if kind == "instances":
            content["images"][0]["file_name"], content["images"][1]["file_name"] = "p2.jpg", "p1.jpg"

    with pytest.raises(InputError, match=r"image 1 of train .* the same in the captions and the instances of train"):
        MsCoco(write_tool_coco(tmp_path, IDS["restart"], change=change))


def test_what_belongs_to_nothing_is_said_by_the_command_and_in_its_json(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    def change(kind: str, part: str, content: dict[str, list]) -> None:
        if (kind, part) == ("captions", "val"):
            content["annotations"] += [{"id": 1, "image_id": 77, "caption": "nobody"}] * 2
            content["annotations"] += [
                {"id": 1, "image_id": 1, "caption": text} for text in ("", " \n", [], [None, "x"])
            ]
        if (kind, part) == ("instances", "train"):
            content["annotations"] += [{"image_id": 2, "category_id": 9}, {"image_id": "x", "category_id": 0}]

    root = write_tool_coco(tmp_path / "coco", IDS["restart"], change=change)
    answer = tmp_path / "answer.json"
    main(["ms-coco", "--root", str(root), "--out", str(tmp_path / "out"), "--json", str(answer), "--quiet"])
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("10 items; 10 kept")
    assert said[3:] == [
        "10 items used; 6 captions, 2 labels not used.",
        "Captions that are null or empty: 4, for instance entry 7 of 'annotations' in the file captions_val2014.json; "
        "write at least a word.",
        "Captions of an unknown image: 2, for instance of 77 in the file captions_val2014.json; "
        "list it under 'images' with this id.",
        "Labels of an unknown image: 1, for instance of 'x' in the file instances_train2014.json; "
        "list it under 'images' with this id.",
        "Labels of an unknown category: 1, for instance of 9 in the file instances_train2014.json; "
        "list it under 'categories' of the same file with this id.",
    ]
    account = json.loads(answer.read_text())["account"]
    assert [entry["count"] for entry in account["left_out"]] == [4, 2, 1, 1]
    assert "None" not in (tmp_path / "out" / "metadata.csv").read_text()


def test_captions_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    _, left_out, account = read(write_ms_coco(tmp_path))
    assert account.counts == {"captions beyond the first 5 of a photo": 16}
    assert account.sentences()[0].endswith("take more with --captions 6.")
    assert [entry["example"] for entry in left_out.to_json()["left_out"]] == [
        f"train2014/COCO_train2014_{number:012}.jpg" for number in (2, 3)
    ]


def test_where_nothing_is_kept_the_error_says_why(tmp_path: Path) -> None:
    def change(kind: str, part: str, content: dict[str, list]) -> None:
        for entry in content["annotations"]:
            entry["image_id"] = "elsewhere"

    root = write_tool_coco(tmp_path / "coco", IDS["restart"], change=change)
    with pytest.raises(
        InputError, match=r"none of the 0 kept .* Captions of an unknown image: 10, for instance of 'els"
    ):
        main(["ms-coco", "--root", str(root), "--out", str(tmp_path / "out"), "--quiet"])


def test_ids_that_are_one_number_are_one_id() -> None:
    assert {read_id(7), read_id(7.0), read_id("7"), read_id(" 7 ")} == {7}
    assert read_id(2**63 - 1) == 2**63 - 1 and read_id(2**63) == read_id(str(2**63)) == str(2**63)
    assert read_id("007") == "007" and read_id(1.5) == "1.5" and read_id("") is None is read_id(None)

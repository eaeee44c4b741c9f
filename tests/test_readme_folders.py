"""What the README says of folders and tables, tried on small folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_readme import README

from algcn.datasets.image_folder import Item, read_image_folder
from algcn.kit.picture_kinds import READ

LINES = README.partition("On your own labelled pictures")[2].partition("```")[0]
LABELS = "**Labels**: `dog|sea`, `dog; sea`, `dog,sea`, `['dog', 'sea']`, or a column of 0 and 1 each; `Dog` and `dog`"


def folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"\xff\xd8\xff")
    return root


def test_five_lines_name_every_format_that_is_read() -> None:
    assert len([line for line in LINES.splitlines() if line.startswith("- ")]) == 5
    assert f"told by what they hold: {', '.join(READ)}. Hidden" in LINES


def test_pictures(tmp_path: Path) -> None:
    folder(tmp_path, "a.jpg", "no suffix", ".thumbnails/a.jpg", "@eaDir/a.jpg")
    assert [item.file_name for item in read_image_folder(tmp_path)] == ["a.jpg", "no suffix"]


@pytest.mark.parametrize("name", ["metadata.csv", "train/Metadata.csv", "metadata.jsonl", "deep/metadata.jsonl"])
def test_tables(tmp_path: Path, name: str) -> None:
    table = tmp_path / name
    folder(table.parent, "a.jpg")
    rows = [{"file_name": "a.jpg", "text": text, "labels": "dog", "split": "test"} for text in ("one", "two")]
    lines = (
        map(json.dumps, rows)
        if name.endswith("l")
        else [",".join(row.values()) for row in (dict(zip(rows[0], rows[0], strict=True)), *rows)]
    )
    table.write_text("\n".join(lines))
    (item,) = read_image_folder(tmp_path)
    assert (item.texts, item.labels, item.split) == (["one", "two"], ["dog"], "test")


def test_labels(tmp_path: Path) -> None:
    assert LABELS in LINES
    folder(tmp_path, "a.jpg", "b.jpg")
    for labels in LABELS.split("`")[1:8:2]:
        (tmp_path / "metadata.csv").write_text(f'file_name,labels\na.jpg,"{labels}"\n')
        assert read_image_folder(tmp_path).items == [Item("a.jpg", labels=["dog", "sea"])]
    (tmp_path / "metadata.csv").write_text("file_name,dog,sea\na.jpg,1,1\nb.jpg,0,1\n")
    assert [item.labels for item in read_image_folder(tmp_path)] == [["dog", "sea"], ["sea"]]
    (tmp_path / "metadata.csv").write_text("file_name,labels\na.jpg,Dog\nb.jpg,dog\n")
    assert len(read_image_folder(tmp_path).label_counts) == 1


def test_without_a_table(tmp_path: Path) -> None:
    read = read_image_folder(folder(tmp_path / "classes", "dog/1.jpg", "sea/1.jpg"))
    assert [item.labels for item in read] == [["dog"], ["sea"]]
    read = read_image_folder(folder(tmp_path / "splits", "train/1.jpg", "validation/1.jpg", "test/1.jpg"))
    assert [item.split for item in read] == ["test", "train", "validation"]

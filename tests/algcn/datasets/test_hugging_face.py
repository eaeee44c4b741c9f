"""Folders are read as the `datasets` library's ImageFolder reads them, which is asked in the same test."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet

from algcn.datasets.image_folder import read_image_folder

Rows = list[dict[str, Any]]


def write_csv(path: Path, rows: Rows) -> None:
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_jsonl(path: Path, rows: Rows) -> None:
    path.with_suffix(".jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_parquet(path: Path, rows: Rows) -> None:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path.with_suffix(".parquet"))


def write_pictures(root: Path, names: list[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(root / name)


def as_datasets_reads(root: Path, cache: Path) -> dict[str, Rows]:
    """The rows of each split, with the picture's path below the folder in place of its pixels."""
    loaded = datasets.load_dataset("imagefolder", data_dir=str(root), cache_dir=str(cache))
    found = {}
    for split, rows in loaded.items():
        classes = rows.features.get("label")
        rows = rows.cast_column("image", datasets.Image(decode=False))
        found[split] = [
            {
                **row,
                "image": Path(row["image"]["path"]).relative_to(root).as_posix(),
                **({"label": classes.int2str(row["label"])} if isinstance(classes, datasets.ClassLabel) else {}),
            }
            for row in rows
        ]
    return found


def as_we_read(root: Path, text: str | None, labels: str | None) -> dict[str, Rows]:
    """The same of our reader: one row for each text, or one without a text."""
    found: dict[str, Rows] = {}
    for item in read_image_folder(root):
        for said in item.texts or [None]:
            row = {"image": item.file_name}
            if text is not None:
                row[text] = said
            if labels is not None:
                row[labels] = item.labels if labels == "labels" else item.labels[0]
            found.setdefault(item.split or "train", []).append(row)
    return found


def same(ours: dict[str, Rows], theirs: dict[str, Rows]) -> None:
    def ordered(rows: Rows) -> Rows:
        return sorted(rows, key=lambda row: (row["image"], str(row.get("text"))))

    assert {split: ordered(rows) for split, rows in ours.items()} == {
        split: ordered(rows) for split, rows in theirs.items()
    }


@pytest.mark.parametrize("write", [write_csv, write_jsonl, write_parquet])
def test_a_table_at_the_root(tmp_path: Path, write: Callable[[Path, Rows], None]) -> None:
    root = tmp_path / "photos"
    write_pictures(root, ["a.jpg", "deep/b.png", "c.webp", "without a row.jpg"])
    rows = [
        {"file_name": "a.jpg", "text": "a dog", "label": "dog"},
        {"file_name": "deep/b.png", "text": "une journée, à la mer", "label": "sea"},
        {"file_name": "a.jpg", "text": "it runs", "label": "dog"},
        {"file_name": "./c.webp", "text": "3", "label": "dog"},
    ]
    write(root / "metadata", rows)
    theirs = as_datasets_reads(root, tmp_path / "cache")
    for row in theirs["train"]:
        row["text"] = str(row["text"])
    same(as_we_read(root, "text", "label"), theirs)


@pytest.mark.parametrize("write", [write_csv, write_jsonl, write_parquet])
def test_a_table_in_the_folder_of_each_split(tmp_path: Path, write: Callable[[Path, Rows], None]) -> None:
    root = tmp_path / "photos"
    for folder, names in (("train", ["a.jpg", "b.jpg"]), ("test", ["a.jpg"]), ("validation", ["x/c.jpg"])):
        write_pictures(root / folder, names)
        write(root / folder / "metadata", [{"file_name": name, "text": f"{name} of {folder}"} for name in names])
    same(as_we_read(root, "text", None), as_datasets_reads(root, tmp_path / "cache"))


@pytest.mark.parametrize("write", [write_jsonl, write_parquet])
def test_lists_of_labels(tmp_path: Path, write: Callable[[Path, Rows], None]) -> None:
    root = tmp_path / "photos"
    write_pictures(root, ["a.jpg", "b.jpg", "c.jpg"])
    lists = {"a.jpg": ["dog", "sea"], "b.jpg": [], "c.jpg": ["sea"]}
    write(root / "metadata", [{"file_name": name, "text": name, "labels": lists[name]} for name in lists])
    same(as_we_read(root, "text", "labels"), as_datasets_reads(root, tmp_path / "cache"))


def test_a_table_that_the_library_itself_wrote(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    write_pictures(root, ["a.jpg", "b.jpg"])
    features = datasets.Features(
        file_name=datasets.Value("string"),
        text=datasets.Value("string"),
        labels=datasets.List(datasets.ClassLabel(names=["cat", "dog"])),
    )
    rows = {"file_name": ["a.jpg", "b.jpg"], "text": ["x", "y"], "labels": [[1, 0], []]}
    datasets.Dataset.from_dict(rows, features).to_parquet(root / "metadata.parquet")
    assert [item.labels for item in read_image_folder(root)] == [["dog", "cat"], []]


@pytest.mark.parametrize(
    "names",
    [
        ["dog/1.jpg", "dog/2.jpg", "cat/3.jpg"],
        ["train/dog/1.jpg", "train/cat/2.jpg", "test/dog/3.jpg", "test/cat/4.jpg"],
        ["x/dog/1.jpg", "y/cat/2.jpg", "y/dog/3.jpg"],
    ],
)
def test_folders_named_by_class(tmp_path: Path, names: list[str]) -> None:
    write_pictures(tmp_path / "photos", names)
    theirs = as_datasets_reads(tmp_path / "photos", tmp_path / "cache")
    same(as_we_read(tmp_path / "photos", None, "label"), theirs)


@pytest.mark.parametrize("names", [["a.jpg", "b.jpg"], ["dog/1.jpg", "dog/2.jpg"], ["1.jpg", "dog/2.jpg", "cat/3.jpg"]])
def test_folders_that_name_no_class(tmp_path: Path, names: list[str]) -> None:
    write_pictures(tmp_path / "photos", names)
    theirs = as_datasets_reads(tmp_path / "photos", tmp_path / "cache")
    assert "label" not in theirs["train"][0]
    assert all(item.labels is None for item in read_image_folder(tmp_path / "photos"))
    same(as_we_read(tmp_path / "photos", None, None), theirs)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection, no bars."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()

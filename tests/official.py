"""Small collections in the official formats of MIRFlickr-25K, NUS-WIDE and MS-COCO; pictures and words are ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from algcn.datasets.mirflickr import NAMES

CONCEPTS = [f"concept{number:02}" for number in range(25)]
TAGS = [f"tag{number}" for number in range(30)]


def _picture(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (24, 16), (number * 7 % 256, number * 13 % 256, number * 29 % 256)).save(path)


def write_mirflickr(root: Path, count: int = 60, *, common_tags: bool = True) -> Path:
    """`count` photos: every 10th has no label, every 7th none of the two common tags; 24 potential, 14 relevant."""
    photos, annotations = root / "mirflickr", root / "mirflickr25k_annotations_v080"
    (photos / "meta" / "tags").mkdir(parents=True)
    annotations.mkdir()
    members: dict[str, list[int]] = {name: [] for name in NAMES}
    for number in range(1, count + 1):
        _picture(photos / f"im{number}.jpg", number)
        tags = (
            [f"rare{number}"] if number % 7 == 0 else [f"rare{number}", "explore", *(["sunset"] if number % 2 else [])]
        )
        (photos / "meta" / "tags" / f"tags{number}.txt").write_text("".join(f"{tag}\r\n" for tag in tags))
        if number % 10:
            for shift in (0, 5, 11):
                members[NAMES[(number + shift) % 24]].append(number)
    (annotations / "README.txt").write_text("MIRFLICKR-25000 annotations\n")
    for name, numbers in members.items():
        (annotations / f"{name}.txt").write_text("".join(f"{number}\n" for number in numbers))
        if name in NAMES[:14]:
            (annotations / f"{name}_r1.txt").write_text("".join(f"{number}\n" for number in numbers[::2]))
    if common_tags:
        (photos / "doc").mkdir()
        (photos / "doc" / "common_tags.txt").write_text("explore 51\nsunset 26\nonce 19\n")
    return root


def write_nus_wide(root: Path, count: int = 40) -> Path:
    """`count` photos, 25 concepts (concept00 the most frequent), 30 tags; photo 3 is missing, 5 is found by its id."""
    for folder in ("ImageList", "NUS_WID_Tags", "Groundtruth/AllLabels", "ConceptsList"):
        (root / folder).mkdir(parents=True)
    names = [f"scene{number % 3}\\{number:04}_{7_000_000 + number}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        path = root / "Flickr" / name.replace("\\", "/")
        if number == 5:
            path = root / "Flickr" / "elsewhere" / f"{7_000_000 + number}.jpg"
        if number != 3:
            _picture(path, number)
    (root / "ImageList" / "Imagelist.txt").write_text("".join(f"{name}\r\n" for name in names))
    for split, part in (("Train", names[: count * 3 // 4]), ("Test", names[count * 3 // 4 :])):
        (root / "ImageList" / f"{split}Imagelist.txt").write_text("".join(f"{name}\r\n" for name in part))
    for place, concept in enumerate(CONCEPTS):
        # photo 2 has no concept at all; concept k is on every (k + 1)th photo
        flags = [int(number != 2 and number % (place + 1) == 0) for number in range(count)]
        (root / "Groundtruth" / "AllLabels" / f"Labels_{concept}.txt").write_text("".join(f"{f}\n" for f in flags))
    (root / "NUS_WID_Tags" / "TagList1k.txt").write_text("".join(f"{tag}\n" for tag in TAGS))
    rows = [[int(number != 4 and (number + place) % 9 == 0) for place in range(len(TAGS))] for number in range(count)]
    lines = ("".join(f"{flag}\t" for flag in row) + "\n" for row in rows)
    (root / "NUS_WID_Tags" / "AllTags1k.txt").write_text("".join(lines))
    return root


def write_ms_coco(root: Path, train: int = 12, test: int = 5, year: str = "2014") -> Path:
    """Photos with six captions each and three categories; photo 2 has no instance, photo 3 no caption."""
    (root / "annotations").mkdir(parents=True)
    categories = [
        {"supercategory": "person", "id": 1, "name": "person"},
        {"supercategory": "animal", "id": 18, "name": "dog"},
        {"supercategory": "outdoor", "id": 10, "name": "traffic light"},
    ]
    first = 1
    for part, count in (("train", train), ("val", test)):
        numbers = range(first, first + count)
        first += count
        prefix = f"COCO_{part}{year}_" if year == "2014" else ""
        images = [
            {"license": 1, "file_name": f"{prefix}{n:012}.jpg", "height": 16, "width": 24, "id": n} for n in numbers
        ]
        for image in images:
            _picture(root / f"{part}{year}" / image["file_name"], image["id"])
        info = {"description": f'COCO {year} "fixture" [made up]', "year": int(year)}
        captions = [
            {"image_id": n, "id": 100 * n + 10 - turn, "caption": f"A thing,\n number {n} | caption {10 - turn}. "}
            for turn in range(6)
            for n in numbers
            if n != 3
        ]
        instances = [
            {"segmentation": [[1.5, 2.25e1, -3.0]], "area": 7.5, "iscrowd": 0, "image_id": n, "bbox": [1, 2, 3, 4.5],
             "category_id": (1, 18, 10)[(n + turn) % 3], "id": 10 * n + turn}
            for n in numbers
            for turn in (0, 1, 0)
            if n != 2
        ]  # fmt: skip
        for kind, content in (
            ("captions", {"info": info, "images": images, "licenses": [{"id": 1}], "annotations": captions}),
            ("instances", {"info": info, "licenses": [], "images": images, "annotations": instances,
                           "categories": categories}),
        ):  # fmt: skip
            (root / "annotations" / f"{kind}_{part}{year}.json").write_text(json.dumps(content), encoding="utf-8")
    return root


def write_tool_coco(
    root: Path,
    number: Callable[[int], Any],
    *,
    null: str = "",
    encoding: str = "utf-8",
    lists: bool = False,
    change: Callable[[str, str, dict[str, list]], None] | None = None,
) -> Path:
    """Six and four photos as an annotation tool exports them: ids start again in every split, those of categories too.

    Args:
        root: The folder to make.
        number: The id of the nth image of a split.
        null: What is null in the first entry of train that has it, "caption" for instance.
        encoding: How the files are written; "utf-8-sig" begins with a byte order mark.
        lists: Captions are lists of two.
        change: It may change the content of a file, given its kind, its split and what it holds.
    """
    (root / "annotations").mkdir(parents=True)
    for part, count in (("train", 6), ("val", 4)):
        names = ("cat", "dog") if part == "train" else ("dog", "cat")
        categories = [{"id": place, "name": name, "supercategory": "animal"} for place, name in enumerate(names)]
        images = [{"id": number(n), "file_name": f"p{n}.jpg"} for n in range(1, count + 1)]
        for n in range(1, count + 1):
            _picture(root / f"{part}2014" / f"p{n}.jpg", n)
        texts = {n: [f"{part} {n} {turn}" for turn in range(1 + lists)] for n in range(1, count + 1)}
        captions = [
            {"id": 1, "image_id": number(n), "caption": text if lists else text[0]} for n, text in texts.items()
        ]
        instances = [
            {"image_id": number(n), "category_id": names.index(("dog", "cat")[n % 2])} for n in range(1, count + 1)
        ]
        for kind, content in (
            ("captions", {"annotations": captions, "images": images}),
            ("instances", {"categories": categories, "annotations": instances, "images": images}),
        ):
            content = json.loads(json.dumps(content))
            if part == "train" and null:
                for key in ("annotations", "images", "categories"):
                    if content.get(key) and null in content[key][0]:
                        content[key][0][null] = None
            if change is not None:
                change(kind, part, content)
            path = root / "annotations" / f"{kind}_{part}2014.json"
            path.write_text(json.dumps(content), encoding=encoding)
    return root

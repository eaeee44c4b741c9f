"""MIRFlickr photos joined to the benchmark's matrices: as an image folder, with a split of three parts."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from algcn.datasets.__main__ import main
from algcn.datasets.image_folder import read_image_folder
from algcn.datasets.mirflickr import GROUPS, NAMES, SYNONYMS, label_set_of
from algcn.datasets.mirflickr_subset import MirFlickrSubset
from algcn.datasets.splits import Split
from algcn.features.bag_of_words import BagOfWords, read_vocabulary
from algcn.kit.account import Account
from algcn.kit.errors import InputError, run_command
from algcn.method.labels import LabelSet

PHOTOS, ROWS, TAGS = 40, 60, 30
SPLIT = "8-query-4-validation"


def write_subset(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """PHOTOS photos with every row of the matrices but each third; photo 7 has no tag."""
    savemat = pytest.importorskip("scipy.io").savemat
    generator = np.random.default_rng(0)
    tags, labels = ((generator.random((ROWS, width)) < 0.2).astype(np.uint8) for width in (TAGS, len(NAMES)))
    labels[labels.sum(axis=1) == 0, 3] = 1
    tags[:, 0] = 1
    rows = [row for row in range(ROWS) if row % 3][:PHOTOS]
    tags[rows[7]] = 0
    root.mkdir(parents=True)
    savemat(root / "yall.mat", {"YAll": tags}, do_compression=True)
    savemat(root / "lall.mat", {"LAll": labels}, do_compression=True)
    (root / "label_names.txt").write_text("".join(f"{name}\n" for name in NAMES))
    with tarfile.open(root / "images.tar", "w") as archive, (root / "metadata.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file_name", "mat_row", "labels"))
        for number, row in enumerate(rows):
            content = io.BytesIO()
            Image.new("RGB", (24, 16), (number, 2 * number, 3 * number)).save(content, "webp")
            entry = tarfile.TarInfo(f"im{number}.webp")
            entry.size = content.tell()
            content.seek(0)
            archive.addfile(entry, content)
            writer.writerow((entry.name, row, "|".join(NAMES[column] for column in labels[row].nonzero()[0])))
    return tags, labels


def prepare(root: Path, out: Path, *options: str) -> None:
    main(["mirflickr-subset", "--root", str(root), "--out", str(out), "--quiet", *options])


def test_photos_get_the_rows_that_are_theirs(tmp_path, capsys):
    tags, labels = write_subset(tmp_path / "sub")
    prepare(tmp_path / "sub", tmp_path / "out", "--split", SPLIT)
    folder = read_image_folder(tmp_path / "out")
    rows = [row for row in range(ROWS) if row % 3][:PHOTOS]
    numbers = [int(item.file_name[2:].split(".")[0]) for item in folder]
    assert numbers == [number for number in range(PHOTOS) if number != 7]
    label_set = LabelSet.load(tmp_path / "out" / "labels.json")
    assert (label_set.encode(item.labels for item in folder).numpy() == labels[[rows[n] for n in numbers]]).all()
    vocabulary = read_vocabulary(tmp_path / "out" / "vocabulary.txt")
    bags = BagOfWords(vocabulary).encode([item.texts[0] for item in folder])
    assert (bags.numpy() == tags[[rows[n] for n in numbers]]).all()
    assert not any((tmp_path / "out" / item.file_name).is_symlink() for item in folder)  # the archive is packed again

    counted = Counter(item.split for item in folder)
    assert counted == {"train": PHOTOS - 1 - 12, "validation": 4, "test": 8}
    manifest = json.loads((tmp_path / "out" / "split.json").read_text())
    assert manifest["name"] == f"mirflickr-subset {SPLIT} seed 103"
    assert manifest["counts"]["validation"] == 4 and manifest["counts"]["left out"] == {"without a tag": 1}
    assert set(manifest["sources"]) == {"images.tar", "metadata.csv", "yall.mat", "lall.mat", "label_names.txt"}
    printed = capsys.readouterr().out
    assert "not comparable" in printed and "train 27, validation 4, test 8" in printed


def test_validation_is_drawn_after_test():
    names = [f"{number}.jpg" for number in range(500)]
    plain = Split("mirflickr", "50-query").draw((name, None) for name in names)
    draw = Split("mirflickr", "50-query-30-validation").draw((name, None) for name in names)
    assert draw.test == plain.test and len(draw.validation) == 30 and not draw.validation & draw.test
    assert Counter(draw.of(name, None) for name in names) == {"train": 420, "validation": 30, "test": 50}
    three = Split("mirflickr", "50-query-30-validation-100-train").draw((name, None) for name in names)
    assert three.validation == draw.validation
    assert Counter(three.of(name, None) for name in names) == {"train": 100, "validation": 30, "test": 50, None: 320}
    with pytest.raises(InputError, match="takes 400 test, 100 validation and some train items, but 500 are kept"):
        Split("mirflickr", "400-query-100-validation").draw((name, None) for name in names)


def test_labels_have_the_groups_of_the_papers_figure():
    label_set = label_set_of(NAMES)
    assert label_set.names == NAMES and len(NAMES) == 24
    assert {label.name: label.group for label in label_set}["portrait"] == "people"
    assert set(label_set.groups) == set(GROUPS)
    assert set(SYNONYMS) <= set(NAMES)
    words = [word for synonyms in SYNONYMS.values() for word in synonyms]
    assert len(set(words)) == len(words) and not set(words) & set(NAMES)


def rewrite(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "yall.mat").unlink(), "yall.mat is missing"),
        (lambda root: (root / "lall.mat").write_bytes(b"x"), "lall.mat is not a .mat file"),
        (lambda root: (root / "label_names.txt").write_text("sky\nsea\n"), "2 names of label_names.txt"),
        (lambda root: (root / "images.tar").write_bytes(b"x"), "images.tar' cannot be unpacked"),
        (lambda root: (root / "metadata.csv").unlink(), "metadata.csv' cannot be read as CSV"),
        (lambda root: (root / "metadata.csv").write_text("file_name,mat_row\n"), "names no photos"),
        (lambda root: rewrite(root / "metadata.csv", "im0.webp", "../im0.webp"), "has the file_name '../im0"),
        (lambda root: rewrite(root / "metadata.csv", "im0.webp", "im99.webp"), "images.tar lacks im99.webp"),
        (lambda root: rewrite(root / "metadata.csv", "im0.webp,1,", "im0.webp,60,"), "rows are 0 to 59"),
        (lambda root: rewrite(root / "metadata.csv", "im0.webp,1,", "im0.webp,2,"), "other labels than row 2 of LAll"),
    ],
)
def test_what_is_wrong_is_one_sentence(spoil, message, tmp_path):
    root = tmp_path / "sub"
    write_subset(root)
    spoil(root)
    arguments = ["mirflickr-subset", "--root", str(root), "--out", str(tmp_path / "out"), "--quiet", "--split", SPLIT]
    with pytest.raises(InputError) as caught:
        main(arguments)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sub"]
    assert run_command(main, arguments) == 2


def test_the_real_subset(data_root, tmp_path):
    real = data_root / "mirflickr"
    if not (real / "yall.mat").is_file():
        pytest.skip(f"no MIRFlickr subset at {real}")
    (tmp_path / "photos").mkdir()
    collection = MirFlickrSubset(real, tmp_path / "photos")
    left_out = Account()
    records = list(collection.records(left_out))
    assert len(records) == 2190 and not left_out
    assert collection.label_set.names == NAMES and len(collection.vocabulary) == 1386

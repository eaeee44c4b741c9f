"""The one command on a folder of one's own, with a tiny encoder: what it writes, encodes, goes on with, refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from algcn import evaluate, quickstart
from algcn.bundles.bundle import Bundle
from algcn.bundles.manifest import verify
from algcn.kit.errors import InputError, run_command
from algcn.method import config

COLOURS = {"red": "dog", "green": "tree", "blue": "sea"}
PICTURES = 60


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(config, "LEAST_STEPS", 12)
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path / "cache"))


def write_photos(folder: Path, *, split: bool = False, labels: bool = True) -> Path:
    folder.mkdir(parents=True)
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file_name", "text", "labels", *(["split"] if split else [])))
        for number in range(PICTURES):
            colour, label = list(COLOURS.items())[number % 3]
            Image.new("RGB", (32, 32 + number), colour).save(folder / f"{number}.png")
            part = "train" if number < 40 else "validation" if number < 50 else "test"
            row = (f"{number}.png", f"a {label} {number}", label if labels else "", *([part] if split else []))
            writer.writerow(row)
    return folder


def start(photos: Path, out: Path, bundle: Path) -> None:
    quickstart.main([str(photos), "--out", str(out), "--bundle", str(bundle), "--quiet", "--json", f"{out}.json"])


def test_the_whole_way(tmp_path: Path, tiny_bundle_dir: Path, encoded: dict[str, int], capsys) -> None:
    photos, out = write_photos(tmp_path / "PHOTOS"), tmp_path / "mine"
    start(photos, out, tiny_bundle_dir)
    assert encoded["images"] == PICTURES
    verify(out)
    bundle = Bundle.load(out)
    assert (
        bundle.training.mode == "plus" and bundle.label_set.names and set(bundle.label_set.names) == {*COLOURS.values()}
    )
    answer = json.loads((tmp_path / "mine.json").read_text())
    assert answer["test_map"].keys() == {"chance", "encoder", "linear_probe", "model"}
    printed = capsys.readouterr().out
    assert printed.endswith(f"python app.py --bundle {out} --gallery {photos}\n")
    assert Path(answer["report"]).is_file() and Path(answer["features"]).is_file()

    evaluate.main([str(out), str(photos), "--split", "all", "--quiet"])
    notice = capsys.readouterr().err
    trained = len(bundle.split.trained_on(f"{number}.png" for number in range(PICTURES)))
    assert 0 < trained < PICTURES
    assert f"The bundle was trained on {trained} of these {PICTURES} images" in notice


def test_a_second_run_encodes_only_what_is_new(tmp_path: Path, tiny_bundle_dir: Path, encoded: dict[str, int]) -> None:
    photos, out = write_photos(tmp_path / "PHOTOS"), tmp_path / "mine"
    start(photos, out, tiny_bundle_dir)
    Image.new("RGB", (40, 20), "white").save(photos / "new.png")
    with (photos / "metadata.csv").open("a", encoding="utf-8") as stream:
        stream.write("new.png,a new dog,dog\n")
    start(photos, out, tiny_bundle_dir)
    assert encoded["images"] == PICTURES + 1
    assert Bundle.load(out).split["new.png"] is not None


def test_pictures_that_were_trained_on_are_no_test(tmp_path: Path, tiny_bundle_dir: Path, capsys) -> None:
    photos, out = write_photos(tmp_path / "PHOTOS", split=True), tmp_path / "mine"
    start(photos, out, tiny_bundle_dir)
    evaluate.main([str(out), str(photos), "--quiet", "--json", str(tmp_path / "test.json")])
    report = json.loads((tmp_path / "test.json").read_text())
    assert report["split"] == "test" and report["trained_on"] == 0
    table = photos / "metadata.csv"
    table.write_text(table.read_text().replace("0.png,a dog 0,dog,train", "0.png,a dog 0,dog,test"))
    with pytest.raises(InputError, match=r"was trained on 1 of the pictures that the data hold out, '0.png' for"):
        evaluate.main([str(out), str(photos), "--quiet"])


@pytest.mark.parametrize("labels", [False, None])
def test_bad_input_is_a_sentence(
    tmp_path: Path, tiny_bundle_dir: Path, labels: bool | None, monkeypatch, capsys
) -> None:
    photos = tmp_path / "PHOTOS"
    if labels is not None:
        write_photos(photos, labels=labels)
    command = ["quickstart", str(photos), "--out", str(tmp_path / "mine"), "--bundle", str(tiny_bundle_dir), "--quiet"]
    monkeypatch.setattr("sys.argv", command)
    assert run_command(quickstart.main) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and said[0].endswith(".") and not (tmp_path / "mine").exists()

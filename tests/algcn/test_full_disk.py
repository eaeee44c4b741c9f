"""Every command on a full disk: one sentence, nothing half written, and when there is room the next run goes on."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path

import pytest
from disks import SmallDisk, files_no_larger_than
from official import write_mirflickr

from algcn import train as training
from algcn.bundles.bundle import Bundle
from algcn.bundles.manifest import verify
from algcn.bundles.saving import update_bundle
from algcn.datasets.features import Features
from algcn.features import extraction
from algcn.gallery import __main__ as gallery_command
from algcn.gallery import encoding, store
from algcn.gallery.files import LAYOUT_NAME, STORE_NAME
from algcn.gallery.projection import lay_out
from algcn.kit.disk import DiskFullError
from algcn.kit.errors import run_command
from algcn.training import loop

TRAIN = ("--preset", "pocket", "--epochs", "4", "--common-dim", "16", "--seed", "3", "--quiet")
NOTHING = {"images": 0, "texts": 0}
FULL = "is full (0 bytes free), so"


@pytest.fixture(autouse=True)
def _quick_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """PCA in the place of UMAP, which takes a minute to begin."""
    monkeypatch.setattr(gallery_command, "lay_out", lambda points, progress: lay_out(points, "pca"))


@pytest.fixture
def places(
    tmp_path: Path,
    tiny_bundle_dir: Path,
    tiny_gallery_dir: Path,
    make_features: Callable[..., Features],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """What the words of a command stand for."""
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path / "cache"))
    shutil.copytree(tiny_bundle_dir, tmp_path / "bundle")
    shutil.copytree(tiny_gallery_dir, tmp_path / "photos")
    write_features(make_features(120), tmp_path / "features.safetensors")
    write_mirflickr(tmp_path / "mirflickr")
    names = {"BUNDLE": "bundle", "PHOTOS": "photos", "FEATURES": "features.safetensors", "MIRFLICKR": "mirflickr"}
    return {word: str(tmp_path / name) for word, name in names.items()}


@pytest.fixture
def command(places: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run a command: its exit code and what it says on stderr."""

    def run(line: str, *more: object) -> tuple[int, str]:
        module, *words = line.split()
        arguments = [places.get(word, word) for word in words] + [str(word) for word in more]
        code = run_command(importlib.import_module(f"algcn.{module}").main, arguments)
        return code, capsys.readouterr().err

    return run


def write_features(made: Features, path: Path) -> None:
    """Features as wide as the tiny bundle takes them."""
    wide = {
        "image_features": made.image_features.repeat(1, 2),
        "text_features": made.text_features.repeat(1, 3)[:, :32],
    }
    dataclasses.replace(made, **wide).save(path)


def check_sentence(code: int, said: str, fact: str) -> None:
    assert code == 2 and said.startswith("error: ") and said.endswith(".\n") and said.count("\n") == 1, said
    assert fact in said and "make room" in said, said


def left_over(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".part" in path.name and not path.name.endswith(".parts")]


# What writes one file or folder, given with its name in the place of OUT.
WRITING = {
    "extract": "extract PHOTOS --bundle BUNDLE --quiet --out OUT.safetensors",
    "train": f"train FEATURES {' '.join(TRAIN)} --out OUT",
    "evaluate": "evaluate BUNDLE FEATURES --quiet --json OUT.json",
    "report": "report.__main__ BUNDLE --out OUT.html",
    "report with figures": "report.__main__ BUNDLE --out OUT.md",
    "datasets": "datasets.__main__ mirflickr --root MIRFLICKR --split 8-query --quiet --out OUT",
}


@pytest.mark.parametrize("name", WRITING)
def test_nothing_is_begun_where_there_is_no_room(
    name: str, command: Callable[..., tuple[int, str]], places: dict[str, str], small_disk: SmallDisk, tmp_path: Path
) -> None:
    line = WRITING[name]
    small_disk.fill()
    before = small_disk.files()
    check_sentence(*command(line.replace("OUT", f"{small_disk.root}/made")), f"The disk at {small_disk.root} {FULL}")
    assert small_disk.files() == before
    small_disk.make_room()
    assert command(line.replace("OUT", f"{small_disk.root}/made"))[0] == 0
    assert command(line.replace("OUT", f"{tmp_path}/made"))[0] == 0
    made = small_disk.files()
    assert made and not left_over(small_disk.root)
    for file, content in made.items():
        if not file.endswith("metrics.json") and not file.endswith(("made/config.json", "made.json", ".html", ".md")):
            assert (tmp_path / file).read_bytes() == content, file  # those hold paths, times or hashes of such


@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "in the cache"])
def test_a_gallery_is_not_encoded_where_it_cannot_be_kept(
    in_place: bool,
    command: Callable[..., tuple[int, str]],
    places: dict[str, str],
    small_disk: SmallDisk,
    encoded: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    own = Path(places["PHOTOS"])
    if in_place:
        places["PHOTOS"] = str(shutil.copytree(own, small_disk.root / "photos"))
    else:
        monkeypatch.setenv("ALGCN_CACHE", str(small_disk.root / "cache"))
        (small_disk.root / "cache").mkdir()
    line = "gallery.__main__ build PHOTOS --bundle BUNDLE --quiet" + " --in-place" * in_place
    small_disk.fill()
    before = small_disk.files()
    code, said = command(line)
    check_sentence(code, said, f"The disk at {small_disk.root} {FULL}")
    assert ("leave --in-place out" if in_place else "set ALGCN_CACHE to") in said
    assert small_disk.files() == before and encoded == NOTHING
    small_disk.make_room()
    assert command(line)[0] == 0 and encoded["images"] == 6
    [kept] = [name for name in small_disk.files() if name.endswith(".safetensors")]
    if in_place:  # what the cache holds depends on the place and the states of the files
        places["PHOTOS"] = str(own)
        assert command(line)[0] == 0
        assert (own / STORE_NAME).read_bytes() == small_disk.files()[kept]


def test_the_page_opens_a_gallery_that_cannot_be_kept(
    places: dict[str, str], small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALGCN_CACHE", str(small_disk.root / "cache"))
    (small_disk.root / "cache").mkdir()
    small_disk.fill()
    gallery = store.build_gallery(places["PHOTOS"], Bundle.load(places["BUNDLE"]))
    assert len(gallery) == 6
    [notice] = gallery.store_notices
    assert f"(the disk at {small_disk.root} is full (0 bytes free)) and will be computed again" in notice
    assert list(small_disk.files()) == []


def test_no_layout_is_begun_where_there_is_no_room(
    command: Callable[..., tuple[int, str]], places: dict[str, str], small_disk: SmallDisk
) -> None:
    places["PHOTOS"] = str(shutil.copytree(places["PHOTOS"], small_disk.root / "photos"))
    line = "gallery.__main__ layout PHOTOS --bundle BUNDLE --quiet --in-place"
    assert command(line)[0] == 0
    once = small_disk.files()
    (small_disk.root / "photos" / LAYOUT_NAME).unlink()
    small_disk.fill()
    check_sentence(*command(line), f"The disk at {small_disk.root} {FULL}")
    assert small_disk.files().keys() == once.keys() - {f"photos/{LAYOUT_NAME}"}
    small_disk.make_room()
    assert command(line)[0] == 0 and small_disk.files() == once


def test_extract_goes_on_from_its_parts(
    command: Callable[..., tuple[int, str]], encoded: dict[str, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(extraction.Work, "__init__", partialmethod(extraction.Work.__init__, shard_size=2))
    line = "extract PHOTOS --bundle BUNDLE --quiet --out"
    assert command(line, tmp_path / "undisturbed.safetensors")[0] == 0
    assert encoded["images"] == 5  # one picture has no text
    encoded.update(NOTHING)
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"what was there")
    limit = (tmp_path / "undisturbed.safetensors").stat().st_size - 100  # a part fits, the whole does not
    with files_no_larger_than(limit):
        code, said = command(line, out)
    check_sentence(code, said, f"so {out} cannot be written; ")
    assert "goes on from what was finished" in said and encoded["images"] == 5
    assert out.read_bytes() == b"what was there" and not left_over(tmp_path)
    assert len(list((tmp_path / "out.safetensors.parts").glob("*.safetensors"))) == 3
    assert sorted(os.listdir(tmp_path / "out.safetensors.parts"))[-1] == "plan.json"
    encoded.update(NOTHING)
    assert command(line, out)[0] == 0 and encoded == NOTHING
    assert out.read_bytes() == (tmp_path / "undisturbed.safetensors").read_bytes()
    assert not (tmp_path / "out.safetensors.parts").exists()


def test_extract_keeps_the_parts_before_the_one_that_does_not_fit(
    command: Callable[..., tuple[int, str]], encoded: dict[str, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(extraction.Work, "__init__", partialmethod(extraction.Work.__init__, shard_size=2))
    monkeypatch.setattr(extraction.disk, "check_room", lambda *_: None)  # the disk was filled by others meanwhile
    line = "extract PHOTOS --bundle BUNDLE --quiet --out"
    save, parts = extraction.save_tensors, []

    def fill(path: Path, *rest: object) -> None:
        parts.append(path)
        with files_no_larger_than(1 << 20 if len(parts) < 3 else 100):
            save(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(extraction, "save_tensors", fill)
        check_sentence(*command(line, tmp_path / "out.safetensors"), "takes no file so large")
    assert encoded["images"] == 5 and not left_over(tmp_path)
    encoded.update(NOTHING)
    assert command(line, tmp_path / "out.safetensors")[0] == 0
    assert encoded["images"] == 1
    assert command(line, tmp_path / "undisturbed.safetensors")[0] == 0
    assert (tmp_path / "out.safetensors").read_bytes() == (tmp_path / "undisturbed.safetensors").read_bytes()


def test_a_gallery_goes_on_from_what_was_kept(
    command: Callable[..., tuple[int, str]],
    places: dict[str, str],
    encoded: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encoding, "CHUNK", 2)
    monkeypatch.setattr(encoding, "BLOCK", 4)
    photos, line = Path(places["PHOTOS"]), "gallery.__main__ build PHOTOS --bundle BUNDLE --quiet --in-place"
    assert command(line)[0] == 0
    undisturbed = (photos / STORE_NAME).read_bytes()
    (photos / STORE_NAME).unlink()
    encoded.update(NOTHING)
    with files_no_larger_than(len(undisturbed) - 200):  # a part of four rows fits, all twelve do not
        code, said = command(line)
    check_sentence(code, said, f"so {photos / STORE_NAME}, which takes ")
    assert "goes on from what is kept" in said and not left_over(photos)
    encoded.update(NOTHING)
    assert command(line)[0] == 0 and encoded == NOTHING  # the store did not fit, each of its parts did
    assert (photos / STORE_NAME).read_bytes() == undisturbed


def test_training_goes_on_from_its_checkpoint(
    command: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    line, out = f"train FEATURES {' '.join(TRAIN)} --out", tmp_path / "out"
    sizes: list[int] = []
    save = loop.save_checkpoint

    def measure(path: Path, *rest: object) -> None:
        save(path, *rest)
        sizes.append(Path(path).stat().st_size)

    monkeypatch.setattr(loop, "save_checkpoint", measure)
    assert command(line, tmp_path / "undisturbed")[0] == 0
    assert len(sizes) == 4 and sizes == sorted(sizes)
    with files_no_larger_than(sizes[1]):
        code, said = command(line, out)
    check_sentence(code, said, "out.checkpoint.safetensors, which takes ")
    assert "--resume, which goes on from the last checkpoint" in said
    assert not out.exists() and not left_over(tmp_path)
    assert (tmp_path / "out.checkpoint.safetensors").stat().st_size == sizes[1]  # of the second epoch, whole
    assert command(f"{line} {out} --resume")[0] == 0 and len(sizes) == 8
    for name in ("model.safetensors", "history.safetensors"):
        assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()
    assert not (tmp_path / "out.checkpoint.safetensors").exists()


def test_a_bundle_that_does_not_fit_is_written_when_there_is_room(
    command: Callable[..., tuple[int, str]], places: dict[str, str], tiny_encoder_dir: Path, tmp_path: Path
) -> None:
    line, out = f"train FEATURES {' '.join(TRAIN)} --encoder ENCODER --out", tmp_path / "out"
    places["ENCODER"] = str(tiny_encoder_dir)
    assert command(line, tmp_path / "undisturbed")[0] == 0
    shutil.copytree(places["BUNDLE"], out)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    with files_no_larger_than(1 << 20):  # the encoder is larger
        code, said = command(line, out)
    check_sentence(code, said, f"so {out} cannot be written; ")
    assert "--resume" in said and not left_over(tmp_path)
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    assert command(f"{line} {out} --resume")[0] == 0
    assert (out / "model.safetensors").read_bytes() == (tmp_path / "undisturbed" / "model.safetensors").read_bytes()


def test_training_is_not_begun_where_the_bundle_will_not_fit(
    command: Callable[..., tuple[int, str]], places: dict[str, str], tiny_encoder_dir: Path, small_disk: SmallDisk
) -> None:
    places["ENCODER"] = str(tiny_encoder_dir)
    line = f"train FEATURES {' '.join(TRAIN)} --encoder ENCODER --out {small_disk.root}/out"
    code, said = command(line)
    check_sentence(code, said, f"is full (1.0 MB free), so {small_disk.root}/out, which takes ")
    assert small_disk.files() == {}


def test_a_bundle_that_is_updated_stays_whole(
    command: Callable[..., tuple[int, str]], places: dict[str, str], small_disk: SmallDisk
) -> None:
    """Its metrics and the hash of them are two files."""
    bundle = Path(
        shutil.copytree(places["BUNDLE"], small_disk.root / "bundle", ignore=shutil.ignore_patterns("encoder"))
    )
    config = json.loads((bundle / "config.json").read_text(encoding="utf-8"))
    files = {name: digest for name, digest in config["files"].items() if "/" not in name}
    (bundle / "config.json").write_text(json.dumps({**config, "encoder": None, "files": files}), encoding="utf-8")
    before = small_disk.files()
    for leave in range(0, 5 * 4096, 4096):
        small_disk.fill(leave=leave)
        with pytest.raises(DiskFullError, match=f"The disk at {small_disk.root} is full"):
            update_bundle(bundle, metrics={"measured": "x" * 12000}, readme="y" * 6000)
        assert small_disk.files() == before
    small_disk.make_room()
    update_bundle(bundle, metrics={"measured": "x" * 12000}, readme="y" * 6000)
    verify(bundle)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_what_is_printed_has_no_room(places: dict[str, str]) -> None:
    words = ["-m", "algcn.evaluate", places["BUNDLE"], places["FEATURES"], "--quiet", "--json", "-"]
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=300)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "error: There is no room to write (No space left on device); make room, or write to another disk."
    )
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr

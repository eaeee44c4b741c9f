"""A gallery that is built from a bucket is that of the same folder, fetched once, and then as far as it has changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from buckets import put
from conftest import PROJECT
from PIL import Image

from algcn.bundles.bundle import Bundle
from algcn.cluster import bucket as bucket_module
from algcn.cluster import mirror as module
from algcn.cluster.bucket import Bucket
from algcn.cluster.mirror import OWN, REMOVED, Mirrored, mirror
from algcn.datasets.image_folder import read_image_folder
from algcn.features.places import NotAnswering
from algcn.gallery import encoding
from algcn.gallery.__main__ import main
from algcn.gallery.files import STORE_NAME
from algcn.gallery.store import build_gallery
from algcn.kit import images
from algcn.kit.errors import InputError

FETCHED = {
    "metadata.csv",
    *("beach.png", "beach_dog.webp", "street.jpg", "night/street.png", "night/boat.png", "unlabelled.png"),
    *("empty.jpg", "no picture.jpg", "raw.nef", "without a suffix", "deep/er/a.JPG"),
}
OUT = Path("gallery")


def delete(address: str, name: str) -> None:
    from pyarrow import fs

    filesystem, place = fs.FileSystem.from_uri(quote(address, safe=":/"))
    filesystem.delete_file(f"{place}/{name}")


def held(folder: Path) -> dict[str, bytes]:
    """The files of a folder but those that are the command's own."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith(OWN)}


def refresh(address: str) -> Mirrored:
    told: list[tuple[int, int]] = []
    result = mirror(Bucket(address), OUT, lambda done, total: told.append((done, total)))
    assert told == [(done, result.fetched) for done in range(1, result.fetched + 1)]
    return result


@pytest.fixture
def built(photos: Path, tiny_bundle_dir: Path, told: Callable[..., str]) -> Callable[..., tuple[dict, bytes]]:
    """Build a gallery in place or from a bucket; its answer and its store."""

    def build(where: object, *options: object) -> tuple[dict, bytes]:
        said = told(main, "build", where, "--bundle", tiny_bundle_dir, "--quiet", "--json", "-", *options)
        answer = json.loads(said)
        return answer, (Path(answer["path"]) / STORE_NAME).read_bytes()

    return build


@pytest.mark.parametrize("engine", ((), ("--engine", "ray", "--actors", 1)))
def test_the_store_and_the_account_are_those_of_the_folder(
    engine: tuple[object, ...],
    photos: Path,
    upload: Callable[[Path], str],
    tiny_bundle_dir: Path,
    built: Callable[..., tuple[dict, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if engine:
        pytest.importorskip("ray", reason="algcn/cluster/requirements.txt is not installed")
        # The actors start in another folder.
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(encoding, "BLOCK", 4)
    (photos / "labels.json").write_text('{"labels": []}', encoding="utf-8")
    (photos / "LICENSE").write_text("Free.", encoding="utf-8")
    (photos / "features.safetensors").write_bytes(b"of something else")
    address = upload(photos)
    plain, whole = built(photos, "--in-place")
    answer, store = built(address, "--out", OUT, *engine)
    assert store == whole
    assert answer.pop("path") == str(OUT) and plain.pop("path") == str(photos)
    assert (answer.pop("fetched"), answer.pop("unchanged")) == (len(FETCHED) + 2, 0)
    assert answer == plain
    assert {entry["kind"] for entry in plain["account"]["left_out"]} >= {"damaged pictures", "empty files"}
    here = held(OUT)
    assert here.keys() == {*FETCHED, "labels.json", "LICENSE", STORE_NAME}
    assert all((photos / name).read_bytes() == content for name, content in here.items())
    tried: set[int] = set()
    opened = build_gallery(OUT, Bundle.load(tiny_bundle_dir), lambda done, total: tried.add(total))
    assert tried == {len(plain["unreadable"])}, "all else is in the store"
    assert len(opened) == plain["pictures"] and opened.texts


def test_only_what_changed_is_fetched_and_what_is_gone_is_set_aside(
    photos: Path, upload: Callable[[Path], str], built: Callable[..., tuple[dict, bytes]]
) -> None:
    address = upload(photos)
    first, _ = built(address, "--out", OUT)
    again, _ = built(address, "--out", OUT)
    assert (again.pop("fetched"), again.pop("unchanged")) == (0, first.pop("fetched"))
    first.pop("unchanged")
    assert again == first

    shutil.copy(photos / "beach.png", photos / "street.jpg")
    put(address, "street.jpg", (photos / "street.jpg").read_bytes())
    (OUT / "beach.png").write_bytes(b"somebody's")
    (OUT / "night/boat.png").unlink()
    old = (OUT / "night/street.png").read_bytes()
    delete(address, "night/street.png")
    put(address, "night/new.png", old)
    (OUT / "mine.png").write_bytes(old)
    table = (OUT / "metadata.csv").read_bytes() + b"\n"
    (OUT / "metadata.csv").write_bytes(table)
    answer, store = built(address, "--out", OUT)
    assert answer["fetched"] == 4
    (entry,) = [entry for entry in answer["account"]["left_out"] if "does not give" in entry["kind"]]
    removed = OUT / REMOVED
    assert (entry["count"], entry["example"]) == (3, str(removed / "1" / "mine.png"))
    assert held(removed / "1") == {"mine.png": old, "night/street.png": old}
    assert held(removed / "2") == {"metadata.csv": table}
    (photos / "night/street.png").unlink()
    _, whole = built(photos, "--in-place")
    assert store == whole and held(OUT).keys() == {*FETCHED, STORE_NAME} - {"night/street.png"}
    assert entry in built(address, "--out", OUT)[0]["account"]["left_out"]
    shutil.rmtree(OUT / REMOVED)
    third, _ = built(address, "--out", OUT)
    assert not any("does not give" in entry["kind"] for entry in third["account"]["left_out"])


def test_a_file_may_become_a_folder_and_a_folder_a_file(photos: Path, upload: Callable[[Path], str]) -> None:
    picture = (photos / "beach.png").read_bytes()
    (photos / "metadata.csv").unlink()
    address = upload(photos)
    refresh(address)
    delete(address, "unnamed.png")
    put(address, "unnamed.png/in.png", picture)
    delete(address, "deep/er/a.JPG")
    put(address, "deep", picture)
    items = {item.file_name for item in refresh(address).folder}
    assert {"unnamed.png/in.png", "deep"} <= items and (OUT / "deep").read_bytes() == picture


def test_nothing_is_written_outside_and_no_name_is_taken_for_another(
    photos: Path, upload: Callable[[Path], str], tmp_path: Path
) -> None:
    address, own = upload(photos), f"{REMOVED}/1/own.png"
    picture = (photos / "beach.png").read_bytes()
    for name in ("../up.png", "a/../../up.png", "/root.png", "..\\up.png", "x" * 300, "both", "both/in.png", own):
        put(address, name, picture)
    put(address, "deep/metadata.csv", f"file_name,text\ner/a.JPG,one\n../{own},two\n".encode())
    before = {path for path in tmp_path.rglob("*") if OUT.resolve() not in path.parents}
    with pytest.raises(InputError, match=r"names '\.\./\.bucket\.removed/1/own\.png', outside the folder"):
        refresh(address)
    put(address, "metadata.csv", f"file_name,text\nbeach.png,one\n{own},two\nboth/in.png,three\n".encode())
    delete(address, "deep/metadata.csv")
    result = refresh(address).folder
    assert {path for path in tmp_path.rglob("*") if OUT.resolve() not in path.parents} == before | {OUT.resolve()}
    assert held(OUT).keys() == {"metadata.csv", "beach.png", "both/in.png"} and not (OUT / own).exists()
    (entry,) = [entry for entry in result.account.to_json()["left_out"] if "no paths" in entry["kind"]]
    assert entry["count"] == 6


def test_the_longest_names_and_those_that_differ_in_case_are_kept(
    tmp_path: Path, upload: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "odd"
    folder.mkdir()
    names = ("A.png", "a.PNG", "x" * 251 + ".png", "q?x=1#y.png", "ünï 海.png", "unnamed.png")
    for name in names:
        Image.new("RGB", (8, 8)).save(folder / name)
    rows = [f"{name},Called {number}" for number, name in enumerate(("A.png", "a.png", *names[2:5]))]
    (folder / "metadata.csv").write_text("\n".join(("file_name,text", *rows)), encoding="utf-8")
    result = refresh(upload(folder)).folder
    assert held(OUT).keys() == {*names[:5], "metadata.csv"}
    assert result.items == read_image_folder(OUT).items == read_image_folder(folder).items
    assert any("fits several files" in kind["kind"] for kind in result.account.to_json()["left_out"])


def test_a_table_in_a_folder_names_files_from_there(
    photos: Path, upload: Callable[[Path], str], built: Callable[..., tuple[dict, bytes]]
) -> None:
    (photos / "metadata.csv").unlink()
    (photos / "night/metadata.csv").write_text("file_name,text\nboat.png,A boat at night\n", encoding="utf-8")
    address = upload(photos)
    plain, whole = built(photos, "--in-place")
    answer, store = built(address, "--out", OUT)
    assert store == whole and answer["account"] == plain["account"]
    assert held(OUT).keys() == {"night/metadata.csv", "night/boat.png", STORE_NAME}


def test_a_picture_that_is_too_large_is_counted_and_not_fetched(
    photos: Path, upload: Callable[[Path], str], built: Callable[..., tuple[dict, bytes]], monkeypatch
) -> None:
    limit = (photos / "without a suffix").stat().st_size
    (photos / "night/boat.png").write_bytes((photos / "night/boat.png").read_bytes() + bytes(limit))
    for owner in (module, images, bucket_module):
        monkeypatch.setattr(owner, "MAX_BYTES", limit)
    address = upload(photos)
    plain, whole = built(photos, "--in-place")
    answer, store = built(address, "--out", OUT)
    assert store == whole and "night/boat.png" not in held(OUT)
    counts = [{entry["kind"]: entry["count"] for entry in each["account"]["left_out"]} for each in (plain, answer)]
    assert counts[0] == counts[1] and counts[0]["pictures that are too large"] == 1
    assert answer["account"]["used"] == plain["account"]["used"]


def test_what_the_bucket_withholds_is_counted_and_an_older_copy_is_not_used(
    photos: Path, upload: Callable[[Path], str], built: Callable[..., tuple[dict, bytes]]
) -> None:
    (photos / "LICENSE").write_text("Free.", encoding="utf-8")
    address = upload(photos)
    first, _ = built(address, "--out", OUT)
    old = (OUT / "beach.png").read_bytes()
    # moto gives nothing of this class, like an archive
    for name in ("beach.png", "LICENSE"):
        put(address, name, b"another", **{"x-amz-storage-class": "GLACIER"})
    answer, _ = built(address, "--out", OUT)
    (other, entry) = [entry for entry in answer["account"]["left_out"] if "cannot be opened" in entry["kind"]]
    assert other["example"] == "LICENSE" and "beach.png, which is withheld by the bucket (" in entry["example"]
    assert answer["pictures"] == first["pictures"] - 1 and answer["fetched"] == 0
    assert "beach.png" not in held(OUT) and held(OUT / REMOVED / "1") == {"beach.png": old, "LICENSE": b"Free."}


def test_a_store_in_the_bucket_is_used_and_the_own_one_is_kept(
    tiny_gallery_dir: Path,
    tmp_path: Path,
    upload: Callable[[Path], str],
    built: Callable[..., tuple[dict, bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Path(shutil.copytree(tiny_gallery_dir, tmp_path / "shipped"))
    _, whole = built(folder, "--in-place")
    address = upload(folder)
    with monkeypatch.context() as patch:
        patch.setattr(encoding.ContentsEncoder, "__call__", lambda *_: pytest.fail("encodes anew"))
        assert built(address, "--out", OUT)[1] == whole
    put(address, STORE_NAME, b"of somebody else")
    answer, store = built(address, "--out", OUT)
    assert store == whole and answer["fetched"] == 0


def test_what_was_fetched_stays_where_the_bucket_stops(
    photos: Path, upload: Callable[[Path], str], tiny_bundle_dir: Path, failing: Callable[..., str], monkeypatch
) -> None:
    address, copied, usual = upload(photos), [], Bucket.copy
    command = ("build", address, "--bundle", tiny_bundle_dir, "--quiet", "--out", OUT)

    def stopping(bucket: Bucket, name: str, path: Path) -> None:
        if len(copied) == 4:
            raise NotAnswering("The machine here cannot read it (AWS Error SLOW_DOWN); the same command goes on.")
        copied.append(name)
        usual(bucket, name, path)

    monkeypatch.setattr(module, "READERS", 1)
    monkeypatch.setattr(Bucket, "copy", stopping)
    assert "AWS Error SLOW_DOWN" in failing(main, *command)
    assert held(OUT).keys() == {*copied}
    monkeypatch.setattr(Bucket, "copy", usual)
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        assert "cannot be listed (" in failing(main, *command)
    result = refresh(address)
    assert (result.fetched, result.unchanged) == (len(FETCHED) - 4, 4)


def test_a_bucket_that_was_emptied_takes_nothing_away(photos: Path, upload: Callable[[Path], str]) -> None:
    address = upload(photos)
    refresh(address)
    before = held(OUT)
    for name in (path.relative_to(photos).as_posix() for path in photos.rglob("*") if path.is_file()):
        delete(address, name)
    put(address, "notes.txt")
    with pytest.raises(InputError, match="holds no images"):
        refresh(address)
    assert held(OUT) == before


def test_a_folder_is_free_until_its_bucket_was_read(photos: Path, upload: Callable[[Path], str]) -> None:
    address = upload(photos)
    with pytest.raises(InputError, match="There is no folder"):
        refresh(f"{address}er")
    assert refresh(address).fetched == len(FETCHED)


def test_a_bucket_that_does_not_fit_is_refused_before_it_is_fetched(
    photos: Path, upload: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, sizes = upload(photos), sum((photos / name).stat().st_size for name in FETCHED)
    usage = shutil.disk_usage(".")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=sizes - 1))
        with pytest.raises(InputError, match=r"so gallery, which takes .* kB, does not fit; make room"):
            refresh(address)
    assert not held(OUT) and refresh(address).fetched == len(FETCHED)
    for name in FETCHED:  # written again, as large as they were
        put(address, name, (photos / name).read_bytes())
        os.utime(OUT / name, (0, 0))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=1))
    assert refresh(address).fetched == len(FETCHED)


def test_a_folder_of_something_else_is_refused(
    photos: Path, upload: Callable[[Path], str], tiny_bundle_dir: Path, failing: Callable[..., str]
) -> None:
    address, before = upload(photos), held(photos)
    command = ("build", address, "--bundle", tiny_bundle_dir, "--quiet", "--out")
    assert "The folder 'photos' holds files that are of no bucket; name an empty folder" in failing(
        main, *command, "photos"
    )
    assert held(photos) == before
    assert "is a file; name a folder" in failing(main, *command, "photos/notes.txt")
    refresh(address)
    said = failing(main, "build", f"{address}/night", *command[2:], OUT)
    assert f"The folder 'gallery' holds the gallery of {address}; name another folder." in said
    with module._alone(OUT):
        assert "Another process fetches into 'gallery'" in failing(main, *command, OUT)


@pytest.mark.parametrize(
    "arguments, said",
    (
        (("s3://bucket/photos",), "say where to with --out FOLDER"),
        (("photos", "--out", "gallery"), "--out goes with pictures in a bucket"),
        (("s3://bucket/photos", "--out", "s3://bucket/gallery"), "--out cannot be an address"),
        (("s3://user:s3cret@bucket/photos", "--out", "gallery"), "must hold no password"),
        (("https://bucket/photos", "--out", "gallery"), "write s3://BUCKET/FOLDER"),
    ),
)
def test_arguments_that_do_not_go_together_are_said(
    arguments: tuple[str, ...], said: str, photos: Path, tiny_bundle_dir: Path, failing: Callable[..., str]
) -> None:
    assert said in failing(main, "build", *arguments, "--bundle", tiny_bundle_dir)
    assert not OUT.exists()


def test_a_fetch_that_was_killed_goes_on(
    tmp_path: Path, upload: Callable[[Path], str], tiny_bundle_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder, count = tmp_path / "many", 600
    folder.mkdir()
    for number in range(count):
        Image.new("RGB", (8, 8), (number % 256, number // 256, 0)).save(folder / f"{number:03}.png")
    address = upload(folder)
    argv = (*("-m", "algcn.gallery", "build", address), "--bundle", str(tiny_bundle_dir), "--quiet", "--out")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}

    def start(out: str) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, *argv, out], env=environment, stdout=subprocess.PIPE, text=True)

    def fetched() -> int:
        return len(list(Path("killed").glob("*.png")))

    for kill in range(1, 4):
        with start("killed") as process:
            while fetched() < kill * count // 5 and process.poll() is None:
                time.sleep(0.005)
            process.kill()
        assert kill * count // 5 <= fetched() < count, "killed while it fetches"
    there = fetched()
    with start("killed") as process:
        said = process.communicate()[0]
    assert process.returncode == 0 and f"{count - there} files fetched, {there} were there" in said
    with start("whole") as process:
        process.communicate()
    assert held(Path("killed")) == held(Path("whole")) and held(Path("whole")).keys() > held(folder).keys()
    left = {path.name for path in Path("killed").iterdir()} - {path.name for path in Path("whole").iterdir()}
    assert not left

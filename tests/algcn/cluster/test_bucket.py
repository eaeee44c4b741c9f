"""An image folder in a bucket gives what the same folder gives on a disk, from a server on loopback that speaks S3."""

from __future__ import annotations

import csv
import errno
import os
import pickle
import shutil
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from buckets import put
from conftest import PROJECT

from algcn import extract
from algcn.cluster import bucket as bucket_module
from algcn.cluster.bucket import Bucket
from algcn.command_line import path
from algcn.datasets.image_folder import ImageFolder, read_image_folder
from algcn.features.extraction import Work
from algcn.features.places import NotAnswering
from algcn.gallery import __main__ as gallery_command
from algcn.kit.errors import InputError

ODD = (
    *("a b.jpg", "ünï 海.jpg", "100%25.jpg", "q?x=1#y.jpg", "a+b&c=d.jpg", "back\\slash.jpg", "'\"<>.jpg"),
    "x" * 251 + ".jpg",
)


@pytest.mark.parametrize("engine", ((), ("--engine", "ray", "--actors", 1)))
def test_the_file_and_the_account_are_those_of_the_folder(
    engine: tuple[object, ...],
    photos: Path,
    upload: Callable[[Path], str],
    tiny_bundle_dir: Path,
    told: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if engine:
        pytest.importorskip("ray", reason="algcn/cluster/requirements.txt is not installed")
        # The actors start in another folder.
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(extract, "Work", partial(Work, shard_size=4))
    options = ("--bundle", tiny_bundle_dir, "--quiet", "--out", "out.safetensors", "--json", "-")
    plain = told(extract.main, photos, *options)
    whole = Path("out.safetensors").read_bytes()
    Path("out.safetensors").unlink()
    assert told(extract.main, upload(photos), *options, *engine) == plain
    assert Path("out.safetensors").read_bytes() == whole
    for kind in ("damaged pictures", "empty files", "files that hold no picture", "RAW pictures"):
        assert f'"kind": "{kind}"' in plain


def test_a_folder_may_have_any_name(tmp_path: Path, tiny_gallery_dir: Path, upload: Callable[[Path], str]) -> None:
    folder = tmp_path / "outer"
    shutil.copytree(tiny_gallery_dir, folder / "ünï #1? 100%" / "inner")
    address = upload(folder)
    assert read(f"{address}/ünï %231%3F 100%25/inner").items == read_image_folder(tiny_gallery_dir).items


def read(address: str) -> ImageFolder:
    bucket = Bucket(address)
    with bucket.laid_out() as root:
        folder = read_image_folder(root)
        bucket.count_left_out(folder.account)
    return folder


def test_every_name_is_found(tmp_path: Path, tiny_gallery_dir: Path, upload: Callable[[Path], str]) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    with (folder / "metadata.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file_name", "text"))
        for name in ODD:
            shutil.copy(tiny_gallery_dir / "street.jpg", folder / name)
            writer.writerow((name, f"Called {name}"))
    address = upload(folder)
    there, here = read(address), read_image_folder(folder)
    assert there.items == here.items and there.account.to_json() == here.account.to_json()
    assert len(here) == len(ODD)
    for item in here:
        assert Bucket(address).open_picture(item.file_name).size


def test_names_that_no_file_can_have_are_counted(photos: Path, upload: Callable[[Path], str]) -> None:
    address = upload(photos)
    before = read(address)
    for name in ("/two slashes.jpg", "x" * 300 + ".jpg", "both", "both/a.txt", "../up.jpg", "..\\up.jpg", "c:up.jpg"):
        put(address, name)
    after = read(address)
    assert after.items == before.items
    (entry,) = [entry for entry in after.account.to_json()["left_out"] if "no paths" in entry["kind"]]
    assert entry["count"] == 6


@pytest.mark.parametrize(
    "address, said",
    (
        ("s3://", "write s3://BUCKET/FOLDER"),
        ("s3:///photos", "write s3://BUCKET/FOLDER"),
        ("https://example.org/photos", "write s3://BUCKET/FOLDER"),
        ("s3://[/photos", "write s3://BUCKET/FOLDER"),
        ("s3://somebody:s3cret@bucket/photos", "must hold no password, since it is shown"),
        ("s3://bucket/photos?sas_token=s3cret", "must hold no options"),
        ("s3://bucket/photos #1", "write %3F and %23 for ? and # in a name"),
        ("abfs://nowhere", "cannot be listed ("),
    ),
)
def test_an_address_that_is_none_is_said(
    address: str, said: str, tiny_bundle_dir: Path, tmp_path: Path, failing: Callable[..., str]
) -> None:
    assert said in failing(extract.main, address, "--bundle", tiny_bundle_dir, "--out", tmp_path / "out.safetensors")


def test_what_is_wrong_in_a_bucket_is_said_of_the_bucket(
    tmp_path: Path, tiny_bundle_dir: Path, upload: Callable[[Path], str], failing: Callable[..., str]
) -> None:
    options = ("--bundle", tiny_bundle_dir, "--quiet", "--out", tmp_path / "out.safetensors")
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing")
    address = upload(folder)
    assert f"The folder '{address}' holds no images; put" in failing(extract.main, address, *options)
    put(address, "a.jpg")
    assert f"No image of '{address}' has a text" in failing(extract.main, address, *options)
    put(address, "metadata.csv", b"file_name,text\na.jpg,A dog\n")
    assert f"No picture of '{address}' that has a text can be read" in failing(extract.main, address, *options)
    assert f"There is no folder {address}er" in failing(extract.main, f"{address}er", *options)
    assert "cannot be listed (" in failing(extract.main, "s3://no-such-bucket/x", *options)


def test_a_bucket_that_is_down_is_said(
    server: None, tmp_path: Path, tiny_bundle_dir: Path, failing: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        said = failing(extract.main, "s3://b/x", "--bundle", tiny_bundle_dir, "--out", tmp_path / "out.safetensors")
    assert "The folder s3://b/x cannot be listed (" in said and "check the address" in said


def test_a_run_that_the_bucket_stopped_goes_on_and_a_changed_picture_is_read_again(
    photos: Path,
    upload: Callable[[Path], str],
    tiny_bundle_dir: Path,
    told: Callable[..., str],
    failing: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extract, "Work", partial(Work, shard_size=2))
    options = ("--bundle", tiny_bundle_dir, "--quiet", "--out", "out.safetensors")
    plain = told(extract.main, photos, *options)
    whole = Path("out.safetensors").read_bytes()
    Path("out.safetensors").unlink()
    address, opened, usual = upload(photos), [], Bucket.open_picture

    def stopping(bucket: Bucket, name: str):
        opened.append(name)
        if len(opened) > 5:
            raise NotAnswering("The machine here cannot read it (AWS Error SLOW_DOWN); the same command goes on.")
        return usual(bucket, name)

    monkeypatch.setattr(Bucket, "open_picture", stopping)
    assert "AWS Error SLOW_DOWN" in failing(extract.main, address, *options)
    finished = opened[:4]
    del opened[:]
    monkeypatch.setattr(Bucket, "open_picture", lambda bucket, name: opened.append(name) or usual(bucket, name))
    assert told(extract.main, address, *options) == plain
    assert opened and not {*opened} & {*finished}, "the first two shards are finished"
    assert Path("out.safetensors").read_bytes() == whole
    put(address, "street.jpg", (photos / "without a suffix").read_bytes())
    assert "Damaged pictures" not in told(extract.main, address, *options)


def test_a_bucket_that_gives_nothing_leaves_no_picture_out(
    photos: Path, upload: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = Bucket(upload(photos))
    with pytest.raises(InputError, match=r"^The file gone\.jpg is not in the bucket any more; put it back\.$"):
        bucket.open_picture("gone.jpg")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(NotAnswering, match=r"cannot read s3://.*/some folder/street\.jpg \(.*\); what was finished is"):
        Bucket(bucket.address).open_picture("street.jpg")


def test_a_picture_that_went_away_meanwhile_is_counted(
    photos: Path, upload: Callable[[Path], str], tiny_bundle_dir: Path, told: Callable[..., str], monkeypatch
) -> None:
    from pyarrow import fs

    address, usual = upload(photos), Bucket._lay_out

    def lay_out(bucket: Bucket) -> None:
        usual(bucket)
        filesystem, place = fs.FileSystem.from_uri(address.replace(" ", "%20"))
        filesystem.delete_file(f"{place}/deep/er/a.JPG")

    monkeypatch.setattr(Bucket, "_lay_out", lay_out)
    said = told(extract.main, address, "--bundle", tiny_bundle_dir, "--quiet", "--out", "out.safetensors")
    assert "Pictures that cannot be opened: 1" in said and "deep/er/a.JPG" in said


def test_only_the_address_travels(photos: Path, upload: Callable[[Path], str]) -> None:
    bucket = Bucket(upload(photos))
    with bucket.laid_out():
        sent = pickle.dumps(bucket)
    assert b"s3cret" not in sent and b"street" not in sent
    assert pickle.loads(sent).open_picture("without a suffix").size


def test_other_commands_say_which_ones_read_a_bucket(tiny_bundle_dir: Path, failing: Callable[..., str]) -> None:
    said = failing(gallery_command.main, "layout", "s3://bucket/photos", "--bundle", tiny_bundle_dir)
    assert "only python -m algcn.extract and python -m algcn.gallery build read pictures from" in said
    with pytest.raises(Exception, match="name a file or a folder"):
        path("gs://bucket/photos")


def test_what_a_bucket_withholds_is_counted_and_a_table_is_said(
    photos: Path,
    upload: Callable[[Path], str],
    tiny_bundle_dir: Path,
    told: Callable[..., str],
    failing: Callable[..., str],
) -> None:
    address, options = upload(photos), ("--bundle", tiny_bundle_dir, "--quiet", "--out", "out.safetensors")
    for name in ("street.jpg", "without a suffix"):  # moto gives nothing of this class, like an archive
        put(address, name, (photos / "beach.png").read_bytes(), **{"x-amz-storage-class": "GLACIER"})
    said = told(extract.main, address, *options)
    assert "Pictures that cannot be opened: 1, for instance street.jpg, which is withheld by the bucket (" in said
    assert "Objects that cannot be opened: 1, for instance without a suffix; let this user read them." in said
    put(address, "metadata.csv", b"file_name\n", **{"x-amz-storage-class": "GLACIER"})
    assert "The file metadata.csv is withheld by the bucket (" in failing(extract.main, address, *options)


def test_an_object_that_is_given_when_asked_again_is_not_withheld(
    photos: Path, upload: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left out for an error of the network: the command ends, and goes on where it was."""
    bucket, streamed, failures = Bucket(upload(photos)), Bucket._stream, []

    def fails_once(bucket: Bucket, name: str) -> object:
        if not failures:
            failures.append(name)
            raise OSError("AWS Error NETWORK_CONNECTION during GetObject operation: it was cut")
        return streamed(bucket, name)

    monkeypatch.setattr(bucket_module, "PAUSE", 0.0)
    with bucket.laid_out():
        monkeypatch.setattr(Bucket, "_stream", fails_once)
        with pytest.raises(NotAnswering, match="the same command goes on from there"):
            bucket.open_picture("beach.png")
        assert failures == ["beach.png"] and bucket.open_picture("beach.png").size


def test_a_name_that_the_disk_does_not_hold_is_told_from_a_disk_that_is_full(tmp_path: Path) -> None:
    assert bucket_module._is_made(tmp_path / "a" / "b.jpg")
    for name in ("a/b.jpg", "a", "a/b.jpg/c.jpg", "x" * 256, "x/" + "y" * 256):
        assert not bucket_module._is_made(tmp_path / name), name
    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(Path, "touch", partial(fail, OSError(errno.ENOSPC, "full")))
        bucket_module._is_made(tmp_path / "c.jpg")


def fail(error: Exception, *arguments: object, **options: object) -> None:
    raise error

"""The page on a full disk: a sentence that names no folder, nothing half written, and what is shown is shown."""

from __future__ import annotations

import errno
import html
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from disks import SmallDisk, files_no_larger_than
from PIL import Image

from algcn.bundles.bundle import Bundle
from algcn.bundles.manifest import verify
from algcn.gallery.layout import cached_layout
from algcn.kit.disk import DiskFullError
from algcn.kit.errors import InputError
from app.collection import packing
from app.collection.folder import PICTURES, Collection, Dropped
from app.frame import Frame
from app.kit.disk import check_free, telling_visitors
from app.kit.jobs import Job, Jobs
from app.kit.limits import DISK_FULL, MIN_FREE_BYTES
from app.kit.pictures import media_type, picture_file
from app.maps.layouts import Layouts
from app.maps.worker import LayoutWorker
from app.program import Program
from app.service import load_service
from app.tabs.training import TrainTab
from app.training.live import write_zip
from app.visitors.files import VisitorFiles
from app.visitors.loading import Loading
from app.visitors.visitor import Visitor


@pytest.fixture
def collection(small_disk: SmallDisk, tiny_bundle_dir: Path, tmp_path: Path) -> Collection:
    """One picture on a small disk."""
    (small_disk.root / "visitor").mkdir()
    collection = Collection(small_disk.root / "visitor")
    collection.add([picture(tmp_path / "sea.png", "navy")], Bundle.load(tiny_bundle_dir))
    return collection


def picture(path: Path, colour: str) -> Dropped:
    Image.new("RGB", (48, 32), colour).save(path)
    return Dropped(path, path.name)


def test_a_preview_that_cannot_be_kept_is_shown_all_the_same(small_disk: SmallDisk, tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    Image.effect_noise((900, 700), 90).convert("RGB").save(path)
    small_disk.fill()
    content = picture_file(path, "card", small_disk.root / "cache")
    assert isinstance(content, bytes) and media_type(content) == "image/webp"
    assert Image.open(io.BytesIO(content)).size == (640, 498)
    assert small_disk.files() == {}
    small_disk.make_room()
    kept = picture_file(path, "card", small_disk.root / "cache")
    assert isinstance(kept, Path) and kept.read_bytes() == content
    assert picture_file(path, "card", small_disk.root / "cache") == kept


def test_a_model_to_take_home_is_whole_or_not_there(tiny_bundle_dir: Path, tmp_path: Path) -> None:
    """The link to one that is there is given again, so a half one would be given for good."""
    bundle, path = Bundle.load(tiny_bundle_dir), tmp_path / "your-model.zip"
    with files_no_larger_than(100_000), pytest.raises(DiskFullError):
        write_zip(bundle, path)
    assert os.listdir(tmp_path) == []
    with zipfile.ZipFile(write_zip(bundle, path)) as archive:
        archive.extractall(tmp_path)
    verify(tmp_path / "your-model")


def test_pictures_to_take_home_are_whole_or_not_there(collection: Collection, small_disk: SmallDisk) -> None:
    path, items = collection.folder / "my-pictures.zip", collection.gallery.items
    packing.write_zip(path, collection.root, items, [()] * len(items))
    before = small_disk.files()
    small_disk.fill()
    with pytest.raises(InputError, match=DISK_FULL), telling_visitors():
        packing.write_zip(path, collection.root, items, [()] * len(items))
    assert small_disk.files() == before


def test_pictures_that_do_not_fit_are_not_added_and_those_before_stay(
    collection: Collection, small_disk: SmallDisk, tiny_bundle_dir: Path, tmp_path: Path
) -> None:
    bundle = Bundle.load(tiny_bundle_dir)
    before, gallery = small_disk.files(), collection.gallery
    for leave in range(0, 9 * 4096, 4096):  # it fails at each of the steps: the copy, the table, the features
        small_disk.fill(leave=leave)
        try:
            with telling_visitors():
                collection.add([picture(tmp_path / f"{leave}.png", f"#{leave:06x}")], bundle)
        except InputError as error:
            assert "disk is" in str(error) and "full" in str(error) and str(small_disk.root) not in str(error)
            assert (len(collection), collection.gallery) == (1, gallery)
            assert sorted(os.listdir(collection.root)) == sorted(
                name.removeprefix(f"visitor/{PICTURES}/") for name in before
            )
            continue
        break
    else:
        raise AssertionError("it never fitted")
    assert leave > 0 and len(collection) == 2
    small_disk.make_room()
    assert collection.add([picture(tmp_path / "last.png", "red")], bundle) == 1
    assert len(collection) == len(collection.gallery) == 3


def test_a_layout_that_cannot_be_kept_is_shown(small_disk: SmallDisk, tmp_path: Path) -> None:
    points = [[float(number == at) for at in range(4)] for number in range(8)]
    small_disk.fill()
    layouts = Layouts(small_disk.root, LayoutWorker(tmp_path))
    layouts.start("a" * 32, lambda: points, "pca")
    assert layouts.waiting("a" * 32, 120) is None
    assert layouts.find("a" * 32, 8) is not None
    assert not cached_layout(small_disk.root, "a" * 32).exists()


@pytest.mark.parametrize(
    "failure",
    [
        lambda: OSError(errno.ENOSPC, "No space left on device", "/server/secret"),
        lambda: DiskFullError("The disk at /server is full", "/server/secret cannot be written"),
        lambda: RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_job_ends_with_a_sentence_that_names_no_folder(failure: Callable[[], Exception]) -> None:
    def work(job: Job) -> None:
        raise failure()

    job = Jobs(1, "One is running already.").start("somebody", work, str)
    with pytest.raises(InputError) as caught:
        job.result()
    assert str(caught.value) == DISK_FULL


def test_what_was_raised_from_a_full_disk_is_told_too() -> None:
    """As gradio wraps what goes wrong with a component's value."""
    with pytest.raises(InputError, match=DISK_FULL), telling_visitors():
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("Could not postprocess the output.") from error


def test_other_failures_of_a_job_are_told_as_they_are() -> None:
    with pytest.raises(PermissionError), telling_visitors():
        raise PermissionError(errno.EACCES, "no")


def test_what_will_be_written_is_not_begun_on_a_disk_that_is_nearly_full() -> None:
    check_free(MIN_FREE_BYTES)
    with pytest.raises(InputError, match=DISK_FULL):
        check_free(MIN_FREE_BYTES - 1)


def test_a_folder_without_a_lock_is_not_given_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process would take it for one that nobody needs any more."""
    files = VisitorFiles(tmp_path)
    with files_no_larger_than(0):  # a lock is empty: that is no matter
        assert files.new_folder().is_dir()
    files.remove()
    open_ = Path.open

    def refuse(path: Path, mode: str = "r", **options: object) -> object:
        if path.suffix == ".lock":
            raise OSError(errno.ENOSPC, "No space left on device")
        return open_(path, mode, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OSError, match="No space left"):
        files.new_folder()
    assert [path for path in tmp_path.rglob("*") if path.is_dir() and path.parent.name == "visitors"] == []


def test_no_training_is_begun_on_a_disk_that_is_nearly_full(
    small_disk: SmallDisk, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> None:
    loading = Loading(lambda report: load_service(tiny_bundle_dir, tiny_gallery_dir))
    with gr.Blocks() as blocks:
        frame = Frame(blocks, Program(loading, small_disk.root, small_disk.root), gr.State(Visitor()))
        with gr.Tab("Train") as place:
            tab = TrainTab(frame, place)
    values = ("paper", True, True, 1.0, 0.4, 5, 0)
    [shown] = tab.train_model(Visitor(), None, *values, SimpleNamespace(session_hash="somebody"))
    assert list(shown) == [tab.status] and DISK_FULL in html.unescape(shown[tab.status])
    assert small_disk.files() == {}
    frame.program.files.remove()

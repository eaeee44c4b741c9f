"""The features of a gallery: kept, found again, and not trusted where something changed."""

from __future__ import annotations

import json
import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from conftest import TINY_WIDTH, write_tiny_encoder
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle
from algcn.gallery import contents, encoding, kept
from algcn.gallery.files import STORE_NAME
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError
from algcn.method.model import ALGCN


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tiny_gallery_dir: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(tiny_gallery_dir, tmp_path / "gallery"))


@pytest.fixture
def bundle(tiny_bundle_dir: Path) -> Bundle:
    """Freshly loaded: its encoder is not, until something needs it."""
    return Bundle.load(tiny_bundle_dir)


def test_a_second_build_encodes_nothing_and_needs_no_encoder(
    folder: Path, bundle: Bundle, tiny_bundle_dir: Path, encoded: dict[str, int]
) -> None:
    calls: list[tuple[int, int]] = []
    first = build_gallery(folder, bundle, lambda done, total: calls.append((done, total)))
    assert encoded == {"images": 6, "texts": 6}
    assert calls == [(0, 12), (12, 12)]
    fresh = Bundle.load(tiny_bundle_dir)
    second = build_gallery(folder, fresh, lambda done, total: calls.append((done, total)))
    assert encoded == {"images": 6, "texts": 6}
    assert len(calls) == 2
    assert not fresh._encoders
    torch.testing.assert_close(second.image_embeddings, first.image_embeddings, rtol=0, atol=0)
    torch.testing.assert_close(second.text_embeddings, first.text_embeddings, rtol=0, atol=0)


def test_only_what_is_new_is_encoded(folder: Path, bundle: Bundle, encoded: dict[str, int]) -> None:
    before = build_gallery(folder, bundle)
    encoded.update(images=0, texts=0)
    (folder / "beach.png").rename(folder / "renamed.png")
    shutil.copy(folder / "street.jpg", folder / "copy.jpg")
    Image.new("RGB", (20, 20), "orange").save(folder / "new.png")
    Image.new("RGB", (96, 64), "purple").save(folder / "unlabelled.png")
    metadata = (folder / "metadata.csv").read_text(encoding="utf-8").replace("beach.png", "renamed.png")
    rows = "copy.jpg,A car on a street,car\nnew.png,An orange square,\n"
    (folder / "metadata.csv").write_text(metadata + rows, encoding="utf-8")
    gallery = build_gallery(folder, bundle)
    assert encoded == {"images": 2, "texts": 1}  # new and changed; renamed, copied and repeated are known
    assert len(gallery) == 8
    torch.testing.assert_close(gallery.image_embeddings[0], before.image_embeddings[0])
    torch.testing.assert_close(gallery.image_embeddings[6], before.image_embeddings[2])
    assert not torch.allclose(gallery.image_embeddings[5], before.image_embeddings[5])


def test_a_change_that_keeps_size_and_time_of_a_shipped_picture_is_seen(folder: Path, bundle: Bundle) -> None:
    """A checkout may give every file the same time: a shipped store goes by contents alone."""
    build_gallery(folder, bundle, in_place=True)
    path = folder / "night" / "street.png"
    status = path.stat()
    data = path.read_bytes()
    Image.new("RGB", (96, 64), "red").save(path)
    path.write_bytes(path.read_bytes().ljust(len(data), b"\0"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    calls: list[int] = []
    build_gallery(folder, bundle, lambda _, total: calls.append(total))
    assert calls == [1, 1]


def test_in_place_the_features_are_shipped_with_the_folder(
    folder: Path, bundle: Bundle, cache: Path, tiny_bundle_dir: Path, encoded: dict[str, int], tmp_path: Path
) -> None:
    build_gallery(folder, bundle, in_place=True)
    assert not cache.exists()
    with safe_open(folder / STORE_NAME, framework="pt") as store:
        assert store.get_tensor("features").dtype == torch.float16
        assert json.loads(store.metadata()["hashes"])
        assert "states" not in store.metadata()
    content = (folder / STORE_NAME).read_bytes()
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    encoded.update(images=0, texts=0)
    build_gallery(moved, Bundle.load(tiny_bundle_dir))
    assert encoded == {"images": 0, "texts": 0}
    assert not cache.exists()
    build_gallery(moved, bundle, in_place=True)
    assert (moved / STORE_NAME).read_bytes() == content


def test_in_place_takes_over_what_the_cache_holds(folder: Path, bundle: Bundle, encoded: dict[str, int]) -> None:
    build_gallery(folder, bundle)
    encoded.update(images=0, texts=0)
    build_gallery(folder, bundle, in_place=True)
    assert encoded == {"images": 0, "texts": 0}
    assert (folder / STORE_NAME).is_file()


def test_another_encoder_has_a_store_of_its_own(
    folder: Path, bundle: Bundle, tmp_path: Path, encoded: dict[str, int]
) -> None:
    first = build_gallery(folder, bundle, in_place=True)
    encoder = write_tiny_encoder(tmp_path / "encoder", seed=9)
    other = Bundle.load(save_bundle(tmp_path / "other", bundle.model, bundle.label_set, encoder=encoder))
    encoded.update(images=0, texts=0)
    gallery = build_gallery(folder, other)
    assert encoded == {"images": 6, "texts": 6}
    assert gallery.notices == []
    assert not torch.allclose(gallery.image_features, first.image_features, atol=1e-2)


@pytest.mark.parametrize("where", ["shipped", "cache"])
@pytest.mark.parametrize("damage", ["cut", "noise", "foreign"])
def test_a_damaged_store_is_rebuilt_with_a_notice(
    folder: Path, bundle: Bundle, cache: Path, where: str, damage: str
) -> None:
    first = build_gallery(folder, bundle, in_place=where == "shipped")
    store = folder / STORE_NAME if where == "shipped" else next(cache.rglob("*.safetensors"))
    content = store.read_bytes()
    foreign = b"\x02\0\0\0\0\0\0\0{}"
    store.write_bytes({"cut": content[: len(content) // 2], "noise": b"\xff" * 100, "foreign": foreign}[damage])
    second = build_gallery(folder, bundle)
    assert len(second.notices) == 1
    assert f"{store} is damaged and not used" in second.notices[0]
    torch.testing.assert_close(second.image_embeddings, first.image_embeddings)
    if where == "cache":
        assert build_gallery(folder, bundle).notices == []


@pytest.mark.parametrize(
    "damage",
    [
        {"features": torch.ones(11, 7).half()},
        {"features": torch.full((11, TINY_WIDTH), float("nan"))},
        {"features": torch.ones(11, TINY_WIDTH, dtype=torch.complex64)},
        {"hashes": "3"},
        {"hashes": json.dumps([["no text"]] * 11)},
        {"states": "[1]"},
        {"states": '{"beach.png": [1, 2]}'},
        {"states": '{"beach.png": []}'},
        {"states": '{"beach.png": "text"}'},
        {"states": "[" * 100_000},
    ],
    ids=lambda damage: " ".join(f"{name} {str(value)[:12]}" for name, value in damage.items()),
)
def test_a_store_of_other_things_is_rebuilt(folder: Path, bundle: Bundle, cache: Path, damage: dict) -> None:
    first = build_gallery(folder, bundle)
    store = next(cache.rglob("*.safetensors"))
    with safe_open(store, framework="pt") as whole:
        content = {"features": whole.get_tensor("features"), **whole.metadata(), **damage}
    save_file({"features": content.pop("features")}, store, content)
    second = build_gallery(folder, bundle)
    assert f"{store} is damaged and not used" in second.notices[0]
    torch.testing.assert_close(second.image_embeddings, first.image_embeddings)


def test_a_damaged_cache_heals_though_the_shipped_store_has_everything(
    folder: Path, bundle: Bundle, cache: Path
) -> None:
    build_gallery(folder, bundle)
    build_gallery(folder, bundle, in_place=True)
    next(cache.rglob("*.safetensors")).write_bytes(b"damaged")
    assert len(build_gallery(folder, bundle).notices) == 1
    assert build_gallery(folder, bundle).notices == []


def age(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all that was written so far be of long ago."""
    now = contents.time.time_ns
    monkeypatch.setattr(contents.time, "time_ns", lambda: now() + 10 * contents.YOUNG_NS)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pictures whose bytes are read."""
    names: list[str] = []
    sha256 = contents.files.sha256

    def read(path: Path) -> str:
        if path.suffix in (".png", ".webp", ".jpg"):
            names.append(path.name)
        return sha256(path)

    monkeypatch.setattr(contents.files, "sha256", read)
    return names


def replace_keeping_size_and_time(path: Path, colour: str) -> None:
    """Write another picture that has the size and the mtime of the one that was there."""
    status = path.stat()
    Image.new("RGB", (96, 64), colour).save(path)
    assert path.stat().st_size <= status.st_size, "the new picture must not be larger for this test"
    path.write_bytes(path.read_bytes().ljust(status.st_size, b"\0"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)


def test_a_picture_of_the_same_size_and_time_is_not_taken_for_the_one_before(
    folder: Path, bundle: Bundle, encoded: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = folder / "night" / "street.png"
    picture.write_bytes(picture.read_bytes().ljust(500, b"\0"))
    before = build_gallery(folder, bundle)
    age(monkeypatch)
    build_gallery(folder, bundle)  # its states are kept now
    replace_keeping_size_and_time(picture, "red")
    after = build_gallery(folder, bundle)
    assert encoded == {"images": 7, "texts": 6}
    changed = [not torch.equal(old, new) for old, new in zip(before.image_features, after.image_features, strict=True)]
    assert changed == [False, False, False, True, False, False]
    # And one that was moved over it, as copying tools do.
    other = folder / "other.png"
    shutil.copy2(picture, other)
    replace_keeping_size_and_time(other, "blue")
    other.replace(picture)
    moved = build_gallery(folder, bundle)
    assert encoded == {"images": 8, "texts": 6}
    assert not torch.equal(moved.image_features[3], after.image_features[3])


def test_a_state_is_kept_when_the_file_is_not_young_any_more(
    folder: Path, bundle: Bundle, hashed: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file may change again within a tick of the clock and keep its state, so a young one is hashed each time."""
    written = max(path.stat().st_ctime_ns for path in folder.iterdir())
    monkeypatch.setattr(contents.time, "time_ns", lambda: written)  # however long a build takes, it is now
    for _ in range(2):
        build_gallery(folder, bundle)
        assert len(hashed) == 6
        hashed.clear()
    age(monkeypatch)
    build_gallery(folder, bundle)
    assert len(hashed) == 6
    hashed.clear()
    [store] = cache.rglob("*.safetensors")
    kept = store.stat().st_mtime_ns
    build_gallery(folder, bundle)
    assert hashed == [] and store.stat().st_mtime_ns == kept
    os.utime(folder / "beach.png", (4e9, 4e9))  # a date to come is not young for ever
    age(monkeypatch)
    build_gallery(folder, bundle)
    assert hashed == ["beach.png"]
    build_gallery(folder, bundle)
    assert hashed == ["beach.png"]


def test_states_of_an_earlier_version_are_not_trusted(
    folder: Path, bundle: Bundle, hashed: list[str], encoded: dict[str, int], cache: Path
) -> None:
    """They were size, mtime and hash; a picture that had taken another's place would still be served as the other."""
    build_gallery(folder, bundle)
    [store] = cache.rglob("*.safetensors")
    with safe_open(store, framework="pt") as opened:
        metadata, features = opened.metadata(), opened.get_tensor("features")
    beach = json.loads(metadata["hashes"])[0]
    stats = {}
    for name in ("beach.png", "night/street.png"):
        status = (folder / name).stat()
        stats[name] = [status.st_size, status.st_mtime_ns, beach]
    for key in ("stats", "states"):
        save_file({"features": features}, store, {**metadata, "states": "{}", key: json.dumps(stats)})
        hashed.clear()
        gallery = build_gallery(folder, bundle)
        assert len(hashed) == 6 and encoded == {"images": 6, "texts": 6}
        assert not torch.equal(gallery.image_features[3], gallery.image_features[0])


def test_where_nothing_can_be_kept_it_still_works(folder: Path, bundle: Bundle, cache: Path) -> None:
    cache.mkdir()
    (cache / "galleries").write_text("a file where the folder should be")
    gallery = build_gallery(folder, bundle)
    assert len(gallery) == 6
    assert "cannot be kept" in gallery.notices[0]


def test_a_read_only_folder_uses_the_cache(folder: Path, bundle: Bundle, cache: Path) -> None:
    before = sorted(folder.rglob("*"))
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        build_gallery(folder, bundle)
    finally:
        folder.chmod(stat.S_IRWXU)
    assert sorted(folder.rglob("*")) == before
    assert list(cache.rglob("*.safetensors"))


def test_in_place_where_it_cannot_be_written_is_an_error(folder: Path, bundle: Bundle) -> None:
    (folder / STORE_NAME).mkdir()
    with pytest.raises(InputError, match="leave --in-place out"):
        build_gallery(folder, bundle, in_place=True)


def test_an_interrupted_build_goes_on(
    folder: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, encoded: dict[str, int]
) -> None:
    monkeypatch.setattr(encoding, "CHUNK", 2)
    monkeypatch.setattr(encoding, "BLOCK", 4)

    def stop(done: int, total: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_gallery(folder, bundle, stop)
    encoded.update(images=0, texts=0)
    build_gallery(folder, bundle)
    assert encoded == {"images": 2, "texts": 6}  # four pictures had been kept


def test_a_build_that_was_stopped_before_its_store_was_written_encodes_nothing_anew(
    folder: Path, bundle: Bundle, cache: Path, monkeypatch: pytest.MonkeyPatch, encoded: dict[str, int]
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(kept.Keeping, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            build_gallery(folder, bundle)
    assert not list(cache.rglob("*-*.safetensors"))
    encoded.update(images=0, texts=0)
    build_gallery(folder, bundle)
    assert encoded == {"images": 0, "texts": 0}
    [store] = cache.rglob("*.safetensors")
    assert [path for path in cache.rglob("*") if path.is_file()] == [store]


@pytest.mark.parametrize("block", [1, 2, 5, 64])
@pytest.mark.parametrize("in_place", [False, True], ids=["cache", "in place"])
def test_builds_at_the_same_time_share_the_work(
    folder: Path,
    tiny_bundle_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    encoded: dict[str, int],
    block: int,
    in_place: bool,
) -> None:
    monkeypatch.setattr(encoding, "BLOCK", block)
    with ThreadPoolExecutor(3) as pool:
        bundles = [Bundle.load(tiny_bundle_dir) for _ in range(3)]
        built = list(pool.map(lambda bundle: build_gallery(folder, bundle, in_place=in_place), bundles))
    assert encoded == {"images": 6, "texts": 6}
    for gallery in built:
        assert gallery.notices == []
        assert torch.equal(gallery.image_features, built[0].image_features)
        assert torch.equal(gallery.text_features, built[0].text_features)


@pytest.mark.parametrize("block", [1, 3, 64])
def test_what_is_written_grows_with_the_gallery_and_not_with_its_square(
    folder: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(encoding, "BLOCK", block)
    rows: list[int] = []
    save_tensors = kept.files.save_tensors

    def save(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
        rows.append(tensors["features"].shape[0])
        save_tensors(path, tensors, metadata)

    monkeypatch.setattr(kept.files, "save_tensors", save)
    build_gallery(folder, bundle)
    assert sum(rows) == 2 * 12  # each once in its part and once in the store


def test_another_model_on_the_same_encoder_needs_no_encoding(
    folder: Path, bundle: Bundle, encoded: dict[str, int], tmp_path: Path
) -> None:
    gallery = build_gallery(folder, bundle)
    with torch.random.fork_rng(devices=[]):
        other = ALGCN(bundle.model.config)
    path = save_bundle(tmp_path / "other", other, bundle.label_set, encoder=bundle.encoder_reference)
    before = dict(encoded)
    projected = gallery.projected(other)
    assert encoded == before
    built = build_gallery(folder, Bundle.load(path))
    assert torch.equal(projected.image_embeddings, built.image_embeddings)
    assert torch.equal(projected.text_embeddings, built.text_embeddings)
    assert not torch.equal(projected.image_embeddings, gallery.image_embeddings)
    assert projected.items == gallery.items


def decoded_as_before(store: Path) -> None:
    """Make a store one that an earlier version of the program wrote, whose decoding had no number."""
    with safe_open(store, framework="pt") as opened:
        metadata, features = opened.metadata(), opened.get_tensor("features")
    metadata.pop("decoding", None)
    save_file({"features": torch.ones_like(features)}, store, metadata)


def test_what_was_decoded_in_another_way_is_encoded_anew(
    folder: Path, bundle: Bundle, encoded: dict[str, int], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pixels of a picture may be others in this version; a text says what it said."""
    first = build_gallery(folder, bundle)
    [store] = cache.rglob("*.safetensors")
    decoded_as_before(store)
    encoded.update(images=0, texts=0)
    second = build_gallery(folder, bundle)
    assert encoded == {"images": 6, "texts": 0} and second.store_notices == []
    assert torch.equal(second.image_features, first.image_features)
    assert list(cache.rglob("*.safetensors")) == [store]
    build_gallery(folder, bundle)
    assert encoded == {"images": 6, "texts": 0}
    monkeypatch.setattr(kept, "DECODING", "another")
    build_gallery(folder, bundle)
    assert encoded == {"images": 12, "texts": 0}


def test_a_shipped_store_stays_valid(folder: Path, bundle: Bundle, encoded: dict[str, int]) -> None:
    """Who ships one says what is in it; the program's own would else be encoded at every first start."""
    build_gallery(folder, bundle, in_place=True)
    decoded_as_before(folder / STORE_NAME)
    encoded.update(images=0, texts=0)
    build_gallery(folder, bundle)
    assert encoded == {"images": 0, "texts": 0}

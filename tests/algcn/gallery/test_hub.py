"""Galleries on a Hub: every picture that belongs to one travels, whatever its name, and nothing else does."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY_GALLERY
from hub_process import Client, Refused
from hub_server import HubServer
from huggingface_hub.utils import filter_repo_objects
from PIL import Image

from algcn.bundles.bundle import Bundle
from algcn.datasets.image_folder import METADATA, read_image_folder
from algcn.gallery.files import LAYOUT_NAME, STORE_NAME, pictures
from algcn.gallery.hub import GALLERY
from algcn.gallery.layout import gallery_key, gallery_points, write_layout
from algcn.gallery.store import build_gallery
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.kit.files import sha256
from algcn.kit.hub import left_behind, push, pushed
from algcn.kit.images import MAX_BYTES
from algcn.kit.snapshots import _exact_patterns

pytestmark = pytest.mark.usefixtures("healthy_hub")

FOLDERS = ("", "", "night/", "deep/er still/", "[set]/", "Größe/", ".thumbs/")
STEMS = ("a", "[ab]", "*", "q?", "!x", "100% #1 & +", "two  spaces", "日本", unicodedata.normalize("NFD", "é"), ".dot")
SUFFIXES = (".jpg", ".JPG", ".Jpg", ".jfif", ".JPEG", ".pNg", ".webp", ".HEIC", ".1", "", ".jpg.orig", ".")
NOT_PUSHED = {"notes.txt": b"not for others", "ab.jpg": b"matches *.jpg", "night/b.jfif": b"no row names it"}


def write_pictures(folder: Path, names: Iterable[str]) -> None:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        data = io.BytesIO()
        Image.new("RGB", (8, 8), (number % 256, 7 * number % 256, 99)).save(data, "JPEG")
        (folder / name).write_bytes(data.getvalue())


def write_table(folder: Path, names: Iterable[str]) -> None:
    with (folder / METADATA).open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("file_name", "text"), *((name, f"Text of {name}") for name in names)])


def odd_names(seed: int, count: int = 24) -> list[str]:
    choose = random.Random(seed)
    names = {"ab" + ".png": None}
    while len(names) < count:
        names["".join(map(choose.choice, (FOLDERS, STEMS, SUFFIXES)))] = None
    return [name for name in names if not any(other.startswith(f"{name}/") for other in names)]


def odd_gallery(folder: Path, seed: int) -> list[str]:
    """Write a gallery of pictures with odd names; returns the names of its files."""
    names = odd_names(seed)
    folder.mkdir()
    write_pictures(folder, names)
    write_table(folder, names)
    (folder / "README.md").write_text("# Odd names\n")
    return [*names, METADATA, "README.md"]


def tree(folder: str | Path) -> dict[str, str]:
    """The SHA-256 of every file in a folder."""
    folder = Path(folder)
    return {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*") if path.is_file()}


def add_others(folder: Path) -> None:
    for name, data in NOT_PUSHED.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_a_pulled_gallery_is_the_pushed_one(hub: HubServer, client: Client, tmp_path: Path, seed: int) -> None:
    folder, name = tmp_path / "gallery", f"someone/odd-{seed}"
    belong = odd_gallery(folder, seed)
    wanted = tree(folder)
    assert wanted.keys() == set(belong)
    add_others(folder)
    reference = client.ask("push", str(folder), name, kind="gallery")
    repository = hub.repositories["dataset", name]
    assert repository.commits[repository.head].keys() - {".gitattributes"} == set(belong)
    pulled = client.ask("pull", reference, kind="gallery", out=str(tmp_path / "pulled"))
    assert tree(pulled) == wanted
    assert not any(path.is_symlink() for path in Path(pulled).rglob("*"))
    assert read_image_folder(pulled).items == read_image_folder(folder).items


def test_the_features_and_the_layout_travel_with_odd_names(
    client: Client, tiny_bundle_dir: Path, tiny_gallery_dir: Path, tmp_path: Path
) -> None:
    folder, bundle = Path(shutil.copytree(tiny_gallery_dir, tmp_path / "gallery")), Bundle.load(tiny_bundle_dir)
    names = {row[0]: f"{Path(row[0]).stem}{suffix}" for row, suffix in zip(TINY_GALLERY, SUFFIXES[1:], strict=False)}
    for old, new in names.items():
        (folder / old).rename(folder / new)
    write_table(folder, names.values())
    built = build_gallery(folder, bundle, in_place=True)
    count = len(gallery_points(built))
    positions = {dimensions: np.linspace(-1, 1, count * dimensions).reshape(count, -1) for dimensions in (2, 3)}
    write_layout(folder / LAYOUT_NAME, gallery_key(built, bundle), positions)
    reference = client.ask("push", str(folder), "someone/built", kind="gallery")
    pulled = Path(client.ask("pull", reference, kind="gallery", out=str(tmp_path / "pulled")))
    assert tree(pulled) == tree(folder)
    assert {STORE_NAME, LAYOUT_NAME} < tree(pulled).keys()
    opened = build_gallery(pulled, bundle)
    assert opened.items == built.items and opened.image_embeddings.equal(built.image_embeddings)
    assert gallery_key(opened, bundle) == gallery_key(built, bundle)


def test_only_what_the_table_names_is_downloaded(hub: HubServer, client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    odd_gallery(folder, seed=9)
    wanted = tree(folder)
    add_others(folder)
    (folder / "model.pt").write_bytes(b"a pickle")
    path, _ = client.ask("gallery", f"someone/more@{hub.add('someone/more', folder, 'dataset')}")
    assert tree(path) == wanted


def test_a_pinned_gallery_opens_again_without_the_hub(hub: HubServer, client: Client, tmp_path: Path) -> None:
    odd_gallery(tmp_path / "gallery", seed=5)
    reference = client.ask("push", str(tmp_path / "gallery"), "someone/pinned", kind="gallery")
    path, notice = client.ask("gallery", reference)
    assert notice is None
    assert client.ask("gallery", "someone/pinned@main")[0] == path
    hub.requests.clear()
    assert client.ask("gallery", reference) == [path, None]
    assert hub.requests == []
    hub.stop()
    assert client.ask("gallery", reference) == [path, None]
    assert "Using the local copy" in client.ask("gallery", "someone/pinned@main")[1]
    assert tree(path) == tree(tmp_path / "gallery")


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("lost", ["removed", "cut"])
def test_a_cached_gallery_that_lost_a_picture_is_fetched_anew(
    hub: HubServer, client: Client, tmp_path: Path, lost: str, table: bool
) -> None:
    folder, names = tmp_path / "gallery", ["a.Jpg", "b [1].JPG"]
    write_pictures(folder, names)
    if table:
        write_table(folder, names)
    reference = client.ask("push", str(folder), f"someone/{lost}-{table}", kind="gallery")
    path, _ = client.ask("gallery", reference)
    assert tree(path) == tree(folder)
    picture = Path(path) / names[1]
    if lost == "removed":
        picture.unlink()
    else:
        picture.resolve().write_bytes(picture.read_bytes()[:100])
    hub.stop()
    with pytest.raises(Refused, match="There is no whole local copy"):
        client.ask("gallery", reference)
    hub.start()
    assert client.ask("gallery", reference) == [path, None]
    assert tree(path) == tree(folder)


def test_a_damaged_table_in_the_cache_is_fetched_anew(hub: HubServer, client: Client, tmp_path: Path) -> None:
    odd_gallery(tmp_path / "gallery", seed=6)
    reference = client.ask("push", str(tmp_path / "gallery"), "someone/damaged-table", kind="gallery")
    path, _ = client.ask("gallery", reference)
    (Path(path) / METADATA).resolve().write_text("nothing of use")
    assert client.ask("gallery", reference) == [path, None]
    assert tree(path) == tree(tmp_path / "gallery")


def test_a_gallery_without_a_table(hub: HubServer, client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    write_pictures(folder, ["a.Jpg", "night/b.PNG", "[c]/d.TiF", "e.jfif"])
    wanted = tree(folder)
    write_pictures(folder, [".hidden.jpg"])  # reading the folder passes them over
    reference = client.ask("push", str(folder), "someone/no-table", kind="gallery")
    pulled = client.ask("pull", reference, kind="gallery", out=str(tmp_path / "pulled"))
    assert tree(pulled) == wanted
    assert read_image_folder(pulled).items == read_image_folder(folder).items


def test_a_picture_of_any_suffix_is_held_against_its_hash(hub: HubServer, client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    write_pictures(folder, ["a.jfif", "b"])
    write_table(folder, ["a.jfif", "b"])
    reference = client.ask("push", str(folder), "someone/altered", kind="gallery")
    hub.altered = {"b"}
    with pytest.raises(Refused, match=f"The download of b from {reference} arrived damaged"):
        client.ask("gallery", reference)
    hub.heal()
    assert tree(client.ask("gallery", reference)[0]) == tree(folder)


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("../outside.jpg", r"outside the folder"),
        ("/etc/hostname", r"outside the folder"),
        (r"C:\photos\a.jpg", r"outside the folder"),
        (r"..\outside.jpg", r"outside the folder"),
        ("weights.PT", r"'weights\.PT', which may hold a pickle and never travels"),
    ],
)
def test_what_a_table_must_not_name(
    hub: HubServer, client: Client, tmp_path: Path, named: str, sentence: str, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "gallery"
    write_pictures(folder, ["a.jpg", "weights.PT"])
    write_table(folder, ["a.jpg", named])
    name = f"someone/named-{request.node.callspec.indices['named']}"
    commit = hub.add(name, folder, "dataset")
    with pytest.raises(Refused, match=rf"The snapshot {name}@{commit} is not usable\. .*{sentence}"):
        client.ask("gallery", f"{name}@{commit}")
    assert not any("outside" in line or "hostname" in line or "weights" in line for line in hub.requests)
    with pytest.raises(InputError):
        push(folder, "someone/never", GALLERY)


def given_and_found(account: Account, folder: Path) -> None:
    """Every file of a folder is in the account once, as a picture or as another file."""
    files = sum(path.is_file() for path in folder.rglob("*"))
    assert account.given("pictures") + account.given("files") == files


def test_a_stale_row_costs_that_row(client: Client, hub: HubServer, tmp_path: Path) -> None:
    folder, answer = tmp_path / "gallery", tmp_path / "answer.json"
    write_pictures(folder, ["a.jpg"])
    write_table(folder, ["a.jpg", "x y.Jpg", r"night\z", ".git/config"])
    push_it = ("push", str(folder), "someone/stale", "--kind", "gallery", "--json", str(answer))
    assert client.ask("command", *push_it) == 0
    account = json.loads(answer.read_text())["account"]
    assert account["used"] == {"rows": 1, "pictures": 1, "captions": 1, "labels": 0, "files": 1}
    assert [(kind["kind"], kind["unit"], kind["count"]) for kind in account["left_out"]] == [
        ("rows whose picture is not there", "rows", 3)
    ]
    pulled = client.ask("pull", "someone/stale", kind="gallery", out=str(tmp_path / "pulled"))
    assert tree(pulled) == tree(folder)
    assert read_image_folder(pulled).account.to_json() == read_image_folder(folder).account.to_json()
    (folder / "a.jpg").unlink()
    with pytest.raises(Refused, match=r"names no images that are in the folder\. Rows whose picture is not there: 4"):
        client.ask("push", str(folder), "someone/none-left", kind="gallery")
    assert ("dataset", "someone/none-left") not in hub.repositories


def test_a_picture_that_cannot_travel_costs_itself(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    names = ["a.jpg", r"back\slash.jpg", ".cache/b.jpg", "large.jpg"]
    write_pictures(folder, names)
    write_table(folder, names)
    with (folder / "large.jpg").open("r+b") as stream:
        stream.truncate(MAX_BYTES + 1)
    reference = client.ask("push", str(folder), "someone/obstacles", kind="gallery")
    pulled = client.ask("pull", reference, kind="gallery", out=str(tmp_path / "pulled"))
    assert tree(pulled).keys() == {"a.jpg", METADATA}
    account = pushed(folder, GALLERY)
    assert account.counts == {
        "pictures whose names cannot be kept on the Hub": 2,
        "pictures that are too large": 1,
        "captions of pictures left out": 3,
    }
    assert account.given("pictures") == account.given("captions") == 4
    given_and_found(account, folder)
    (folder / "a.jpg").unlink()
    with pytest.raises(InputError, match=r"No picture of .* can travel\. .*Pictures that are too large: 1, for inst"):
        push(folder, "someone/obstacles", GALLERY)


def write_jsonl(folder: Path, name: str, names: Iterable[str]) -> None:
    lines = [json.dumps({"file_name": file, "text": f"Text of {file}", "labels": ["x"]}) for file in names]
    (folder / name).write_text("\n".join(lines), encoding="utf-8")


def write_parquet(folder: Path, name: str, names: Iterable[str]) -> None:
    import pyarrow
    from pyarrow import parquet

    names = list(names)
    table = pyarrow.table({"file_name": names, "text": [f"Text of {file}" for file in names]})
    parquet.write_table(table, folder / name)


def jsonl_gallery(folder: Path) -> None:
    write_pictures(folder, ["a.Jpg", "b", "night/c.1"])
    write_jsonl(folder, "metadata.jsonl", ["a.Jpg", "b", "night/c.1"])


def parquet_gallery(folder: Path) -> None:
    write_pictures(folder, ["a.JPEG", "deep/er/b.jfif"])
    write_parquet(folder, "MetaData.Parquet", ["a.JPEG", "deep/er/b.jfif"])


def gallery_of_splits(folder: Path) -> None:
    for split, names in (("train", ["a.jpg", "b.PNG"]), ("test", ["a.jpg"])):
        write_pictures(folder / split, names)
        write_table(folder / split, names)
    (folder / "test" / METADATA).rename(folder / "test" / "Metadata.CSV")


def gallery_of_classes(folder: Path) -> None:
    write_pictures(folder, ["dog/1.jpg", "dog/2", "cat/1.JPG", "cat/3.webp"])


@pytest.mark.parametrize("make", [jsonl_gallery, parquet_gallery, gallery_of_splits, gallery_of_classes])
def test_every_kind_of_table_travels(client: Client, tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = tmp_path / "gallery"
    make(folder)
    wanted, before = tree(folder), read_image_folder(folder)
    assert len(before) == before.account.given("pictures") >= 2
    (folder / "notes.txt").write_text("stays")
    (folder / "NOTES").write_text("no picture, though its name does not say so")
    (folder / ".thumbs").mkdir()
    write_table(folder / ".thumbs", ["x.jpg"])
    reference = client.ask("push", str(folder), f"someone/{make.__name__}", kind="gallery")
    pulled = client.ask("pull", reference, kind="gallery", out=str(tmp_path / "pulled"))
    assert tree(pulled) == wanted
    after = read_image_folder(pulled)
    assert after.items == before.items and after.account.to_json() == before.account.to_json()
    assert client.ask("gallery", reference) == client.ask("gallery", reference)
    account = pushed(folder, GALLERY)
    assert account.used["pictures"] == len(before) and account.left_out("files") == 3
    given_and_found(account, folder)


def test_what_only_its_content_tells_stays_without_a_table(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    write_pictures(folder, ["a.jpg", "b.orig", "c"])
    reference = client.ask("push", str(folder), "someone/contents", kind="gallery")
    pulled = client.ask("pull", reference, kind="gallery", out=str(tmp_path / "pulled"))
    assert tree(pulled).keys() == {"a.jpg", "c"}
    account = pushed(folder, GALLERY)
    assert account.counts == {"pictures that only their content tells": 1} and account.used["pictures"] == 2
    given_and_found(account, folder)


def test_pictures_behind_a_link_travel(client: Client, tmp_path: Path) -> None:
    write_pictures(tmp_path / "store", ["a.jpg"])
    (folder := tmp_path / "gallery").mkdir()
    (folder / "linked").symlink_to(tmp_path / "store")
    write_table(folder, ["linked/a.jpg"])
    reference = client.ask("push", str(folder), "someone/linked", kind="gallery")
    pulled = client.ask("pull", reference, kind="gallery", out=str(tmp_path / "pulled"))
    assert tree(pulled) == {"linked/a.jpg": sha256(tmp_path / "store" / "a.jpg"), METADATA: sha256(folder / METADATA)}


def test_what_no_picture_is() -> None:
    assert pictures(None, {"a.JPG": MAX_BYTES, "b.txt": 1, ".c.jpg": 1}) == ["a.JPG"]
    assert pictures(None, {"a.JPG": MAX_BYTES + 1, "a\udcff.jpg": 1, "b": 1, "@eaDir/c.jpg": 1}) == ["b"]


def test_the_command_counts_what_it_leaves(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    odd_gallery(folder, seed=7)
    add_others(folder)
    (folder / ".DS_Store").write_bytes(b"x")
    answer = tmp_path / "answer.json"
    push_it = ("push", str(folder), "someone/left", "--kind", "gallery", "--json", str(answer))
    assert client.ask("command", *push_it) == 0
    assert json.loads(answer.read_text())["left"] == ["ab.jpg", "night/b.jfif", "notes.txt", ".DS_Store"]
    account = pushed(folder, GALLERY)
    assert json.loads(answer.read_text())["account"] == account.to_json()
    assert all(line in client.log.read_text() for line in account.lines())
    assert account.counts == {"pictures that no row names": 2, "files that stay here": 2}
    assert len(left_behind(folder, GALLERY)) == 4
    given_and_found(account, folder)


@pytest.mark.parametrize("seed", range(5))
def test_patterns_match_the_wanted_files_and_no_other(seed: int) -> None:
    listed = odd_names(seed, count=60)
    choose = random.Random(seed)
    for wanted in (listed, choose.sample(listed, 30), choose.sample(listed, 1)):
        assert set(filter_repo_objects(listed, allow_patterns=list(_exact_patterns(wanted, listed)))) == set(wanted)
    many = [f"{number}.jpg" for number in range(5000)]
    assert _exact_patterns(many, [*many, "notes.txt"]) == ("*.jpg",)

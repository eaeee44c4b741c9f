"""Publishing a gallery: what is written, what is left alone, and what a kill leaves."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PROJECT, TINY_GALLERY
from indexes import KILLED_BATCH, KILLED_PICTURES, MilvusServer, killed_gallery, made_gallery
from likely import with_probabilities

from algcn.bundles.bundle import Bundle
from algcn.cluster import contents
from algcn.cluster import publish as publishing
from algcn.cluster.address import Address
from algcn.cluster.contents import About, Rows
from algcn.cluster.milvus import EXACT_UP_TO, Collection, open_index, usual_kind
from algcn.cluster.publish import publish
from algcn.gallery.__main__ import main
from algcn.gallery.store import build_gallery
from algcn.kit.errors import InputError, run_command

pytest.importorskip("pymilvus", reason="algcn/cluster/requirements.txt is not installed")
pytest.importorskip("milvus_lite", reason="algcn/cluster/requirements.txt is not installed")

ROWS = KILLED_PICTURES + KILLED_PICTURES * 3 // 2


@pytest.fixture
def bundle(tiny_bundle_dir: Path) -> Bundle:
    return with_probabilities(tiny_bundle_dir)


def everything(collection: Collection) -> list[dict[str, Any]]:
    """All rows of a collection by their keys; one that is there twice is listed twice."""
    fields = ["key", "file", "text", "labels", "ranking", "encoder"]
    return sorted(collection._query("key >= -1", fields), key=lambda row: row["key"])


def rows_at(address: str) -> list[dict[str, Any]]:
    collection = Collection(Address.parse(address))
    collection.load()
    try:
        return everything(collection)
    finally:
        collection.close()


@pytest.mark.parametrize("engine", ("file", "server"))
def test_killed_at_any_moment_it_goes_on_and_ends_with_the_same_rows(
    engine: str, tmp_path: Path, tiny_bundle_dir: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file the kill takes Milvus with it; on a server it leaves Milvus alone with what it was sent."""
    monkeypatch.setattr(publishing, "BATCH", KILLED_BATCH)
    gallery = killed_gallery(bundle)
    undisturbed = str(tmp_path / "undisturbed.db")
    publish(Address.parse(undisturbed), bundle, gallery)
    running = MilvusServer(tmp_path / "server") if engine == "server" else None
    address = running.address() if running else str(tmp_path / "killed.db")
    moments = ("create", "write 1", "write 3", "open", "write 4", "flush", "never")
    path = os.pathsep.join((str(PROJECT), str(PROJECT / "tests")))
    command = [sys.executable, str(PROJECT / "tests" / "indexes.py"), str(tiny_bundle_dir), address, *moments]
    try:
        ran = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=240
        )
        assert ran.stdout.count("\n") == 9, ran.stdout + ran.stderr
        create, one, three, said, opened, four, flush, written, never = ran.stdout.splitlines()
        killed = [create, one, three, four, flush]
        assert killed == [f"{m} -9" for m in ("create", "write 1", "write 3", "write 4", "flush")], ran.stderr
        # The first row is written with nothing else; then three batches, of which nobody finds anything yet.
        assert f"is not whole, {3 * KILLED_BATCH} of {ROWS} rows; python -m algcn.gallery publish" in said
        assert [opened, written, never] == ["open 0", "0", "never 0"], "all was written before the last kill"
        assert rows_at(address) == rows_at(undisturbed)
        assert len(rows_at(address)) == ROWS + 1
        assert open_index(address, bundle, gallery)
    finally:
        if running:
            running.stop()


def test_a_large_gallery_has_the_rows_of_one_in_memory(bundle: Bundle) -> None:
    """Its own are float16, and what is computed of them is float32."""
    gallery = made_gallery(bundle, 20, [("dog",), None])
    names = ("image_embeddings", "text_embeddings", "image_features", "text_features")
    halved = dataclasses.replace(gallery, **{name: getattr(gallery, name).half() for name in names})
    for modality in ("image", "text"):
        for whole, half in zip(*(Rows(bundle, of).of(modality, range(20)) for of in (gallery, halved)), strict=True):
            assert half["labels"] == whole["labels"]
            for space in ("ranking", "encoder"):
                assert half[space].dtype == np.float32
                assert np.allclose(half[space], whole[space], atol=2e-2)
                assert not np.array_equal(half[space], half[space].astype(np.float16).astype(np.float32))


def test_only_what_is_missing_is_written(tmp_path: Path, bundle: Bundle) -> None:
    gallery, address = made_gallery(bundle, KILLED_PICTURES), Address.parse(str(tmp_path / "a.db"))
    seen: list[tuple[int, int]] = []
    assert publish(address, bundle, gallery, lambda *at: seen.append(at)) == (ROWS, ROWS, "FLAT")
    assert seen[-1] == (ROWS, ROWS) and seen == sorted(seen)
    before = rows_at(str(address))
    assert publish(address, bundle, gallery) == (ROWS, 0, "FLAT")
    collection = Collection(address)
    collection._client.delete("gallery", ids=[4, 7, 9])
    assert publish(address, bundle, gallery) == (ROWS, 3, "FLAT")
    assert rows_at(str(address)) == before


def changed_labels(bundle: Bundle) -> None:
    bundle.ranking.rarity[0] += 1


def changed_probabilities(bundle: Bundle) -> None:
    bundle.probabilities["text"].slope[0] += 1


@pytest.mark.parametrize("change", (changed_labels, changed_probabilities))
def test_another_model_is_noticed(change: Callable[[Bundle], None], tmp_path: Path, bundle: Bundle) -> None:
    gallery, address = made_gallery(bundle, 20), Address.parse(str(tmp_path / "a.db"))
    publish(address, bundle, gallery)
    before = rows_at(str(address))
    change(bundle)
    with pytest.raises(InputError, match=r"holds another model's vectors .* --replace to delete it\.$"):
        publish(address, bundle, gallery)
    assert rows_at(str(address)) == before
    assert publish(address, bundle, gallery, replace=True).written == 50
    assert open_index(str(address), bundle, gallery)


def test_what_changes_only_the_query_needs_no_publishing(tmp_path: Path, bundle: Bundle) -> None:
    gallery, address = made_gallery(bundle, 20), str(tmp_path / "a.db")
    publish(Address.parse(address), bundle, gallery)
    bundle.ranking = bundle.ranking.reweighted(labels=2.0)
    assert open_index(address, bundle, gallery)


@pytest.mark.parametrize("what", ("a picture", "a text", "a label", "no labels"))
def test_a_changed_gallery_is_noticed(what: str, tmp_path: Path, bundle: Bundle) -> None:
    gallery, address = made_gallery(bundle, 20, [("dog",)]), Address.parse(str(tmp_path / "a.db"))
    publish(address, bundle, gallery)
    if what == "a picture":
        gallery.items[3] = dataclasses.replace(gallery.items[3], file_name="other.jpg")
    elif what == "a text":
        gallery.texts[3] = "other"
    else:
        gallery.items[3] = dataclasses.replace(gallery.items[3], labels=["cat"] if what == "a label" else None)
    with pytest.raises(InputError, match="another gallery, or this one before it changed"):
        publish(address, bundle, gallery)
    assert publish(address, bundle, gallery, replace=True).written == 50


def test_another_kind_of_search_is_said(tmp_path: Path, bundle: Bundle) -> None:
    gallery, address = made_gallery(bundle, 20), Address.parse(str(tmp_path / "a.db"))
    publish(address, bundle, gallery, kind="HNSW")
    with pytest.raises(InputError, match="the same gallery to be searched as HNSW"):
        publish(address, bundle, gallery)
    assert publish(address, bundle, gallery, kind="FLAT", replace=True).kind == "FLAT"
    assert open_index(str(address), bundle, gallery)


def test_the_usual_kind_is_exact_while_it_can_be() -> None:
    file, server = Address.parse("a.db"), Address.parse("milvus://localhost/a")
    assert [usual_kind(server, rows) for rows in (1, EXACT_UP_TO, EXACT_UP_TO + 1)] == ["FLAT", "FLAT", "HNSW"]
    assert usual_kind(file, 10**6) == "FLAT"


@pytest.mark.parametrize("same_fields", (False, True))
def test_a_collection_of_something_else_is_never_touched(same_fields: bool, tmp_path: Path, bundle: Bundle) -> None:
    gallery, address = made_gallery(bundle, 20), Address.parse(str(tmp_path / "a.db"))
    collection = Collection(address)
    if same_fields:
        collection.create(About("a", "b", "FLAT", 1, 1), {"ranking": 4, "encoder": 4})
        collection._client.delete("gallery", ids=[contents.ABOUT])
        vector = [0.0] * 4
        collection.write([{"key": 5, "file": "", "text": "", "labels": [], "ranking": vector, "encoder": vector}])
    else:
        collection._client.create_collection("gallery", dimension=4)
        collection._client.insert("gallery", [{"id": 5, "vector": [0.0] * 4}])
    for ask in (
        lambda: publish(address, bundle, gallery, replace=True),
        lambda: open_index(str(address), bundle, gallery),
    ):
        with pytest.raises(InputError, match=r"holds something else than a gallery; name another one\.$"):
            ask()
    assert collection.count() == 1


def test_what_milvus_cannot_hold(tmp_path: Path, bundle: Bundle) -> None:
    gallery, address = made_gallery(bundle, 3), Address.parse(str(tmp_path / "a.db"))
    gallery.items[0] = dataclasses.replace(gallery.items[0], file_name=os.fsdecode(b"\xff.jpg"))
    gallery.texts[0] = "é" * 40_000
    publish(address, bundle, gallery)
    row, *_ = [row for row in rows_at(str(address)) if row["key"] == contents.key_of("text", 0)]
    assert row["file"] == "\\udcff.jpg" and row["text"] == "é" * 32_767
    many = [str(number) for number in range(contents.MOST_LABELS + 1)]
    gallery.items[1] = dataclasses.replace(gallery.items[1], labels=many)
    with pytest.raises(InputError, match=r"^The picture 1\.jpg has 4,097 labels, and Milvus holds 4,096; "):
        publish(address, bundle, gallery, replace=True)


@pytest.mark.parametrize("text", ("", "{}", "[]", "null", "1", '{"format": "algcn-index-1"}', '{"format": "other"}'))
def test_what_says_nothing_of_a_gallery(text: str) -> None:
    assert About.from_json(text) is None


def test_the_command(
    tmp_path: Path,
    tiny_bundle_dir: Path,
    tiny_gallery_dir: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALGCN_CACHE", str(tmp_path / "cache"))
    photos = shutil.copytree(tiny_gallery_dir, tmp_path / "photos")
    argv = ["publish", str(photos), "--bundle", str(tiny_bundle_dir), "--index", str(tmp_path / "a.db")]
    pictures, texts = len(TINY_GALLERY), sum(len(row[3]) for row in TINY_GALLERY)
    for written in (pictures + texts, 0):
        main([*argv, "--json", str(tmp_path / "answer.json"), "--quiet"])
        answer = json.loads((tmp_path / "answer.json").read_text())
        assert (answer["pictures"], answer["texts"], answer["rows"], answer["written"], answer["kind"]) == (
            pictures,
            texts,
            pictures + texts,
            written,
            "FLAT",
        )
    assert f"{pictures + texts:,} rows written, 0 were there; searched as FLAT" in capsys.readouterr().out
    bundle = Bundle.load(tiny_bundle_dir)
    gallery = build_gallery(photos, bundle)
    assert open_index(str(tmp_path / "a.db"), bundle, gallery).nearest(
        "image", "encoder", gallery.image_features[2].numpy(), 1, None
    ).rows.tolist() == [2]
    (photos / TINY_GALLERY[0][0]).unlink()
    assert run_command(main, argv) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: The index ") and "before it changed" in said and said.count("\n") == 1
    main([*argv, "--replace"])
    assert "rows written, 0 were there" in capsys.readouterr().out


def test_an_address_is_refused_before_anything_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(main, ["publish", "no folder", "--bundle", "no bundle", "--index", "photos"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: The address of an index cannot be 'photos'; write milvus://HOST:PORT/COLLECTION")

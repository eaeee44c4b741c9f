"""Damaged files of every kind that is read: each gives a result or one sentence, in bounded memory."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from curves import calibration
from hypothesis import given
from hypothesis import strategies as st
from mutations import Damage, bounded_memory, damages, examples
from official import write_ms_coco
from safetensors.torch import load_file
from scipy.io import savemat
from scipy.sparse import csc_matrix

from algcn.bundles.bundle import Bundle
from algcn.bundles.manifest import CONFIG_NAME, HASHED, HISTORY_NAME, METRICS_NAME, MODEL_NAME, WITHOUT_GCN_NAME
from algcn.bundles.predictor import LabelPredictor
from algcn.bundles.saving import save_bundle
from algcn.datasets.authors import read_reference_cooccurrence, read_reference_folder, write_reference_folder
from algcn.datasets.features import Features
from algcn.datasets.image_folder import read_image_folder
from algcn.datasets.ms_coco import MsCoco
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import BALANCED, Ranking, Weights, joined
from algcn.gallery.files import STORE_NAME
from algcn.gallery.layout import read_layout, write_layout
from algcn.gallery.store import build_gallery
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.kit.files import sha256
from algcn.kit.mat import read_variable
from algcn.method.authors import load_reference_checkpoint, save_reference_checkpoint
from algcn.method.config import ModelConfig, TrainConfig
from algcn.method.label_graph import DirectedGraph
from algcn.method.labels import Label, LabelSet
from algcn.method.model import ALGCN
from algcn.training.label_embeddings import read_label_embeddings
from algcn.training.prior_labels import read_prior_labels

LABELS = LabelSet([Label("dog", "animal", synonyms=("puppy",)), Label("sea"), Label("car", source="mined")])
CONFIG = ModelConfig(image_dim=6, text_dim=5, num_labels=3, common_dim=4, label_dim=5)
WORDS = b"4 3\ndog 0.5 1 -2\nsea 1e-3 2 3\ncar 4 5 6\nAt home 7 8 9\n"
MATRIX = np.arange(12.0).reshape(4, 3) % 2


@pytest.fixture(autouse=True)
def _bounded_memory() -> Iterator[None]:
    with bounded_memory():
        yield


def reads(read: Callable[[], Any]) -> Any:
    """What a reader makes of a file; None where it says in a sentence why not."""
    try:
        return read()
    except InputError as error:
        said = str(error)
        assert said[0].isupper() or said.startswith("/"), said
        assert said.endswith((".", "?")) and "\n" not in said, said
        return None


def features() -> Features:
    generator = torch.Generator().manual_seed(0)
    return Features(
        image_features=torch.rand(9, 6, generator=generator),
        text_features=torch.rand(9, 5, generator=generator),
        labels=(torch.rand(9, 3, generator=generator) > 0.5).long(),
        split=["train"] * 4 + ["validation"] * 2 + ["test"] * 3,
        label_set=LABELS,
        file_names=[f"{number}.jpg" for number in range(9)],
        encoder={"reference": "weights/pocket", "fingerprint": "0123"},
    )


def in_header(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Change the header of a safetensors file and keep its length right, so that what it says is looked at."""

    def changed(data: bytes) -> bytes:
        (length,) = struct.unpack("<Q", data[:8])
        header = change(data[8 : 8 + length])
        return struct.pack("<Q", len(header)) + header + data[8 + length :]

    return changed


def in_member(name: str, change: Callable[[bytes], bytes], packing: int) -> Callable[[bytes], bytes]:
    """Change one file of an archive and pack it anew, so that its checksum is right."""

    def changed(data: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w", packing) as again:
            for entry in archive.infolist():
                content = archive.read(entry)
                again.writestr(entry.filename, change(content) if entry.filename.endswith(name) else content)
        return out.getvalue()

    return changed


# --- data sets -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ms_coco(tmp_path_factory.mktemp("coco"), train=4, test=2)


@examples(100)
@given(damage=damages(), which=st.integers(0, 3))
def test_coco_json(coco: Path, damage: Damage, which: int) -> None:
    path = sorted((coco / "annotations").iterdir())[which]
    whole = path.read_bytes()

    def read() -> None:
        with contextlib.closing(MsCoco(coco)) as collection:
            left_out = Account()
            for record in collection.records(left_out):
                assert record.texts and record.labels

    damage.apply_to(path, whole)
    try:
        reads(read)
    finally:
        path.write_bytes(whole)


def table(suffix: str) -> bytes:
    rows = [
        {"file_name": "a.png", "text": "A dog", "labels": "dog|sea", "split": "train"},
        {"file_name": "b/c.png", "text": 'Said "so", twice', "labels": "", "split": "test"},
        {"file_name": "d.png", "text": "", "labels": "car", "split": "train"},
    ]
    if suffix == "csv":
        lines = [",".join(f'"{value.replace(chr(34), chr(34) * 2)}"' for value in row.values()) for row in rows]
        return "\r\n".join([",".join(rows[0]), *lines]).encode()
    if suffix == "jsonl":
        return "\n".join(json.dumps({**row, "labels": row["labels"].split("|")}) for row in rows).encode()
    import pyarrow
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue()


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@examples(100)
@given(damage=damages())
def test_tables_of_image_folders(tmp_path: Path, suffix: str, damage: Damage) -> None:
    for name in ("a.png", "b/c.png", "d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    damage.apply_to(tmp_path / f"metadata.{suffix}", table(suffix))
    folder = reads(lambda: read_image_folder(tmp_path))
    if folder is not None:
        assert all(folder.path(item).is_file() for item in folder.items)
        assert folder.account.sentences() is not None


# --- the authors' files, prior labels and label embeddings -----------------------------------------------------------

MATS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({"inp": MATRIX}, {}),
    "packed": ({"inp": MATRIX}, {"do_compression": True}),
    "sparse": ({"inp": csc_matrix(MATRIX)}, {}),
    "whole numbers": ({"inp": MATRIX.astype(np.uint8)}, {}),
    "version 4": ({"inp": MATRIX}, {"format": "4"}),
    "sparse version 4": ({"inp": csc_matrix(MATRIX)}, {"format": "4"}),
    "others": ({"inp": MATRIX, "cell": np.array([[1], "x"], dtype=object), "struct": {"a": {"b": MATRIX}}}, {}),
}


@pytest.mark.parametrize("kind", MATS)
@examples(150)
@given(damage=damages())
def test_mat(tmp_path: Path, kind: str, damage: Damage) -> None:
    path = tmp_path / "inp.mat"
    variables, options = MATS[kind]
    savemat(path, variables, **options)
    damage.apply_to(path, path.read_bytes())
    for name in ("inp", None):
        matrix = reads(lambda name=name: read_variable(path, name))
        assert matrix is None or (matrix.ndim == 2 and torch.isfinite(matrix).all())
    reads(lambda: read_prior_labels(path, LABELS))
    reads(lambda: read_label_embeddings(str(path), LABELS))


@examples(100)
@given(damage=damages(), which=st.integers(0, 7))
def test_the_authors_folder(tmp_path: Path, damage: Damage, which: int) -> None:
    write_reference_folder(features(), tmp_path)
    path = sorted(tmp_path.iterdir())[which]
    damage.apply_to(path, path.read_bytes())
    reads(lambda: read_reference_folder(tmp_path))
    reads(lambda: read_reference_cooccurrence(tmp_path))
    reads(lambda: read_prior_labels(tmp_path / "train_lab.mat", LABELS))


@pytest.mark.parametrize("where", ["anywhere", "pickle", "packed pickle", "older format"])
@examples(150)
@given(damage=damages())
def test_pth(tmp_path: Path, where: str, damage: Damage) -> None:
    path = tmp_path / "model.pth"
    torch.manual_seed(0)
    save_reference_checkpoint(ALGCN(CONFIG), path)
    if where == "older format":
        torch.save(torch.load(path, weights_only=True), path, _use_new_zipfile_serialization=False)
    change = damage.apply
    if "pickle" in where:
        packing = zipfile.ZIP_DEFLATED if where == "packed pickle" else zipfile.ZIP_STORED
        change = in_member("data.pkl", change, packing)
    path.write_bytes(change(path.read_bytes()))
    model = reads(lambda: load_reference_checkpoint(path))
    assert model is None or all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


@examples(100)
@given(damage=damages())
def test_word_vectors(tmp_path: Path, damage: Damage) -> None:
    damage.apply_to(tmp_path / "vectors.txt", WORDS)
    embeddings = reads(lambda: read_label_embeddings(str(tmp_path / "vectors.txt"), LABELS))
    assert embeddings is None or torch.isfinite(embeddings).all()


# --- features, bundles and galleries ---------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["anywhere", "header"])
@examples(150)
@given(damage=damages())
def test_features(tmp_path: Path, where: str, damage: Damage) -> None:
    path = tmp_path / "features.safetensors"
    features().save(path)
    change = in_header(damage.apply) if where == "header" else damage.apply
    path.write_bytes(change(path.read_bytes()))
    reads(lambda: Features.load(path))
    reads(lambda: read_prior_labels(path, LABELS))


def write_bundle(path: Path) -> Path:
    torch.manual_seed(0)
    scale = PlattScale(torch.tensor([3.0, 4.0, 5.0]), torch.tensor([-1.0, -2.0, 0.5]))
    return save_bundle(
        path,
        ALGCN(CONFIG),
        LABELS,
        training=TrainConfig(epochs=2),
        thresholds={"image": torch.tensor([0.1, 0.2, float("nan")]), "text": torch.tensor([0.3, 0.2, 0.1])},
        probabilities={"image": scale, "text": scale},
        ranking=Ranking(BALANCED, Weights(0.1, 1.5, 0.2), torch.tensor([0.5, 1.0, 1.5])),
        calibration=calibration(uncounted=(LABELS.names[0],), cutoff=0.2),
        metrics={"validation": {"map": {"image_to_text": 0.5, "text_to_image": 0.5, "average": 0.5}}, "seed": 3},
        history={"learned_change": torch.rand(3, 3, 3), "classifiers": torch.rand(3, 3, 4).half()},
        without_gcn=ALGCN(CONFIG.replace(use_gcn=False)),
        paper=ALGCN(CONFIG),
        directed_graph=DirectedGraph(torch.rand(3, 3), torch.rand(3, 3), torch.rand(3)),
    )


def ranked(bundle: Bundle) -> None:
    """Rank an item for itself: whatever a config says, there is a score."""
    items = torch.ones(2, CONFIG.common_dim)
    likely = LabelPredictor(bundle).probabilities(items, "image")
    parts = bundle.ranking.parts(items, likely, torch.ones(2, 3))
    assert bool((bundle.ranking.weighted(parts) @ joined(parts).T).isfinite().all())


def use_bundle(path: Path) -> None:
    """Read all that is in a bundle."""
    bundle = reads(lambda: Bundle.load(path))
    if bundle is None:
        return
    for read in (
        lambda: bundle.training,
        lambda: bundle.record.problems,
        lambda: bundle.history,
        lambda: bundle.without_gcn,
        lambda: bundle.paper_model,
        lambda: bundle.directed_graph,
        lambda: LabelPredictor(bundle).scores(torch.ones(1, CONFIG.common_dim)),
        lambda: ranked(bundle),
        bundle.encoder,
        bundle.label_graph,
    ):
        reads(read)


@examples(300)
@given(damage=damages())
def test_the_config_of_a_bundle(tmp_path: Path, damage: Damage) -> None:
    path = tmp_path / "bundle"
    whole = tmp_path / CONFIG_NAME
    if not whole.is_file():
        write_bundle(path)
        whole.write_bytes((path / CONFIG_NAME).read_bytes())
    damage.apply_to(path / CONFIG_NAME, whole.read_bytes())
    use_bundle(path)


@pytest.mark.parametrize("name", [MODEL_NAME, WITHOUT_GCN_NAME, HISTORY_NAME, METRICS_NAME])
@examples(100)
@given(damage=damages(), header=st.booleans())
def test_the_files_of_a_bundle(tmp_path: Path, name: str, damage: Damage, header: bool) -> None:
    path = tmp_path / "bundle"
    if not (tmp_path / name).is_file():
        write_bundle(path)
        (tmp_path / name).write_bytes((path / name).read_bytes())
    change = in_header(damage.apply) if header and name != METRICS_NAME else damage.apply
    (path / name).write_bytes(change((tmp_path / name).read_bytes()))
    config = json.loads((path / CONFIG_NAME).read_text(encoding="utf-8"))
    config["files"] = {file: sha256(path / file) for file in HASHED if (path / file).is_file()}
    (path / CONFIG_NAME).write_text(json.dumps(config), encoding="utf-8")
    use_bundle(path)


@examples(150)
@given(damage=damages())
def test_label_files(tmp_path: Path, damage: Damage) -> None:
    damage.apply_to(tmp_path / "labels.json", json.dumps(LABELS.to_json()).encode())
    labels = reads(lambda: LabelSet.load(tmp_path / "labels.json"))
    assert labels is None or labels.find("a dog at the sea") is not None


@pytest.fixture(scope="module")
def tiny_bundle(tiny_bundle_dir: Path) -> Bundle:
    return Bundle.load(tiny_bundle_dir)


@pytest.mark.parametrize("where", ["anywhere", "header"])
@examples(60)
@given(damage=damages())
def test_the_store_of_a_gallery(
    tmp_path: Path, tiny_gallery_dir: Path, tiny_bundle: Bundle, where: str, damage: Damage
) -> None:
    folder = tmp_path / "gallery"
    if not folder.is_dir():
        folder.mkdir()
        for path in tiny_gallery_dir.rglob("*"):
            if path.is_file():
                (folder / path.relative_to(tiny_gallery_dir)).parent.mkdir(exist_ok=True)
                (folder / path.relative_to(tiny_gallery_dir)).write_bytes(path.read_bytes())
        build_gallery(folder, tiny_bundle, in_place=True)
        (folder / STORE_NAME).rename(tmp_path / STORE_NAME)
    change = in_header(damage.apply) if where == "header" else damage.apply
    (folder / STORE_NAME).write_bytes(change((tmp_path / STORE_NAME).read_bytes()))
    gallery = build_gallery(folder, tiny_bundle)
    assert len(gallery) == 6
    assert torch.isfinite(gallery.image_embeddings).all() and torch.isfinite(gallery.text_embeddings).all()


@pytest.mark.parametrize("where", ["anywhere", "header"])
@examples(150)
@given(damage=damages())
def test_the_layout_of_a_gallery(tmp_path: Path, where: str, damage: Damage) -> None:
    path = tmp_path / "layout.safetensors"
    write_layout(path, "key", {2: np.zeros((4, 2)), 3: np.zeros((4, 3))})
    change = in_header(damage.apply) if where == "header" else damage.apply
    path.write_bytes(change(path.read_bytes()))
    layout = read_layout(path, "key", 4)
    assert layout is None or (layout[2].shape, layout[3].shape) == ((4, 2), (4, 3))


def test_whole_files_are_read(tmp_path: Path, coco: Path) -> None:
    write_bundle(tmp_path / "bundle")
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.without_gcn is not None and bundle.history is not None and bundle.training.epochs == 2
    assert load_file(tmp_path / "bundle" / MODEL_NAME)
    features().save(tmp_path / "features.safetensors")
    assert len(Features.load(tmp_path / "features.safetensors")) == 9

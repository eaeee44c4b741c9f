"""What several test files need: a random encoder of a few megabytes, a bundle on it, and a small gallery."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from disks import SmallDisk
    from hub_process import Client
    from hub_server import HubServer
    from playwright.sync_api import Browser
    from serving import Server

    from algcn.datasets.features import Features

PROJECT = Path(__file__).resolve().parent.parent
TINY_WIDTH = 32
TINY_LABELS = ("beach", "boat", "dog", "street", "car", "night")
TINY_GALLERY = (
    # file name, colours of sky and ground, texts, labels
    ("beach.png", "skyblue", "khaki", ("A boat on a sunny beach",), ("beach", "boat")),
    ("beach_dog.webp", "skyblue", "wheat", ("A dog runs on the beach", "Sand, sea & <b>a dog</b>"), ("beach", "dog")),
    ("street.jpg", "lightgrey", "dimgrey", ("A car on a street",), ("street", "car")),
    ("night/street.png", "midnightblue", "black", ("A street at night 🌃",), ("street", "night")),
    ("night/boat.png", "midnightblue", "navy", (), ("boat", "night")),
    ("unlabelled.png", "white", "green", ("Something green",), ()),
)


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data that $ALGCN_DATA names; the test is skipped where there is none."""
    root = Path(os.environ.get("ALGCN_DATA") or PROJECT.parent / "shared" / "data")
    if not root.is_dir():
        pytest.skip(f"no real data at {root}; set ALGCN_DATA to run this test")
    return root


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing a test caches lands in, or comes from, the caches of whoever runs it; and there is no network."""
    root = tmp_path_factory.mktemp("cache")
    patch = pytest.MonkeyPatch()
    patch.setenv("ALGCN_CACHE", str(root / "algcn"))
    patch.setenv("HF_HOME", str(root / "huggingface"))
    patch.setenv("HF_HUB_OFFLINE", "1")
    yield
    patch.undo()


def write_tiny_encoder(folder: Path, *, seed: int = 0, dtype: torch.dtype = torch.float16) -> Path:
    """A random open_clip model in open_clip's own format: a timm image tower and a one-layer text transformer."""
    import open_clip
    from safetensors.torch import save_file

    model_cfg = {
        "embed_dim": TINY_WIDTH,
        "vision_cfg": {
            "timm_model_name": "test_efficientnet",
            "timm_pool": "",
            "timm_proj": "linear",
            "image_size": 64,
        },
        "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    preprocess_cfg = {
        "size": [64, 64],
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "interpolation": "bicubic",
        "resize_mode": "squash",
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = open_clip.CLIP(**json.loads(json.dumps(model_cfg)))
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: value.to(dtype) if value.is_floating_point() else value for name, value in model.state_dict().items()
    }
    save_file({name: value.contiguous() for name, value in state.items()}, folder / "open_clip_model.safetensors")
    config = {"model_cfg": model_cfg, "preprocess_cfg": preprocess_cfg}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    return folder


def write_tiny_gallery(folder: Path) -> Path:
    """An image folder of six generated pictures with texts and labels."""
    rows = []
    for name, sky, ground, texts, labels in TINY_GALLERY:
        picture = Image.new("RGB", (96, 64), sky)
        ImageDraw.Draw(picture).rectangle((0, 40, 96, 64), fill=ground)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(folder / name)
        rows.extend((name, text, "|".join(labels)) for text in texts or ("",))
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("file_name", "text", "labels"))
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="session")
def tiny_encoder_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random encoder (32 features, 64-pixel images); copy it before changing it."""
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder") / "encoder")


@pytest.fixture(scope="session")
def vgg_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """VGG-19 with random weights as a safetensors file in float16 (280 MB), by timm's names."""
    import timm
    from safetensors.torch import save_file

    with torch.device("meta"):
        model = timm.create_model("vgg19", pretrained=False, num_classes=0)
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, tensor in model.state_dict().items():
        scale = (2 / max(1, tensor[0].numel())) ** 0.5 if tensor.ndim > 1 else 0.01
        # a million random numbers, repeated: random enough, and quicker than 140 million
        block = torch.randn(min(tensor.numel(), 1 << 20), generator=generator) * scale
        repeats = -(-tensor.numel() // len(block))
        state[name] = block.repeat(repeats)[: tensor.numel()].reshape(tensor.shape).half()
    path = tmp_path_factory.mktemp("vgg") / "model.safetensors"
    save_file(state, path)
    yield path
    path.unlink()


@pytest.fixture(scope="session")
def tiny_bundle_dir(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_dir: Path) -> Path:
    """A random bundle of six labels on `tiny_encoder_dir`; copy it before changing it."""
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny", tiny_encoder_dir)


def write_tiny_bundle(folder: Path, encoder: Path) -> Path:
    """A random bundle of six labels on a tiny encoder."""
    from algcn.bundles.saving import save_bundle
    from algcn.method.config import ModelConfig
    from algcn.method.labels import Label, LabelSet
    from algcn.method.model import ALGCN

    config = ModelConfig(
        image_dim=TINY_WIDTH, text_dim=TINY_WIDTH, num_labels=len(TINY_LABELS), common_dim=48, label_dim=8
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = ALGCN(config, torch.eye(len(TINY_LABELS)))
    groups = ("scene", "thing", "animal", "scene", "thing", "scene")
    label_set = LabelSet([Label(name, group) for name, group in zip(TINY_LABELS, groups, strict=True)])
    return save_bundle(folder, model, label_set, encoder=encoder, readme="# Tiny\n")


@pytest.fixture(scope="session")
def pictures_bundle_dir(tmp_path_factory: pytest.TempPathFactory, tiny_encoder_dir: Path) -> Path:
    """A random bundle of five labels, called "pictures", that reads pictures only: its texts are bags of 20 tags."""
    from algcn.bundles.saving import save_bundle
    from algcn.method.config import ModelConfig
    from algcn.method.labels import Label, LabelSet
    from algcn.method.model import ALGCN

    labels = (("beach", "scene"), ("boat", "thing"), ("dog", "animal"), ("plant_life", "thing"), ("sky", "scene"))
    config = ModelConfig(image_dim=TINY_WIDTH, text_dim=20, num_labels=len(labels), common_dim=48, label_dim=8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        model = ALGCN(config, torch.eye(len(labels)))
        alone = ALGCN(config.replace(use_gcn=False), torch.eye(len(labels)))
        classifiers = model.classifiers().detach()
        changes = model.label_graph()["learned_change"].detach()
    return save_bundle(
        tmp_path_factory.mktemp("bundle") / "pictures",
        model,
        LabelSet([Label(name, group) for name, group in labels]),
        encoder=tiny_encoder_dir,
        encodes={"image"},
        thresholds={"image": torch.zeros(len(labels)), "text": torch.zeros(len(labels))},
        history={"learned_change": torch.stack([0 * changes, changes]), "classifiers": classifiers.repeat(2, 1, 1)},
        without_gcn=alone,
        readme="# Pictures only\n",
    )


@pytest.fixture(scope="session")
def tiny_gallery_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with six generated pictures and a metadata.csv; copy it before changing it."""
    return write_tiny_gallery(tmp_path_factory.mktemp("gallery") / "tiny")


@pytest.fixture(scope="session")
def make_features() -> Callable[..., Features]:
    """A factory of learnable feature sets: labels in two groups that occur together, seen through noise."""
    from algcn.datasets.features import Features
    from algcn.method.labels import Label, LabelSet

    def make(
        count: int = 240, *, texts: int = 1, noise: float = 1.0, seed: int = 0, mined: int = 2, validation: bool = True
    ) -> Features:
        """`count` images, each with `texts` texts."""
        generator = torch.Generator().manual_seed(seed)
        names = ("person", "dog", "cat", "beach", "sea", "boat")
        group = torch.randint(2, (count, 1), generator=generator)
        chance = torch.where(torch.arange(6) // 3 == group, 0.5, 0.05)
        labels = (torch.rand(count, 6, generator=generator) < chance).to(torch.uint8)
        labels[labels.sum(dim=1) == 0, 0] = 1
        # The projections are the same for every seed: another seed is another sample of the same world.
        world = torch.Generator().manual_seed(99)
        owner = torch.arange(count * texts) // texts
        image, text = (
            labels[rows].float() @ torch.randn(6, width, generator=world)
            + noise * torch.randn(len(rows), width, generator=generator)
            for width, rows in ((16, torch.arange(count)), (12, owner))
        )
        parts = ("train", "train", "train", "validation" if validation else "train", "test")
        sources = ["annotated"] * (6 - mined) + ["mined"] * mined
        return Features(
            image_features=image[owner],
            text_features=text,
            labels=labels[owner],
            split=[parts[image % 5] for image in owner.tolist()],
            label_set=LabelSet([Label(name, "", source) for name, source in zip(names, sources, strict=True)]),
            file_names=[f"{image}.png" for image in owner.tolist()],
        )

    return make


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many pictures and texts went through an encoder."""
    from algcn.features.encoder import Encoder

    counts = {"images": 0, "texts": 0}
    encode_pixels, encode_texts = Encoder.encode_pixels, Encoder.encode_texts

    def count_pixels(self, pixels):
        counts["images"] += len(pixels)
        return encode_pixels(self, pixels)

    def count_texts(self, texts, *args):
        counts["texts"] += len(texts)
        return encode_texts(self, texts, *args)

    monkeypatch.setattr(Encoder, "encode_pixels", count_pixels)
    monkeypatch.setattr(Encoder, "encode_texts", count_texts)
    return counts


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of a megabyte; the test is skipped where none can be mounted."""
    from disks import small_disk

    with small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium, shared by all tests of the page."""
    from browsing import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def tiny_server(
    tmp_path_factory: pytest.TempPathFactory, tiny_bundle_dir: Path, tiny_gallery_dir: Path
) -> Iterator[Server]:
    """The running program on the random bundle and a gallery whose words are not to be trusted."""
    from serving import serve, write_hostile_gallery

    root = tmp_path_factory.mktemp("server")
    gallery = write_hostile_gallery(tiny_gallery_dir, root / "gallery")
    (root / "home").mkdir()
    with serve(root / "home", ("--bundle", tiny_bundle_dir, "--gallery", gallery, "--mcp")) as server:
        yield server


@pytest.fixture(scope="session")
def paper_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The running program with the shipped model of mode paper alone."""
    from paper_bundles import write_paper_bundle
    from serving import serve

    folder = tmp_path_factory.mktemp("paper")
    (folder / "home").mkdir()
    with serve(folder / "home", ("--bundle", write_paper_bundle(folder / "pocket"))) as server:
        yield server


@pytest.fixture(scope="session")
def pocket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The running program as it comes, but asked for a bundle on a Hub that cannot be reached."""
    from serving import serve

    home = tmp_path_factory.mktemp("pocket") / "home"
    home.mkdir()
    with serve(home, ("--bundle", "nobody/no-such-bundle")) as server:
        yield server


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    """A Hub on loopback."""
    from hub_server import HubServer

    with HubServer() as server:
        yield server


@pytest.fixture(scope="module")
def client(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A process that asks that Hub."""
    from hub_process import running_client

    with running_client(hub.url, tmp_path_factory.mktemp("client")) as running:
        yield running


@pytest.fixture
def healthy_hub(hub: HubServer) -> Iterator[None]:
    """The Hub without a fault after each test."""
    yield
    hub.heal()
    if hub._server is None:
        hub.start()
    assert set(hub.unknown) <= {"GET /api/agent-harnesses"}, "the client asked for something no Hub test knows"

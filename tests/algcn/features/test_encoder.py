"""Encoders: open_clip models from a folder, by open_clip's own loader."""

from __future__ import annotations

import json
import random
import shutil
import string
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import PROJECT, TINY_WIDTH, write_tiny_encoder
from PIL import Image
from safetensors.torch import load_file, save_file

from algcn.features.encoder import MAX_TEXT_LENGTH, Encoder, clean_text, load_encoder
from algcn.features.encoder_files import encoder_fingerprint, read_encoder_config
from algcn.kit.errors import InputError


@pytest.fixture(scope="module")
def encoder(tiny_encoder_dir: Path) -> Encoder:
    return load_encoder(tiny_encoder_dir)


@pytest.fixture
def folder(tiny_encoder_dir: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_encoder_dir, tmp_path / "encoder"))


def change_config(folder: Path, change) -> None:
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


def pictures(count: int = 3) -> list[Image.Image]:
    rng = random.Random(count)
    return [Image.effect_noise((40 + i, 30), rng.uniform(10, 90)).convert("RGB") for i in range(count)]


def test_features_are_what_open_clip_gives(encoder: Encoder, tiny_encoder_dir: Path) -> None:
    import open_clip

    model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{tiny_encoder_dir}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{tiny_encoder_dir}")
    images, texts = pictures(), ["a dog", "Two boats, far away"]
    model.eval()
    with torch.inference_mode():
        image_features = model.encode_image(torch.stack([preprocess(image) for image in images]), normalize=True)
        text_features = model.encode_text(tokenizer(texts), normalize=True)
    torch.testing.assert_close(encoder.encode_images(images), image_features, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(encoder.encode_texts(texts), text_features, atol=1e-5, rtol=1e-4)


def test_shapes_types_and_norms(encoder: Encoder) -> None:
    assert encoder.width == TINY_WIDTH
    for features in (encoder.encode_images(pictures(11)), encoder.encode_texts([f"text {i}" for i in range(11)])):
        assert (features.shape, features.dtype) == ((11, TINY_WIDTH), torch.float32)
        torch.testing.assert_close(features.norm(dim=1), torch.ones(11))
    for nothing in (encoder.encode_images([]), encoder.encode_texts([])):
        assert nothing.shape == (0, TINY_WIDTH)
    assert {parameter.dtype for parameter in encoder.model.parameters()} == {torch.float32}  # float16 on disk


def test_the_batch_size_changes_nothing(encoder: Encoder) -> None:
    images, texts = pictures(5), ["one", "two words", "three more words", "4", "five"]
    for size in (1, 2, 5):
        torch.testing.assert_close(encoder.encode_images(iter(images), size), encoder.encode_images(images))
        torch.testing.assert_close(encoder.encode_texts(texts, size), encoder.encode_texts(texts))


@pytest.mark.parametrize("mode", ["squash", "shortest", "longest"])
def test_very_long_pictures_cost_no_memory(folder: Path, mode: str) -> None:
    change_config(folder, lambda config: config["preprocess_cfg"].update(resize_mode=mode))
    encoder = load_encoder(folder)
    # Resized by its shortest side alone, this would be a picture of 64 × 1,920,000 pixels.
    features = encoder.encode_images([Image.new("RGB", (1, 30000)), Image.new("RGB", (30000, 1))])
    assert torch.isfinite(features).all()


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000,
        "".join(random.Random(0).choices(string.ascii_letters, k=10_000)),
        "word " * 2_000,
        "\ufdfa" * 10_000,
        "\x00\x01a dog\x1b[31m\x7f",
        "\u202ea dog",
        "🐕‍🦺👨‍👩‍👧🏳️‍🌈",
        "a dog \ud83d",
        "\ud83d\udc15 as two halves",
        "<script>alert(1)</script> &amp; <end_of_text>",
        "\ufffe\uffff x",
    ],
)
def test_every_text_has_features_and_soon(encoder: Encoder, text: str) -> None:
    start = time.process_time()
    features = encoder.encode_texts([text])
    assert time.process_time() - start < 0.5
    torch.testing.assert_close(features.norm(dim=1), torch.ones(1))


@pytest.mark.parametrize("text", ["", " \t\n", "\x00\x07", "\u200d\ufe0f", "\u200b\u202e", "\ud800", "\xa0\u3000"])
def test_blank_texts_are_one_sentence(encoder: Encoder, text: str) -> None:
    with pytest.raises(InputError, match="The text is empty"):
        clean_text(text)
    with pytest.raises(InputError, match="The text is empty"):
        encoder.encode_texts(["a dog", text])


def test_cleaning_keeps_what_says_something() -> None:
    assert clean_text("  A dog,\n\ton   the beach! ") == "A dog, on the beach!"
    assert clean_text("👨‍👩‍👧 café 犬") == "👨‍👩‍👧 café 犬"
    assert clean_text("\ud83d\udc15") == "🐕"
    assert len(clean_text("long " * 10_000)) <= MAX_TEXT_LENGTH
    assert max(map(len, clean_text("x" * 10_000).split())) <= 100
    with pytest.raises(InputError, match="A text is needed, not nothing"):
        clean_text(None)


def test_the_fingerprint_names_config_and_weights(folder: Path, tiny_encoder_dir: Path) -> None:
    before = encoder_fingerprint(tiny_encoder_dir)
    assert encoder_fingerprint(folder) == before == load_encoder(folder).fingerprint
    change_config(folder, lambda config: config["preprocess_cfg"].update(interpolation="bilinear"))
    changed = encoder_fingerprint(folder)
    weights = folder / "open_clip_model.safetensors"
    state = load_file(weights)
    state["logit_scale"] = state["logit_scale"] + 1
    save_file(state, weights)
    assert len({before, changed, encoder_fingerprint(folder)}) == 3


def test_missing_folders_and_files_are_named(folder: Path) -> None:
    with pytest.raises(InputError, match="There is no encoder folder at"):
        load_encoder(folder / "elsewhere")
    (folder / "open_clip_model.safetensors").unlink()
    with pytest.raises(InputError, match=r"has no open_clip_model\.safetensors"):
        load_encoder(folder)
    (folder / "open_clip_config.json").unlink()
    with pytest.raises(InputError, match=r"has no open_clip_config\.json"):
        load_encoder(folder)


def test_pickles_are_never_read(folder: Path) -> None:
    weights = folder / "open_clip_model.safetensors"
    torch.save(load_file(weights), folder / "open_clip_pytorch_model.bin")
    weights.unlink()
    with pytest.raises(InputError, match=r"open_clip_pytorch_model\.bin, a pickle, which is never read"):
        load_encoder(folder)


def test_damaged_weights_are_one_sentence(folder: Path) -> None:
    weights = folder / "open_clip_model.safetensors"
    whole = weights.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"not safetensors at all"):
        weights.write_bytes(damaged)
        with pytest.raises(InputError, match=r"open_clip_model\.safetensors is damaged or cut off") as caught:
            load_encoder(folder)
        assert "\n" not in str(caught.value)


def test_config_and_weights_that_do_not_fit(folder: Path) -> None:
    change_config(folder, lambda config: config["model_cfg"]["text_cfg"].update(width=64))
    with pytest.raises(InputError, match="do not make an open_clip model") as caught:
        load_encoder(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model_cfg": {"embed_dim": "wide"}}', "\x00"])
def test_a_config_that_is_none(folder: Path, content: str) -> None:
    (folder / "open_clip_config.json").write_text(content)
    with pytest.raises(InputError, match="must be an open_clip config"):
        read_encoder_config(folder)


@pytest.mark.parametrize("name", ["hf-hub:someone/model", "local-dir:/tmp/model", "hf_hub/someone"])
def test_a_config_cannot_name_a_place_to_download_from(folder: Path, name: str) -> None:
    change_config(folder, lambda config: config["model_cfg"]["vision_cfg"].update(timm_model_name=name))
    with pytest.raises(InputError, match="use one of timm's own model names"):
        load_encoder(folder)


def test_a_transformers_text_tower_is_refused(folder: Path) -> None:
    change_config(folder, lambda config: config["model_cfg"]["text_cfg"].update(hf_model_name="roberta-base"))
    with pytest.raises(InputError, match="transformers text tower"):
        load_encoder(folder)


def test_references_that_are_none() -> None:
    for reference in ("hf-hub:", "hf-hub:one", "hf-hub:a/b/c", "hf-hub:../b"):
        with pytest.raises(InputError, match="no repository of the Hub"):
            load_encoder(reference)


def test_float32_weights_load_too(tmp_path: Path, encoder: Encoder) -> None:
    same = load_encoder(write_tiny_encoder(tmp_path / "encoder", dtype=torch.float32))
    torch.testing.assert_close(same.encode_texts(["a dog"]), encoder.encode_texts(["a dog"]), atol=2e-2, rtol=0)


def test_open_clip_is_imported_only_when_an_encoder_is_loaded() -> None:
    code = (
        "import sys, algcn.features.encoder, algcn.bundles.bundle, algcn.gallery, algcn.gallery.index, algcn.hub\n"
        "print(sorted({'open_clip', 'torchvision', 'timm', 'faiss', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

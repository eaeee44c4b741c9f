"""The pocket encoder's training: the cut through the image tower, the texts, the losses, and what is exported."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from algcn.datasets.image_folder import read_image_folder
from algcn.features.encoder import load_encoder
from algcn.kit.errors import InputError
from algcn.pretrain import pocket
from algcn.pretrain.__main__ import account_of
from algcn.pretrain.align import ImageTop, Language, Pairs, align, contrastive_loss, crop_and_flip, embed_maps, recall
from algcn.pretrain.language import distil, length_batches, wordnet_texts
from algcn.pretrain.trunk import are_read, cache_maps, frozen_trunk, load_imagenet_tower, preprocess

NOUNS = """\
  1 This software and database is being provided to you, the LICENSEE, by
02084071 05 n 03 dog 0 domestic_dog 0 Canis_lupus 0 000 | a member of the genus Canis; "the dog barked all night"
02107142 05 n 01 Doberman 0 001 @ 02106382 n 0000 | medium large breed of dog
00007846 03 n 01 idea 0 001 @ 00001740 n 0000 | the content of cognition
02738535 06 n 02 armchair 0 big_old_soft_chair 0 001 @ 03001627 n 0000 | chair with a support on each side (for arms)
"""


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """A checkpoint with the package's tensor order and other names; the weights are random."""
    import timm

    torch.manual_seed(0)
    state = timm.create_model("tf_efficientnet_lite2", pretrained=False).state_dict()
    path = tmp_path_factory.mktemp("imagenet") / "lite2.pth"
    torch.save({f"renamed.{i}": tensor for i, tensor in enumerate(state.values())}, path)
    return path


@pytest.fixture(scope="module")
def model(imagenet):
    torch.manual_seed(1)
    return pocket.create(imagenet)[0].eval()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    paths = []
    for i in range(5):
        pixels = np.random.default_rng(i).integers(0, 255, (30 + 10 * i, 40, 3), dtype=np.uint8)
        paths.append(folder / f"{i}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def test_wordnet_keeps_common_nouns_of_visible_things(tmp_path):
    file = tmp_path / "data.noun"
    file.write_text(NOUNS, encoding="latin-1")
    assert wordnet_texts(file) == [
        "dog",
        "domestic dog",
        "dog, a member of the genus Canis",
        "armchair",
        "armchair, chair with a support on each side",
    ]


def test_missing_wordnet_says_what_to_install(tmp_path):
    with pytest.raises(InputError, match="install WordNet"):
        wordnet_texts(tmp_path / "data.noun")


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="must hold EfficientNet-Lite2"):
        load_imagenet_tower(tmp_path / "other.pth")


def test_trunk_and_top_together_are_the_image_tower(model):
    pixels = torch.randn(2, 3, 256, 256)
    with torch.no_grad():
        cut = ImageTop(model.visual).eval()(frozen_trunk(model.visual.trunk)(pixels))
        whole = model.encode_image(pixels, normalize=True)
    torch.testing.assert_close(cut, whole, atol=1e-5, rtol=1e-4)


def test_cached_maps_are_those_of_the_trunk_and_are_reused(model, imagenet, photos, tmp_path):
    cache = tmp_path / "maps.npy"
    maps = cache_maps(photos, imagenet, cache, workers=1)
    with torch.no_grad():
        expected = frozen_trunk(model.visual.trunk)(torch.from_numpy(np.stack([preprocess(p) for p in photos])))
    np.testing.assert_allclose(maps, expected.numpy(), atol=5e-3 * float(expected.abs().max()))
    written = cache.stat().st_mtime_ns
    cache_maps(photos, imagenet, cache, workers=1)
    assert cache.stat().st_mtime_ns == written


def test_a_damaged_picture_costs_itself_and_is_counted(imagenet, tmp_path):
    rows = ["file_name,text,labels,split"]
    for number in range(4):
        Image.new("RGB", (40, 30), (60 * number, 9, 9)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{'' if number == 3 else f'text {number}'},dog,train")
    (tmp_path / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:60])
    folder = read_image_folder(tmp_path)
    captioned = [item for item in folder if item.texts]
    maps = cache_maps([folder.path(item) for item in captioned], imagenet, tmp_path / "maps.npy", workers=1)
    assert are_read(maps).tolist() == [True, False, True] and np.isfinite(maps[[0, 2]]).all()
    account = account_of([folder], [captioned[0], captioned[2]], [(folder, captioned[1])])
    assert account.counts == {
        "pictures without a caption": 1, "damaged pictures": 1, "captions of pictures left out": 1
    }  # fmt: skip
    assert (account.given("pictures"), account.given("captions")) == (4, 3)
    shutil.copy(tmp_path / "0.png", tmp_path / "1.png")  # another picture of the same name is not taken from the cache
    again = cache_maps([folder.path(item) for item in captioned], imagenet, tmp_path / "maps.npy", workers=1)
    np.testing.assert_array_equal(again[1], again[0])


def test_text_without_padding_is_open_clips_text(model):
    tokens = pocket.tokenizer()(["a dog", "two people with an umbrella on the beach", "!"])
    with torch.no_grad():
        torch.testing.assert_close(pocket.encode_text(model, tokens), model.encode_text(tokens, normalize=True))


def test_length_batches_cover_every_row_once():
    lengths = torch.randint(3, 30, (3000,))
    batches = list(length_batches(lengths, 4096, torch.Generator().manual_seed(0)))
    assert sorted(torch.cat(batches).tolist()) == list(range(3000))
    assert max(len(batch) for batch in batches) <= 1024


def test_distillation_lowers_the_distance_to_the_teacher(imagenet):
    torch.manual_seed(2)
    student, to_teacher = pocket.create(imagenet)
    tokens = pocket.tokenizer()([f"{word} {i}" for i in range(16) for word in ("dog", "cat", "bus", "tree")])
    targets = F.normalize(torch.randn(4, 384), dim=1).repeat(16, 1)

    def distance() -> float:
        with torch.no_grad():
            return float(1 - F.cosine_similarity(to_teacher(pocket.encode_text(student, tokens)), targets).mean())

    before = distance()
    distil(student, to_teacher, tokens, targets, epochs=4, tokens_per_batch=128)
    assert distance() < before - 0.2


def test_contrastive_loss_is_smallest_for_matching_rows():
    rows = F.normalize(torch.randn(8, 16), dim=1)
    scale = torch.tensor(50.0)
    assert contrastive_loss(rows, rows, scale) < contrastive_loss(rows, rows.roll(1, 0), scale)


def test_crops_keep_at_least_six_columns_and_the_batch():
    maps = torch.rand(4, 208, 8, 8)
    sizes = {crop_and_flip(maps, torch.Generator().manual_seed(seed)).shape for seed in range(30)}
    assert all(s[:2] == (4, 208) and 6 <= s[2] <= 8 and 6 <= s[3] <= 8 for s in sizes)
    assert len(sizes) > 3


def test_recall_counts_ranks_by_hand():
    images = F.normalize(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), dim=1)
    texts = images[[1, 0, 2]]  # the captions of pictures 0 and 1 are exchanged
    result = recall(images, texts, torch.arange(3), ks=(1, 3))
    assert result["text_to_image"] == {"1": pytest.approx(1 / 3, abs=1e-4), "3": 1.0}
    assert result["image_to_text"] == {"1": pytest.approx(1 / 3, abs=1e-4), "3": 1.0}


def test_alignment_learns_pairs_and_leaves_the_trunk_alone(imagenet):
    torch.manual_seed(3)
    student, to_teacher = pocket.create(imagenet)
    words = ["dog", "cat", "bus", "tree", "boat", "snow", "pizza", "kite"] * 2
    tokens = pocket.tokenizer()([f"a {word} {i}" for i, word in enumerate(words)])
    teacher = F.normalize(torch.randn(16, 384), dim=1)
    maps = np.zeros((16, 208, 8, 8), dtype=np.float16)
    for picture in range(16):  # each has channels of its own
        maps[picture, 13 * picture : 13 * (picture + 1)] = 4
    pairs = Pairs(maps, tokens, torch.arange(16), teacher)
    frozen = {n: p.clone() for n, p in frozen_trunk(student.visual.trunk).state_dict().items()}

    def loss() -> float:
        student.eval()
        with torch.no_grad():
            images = embed_maps(ImageTop(student.visual), maps, torch.arange(16))
            return float(contrastive_loss(images, pocket.encode_text(student, tokens), student.logit_scale.exp()))

    before = loss()
    rates = {"text": 1e-3, "head": 5e-3, "top": 1e-3}
    align(
        student, to_teacher, pairs, Language(tokens, teacher), epochs=12, learning_rates=rates, batch=16, anchor_batch=4
    )
    assert loss() < before - 0.2
    after = frozen_trunk(student.visual.trunk).state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in frozen.items())


def test_the_export_is_an_encoder_of_the_library(model, tmp_path):
    pocket.export(model, tmp_path / "encoder")
    config = json.loads((tmp_path / "encoder" / "open_clip_config.json").read_text())
    assert config["preprocess_cfg"]["resize_mode"] == "squash"
    assert (tmp_path / "encoder" / "open_clip_model.safetensors").stat().st_size < 60e6
    encoder = load_encoder(tmp_path / "encoder")
    texts = encoder.encode_texts(["a dog on the beach"])
    tokens = pocket.tokenizer()(["a dog on the beach"])
    with torch.no_grad():
        torch.testing.assert_close(texts, model.encode_text(tokens, normalize=True), atol=5e-3, rtol=0)


def test_token_embeddings_start_from_the_teachers_words(monkeypatch):
    """A word's vector is the teacher's, reduced: words near each other there are near each other here."""
    from algcn.pretrain import language

    table = torch.randn(6, 8)
    table[1] = table[0] + 0.01 * torch.randn(8)  # 0: dog, 1: puppy
    vocabulary = {"dog": [0], "puppy": [1], "bus": [2]}
    teacher = SimpleNamespace(get_input_embeddings=lambda: SimpleNamespace(weight=table))
    monkeypatch.setattr(
        language,
        "load_teacher",
        lambda folder: (teacher, lambda words, add_special_tokens: {"input_ids": [vocabulary[w] for w in words]}),
    )
    student = SimpleNamespace(token_embedding=nn.Embedding(5, 4))
    language.initialise_token_embeddings(student, {0: "dog</w>", 1: "puppy</w>", 2: "bus</w>", 3: "inner"}, "unused")
    weight = student.token_embedding.weight.detach()
    near, far = F.cosine_similarity(weight[0], weight[1], 0), F.cosine_similarity(weight[0], weight[2], 0)
    assert near > 0.99 > far

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
from algcn.features.vocabulary import Vocabulary
from algcn.kit.errors import InputError
from algcn.pretrain import pictures, pocket
from algcn.pretrain.__main__ import account_of, label_rows
from algcn.pretrain.align import (
    SOFTNESS,
    Language,
    Pairs,
    align,
    contrastive_loss,
    embed_pictures,
    label_loss,
    recall,
)
from algcn.pretrain.language import distil, length_batches, wordnet_texts
from algcn.pretrain.pictures import TRAINING_SIZE, augmented, cache_pixels, normalised, squashed
from algcn.pretrain.words import ENOUGH_OF_SHORT, captions_of, taught_words
from algcn.pretrain.words.__main__ import main as write_words_list

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
    tower = timm.create_model("tf_efficientnet_lite2", pretrained=False)
    for module in tower.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        tower.train()(torch.randn(8, 3, 64, 64))  # statistics that fit the weights, or nothing is left of any picture
    state = tower.state_dict()
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
        "a photo of a dog",
        "domestic dog",
        "a photo of a domestic dog",
        "dog, a member of the genus Canis",
        "armchair",
        "a photo of a armchair",
        "armchair, chair with a support on each side",
    ]


def test_missing_wordnet_says_what_to_install(tmp_path):
    with pytest.raises(InputError, match="install WordNet"):
        wordnet_texts(tmp_path / "data.noun")


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="must hold EfficientNet-Lite2"):
        pocket.load_imagenet_tower(tmp_path / "other.pth")


def test_pictures_are_embedded_as_open_clip_does(model, photos, tmp_path):
    pixels, _ = cache_pixels(photos, tmp_path / "pixels.npy", progress=False)
    expected = []
    for path in photos:
        picture = Image.open(path).convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)
        values = (np.asarray(picture, dtype=np.float32) / 255 - pocket.MEAN) / pocket.STD
        with torch.no_grad():
            expected.append(model.encode_image(torch.from_numpy(values.transpose(2, 0, 1)[None]).float(), True)[0])
    found = embed_pictures(model, pixels, torch.arange(5), batch=2)
    torch.testing.assert_close(found, torch.stack(expected), atol=1e-5, rtol=1e-4)


def test_decoded_pictures_are_reused_until_a_file_changes(photos, tmp_path):
    cache = tmp_path / "pixels.npy"
    pixels, read = cache_pixels(photos, cache, progress=False)
    np.testing.assert_array_equal(pixels, np.stack([squashed(path) for path in photos]))
    assert read.all()
    written = cache.stat().st_mtime_ns
    cache_pixels(photos, cache, progress=False)
    assert cache.stat().st_mtime_ns == written


def test_crops_stay_within_the_picture_and_mirror_half():
    ramp = torch.arange(256).expand(3, 256, 256)[None].repeat(64, 1, 1, 1)  # brighter to the right
    seen = augmented(ramp, torch.Generator().manual_seed(0))
    assert seen.shape == (64, 3, TRAINING_SIZE, TRAINING_SIZE)
    assert seen.min() >= 0 and seen.max() <= 255
    rising = (seen[:, 0, 0, -1] > seen[:, 0, 0, 0]).float().mean()
    assert 0.3 < rising < 0.7
    again = augmented(ramp, torch.Generator().manual_seed(0))
    assert torch.equal(seen, again)


def test_normalised_pixels_are_those_of_the_preprocessing():
    grey = normalised(torch.full((1, 3, 2, 2), 255.0))
    assert grey[0, :, 0, 0].tolist() == pytest.approx(
        [(1 - m) / s for m, s in zip(pocket.MEAN, pocket.STD, strict=True)]
    )


def test_a_damaged_picture_costs_itself_and_is_counted(tmp_path):
    rows = ["file_name,text,labels,split"]
    for number in range(4):
        Image.new("RGB", (40, 30), (60 * number, 9, 9)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{'' if number == 3 else f'text {number}'},dog,train")
    (tmp_path / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:60])
    folder = read_image_folder(tmp_path)
    captioned = [item for item in folder if item.texts]
    paths = [folder.path(item) for item in captioned]
    pixels, read = cache_pixels(paths, tmp_path / "pixels.npy", progress=False)
    assert read.tolist() == [True, False, True] and pixels[2].any()
    account = account_of([folder], [captioned[0], captioned[2]], [(folder, captioned[1])])
    assert account.counts == {
        "pictures without a caption": 1, "damaged pictures": 1, "captions of pictures left out": 1,
        "labels of pictures left out": 2,
    }  # fmt: skip
    assert (account.given("pictures"), account.given("captions"), account.given("labels")) == (4, 3, 4)
    shutil.copy(tmp_path / "0.png", tmp_path / "1.png")  # another picture of the same name is not taken from the cache
    again, read = cache_pixels(paths, tmp_path / "pixels.npy", progress=False)
    assert read.all()
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


def test_alike_captions_take_a_share_of_the_target():
    rows = F.normalize(torch.randn(4, 16), dim=1)
    scale, alike = torch.tensor(1.0), torch.full((4, 4), 0.25)
    hard, even = (contrastive_loss(rows, rows, scale, target) for target in (torch.eye(4), alike))
    assert even > hard
    logits = rows @ rows.T
    expected = (1 - SOFTNESS) * F.cross_entropy(logits, torch.arange(4)) - SOFTNESS * logits.log_softmax(1).mean()
    torch.testing.assert_close(even, expected)


def test_pictures_without_labels_teach_no_label():
    labels = torch.tensor([[1.0, 0.0], [torch.nan, torch.nan]])
    logits = torch.tensor([[2.0, -2.0], [50.0, 50.0]], requires_grad=True)
    loss = label_loss(logits, labels)
    loss.backward()
    assert loss.item() == pytest.approx(2 * np.log1p(np.exp(-2)), rel=1e-5) and logits.grad[1].abs().sum() == 0
    assert label_loss(logits, torch.full((2, 2), torch.nan)) == 0


def test_rows_of_labels_tell_none_from_not_said():
    items = [SimpleNamespace(labels=["dog", "cat"]), SimpleNamespace(labels=None), SimpleNamespace(labels=[])]
    rows = label_rows(items)
    assert rows[0].tolist() == [1, 1] and rows[1].isnan().all() and rows[2].tolist() == [0, 0]


def test_recall_counts_ranks_by_hand():
    images = F.normalize(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), dim=1)
    texts = images[[1, 0, 2]]  # the captions of pictures 0 and 1 are exchanged
    result = recall(images, texts, torch.arange(3), ks=(1, 3))
    assert result["text_to_image"] == {"1": pytest.approx(1 / 3, abs=1e-4), "3": 1.0}
    assert result["image_to_text"] == {"1": pytest.approx(1 / 3, abs=1e-4), "3": 1.0}


def test_alignment_learns_pairs_and_keeps_the_statistics_of_imagenet(imagenet, monkeypatch):
    monkeypatch.setattr(pictures, "TRAINING_SIZE", 64)  # a twelfth of the work
    torch.manual_seed(3)
    student, to_teacher = pocket.create(imagenet)
    words = ["dog", "cat", "bus", "tree"]
    tokens = pocket.tokenizer()([f"a {word}" for word in words])
    teacher = F.normalize(torch.randn(4, 384), dim=1)
    pixels = np.zeros((4, 3, 64, 64), dtype=np.uint8)
    for picture in range(4):  # each has a colour and stripes of its own
        pixels[picture, picture % 3, :: picture + 1] = 200
    pairs = Pairs(pixels, tokens, torch.arange(4), teacher, torch.eye(4))
    statistics = {n: b.clone() for n, b in student.visual.named_buffers() if "running" in n}
    averaged = []

    def loss(model) -> float:
        model.eval()
        with torch.no_grad():
            images = embed_pictures(model, pixels, torch.arange(4))
            return float(contrastive_loss(images, pocket.encode_text(model, tokens), torch.tensor(10.0)))

    before = loss(student)
    trained = align(
        student, to_teacher, pairs, Language(tokens, teacher), epochs=10, batch=4, other_texts=4, progress=False,
        after_epoch=lambda epoch, model: averaged.append((epoch, model)),
    )  # fmt: skip
    assert loss(student) < before - 0.1
    after = dict(trained.visual.named_buffers())
    assert statistics and all(torch.equal(after[name], kept) for name, kept in statistics.items())
    assert [epoch for epoch, _ in averaged] == list(range(10)) and averaged[-1][1] is trained


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


def test_the_words_that_were_taught_are_those_of_enough_texts(tmp_path):
    assert taught_words(["a dog", "a dog", "dogs and a dog", "dog dog", "a cat", "the cat"]) == ["dog", "cat"]
    assert taught_words(["on the tv"] * 40) == []  # one text
    assert "tv" in taught_words([f"tv {n}" for n in range(ENOUGH_OF_SHORT)])
    table, lines = tmp_path / "metadata.csv", tmp_path / "captions.txt"
    table.write_text('file_name,text\n1.jpg,"a dog, running"\n2.jpg,\n', encoding="utf-8")
    lines.write_text("a dog\n\na boat\n", encoding="utf-8")
    assert [*captions_of(table), *captions_of(lines)] == ["a dog, running", "a dog", "a boat"]
    table.write_text("file_name,label\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column called text"):
        list(captions_of(table))
    lines.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        list(captions_of(lines))


def test_the_command_writes_the_words_beside_the_encoder(tmp_path, capsys):
    (tmp_path / "data.noun").write_text(NOUNS, encoding="latin-1")
    (tmp_path / "captions.txt").write_text("a dog on a beach\na beach\n", encoding="utf-8")
    files = ["--captions", str(tmp_path / "captions.txt"), "--wordnet", str(tmp_path / "data.noun")]
    write_words_list([*files, "--out", str(tmp_path)])
    vocabulary = Vocabulary.load(tmp_path)
    assert "beach" in vocabulary and "dog" in vocabulary and "genus" not in vocabulary
    assert "words" in capsys.readouterr().out

"""A shard is encoded alone, and gives the same wherever that is done."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from algcn.datasets.image_folder import read_image_folder
from algcn.features.bag_of_words import BagOfWords
from algcn.features.encoder import load_encoder
from algcn.features.places import OnDisk
from algcn.features.shards import ShardEncoder
from algcn.features.sources import EncoderImages, EncoderTexts, Sources
from algcn.features.vgg import load_vgg19
from algcn.kit.errors import InputError


@pytest.mark.parametrize("kind", ["encoder", "paper"])
def test_a_shard_is_the_same_in_a_process_that_was_sent_its_encoder(
    kind: str, tiny_gallery_dir: Path, tiny_encoder_dir: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "encoder":
        encoder = load_encoder(tiny_encoder_dir)
        sources = Sources(EncoderImages(encoder), EncoderTexts(encoder))
    else:
        sources = Sources(load_vgg19(request.getfixturevalue("vgg_weights")), BagOfWords(["dog", "beach"]))
    encode = ShardEncoder(OnDisk(tiny_gallery_dir), sources, batch_size=4)
    items = [item for item in read_image_folder(tiny_gallery_dir) if item.texts]
    told: list[int] = []
    shard = encode(items, told.append)
    sent = pickle.loads(pickle.dumps(encode)).on("cpu")
    again = sent(items, lambda done: None)
    assert torch.equal(again.images, shard.images) and torch.equal(again.texts, shard.texts)
    assert again.digest() == shard.digest()
    assert told == [4, 5]


def test_a_machine_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    sources = Sources(BagOfWords(["dog"]), BagOfWords(["dog"]))
    with pytest.raises(InputError, match="does not see the folder"):
        ShardEncoder(OnDisk(tmp_path / "nowhere"), sources, batch_size=4).on("cpu")

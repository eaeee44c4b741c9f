"""What a gallery offers to learn from: splits by picture, labels with examples, and notes about the rest."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from algcn.datasets.image_folder import Item
from algcn.gallery.store import Gallery
from algcn.kit.errors import InputError
from algcn.method.labels import Label, LabelSet
from app.training import data as module
from app.training.data import training_data

KNOWN = LabelSet([Label("Sea", "place", synonyms=("ocean",)), Label("dog", "animal"), Label("unicorn", "animal")])


def make_gallery(items: list[Item]) -> Gallery:
    generator = torch.Generator().manual_seed(0)
    owner = torch.tensor([n for n, item in enumerate(items) for _ in item.texts], dtype=torch.long)
    image, text = (
        functional.normalize(torch.randn(rows, 8, generator=generator), dim=1) for rows in (len(items), len(owner))
    )
    texts = [text for item in items for text in item.texts]
    return Gallery(Path("."), items, texts, owner, image, text, image, text, [])


def plain_items(count: int = 40, **changes) -> list[Item]:
    """Pictures with one or two captions, and labels in turn."""
    labels = (["sea"], ["dog"], ["SEA", "Lighthouse"], ["dog", "sea"])
    return [
        Item(f"{n}.png", ["one", "two"][: 1 + n % 2], labels[n % 4], **changes)
        for n in range(count)
    ]  # fmt: skip


def splits(data: module.TrainingData) -> dict[str, str]:
    return dict(zip(data.features.file_names, data.features.split, strict=True))


def test_rows_are_the_gallerys_own(  # nothing is encoded, nothing mixed up
) -> None:
    gallery = make_gallery(plain_items())
    data = training_data(gallery, KNOWN, "abc", seed=1)
    features = data.features
    assert len(features) == len(gallery.texts)
    assert torch.equal(features.text_features, gallery.text_features)
    assert torch.equal(features.image_features, gallery.image_features[gallery.text_owner])
    assert features.encoder == {"fingerprint": "abc"}
    row = features.file_names.index("2.png")
    assert [label.name for label, has in zip(features.label_set, features.labels[row], strict=True) if has] == [
        "Sea", "Lighthouse",
    ]  # fmt: skip


def test_labels_keep_what_the_model_knows_of_them_and_new_ones_follow() -> None:
    data = training_data(make_gallery(plain_items()), KNOWN, None, seed=1)
    assert data.features.label_set.names == ["Sea", "dog", "Lighthouse"]
    assert data.features.label_set[0] == KNOWN[0]
    assert data.notes == ["1 label is without an example left out: unicorn."]


def test_the_split_is_by_picture_and_by_seed() -> None:
    gallery = make_gallery(plain_items(100))
    data = training_data(gallery, KNOWN, None, seed=1)
    assert [data.pictures(name) for name in ("train", "validation", "test")] == [70, 15, 15]
    assert splits(training_data(gallery, KNOWN, None, seed=1)) == splits(data)
    assert splits(training_data(gallery, KNOWN, None, seed=2)) != splits(data)


def test_the_last_example_of_a_label_is_learned_from() -> None:
    items = [*plain_items(), *(Item(f"rare-{n}.png", ["x"], ["sea", f"rare {n}"]) for n in range(20))]
    for seed in range(3):
        data = training_data(make_gallery(items), KNOWN, None, seed=seed)
        train = data.features.select("train")
        assert train.labels.any(dim=0).all()


def test_a_split_that_the_metadata_gives_is_kept() -> None:
    items = [
        dataclasses.replace(item, split=("train", "train", "validation", "test")[n % 4])
        for n, item in enumerate(plain_items())
    ]
    given = {item.file_name: item.split for item in items}
    data = training_data(make_gallery(items), KNOWN, None, seed=1)
    assert splits(data) == given
    # "Lighthouse" has examples in validation alone: there is nothing to learn it from.
    assert data.features.label_set.names == ["Sea", "dog"]
    items[0] = dataclasses.replace(items[0], split=None)
    assert splits(training_data(make_gallery(items), KNOWN, None, seed=1)) != given


def test_pictures_without_captions_or_labels_are_left_out_with_a_note() -> None:
    items = [*plain_items(), Item("bare.png", [], ["sea"]), Item("quiet.png", ["x"], None), Item("no.png", ["x"], [])]
    data = training_data(make_gallery(items), KNOWN, None, seed=1)
    assert data.notes[0] == "3 pictures are without a label or a caption left out."
    assert not {"bare.png", "quiet.png", "no.png"} & set(data.features.file_names)


def test_the_labels_of_a_picture_stand_for_a_caption_that_nobody_wrote() -> None:
    items = [*plain_items(20), *(Item(f"bare-{n}.png", [], ["sea", "new thing"]) for n in range(8))]
    asked: list[str] = []

    def read_names(names: list[str]) -> torch.Tensor:
        asked.extend(names)
        return torch.eye(8)[: len(names)]

    gallery = make_gallery(items)
    data = training_data(gallery, KNOWN, None, seed=1, read_names=read_names)
    assert asked == ["Sea", "dog", "Lighthouse", "new thing"]
    assert "8 pictures are without a caption: their labels stand for it." in data.notes
    row = data.features.file_names.index("bare-3.png")
    wanted = functional.normalize(torch.eye(8)[0] + torch.eye(8)[3], dim=0)
    assert torch.allclose(data.features.text_features[row], wanted)
    assert torch.equal(data.features.image_features[row], gallery.image_features[23])
    assert data.features.labels[row].tolist() == [1, 0, 0, 1]
    captioned = data.features.file_names.index("3.png")
    assert torch.equal(data.features.text_features[captioned], gallery.text_features[4]), "captions stay"


def test_ten_pictures_labelled_by_hand_are_enough() -> None:
    items = [Item(f"{n}.png", [], (["sea"], ["dog"])[n % 2]) for n in range(10)]
    data = training_data(make_gallery(items), KNOWN, None, seed=1, read_names=lambda names: torch.eye(8)[: len(names)])
    assert sum(data.pictures(split) for split in ("train", "validation", "test")) == 10
    assert data.pictures("train") >= 7 and data.pictures("validation") and data.pictures("test")
    with pytest.raises(InputError, match="at least 10 pictures with a label; this gallery has 9"):
        training_data(make_gallery(items[:9]), KNOWN, None, 1, read_names=lambda names: torch.eye(8)[: len(names)])


def test_all_labels_count_where_no_picture_to_measure_with_shows_one_that_does() -> None:
    mined = LabelSet([Label("sea", source="mined"), Label("dog", source="mined"), Label("cat")])
    items = [Item(f"{n}.png", ["x"], (["sea"], ["dog"])[n % 2]) for n in range(20)]
    data = training_data(make_gallery(items), mined, None, seed=1)
    assert {label.source for label in data.features.label_set} == {"annotated"}
    assert any(note.startswith("All labels count in the measures") for note in data.notes)
    shown = [Item(item.file_name, item.texts, [*item.labels, "cat"]) for item in items]
    data = training_data(make_gallery(shown), mined, None, seed=1)
    assert [label.source for label in data.features.label_set] == ["mined", "mined", "annotated"]
    assert not any("count in the measures" in note for note in data.notes)


def test_pictures_with_labels_of_their_own_are_held_out_at_the_loss_of_these() -> None:
    items = [Item(f"{n}.png", ["x"], [f"own {n}", f"pair {n // 2}"]) for n in range(10)]
    data = training_data(make_gallery(items), KNOWN, None, seed=1)
    assert sorted(data.features.split) == ["test", *["train"] * 8, "validation"]
    held_out = data.features.labels[[part != "train" for part in data.features.split]]
    assert held_out.any(dim=1).all() and len(data.features.label_set) == 13
    assert any(note.startswith("2 of 15 labels have no picture in the training split") for note in data.notes)


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ([Item(f"{n}.png", ["x"], None) for n in range(50)], "no labels"),
        (plain_items(9), "at least 10 pictures with a label and a caption; this gallery has 9"),
        ([Item(f"{n}.png", [], ["sea"]) for n in range(50)], "this gallery has 0"),
        ([Item(f"{n}.png", ["x"], [f"label {n}"]) for n in range(50)], "Too few labels are on several pictures"),
    ],
)
def test_a_gallery_that_cannot_be_learned_from_is_one_sentence(items: list[Item], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        training_data(make_gallery(items), KNOWN, None, seed=1)
    assert "\n" not in str(caught.value)


def test_large_galleries_and_many_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PICTURES", 30)
    monkeypatch.setattr(module, "MAX_LABELS", 2)
    data = training_data(make_gallery(plain_items()), KNOWN, None, seed=1)
    assert len(set(data.features.file_names)) == 30
    assert data.features.label_set.names == ["Sea", "dog"]
    assert "30 of 40 pictures are used, drawn with the seed." in data.notes
    assert "The 2 most frequent of 3 labels are learned." in data.notes

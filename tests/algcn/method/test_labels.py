import json
from pathlib import Path

import pytest
import torch

from algcn.datasets.concepts import load_concepts
from algcn.kit.errors import InputError
from algcn.method.labels import Label, LabelSet


@pytest.fixture
def labels() -> LabelSet:
    return LabelSet(
        [
            Label("dog", "animals", "annotated", ("dogs", "puppy")),
            Label("fire hydrant", "street", "annotated", ("hydrant",)),
            Label("person", "people", "mined", ("surfer", "man")),
            Label("surfing", "sport", "mined", ("surfer",)),
            Label("food", "food", "mined", ("hot dog",)),
        ]
    )


def test_names_groups_and_positions(labels: LabelSet) -> None:
    assert len(labels) == 5
    assert labels.names == ["dog", "fire hydrant", "person", "surfing", "food"]
    assert labels.groups == ["animals", "street", "people", "sport", "food"]
    assert labels[1].synonyms == ("hydrant",)
    assert labels.index("Fire Hydrant") == 1


def test_an_unknown_name_offers_the_closest(labels: LabelSet) -> None:
    with pytest.raises(InputError, match=r"There is no label 'fire hydrent'. Did you mean 'fire hydrant'"):
        labels.index("fire hydrent")
    with pytest.raises(InputError, match=r"There is no label 'qqq'. The labels are dog, fire hydrant"):
        labels.encode([["dog"], ["qqq"]])


def test_encode_and_decode_are_inverse(labels: LabelSet) -> None:
    rows = [["dog", "food"], [], ["fire hydrant"]]
    encoded = labels.encode(rows)
    assert encoded.dtype == torch.uint8
    assert encoded.tolist() == [[1, 0, 0, 0, 1], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0]]
    assert labels.decode(encoded) == rows
    assert labels.encode([]).shape == (0, 5)


def test_a_text_is_not_a_list_of_names(labels: LabelSet) -> None:
    with pytest.raises(InputError, match="Row 0 of the labels is the text 'dog'"):
        labels.encode(["dog"])


def test_decode_refuses_another_width(labels: LabelSet) -> None:
    with pytest.raises(InputError, match="5 columns is needed, not one of shape \\(2, 4\\)"):
        labels.decode(torch.zeros(2, 4))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A PUPPY beside a fire hydrant.", ["dog", "fire hydrant"]),
        ("the fire-hydrant, a fire\n hydrant, a fire_hydrant", ["fire hydrant"]),
        ("a hydrant on fire", ["fire hydrant"]),
        ("the surfer's board", ["person", "surfing"]),
        ("dogma, manhole, hotdogs", []),
        ("a hot dog", ["food"]),
        ("a hot dog for the dog", ["dog", "food"]),
        ("", []),
        ("\x00\x07 🐶 İ ſ", []),
        ("dog " * 2500, ["dog"]),
    ],
)
def test_find_takes_whole_words_and_the_longest_synonym(labels: LabelSet, text: str, found: list[str]) -> None:
    assert labels.find(text) == found


def test_no_labels_find_nothing() -> None:
    assert LabelSet([]).find("a dog") == []
    assert LabelSet([]).encode([[], []]).shape == (2, 0)


@pytest.mark.parametrize("name", ["", "  ", " dog", "a|b", "two\nlines"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="name"):
        LabelSet([name])


def test_a_name_may_appear_once() -> None:
    with pytest.raises(InputError, match="The label 'Dog' is there twice"):
        LabelSet(["dog", "cat", "Dog"])


def test_subset_keeps_the_given_order(labels: LabelSet) -> None:
    assert labels.subset(["food", "dog"]).names == ["food", "dog"]
    with pytest.raises(InputError, match="There is no label 'foood'"):
        labels.subset(["foood"])


def test_json_round_trip(labels: LabelSet, tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(labels.to_json()), encoding="utf-8")
    assert LabelSet.load(path) == labels
    assert LabelSet.from_json(["sun", {"name": "sea"}]).names == ["sun", "sea"]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("dog", "must be a list"),
        ({"name": "dog"}, "must be a list"),
        ([3], "Label 0 must be a name or an object"),
        ([{"group": "x"}], "Label 0 must be a name or an object"),
        ([{"name": 3}], "name must be a word"),
        ([{"name": "dog", "colour": "red"}], "unknown key 'colour'"),
        ([{"name": "dog", "synonyms": "puppy"}], "synonyms of label 'dog' must be a list"),
        ([{"name": "dog", "synonyms": 3}], "synonyms of label 'dog' must be a list"),
        ([{"name": "dog", "synonyms": [""]}], "synonyms of label 'dog' must be a list"),
        ([{"name": "dog", "source": "guessed"}], "source of label 'dog' must be one of annotated, mined"),
        ([{"name": "dog", "group": None}], "group of label 'dog' must be a text"),
    ],
)
def test_bad_json_is_one_sentence(entries: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LabelSet.from_json(entries)  # type: ignore[arg-type]


def test_a_label_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read .No such file"):
        LabelSet.load(tmp_path / "none.json")
    damaged = tmp_path / "damaged.json"
    damaged.write_bytes(b"\xff[")
    with pytest.raises(InputError, match="is not JSON"):
        LabelSet.load(damaged)


def test_the_bundled_concepts() -> None:
    concepts = load_concepts()
    assert len(concepts) == 67
    assert sum(label.source == "annotated" for label in concepts) == 18
    assert all(concepts.groups)
    for label in concepts:
        assert label.name in concepts.find(f"here is a {label.name}!")
    assert concepts.find("A puppy waits at a stop sign near the ocean") == ["stop sign", "dog", "sea"]

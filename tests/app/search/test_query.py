"""What can be asked, by whom ever: values of the wrong kind, label filters, links, and words that only name labels."""

from __future__ import annotations

import math
from urllib.parse import parse_qs

import pytest

from algcn.kit.errors import InputError
from algcn.method.labels import Label, LabelSet
from app.search.examples import example_photos
from app.search.filters import LabelFilter
from app.search.link import NAMES, address_of, query_of
from app.search.query import Query
from app.search.reading import named_only, terms

FILES = ["a/one.png", "b & c/two=2.png", "ünï?#.png"]
LABELS = LabelSet([Label("dog", synonyms=("dogs", "puppy")), Label("traffic light"), Label("light"), Label("beach")])


def item_of(file: str) -> int:
    if file not in FILES:
        raise InputError("no such picture")
    return FILES.index(file)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"text": None}, "text must be a text, not nothing"),
        ({"without": ["snow"]}, "without must be a text"),
        ({"weight": 1.5}, "weight must be a number from 0 to 1"),
        ({"weight": math.nan}, "weight must be a number"),
        ({"weight": True}, "weight must be a number"),
        ({"weight": "0.5"}, "weight must be a number"),
        ({"away": 1.5}, "away must be a number from 0 to 1"),
        ({"away": None}, "away must be a number"),
        ({"written": "no"}, "written must be true or false"),
        ({"cutoff": -1}, "cutoff must be a number from 0 to 100"),
        ({"cutoff": math.inf}, "cutoff must be a number"),
        ({"labels": "dog"}, "labels must be a list"),
        ({"labels": ["dog", 3]}, "labels must be a list"),
        ({"labels": [" "]}, "labels must be a list"),
        ({"item": 0, "also": tuple(range(30)), "unlike": tuple(range(20))}, "at most 50 pictures of the gallery"),
        ({"labels": ["a"] * 101}, "At most 100 labels"),
        ({"match": "some"}, "match must be one of any, all, none"),
        ({"match": ["any"]}, "match must be one of"),
        ({"space": "other"}, "space must be one of ranking, encoder"),
        ({"limit": 0}, "limit must be a whole number"),
    ],
)
def test_what_is_no_query_is_one_sentence(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        Query(**values)
    assert "\n" not in str(caught.value)


def test_a_query_is_made_tidy() -> None:
    query = Query(text="dog", labels=[" dog ", "beach", "dog"], limit=3.0)
    assert query.labels == ("dog", "beach")
    assert query.limit == 3
    assert not query.is_mixed
    assert Query(text="dog", item=0).is_mixed
    assert not Query(text=" \n", item=0).is_mixed


class TestFilter:
    ROWS = (("dog", "beach"), ("Dog",), ("beach", "sea"), ())

    @pytest.mark.parametrize(
        ("labels", "match", "expected"),
        [
            ((), "any", [True, True, True, True]),
            ((), "none", [True, True, True, True]),
            (("dog",), "any", [True, True, False, False]),
            (("DOG", "sea"), "any", [True, True, True, False]),
            (("dog", "beach"), "all", [True, False, False, False]),
            (("dog", "Dog"), "all", [True, True, False, False]),
            (("dog", "sea"), "none", [False, False, False, True]),
        ],
    )
    def test_any_all_or_none(self, labels: tuple[str, ...], match: str, expected: list[bool]) -> None:
        assert LabelFilter(self.ROWS).mask(labels, match).tolist() == expected

    def test_a_label_that_nobody_has_is_named_with_close_ones(self) -> None:
        chosen = LabelFilter(self.ROWS)
        with pytest.raises(InputError, match=r"No picture here has the label 'beech'\. Did you mean 'beach'\?"):
            chosen.mask(("beech",), "any")
        assert chosen.known(("DOG", "beech")) == ("DOG",)

    def test_counts_go_by_name_whatever_the_case(self) -> None:
        assert list(LabelFilter(self.ROWS).counts.values()) == [2, 2, 1]
        assert LabelFilter([("dog", "Dog")]).counts == {"dog": 1}
        assert LabelFilter([("dog",), ("Dog",), ("Dog",)]).counts == {"Dog": 3}

    def test_columns_hold_the_pictures_of_each_label(self) -> None:
        columns = LabelFilter([("sea", "dog"), (), ("Dog", "dog"), ("dog",)]).columns
        assert {name: rows.tolist() for name, rows in columns.items()} == {"dog": [0, 2, 3], "sea": [0]}


class TestLink:
    @pytest.mark.parametrize(
        "query",
        [
            Query(text="a dog & <b>a cat</b> = 50 % #1 + ü 🐕"),
            Query(item=1),
            Query(text="snow", item=2, weight=0.25, without="night, rain"),
            Query(text="x", labels=("traffic light", "dog"), match="all", cutoff=60, beside=True),
            Query(text="x", labels=("dog",), match="none"),
            Query(text="x", cutoff=None),
            Query(text="x", labels_weight=0.0),
            Query(text="x", without="snow", away=0.0),
            Query(text="x", without="snow", away=0.85, written=False),
            Query(item=2, labels_weight=3.5, beside=True),
            Query(item=2, also=(0,), unlike=(1,)),
            Query(text="dog", unlike=(1, 2)),
            *(Query(text="dog", picture=photo.path, weight=0.25) for photo in example_photos()),
        ],
    )
    def test_it_restores_the_query(self, query: Query) -> None:
        address = address_of(query, FILES.__getitem__)
        assert query_of(f"?theme=dark&{address}", item_of) == query
        assert query_of(address, item_of) == query
        assert set(parse_qs(address)) <= set(NAMES)

    def test_a_picture_of_ones_own_is_not_in_it(self) -> None:
        assert address_of(Query(picture=b"secret"), FILES.__getitem__) == ""
        assert address_of(Query(picture=b"secret", text="dog", weight=0.2, cutoff=None), FILES.__getitem__) == "q=dog"

    @pytest.mark.parametrize("address", ["", "?", "?tab=labels", "?not=snow&label=dog", None, 7, ["q=a"], {"q": "a"}])
    def test_an_address_without_a_query_is_none(self, address: object) -> None:
        assert query_of(address, item_of) is None

    @pytest.mark.parametrize(
        ("address", "sentence"),
        [
            ("?q=a&weight=heavy", "a weight of 'heavy'"),
            ("?q=a&cut=nan", "cutoff must be a number"),
            ("?q=a&match=some", "match must be one of"),
            ("?like=../../etc/passwd", "no such picture"),
            ("?q=a&unlike=../../etc/passwd", "no such picture"),
            ("?photo=../../etc/passwd", "no example photo called"),
            ("?q=a" + "&label=x" * 300, "holds too much"),
            ("?q=a" + "&cut=101", "cutoff must be"),
            ("?q=a&subjects=all", "a subjects of 'all'"),
            ("?q=a&away=far", "an? away of 'far'"),
            ("?q=a&away=2", "away must be a number from 0 to 1"),
            ("?q=a&subjects=9", "labels_weight must be a number from 0 to 4"),
        ],
    )
    def test_a_broken_one_is_one_sentence(self, address: str, sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            query_of(address, item_of)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("dog", ["dog"]),
        ("a Dog and the puppy", ["dog"]),
        ("some traffic-lights and a dog", []),
        ("traffic light", ["traffic light"]),
        ("a dog, a beach", ["dog", "beach"]),
        ("a dog on the beach", []),
        ("two dogs", []),
        ("", []),
        ("cat", []),
    ],
)
def test_words_that_only_name_labels(text: str, names: list[str]) -> None:
    assert named_only(text, LABELS) == names


def test_terms_stand_between_commas() -> None:
    assert terms(" snow,, night sky ,") == ["snow", "night sky"]
    assert len(terms("a," * 50)) == 8

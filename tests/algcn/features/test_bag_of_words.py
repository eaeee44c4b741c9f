"""Bags of words: what a word is, which words count, which columns a text has."""

from __future__ import annotations

import pytest

from algcn.features.bag_of_words import BagOfWords, count_vocabulary, read_vocabulary, words
from algcn.kit.errors import InputError


def test_words():
    assert words("A dog, two DOGS; \u201cand\u201d it's  (over)\n-- c++ été!") == [
        "a", "dog", "two", "dogs", "and", "it's", "over", "c", "été",
    ]  # fmt: skip


def test_the_vocabulary_is_by_frequency_then_name_and_counts_texts():
    texts = ["dog dog dog cat", "Cat.", "bird cat dog", "zebra"]
    assert count_vocabulary(texts, 1) == ["cat", "dog", "bird", "zebra"]
    assert count_vocabulary(texts, 2) == ["cat", "dog"]
    assert count_vocabulary(texts, 1, max_words=1) == ["cat"]
    with pytest.raises(InputError, match=r"No word occurs in 4 of the texts \(the most frequent one in 3\)"):
        count_vocabulary(texts, 4)


def test_a_bag_is_zeros_and_ones():
    bag = BagOfWords(["cat", "c++", "Dog"])
    features = bag.encode(["The dog, the DOG!", "c++ cat", "nothing"])
    assert features.tolist() == [[0, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert [bag.takes(text) for text in ("cat.", "catalogue")] == [True, False]
    assert bag.fingerprint != BagOfWords(["c++", "cat", "Dog"]).fingerprint


def test_reading_a_vocabulary(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_text("cat\r\ndog\n\n", encoding="utf-8")
    assert read_vocabulary(path) == ["cat", "dog"]
    path.write_text("cat\nCat\n", encoding="utf-8")
    with pytest.raises(InputError, match="names 'cat' twice"):
        read_vocabulary(path)
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match="is empty"):
        read_vocabulary(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_vocabulary(tmp_path / "missing.txt")

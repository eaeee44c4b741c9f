"""Photographs that come with installed packages are offered with their credit, and not where a package has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from algcn.kit.errors import InputError
from app.components.examples import render_examples
from app.kit.decoders import open_image
from app.search import examples
from app.search.examples import example_photos, photo_named, photo_of


def test_each_is_a_photograph_with_a_name_of_its_own() -> None:
    photos = example_photos()
    assert len({photo.name for photo in photos}) == len(photos) >= 2
    for photo in photos:
        assert min(open_image(photo.path).size) >= 200 and photo.credit
        assert photo_of(photo.path) == photo_named(photo.name) == photo
    assert photo_of(None) is photo_of(b"bytes") is photo_of(Path("other.jpg")) is None
    with pytest.raises(InputError, match="no example photo called 'other"):
        photo_named("other.jpg")


def test_what_a_package_lacks_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    files = (("no_such_package", "a.jpg", "x"), ("gradio", "no/such.jpg", "x"), *examples.FROM_PACKAGES[:1])
    monkeypatch.setattr(examples, "FROM_PACKAGES", files)
    example_photos.cache_clear()
    try:
        assert [photo.name for photo in example_photos()] == ["china.jpg"]
    finally:
        example_photos.cache_clear()


def test_they_are_shown_with_whose_they_are() -> None:
    page = render_examples(["a dog"], [0], "picture/key", example_photos())
    assert page.count('data-kind="photo"') == page.count("data:image/jpeg;base64,") == len(example_photos())
    for photo in example_photos():
        assert f"{photo.name} {photo.credit}" in page
    assert "credits" not in render_examples(["a dog"], [0], "picture/key")

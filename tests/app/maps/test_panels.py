"""What a gallery, a bundle or a visitor says beside the maps is shown as text."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hostile.texts import HOSTILE, Shown, check_harmless

from app.maps.classifiers import ClassifierMap, ClassifierView, Neighbour
from app.maps.gallery import GalleryMap, Near
from app.maps.panels import classifier_panel, focus_panel, nothing_chosen, problem_note, selection_panel


@pytest.fixture
def found() -> GalleryMap:
    """As many pictures as hostile texts, each with one caption that says what its name and its labels say."""
    made = GalleryMap.__new__(GalleryMap)
    count = len(HOSTILE)
    made.gallery = SimpleNamespace(
        items=[SimpleNamespace(file_name=text, texts=(text,), labels=(text,)) for text in HOSTILE],
        texts=list(HOSTILE),
        text_owner=np.arange(count),
    )
    made.labels = [(text,) for text in HOSTILE]
    made.embedding = lambda point: np.zeros(4)
    made.nearest = lambda query, without=None: [Near(point, 0.5) for point in range(2 * count) if point != without]
    return made


def test_cards_are_text(found: GalleryMap) -> None:
    check_harmless(focus_panel(found, 2, "picture/key"), *HOSTILE, "Chosen picture", "Nearest captions", "0.500")
    check_harmless(focus_panel(found, len(HOSTILE), "picture/key"), *HOSTILE, "Chosen caption", "Nearest pictures")
    page = selection_panel(found, range(len(HOSTILE)), 24, "picture/key")
    check_harmless(page, *HOSTILE, "8 pictures and 0 captions; ", "\u00a0%")
    assert ("src", "picture/key/card/7") in Shown(page).attributes


def test_neighbours_are_text() -> None:
    made = ClassifierMap.__new__(ClassifierMap)
    variant = SimpleNamespace(classifiers=np.zeros((len(HOSTILE), 1024)))
    made.variants = [variant]
    made.label_set = SimpleNamespace(names=HOSTILE)
    made.groups, made.colours = HOSTILE, dict.fromkeys(HOSTILE, "#123456")
    near = [Neighbour(label, 0.9 - 0.2 * label) for label in range(len(HOSTILE))]
    made.neighbours = lambda *_: near
    made.query_neighbours = lambda *_: near
    query = SimpleNamespace(words=HOSTILE[0])
    for label in range(len(HOSTILE)):
        page = classifier_panel(made, variant, ClassifierView(label=label), query)
        check_harmless(page, *HOSTILE, f"Nearest to {HOSTILE[label]}", f"Nearest to your query {HOSTILE[0]}", "−0.10")
    assert "all 1,024 dimensions" in classifier_panel(made, variant, ClassifierView(), None)


def test_sentences_are_text() -> None:
    for text in HOSTILE:
        check_harmless(problem_note(text), text)
    assert "all 1,024 dimensions" in nothing_chosen(1024)

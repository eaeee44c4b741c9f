"""The mistakes about a label as HTML: two strips of pictures, and which labels are taken for which.

Notable: what a click on a picture shows travels as JSON in an attribute, and the script puts it on the page as text.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from algcn.kit import checks
from algcn.kit.errors import InputError
from app.benchmark.mistakes import MISSED, TAKEN, GalleryMistakes, mistakes_of
from app.kit.limits import MAX_LIMIT
from app.kit.templates import render

if TYPE_CHECKING:
    from app.service import RetrievalService

KINDS = (MISSED, TAKEN)
PAGE = 8  # pictures in a strip before somebody asks for more
CHIPS = 4
CONFUSED = 12  # labels in the matrix; more names than this do not fit beside each other
SMALL = 0.0995  # a probability that would be written as 10 %


@dataclasses.dataclass(frozen=True)
class Card:
    """A picture that a label was missed on, or taken wrongly.

    Attributes:
        position: Where in the gallery it is.
        text: Its first caption, or its file name.
        certainty: How certain the model is of the label there, in words.
        labels: What it was given, the label itself first, while there is room.
        unshown: How many more it was given.
        details: What the dialog shows, as JSON.
    """

    position: int
    text: str
    certainty: str
    labels: list[str]
    unshown: int
    details: str


@dataclasses.dataclass(frozen=True)
class Strip:
    """One kind of mistake about a label.

    Attributes:
        kind: MISSED or TAKEN.
        total: How many pictures there are.
        cards: Those that are shown.
        beside: Labels that are taken instead of it, or that it is taken for, and on how many of the pictures.
    """

    kind: str
    total: int
    cards: list[Card]
    beside: list[tuple[int, int]]


def render_mistakes(
    service: RetrievalService,
    name: object = None,
    shown: tuple[object, object] = (PAGE, PAGE),
    arrival: object = None,
) -> str:
    """What the model gets wrong about a label, and the matrix of the labels that it confuses most.

    Args:
        service: What answers.
        name: The label, from a browser; without, the one with most mistakes.
        shown: How many pictures of each strip to show, missed and taken wrongly, from a browser.
        arrival: A value that is another each time that the reader is to be brought here; None to leave them where they
            are.
    """
    try:
        found = mistakes_of(service)
    except InputError as error:
        return render("benchmark/mistakes_nothing.html", sentence=str(error), arrival=arrival)
    label, problem = found.order[0], None
    try:
        counts = [checks.whole_number(count, "number of pictures", 0, MAX_LIMIT) for count in shown]
        if name is not None:
            number = service.bundle.label_set.index(name)
            label = found.check_label(found.names[number], number)
    except InputError as error:
        counts, problem = [PAGE, PAGE], str(error)
    return render(
        "benchmark/mistakes.html",
        found=found,
        counts=found.mistakes.counts,
        label=label,
        problem=problem,
        least=_certainty(found, float(found.from_certainty[label])),
        strips=[_strip(found, service.pictures, kind, label, count) for kind, count in zip(KINDS, counts, strict=True)],
        page=PAGE,
        most=MAX_LIMIT,
        pictures=service.pictures,
        confusion=found.mistakes.confusion,
        confused=found.mistakes.confusion.most_confused(CONFUSED),
        arrival=arrival,
    )


def _strip(found: GalleryMistakes, pictures: str, kind: str, label: int, count: int) -> Strip:
    items = found.of(kind, label)
    beside = found.instead(label) if kind == MISSED else found.mistaken_for(label)
    return Strip(kind, len(items), [_card(found, pictures, kind, label, item) for item in items[:count]], beside)


def _card(found: GalleryMistakes, pictures: str, kind: str, label: int, item: int) -> Card:
    picture, position = found.items[item], found.positions[item]
    certainty = _certainty(found, float(found.mistakes.certainty[item, label]))
    name = found.names[label]
    given = sorted(picture.labels, key=lambda other: other.casefold() != name.casefold())
    details = {
        "kind": kind,
        "label": name,
        "picture": f"{pictures}/large/{position}",
        "file": picture.file_name,
        "captions": picture.texts,
        "labels": _judged(found, item),
        "has_probabilities": found.has_probabilities,
    }
    return Card(
        position,
        next(iter(picture.texts), picture.file_name),
        certainty,
        given[:CHIPS],
        max(0, len(given) - CHIPS),
        json.dumps(details, ensure_ascii=False),
    )


def _judged(found: GalleryMistakes, item: int) -> list[tuple[str, str | None, str]]:
    """Every label that a picture was given or is predicted to have: its certainty, and whether that is right."""
    mistakes = found.mistakes
    there = mistakes.is_given[item] | mistakes.is_predicted[item]
    certainty = mistakes.certainty[item]
    judged = []
    for label in sorted(there.nonzero().flatten().tolist(), key=lambda label: -float(certainty[label])):
        given, predicted = bool(mistakes.is_given[item, label]), bool(mistakes.is_predicted[item, label])
        verdict = "right" if given and predicted else MISSED if given else TAKEN
        judged.append((found.names[label], _certainty(found, float(certainty[label])), verdict))
    known = {name.casefold() for name in found.names}
    unknown = [name for name in found.items[item].labels if name.strip().casefold() not in known]
    return [*judged, *((name, None, "unknown") for name in unknown)]


def _certainty(found: GalleryMistakes, value: float) -> str:
    """A certainty in words; of small probabilities, which differ most among what was missed, one digit more."""
    if not found.has_probabilities:
        return f"{value:.3f}".replace("-", "−")
    return f"{100 * value:.{1 if value < SMALL else 0}f}\u00a0%"

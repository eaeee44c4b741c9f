"""The shapes of the answers: what a program may rely on, and what language models are told as output schemas.

Notable: the docstrings of the endpoints say what the fields mean; tests hold every answer to its shape, and every field
to its docstring.
"""

from __future__ import annotations

from typing import Any, NotRequired

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic reads that of typing from Python 3.12 only


class Score(TypedDict):
    """A label and how clearly it is seen."""

    label: str
    score: float


class Shares(TypedDict):
    """What each part of the ranking gives of a score."""

    common: float
    labels: float
    encoder: float
    written: float


class Says(TypedDict):
    """What is written of a result: a term of the words, by a "label" or a "caption"."""

    term: str
    by: str


class Hit(TypedDict):
    """A result of a search; the last six only with details."""

    rank: int
    file: str
    text: str
    labels: list[str]
    probability: float | None
    picture: str
    matched_labels: NotRequired[list[str]]
    score: NotRequired[float]
    shares: NotRequired[Shares | None]
    says: NotRequired[list[Says]]
    looks: NotRequired[list[str]]
    percentile: NotRequired[float]


class Found(TypedDict):
    """What a search found."""

    query_labels: list[Score]
    images: list[Hit]
    texts: list[Hit]
    probability_of: str | None
    did_you_mean: str | None
    notice: str | None


class Picture(TypedDict):
    """What is known of a picture of the gallery."""

    file: str
    texts: list[str]
    labels: list[str]
    labels_are_predicted: bool
    picture: str


class Labels(TypedDict):
    """Labels that are seen in a picture."""

    labels: list[Score]


class Table(TypedDict):
    """Results as a table."""

    csv: str


class Edge(TypedDict):
    """An edge of the label graph; the parts of its weight in the stage "directed" only."""

    source: str
    target: str
    weight: float
    words: str
    counted: NotRequired[float]
    learned: NotRequired[float]


class Edges(TypedDict):
    """The edges of a stage of the label graph."""

    stage: str
    epoch: int
    epochs: int
    threshold: float
    labels: list[str]
    edges: list[Edge]
    edges_in_all: int
    summary: str


class Neighbour(TypedDict):
    """The other end of an edge; the parts of its weight in the stage "directed" only."""

    label: str
    weight: float
    counted: NotRequired[float]
    learned: NotRequired[float]


class BothWays(TypedDict):
    """A measure of both directions of retrieval."""

    image_to_text: float
    text_to_image: float


class Neighbours(TypedDict):
    """A label in the label graph."""

    label: str
    group: str
    stage: str
    gallery_support: int
    average_precision: BothWays | None
    receives_from: list[Neighbour]
    sends_to: list[Neighbour]


class Supported(TypedDict):
    """A label and how many pictures of the gallery have it."""

    label: str
    group: str
    gallery_support: int


class Graph(TypedDict):
    """The label graph in words."""

    description: str
    sentences: list[str]
    labels: list[Supported]
    labels_in_all: int
    stages: list[str]
    epochs: int
    edges: dict[str, int]
    strengthened: list[Edge]
    weakened: list[Edge]
    said: list[Edge]


class Moved(TypedDict):
    """A classifier that moved: its cosine with what it was."""

    label: str
    cosine: float


class Changed(TypedDict):
    """The labels nearest to a label, before and after."""

    label: str
    before: list[str]
    after: list[str]


class Chance(TypedDict):
    """The probability of a label, before and after."""

    label: str
    before: float
    after: float


class Edited(TypedDict):
    """What an edit of the label graph would change; which of the last four are there depends on the stage."""

    edit: str
    stage: str
    source: str
    target: str
    weight_before: float
    weight_after: float
    labels_moved: NotRequired[int]
    moved_most: NotRequired[list[Moved]]
    nearest_changed: NotRequired[list[Changed]]
    where_the_source_is_known: NotRequired[list[Chance]]


class Near(TypedDict):
    """A label whose classifier is near."""

    label: str
    group: str
    cosine: float


class NearLabels(TypedDict):
    """The labels whose classifiers are nearest, for each model there is."""

    label: str
    with_gcn: list[Near] | None
    without_gcn: list[Near] | None
    plus: list[Near] | None


class Group(TypedDict):
    """A group of labels on a map."""

    group: str
    labels: int
    centre: list[float]


class Point(TypedDict):
    """A label on a map."""

    label: str
    group: str
    position: list[float]


class Drawn(TypedDict):
    """The classifiers of one model on a map; the points only where they were asked for."""

    silhouette: float | None
    silhouette_in_picture: float | None
    groups: list[Group]
    points: NotRequired[list[Point]]


class ClassifierMap(TypedDict):
    """The classifiers on a map, for each model there is."""

    method: str
    dimensions: int
    with_gcn: Drawn | None
    without_gcn: Drawn | None
    plus: Drawn | None


class Described(TypedDict):
    """A picture or a caption of the gallery."""

    kind: str
    file: str
    text: str
    labels: list[str]


class Placed(Described):
    """A picture or a caption on the map."""

    position: list[float]


class Place(TypedDict):
    """Where the pictures of a label lie on the map."""

    label: str
    pictures: int
    centre: list[float]


class GalleryMap(TypedDict):
    """The gallery on a map; the points only where they were asked for."""

    method: str
    dimensions: int
    modality_gap: float | None
    pictures: int
    captions: int
    places: list[Place]
    points: NotRequired[list[Placed]]


class NearItem(Described):
    """A picture or a caption that lies near, and where the picture is."""

    cosine: float
    picture: str


class NearItems(TypedDict):
    """What lies nearest in the common space."""

    pictures: list[NearItem]
    captions: list[NearItem]


class Numbers(TypedDict):
    """The model's own numbers, or one part of them."""

    part: str
    parts: list[str]
    numbers: dict[str, Any]


class MistakenPicture(TypedDict):
    """A picture that a label was missed on, or taken wrongly."""

    file: str
    labels: list[str]
    probability: float | None
    picture: str


class TakenInstead(TypedDict):
    """A label that is taken wrongly where another one is missed."""

    label: str
    pictures: int
    share: float | None
    pictures_by_chance: float


class LabelMistakes(TypedDict):
    """What the model gets wrong about a label."""

    label: str
    pictures: int
    trained_on: int | None
    given: int
    predicted: int
    right: int
    precision: float | None
    precision_by_chance: float | None
    recall: float | None
    recall_by_chance: float | None
    missed_in_all: int
    missed: list[MistakenPicture]
    taken_wrongly_in_all: int
    taken_wrongly: list[MistakenPicture]
    taken_instead: list[TakenInstead]


class Training(TypedDict):
    """A training run and what came out."""

    settings: dict[str, Any]
    seconds: float
    stopped: bool
    best_epoch: int
    pictures: dict[str, int]
    labels: list[str]
    validation: dict[str, float | None]
    held_out: dict[str, Any]
    log: list[dict[str, Any]]


class LabelledPicture(TypedDict):
    """A picture and its labels."""

    file: str
    labels: list[str]
    given_labels: list[str] | None


class LeftOut(TypedDict):
    """A file that was left out."""

    file: str
    reason: str


class LabelledPictures(TypedDict):
    """Pictures with predicted labels, and an account of all that was given."""

    pictures: list[LabelledPicture]
    left_out: list[LeftOut]
    account: dict[str, Any]


class Suggestion(TypedDict):
    """A label that is suggested."""

    label: str
    probability: float | None
    reason: str
    because: str


class SuggestedPicture(TypedDict):
    """A picture and the labels suggested for it."""

    file: str
    known: list[str]
    suggestions: list[Suggestion]


class Suggestions(TypedDict):
    """Pictures with suggested labels."""

    pictures: list[SuggestedPicture]
    note: str


class Model(TypedDict):
    """A model that can answer."""

    name: str
    is_default: bool
    is_loaded: bool


class Models(TypedDict):
    """The models that can answer."""

    models: list[Model]


def schema_of(answer: type) -> dict[str, Any]:
    """Return the JSON schema of an answer; nothing but its fields is allowed."""
    return _closed(TypeAdapter(answer).json_schema())


def _closed(node: Any) -> Any:
    if isinstance(node, list):
        return [_closed(value) for value in node]
    if not isinstance(node, dict):
        return node
    # The names of classes say nothing to whoever reads a schema; a property may well be called "title".
    found = {name: _closed(value) for name, value in node.items() if name != "title" or isinstance(value, dict)}
    return {**found, "additionalProperties": False} if "properties" in found else found

"""The table of all endpoints: what programs may call, in the order in which it is listed everywhere.

Whoever adds an endpoint adds a row; the register, the tools for language models, the README's list and the tests read
the same table.
"""

from __future__ import annotations

import dataclasses

from app.api import answers


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A row of the table.

    Attributes:
        name: The name of the function, of the endpoint and of the tool.
        tab: The tab of the page that answers the same question.
        answer: The shape of its answer.
        is_quick: Whether it answers in milliseconds. Such a one does not wait in the page's queue behind anything, but
            has a room of its own (`Program.answer_room`); gradio_client asks through the queue all the same, where
            nothing limits how many run.
    """

    name: str
    tab: str
    answer: type
    is_quick: bool = False


TABLE = (
    Endpoint("list_models", "Models", answers.Models, is_quick=True),
    Endpoint("search_by_text", "Search", answers.Found, is_quick=True),
    Endpoint("search_by_image", "Search", answers.Found),
    Endpoint("search_by_item", "Search", answers.Found, is_quick=True),
    Endpoint("gallery_picture", "Search", answers.Picture, is_quick=True),
    Endpoint("predict_labels", "Search", answers.Labels),
    Endpoint("export_csv", "Search", answers.Table, is_quick=True),
    Endpoint("label_graph", "Labels", answers.Edges, is_quick=True),
    Endpoint("label_neighbours", "Labels", answers.Neighbours, is_quick=True),
    Endpoint("describe_graph", "Labels", answers.Graph, is_quick=True),
    Endpoint("edit_edge", "Labels", answers.Edited, is_quick=True),
    Endpoint("classifier_neighbours", "Classifiers", answers.NearLabels, is_quick=True),
    Endpoint("classifier_map", "Classifiers", answers.ClassifierMap),
    Endpoint("gallery_map", "Gallery map", answers.GalleryMap),
    Endpoint("gallery_neighbours", "Gallery map", answers.NearItems),
    Endpoint("benchmark", "Benchmark", answers.Numbers, is_quick=True),
    Endpoint("label_mistakes", "Benchmark", answers.LabelMistakes, is_quick=True),
    Endpoint("train", "Train", answers.Training),
    Endpoint("label_pictures", "Collections", answers.LabelledPictures),
    Endpoint("suggest_labels", "Collections", answers.Suggestions),
)
BY_NAME = {endpoint.name: endpoint for endpoint in TABLE}
QUICK = frozenset(endpoint.name for endpoint in TABLE if endpoint.is_quick)

"""The endpoints about the label graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.program import Program

NEIGHBOURS = 10  # that a program is told of a label unless it asks for more


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoints about the label graph."""

    def label_graph(stage: str = "adaptive", epoch: int = -1, threshold: float = 0.1) -> dict[str, Any]:
        """List the edges of the label graph: how much each label sends to each other label.

        Args:
            stage: "cooccurrence" (share of the target's gallery pictures that also show the source), "prior" (C, what
                training started from), "learned_change" (γD), "adaptive" (A, what the model uses), "normalised" (Â), or
                "difference" (A - C).
            epoch: After which epoch of training, 0 is before the first; -1 is the model as it answers.
            threshold: Leave out edges whose weight is smaller in magnitude.

        Returns:
            {"stage", "epoch", "epochs" (how many there are), "threshold", "labels": all names, "edges": [{source,
            target, weight, words}] with the strongest first, "summary": a sentence}. An edge from source to target
            means that the source sends to the target: the classifier of the target is made from the source too.
        """
        from app.labels.describe import graph_answer

        return graph_answer(program.named_service(), stage, epoch, threshold)

    def label_neighbours(label: str, stage: str = "adaptive", limit: int = NEIGHBOURS) -> dict[str, Any]:
        """Tell which labels a label receives from and sends to in the label graph, and how well it is found.

        Args:
            label: The name of a label, "skiing" for instance.
            stage: "cooccurrence", "prior", "learned_change", "adaptive", "normalised", "difference"; see /label_graph.
            limit: How many neighbours of each direction to return, 1 to 500.

        Returns:
            {"label", "group", "stage", "gallery_support": pictures of the gallery with it, "average_precision":
            {image_to_text, text_to_image} or null, "receives_from": [{label, weight}], "sends_to": [{label, weight}]},
            the strongest first.
        """
        from app.labels.describe import neighbours_answer

        return neighbours_answer(program.named_service(), label, stage, limit)

    def describe_graph() -> dict[str, Any]:
        """Describe the label graph in a few sentences: its size, what training strengthened and weakened, its hubs.

        Returns:
            {"description": all sentences in one text, "sentences", "labels": [{label, group, gallery_support}],
            "stages": names for /label_graph, "epochs": how many there are, "edges": counts by stage, "strengthened" and
            "weakened": [{source, target, weight (adaptive minus prior), words}]}.
        """
        from app.labels.describe import description_answer

        return description_answer(program.named_service())

    def edit_edge(source: str, target: str, weight: float) -> dict[str, Any]:
        """Ask what would change if one label sent another weight to another label; nothing is kept.

        The graph convolution makes all classifiers anew from the edited adaptive matrix.

        Args:
            source: The name of the label that sends.
            target: The name of the label that receives.
            weight: The new weight, 0 to 2; trained edges are mostly below 1.

        Returns:
            {"edit": a sentence, "source", "target", "weight_before", "weight_after", "labels_moved": how many
            classifiers moved, "moved_most": [{label, cosine with what it was}], "nearest_changed": [{label, before,
            after}] for labels whose three nearest classifiers are others now}.
        """
        from app.labels.describe import edit_answer

        return edit_answer(program.named_service(), source, target, weight)

    return [label_graph, label_neighbours, describe_graph, edit_edge]

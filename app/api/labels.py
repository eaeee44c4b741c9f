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
                training started from), "learned_change" (γD), "adaptive" (A, of which the graph convolution of a model
                of mode paper makes classifiers), "normalised" (Â), "difference" (A - C), or "directed" (G: what the
                source, known to be there, adds to the log-odds of the target). /describe_graph lists those there are.
            epoch: After which epoch of training, 0 is before the first; -1 is the model as it answers.
            threshold: Leave out edges whose weight is smaller in magnitude.

        Returns:
            {"stage", "epoch", "epochs" (how many there are), "threshold", "labels": all names, "edges": [{source,
            target, weight, words}] with the strongest first, "summary": a sentence}. An edge from source to target
            means that the source sends to the target: the classifier of the target is made from the source too. Of the
            stage "directed", where the source says something about the target, an edge also has the parts of its
            weight: "counted" and "learned".
        """
        from app.labels.describe import graph_answer

        return graph_answer(program.named_service(), stage, epoch, threshold)

    def label_neighbours(label: str, stage: str = "adaptive", limit: int = NEIGHBOURS) -> dict[str, Any]:
        """Tell which labels a label receives from and sends to in the label graph, and how well it is found.

        Args:
            label: The name of a label, "skiing" for instance.
            stage: "cooccurrence", "prior", "learned_change", "adaptive", "normalised", "difference", "directed"; see
                /label_graph.
            limit: How many neighbours of each direction to return, 1 to 500.

        Returns:
            {"label", "group", "stage", "gallery_support": pictures of the gallery with it, "average_precision":
            {image_to_text, text_to_image} or null, "receives_from": [{label, weight}], "sends_to": [{label, weight}]},
            the strongest first; of the stage "directed" with "counted" and "learned", the parts of the weight.
        """
        from app.labels.describe import neighbours_answer

        return neighbours_answer(program.named_service(), label, stage, limit)

    def describe_graph() -> dict[str, Any]:
        """Describe the label graph in a few sentences: its size, what training strengthened and weakened, its hubs.

        Returns:
            {"description": all sentences in one text, "sentences", "labels": [{label, group, gallery_support}],
            "stages": names for /label_graph, "epochs": how many there are, "edges": counts by stage, "strengthened" and
            "weakened": [{source, target, weight (adaptive minus prior), words}], "said": the strongest edges of the
            stage "directed", as /label_graph has them}.
        """
        from app.labels.describe import description_answer

        return description_answer(program.named_service())

    def edit_edge(source: str, target: str, weight: float, stage: str = "") -> dict[str, Any]:
        """Ask what would change if one label sent another weight to another label; nothing is kept.

        Of a model of mode paper, the graph convolution makes all classifiers anew from the edited adaptive matrix. Of a
        model of mode plus, the edge is one of the directed graph: what the source says about the target.

        Args:
            source: The name of the label that sends.
            target: The name of the label that receives.
            weight: The new weight: 0 to 2 of "adaptive", whose trained edges are mostly below 1, or the log-odds of
                "directed", -4 to 4.
            stage: "adaptive" or "directed"; blank for the one that the model depends on.

        Returns:
            {"edit": a sentence, "stage", "source", "target", "weight_before", "weight_after"} and, of "adaptive",
            {"labels_moved": how many classifiers moved, "moved_most": [{label, cosine with what it was}],
            "nearest_changed": [{label, before, after}] for labels whose three nearest classifiers are others now}; of
            "directed", {"where_the_source_is_known": [{label, before, after}], the probabilities of the other labels
            where nothing else is known}.
        """
        from app.labels.describe import edit_answer

        return edit_answer(program.named_service(), source, target, weight, stage)

    return [label_graph, label_neighbours, describe_graph, edit_edge]

"""The endpoints about the label graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from algcn.kit import checks
from app.kit.limits import check_limit
from app.program import Program

NEIGHBOURS = 10  # that a program is told of a label unless it asks for more
EDGES, LABELS, CHANGES = 50, 100, 20  # likewise, of a whole graph and of an edit
MOST = 100_000
Stage = Literal["cooccurrence", "prior", "learned_change", "adaptive", "normalised", "difference", "directed"]


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoints about the label graph."""

    def label_graph(
        stage: Stage = "adaptive", epoch: int = -1, threshold: float = 0.1, limit: int = EDGES
    ) -> dict[str, Any]:
        """List the edges of the label graph: how much each label sends to each other label.

        Args:
            stage: "cooccurrence" (share of the target's gallery pictures that also show the source), "prior" (C, what
                training started from), "learned_change" (γD), "adaptive" (A, of which the graph convolution of a model
                of mode paper makes classifiers), "normalised" (Â), "difference" (A - C), or "directed" (G: what the
                source, known to be there, adds to the log-odds of the target). describe_graph lists those there are.
            epoch: After which epoch of training, 0 is before the first; -1 is the model as it answers.
            threshold: Leave out edges whose weight is smaller in magnitude.
            limit: How many edges to list, the strongest, 1 to 100,000.

        Returns:
            {"stage", "epoch", "epochs" (how many there are), "threshold", "labels": all names, "edges": [{source,
            target, weight, words}] with the strongest first, "edges_in_all": how many pass the threshold, "summary": a
            sentence}. An edge from source to target
            means that the source sends to the target: the classifier of the target is made from the source too. Of the
            stage "directed", where the source says something about the target, an edge also has the parts of its
            weight: "counted" and "learned".
        """
        from app.labels.describe import graph_answer

        most = checks.whole_number(limit, "limit", 1, MOST)
        found = graph_answer(program.named_service(), stage, epoch, threshold)
        return {**found, "edges": found["edges"][:most], "edges_in_all": len(found["edges"])}

    def label_neighbours(label: str, stage: Stage = "adaptive", limit: int = NEIGHBOURS) -> dict[str, Any]:
        """Tell which labels a label receives from and sends to in the label graph, and how well it is found.

        Args:
            label: The name of a label, "skiing" for instance.
            stage: One of those that label_graph explains.
            limit: How many neighbours of each direction to return, 1 to 500.

        Returns:
            {"label", "group", "stage", "gallery_support": pictures of the gallery with it, "average_precision":
            {image_to_text, text_to_image} or null, "receives_from": [{label, weight}], "sends_to": [{label, weight}]},
            the strongest first; of the stage "directed" with "counted" and "learned", the parts of the weight.
        """
        from app.labels.describe import neighbours_answer

        return neighbours_answer(program.named_service(), label, stage, limit)

    def describe_graph(limit: int = LABELS) -> dict[str, Any]:
        """Describe the label graph in a few sentences: its size, what training strengthened and weakened, its hubs.

        Args:
            limit: How many labels to list, in the model's order, 1 to 100,000.

        Returns:
            {"description": all sentences in one text, "sentences", "labels": [{label, group, gallery_support (pictures
            of the gallery with it)}], "labels_in_all": how many the model has, "stages": names for label_graph,
            "epochs": how many there are, "edges": counts by stage, "strengthened" and "weakened": [{source, target,
            weight (adaptive minus prior), words}], "said": the strongest edges of the stage "directed", as label_graph
            has them}.
        """
        from app.labels.describe import description_answer

        most = checks.whole_number(limit, "limit", 1, MOST)
        told = description_answer(program.named_service())
        return {**told, "labels": told["labels"][:most], "labels_in_all": len(told["labels"])}

    def edit_edge(
        source: str, target: str, weight: float, stage: Literal["", "adaptive", "directed"] = "", limit: int = CHANGES
    ) -> dict[str, Any]:
        """Ask what would change if one label sent another weight to another label; nothing is kept.

        Of a model of mode paper, the graph convolution makes all classifiers anew from the edited adaptive matrix. Of a
        model of mode plus, the edge is one of the directed graph: what the source says about the target.

        Args:
            source: The name of the label that sends.
            target: The name of the label that receives.
            weight: The new weight: 0 to 2 of "adaptive", whose trained edges are mostly below 1, or the log-odds of
                "directed", -4 to 4.
            stage: "adaptive" or "directed"; blank for the one that the model depends on.
            limit: How many labels to list of each kind, those that change most, 1 to 500.

        Returns:
            {"edit": a sentence, "stage", "source", "target", "weight_before", "weight_after"} and, of "adaptive",
            {"labels_moved": how many classifiers moved, "moved_most": [{label, cosine with what it was}],
            "nearest_changed": [{label, before, after}] for labels whose three nearest classifiers are others now}; of
            "directed", {"where_the_source_is_known": [{label, before, after}], the probabilities of the other labels
            where nothing else is known}.
        """
        from app.labels.describe import edit_answer

        most = check_limit(limit)
        told = edit_answer(program.named_service(), source, target, weight, stage)
        return {name: value[:most] if isinstance(value, list) else value for name, value in told.items()}

    return [label_graph, label_neighbours, describe_graph, edit_edge]

"""Read the label graph of a bundle in every stage and at every epoch, always in one direction: who sends to whom.

Notable: every matrix here has the source in its row and the target in its column, "row sends to column". The model
stores C and A so; Â it stores turned (row i gathers from column j), and this is the only place that turns it back.
Training counts are not part of a bundle, so co-occurrence and support are those of the open gallery. C and all that
follows from it are those of mode "paper", whose model may stand beside the one that answers; the directed graph G, what
one label says about another, is a graph of its own.

L is the number of labels, E of epochs (0 is before the first).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from algcn.kit import checks
from algcn.kit.errors import InputError
from algcn.method.graph import cooccurrence, normalise
from app.kit.limits import check_limit
from app.labels.layout import layout, seriation

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import Gallery
    from algcn.method.label_graph import DirectedGraph
    from app.service import RetrievalService

LEARNED = ("learned_change", "adaptive", "normalised", "difference")
STAGES = ("cooccurrence", "prior", *LEARNED, "directed")
THIS_MODEL = -1  # the epoch that stands for the model as it answers, rather than one of its history
SAME = 1e-6  # two label graphs closer than this are one
ROUNDED = 1e-3  # weights of a bundle may be kept in half precision, which moves a change by less than this


@dataclasses.dataclass(frozen=True)
class Edge:
    """An edge: what label number `source` sends to label number `target`."""

    source: int
    target: int
    weight: float


@dataclasses.dataclass(frozen=True, eq=False)
class LabelGraph:
    """Every stage of a label graph; all matrices L × L, "row sends to column".

    Attributes:
        prior: The prior correlation C.
        learned_change: E × L × L, γD after every epoch; one for a bundle without a history.
        epochs: E numbers, those of the training.
        model_epoch: The position of the model in `learned_change`.
        counts: L × L int64: labelled pictures of the gallery with both labels; the diagonal is the support.
        pictures: How many pictures of the gallery have labels at all.
        prior_threshold: The threshold t of the training, where that is known.
        has_gcn: Whether there are classifiers that come from this graph: those of mode "paper".
        learns: Whether the graph is learned; otherwise it stays the prior.
        is_beside: Whether the model of this graph stands beside the one that answers, which is of mode "plus".
        directed: What labels say about one another, in log-odds (row about column); None where the bundle has none.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    prior: Tensor
    learned_change: Tensor
    epochs: tuple[int, ...]
    model_epoch: int
    counts: Tensor
    pictures: int
    prior_threshold: float | None
    has_gcn: bool
    learns: bool
    is_beside: bool = False
    directed: DirectedGraph | None = None

    @classmethod
    def of(cls, bundle: Bundle, gallery: Gallery) -> LabelGraph:
        """Read the graph of a bundle, with the counts of a gallery."""
        model = bundle.paper_model
        is_beside = model is not bundle.model
        stages = {name: stage.cpu() for name, stage in model.label_graph().items()}
        changes, epochs, model_epoch = _history(bundle, stages["learned_change"])
        counts, pictures = _count(bundle, gallery)
        training = bundle.training
        return cls(
            names=tuple(bundle.label_set.names),
            groups=tuple(bundle.label_set.groups),
            prior=stages["prior"],
            learned_change=changes,
            epochs=epochs,
            model_epoch=model_epoch,
            counts=counts,
            pictures=pictures,
            # The settings are those of the model that answers.
            prior_threshold=training.threshold if training and not is_beside else None,
            has_gcn=model.config.use_gcn,
            learns=model.config.use_gcn and model.config.adaptive,
            is_beside=is_beside,
            directed=bundle.directed_graph,
        )

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """The stages that there are: what was not trained, or cannot be counted, is none of them."""
        has_prior = self.has_gcn or bool(self.prior.clone().fill_diagonal_(0).any())
        there = {
            "cooccurrence": self.pictures > 0,
            "prior": has_prior,
            **dict.fromkeys(LEARNED, self.has_gcn),
            "directed": self.directed is not None,
        }
        return tuple(stage for stage in STAGES if there[stage])

    @property
    def edited_stage(self) -> str | None:
        """The stage whose edges can be edited, since the model that answers depends on them; None where none does.

        The graph convolution of a model of mode "paper" makes its classifiers from A; of a model of mode "plus", G acts
        on what is known of its labels.
        """
        if self.has_gcn and not self.is_beside:
            return "adaptive"
        return None if self.directed is None else "directed"

    @cached_property
    def support(self) -> list[int]:
        """For each label, how many pictures of the gallery have it."""
        return self.counts.diagonal().tolist()

    @cached_property
    def shares(self) -> Tensor:
        """The share P(source | target) of the target's pictures in the gallery that also have the source; L × L."""
        support = self.counts.diagonal().double()
        return (self.counts.double() / support.clamp(min=1)[None, :]).float()

    @cached_property
    def positions(self) -> list[list[float]]:
        """The position of each label, L × [x, y]: the same for all stages, thresholds and epochs."""
        return layout(self._nearness, self.groups, self.names).tolist()

    @cached_property
    def order(self) -> list[int]:
        """The labels in an order in which related ones are side by side."""
        return seriation(self._nearness)

    @property
    def _nearness(self) -> np.ndarray:
        """What holds labels together in the picture, L × L, not negative: A, or what makes others likelier in G."""
        only_directed = self.directed is not None and not self.has_gcn
        return (torch.relu(self.directed.edges) if only_directed else self.adaptive()).numpy()

    def adaptive(self, epoch: int = THIS_MODEL) -> Tensor:
        """Return the adaptive correlation at an epoch, A = ReLU(C + γD), L × L."""
        return torch.relu(self.prior + self.learned_change[self.check_epoch(epoch)])

    def weights(self, stage: str, epoch: int = THIS_MODEL, adaptive: Tensor | None = None) -> Tensor:
        """Return the weights of a stage, L × L, "row sends to column".

        Args:
            stage: One of `stages`. `cooccurrence` is `shares`, `difference` is A - C, `directed` G; the others are the
                model's of mode "paper".
            epoch: A position in the history, or THIS_MODEL; co-occurrence, prior and G are the same at each.
            adaptive: Another adaptive correlation A, for the stages that follow from it.

        Raises:
            InputError: There is no such stage or epoch.
        """
        self.check_stage(stage)
        position = self.check_epoch(epoch)
        if adaptive is None:
            adaptive = self.adaptive(position)
        if stage == "cooccurrence":
            return self.shares
        if stage == "prior":
            return self.prior
        if stage == "learned_change":
            return self.learned_change[position]
        if stage == "adaptive":
            return adaptive
        if stage == "normalised":
            return normalise(adaptive).T
        if stage == "difference":
            return adaptive - torch.relu(self.prior)
        return self.directed.edges

    def edges(self, stage: str, epoch: int = THIS_MODEL, threshold: float = 0.0) -> list[Edge]:
        """Return edges between labels of at least `threshold` (by magnitude, never of 0), the strongest first.

        Raises:
            InputError: There is no such stage or epoch, or the threshold is no number from 0.
        """
        threshold = check_threshold(threshold)
        weights = self.weights(stage, epoch).clone().fill_diagonal_(0)
        # Weights are float32: a threshold of 0.4 must let one of 0.4 pass.
        kept = ((weights.abs() >= threshold - SAME) & (weights != 0)).nonzero().tolist()
        edges = [Edge(source, target, float(weights[source, target])) for source, target in kept]
        return sorted(edges, key=lambda edge: -abs(edge.weight))

    def neighbours(self, label: int, stage: str, limit: int) -> tuple[list[Edge], list[Edge]]:
        """Return the strongest edges that come in to a label and those that go out of it.

        Raises:
            InputError: There is no such stage, or the limit is not from 1 to 500.
        """
        limit = check_limit(limit)
        edges = self.edges(stage)
        incoming = [edge for edge in edges if edge.target == label]
        outgoing = [edge for edge in edges if edge.source == label]
        return incoming[:limit], outgoing[:limit]

    def check_stage(self, stage: object) -> None:
        """Make sure that this graph has a stage.

        Raises:
            InputError: There is no such stage, or this model has none of it.
        """
        if stage not in STAGES:
            raise InputError(f"There is no stage {checks.shown(stage)}; the stages are {', '.join(STAGES)}.")
        if stage not in self.stages:
            there = f"there are {', '.join(self.stages)}" if self.stages else "there is none at all"
            raise InputError(f"There is no stage {stage!r} with this model and this gallery; {there}.")

    def check_epoch(self, epoch: object) -> int:
        """Find the position of an epoch in the history.

        Raises:
            InputError: There is no such epoch.
        """
        whole = checks.is_number(epoch) and epoch == int(epoch)
        if whole and epoch == THIS_MODEL:
            return self.model_epoch
        if not whole or int(epoch) not in self.epochs:
            raise InputError(
                f"The epoch must be one of {self.epochs[0]} to {self.epochs[-1]}, or {THIS_MODEL} for the model as it "
                f"is, not {checks.shown(epoch)}."
            )
        return self.epochs.index(int(epoch))


def check_threshold(threshold: object) -> float:
    """Make sure that `threshold` is a number from 0.

    Raises:
        InputError: The threshold is something else.
    """
    return checks.number(threshold, "threshold", 0)


def check_label(label: object, count: int) -> int:
    """Make sure that `label` is the number of one of `count` labels, whatever a browser sent.

    Raises:
        InputError: There is no such label.
    """
    if not checks.is_whole(label) or not 0 <= label < count:
        raise InputError(f"There is no such label; the model has {count:,}, counted from 0.")
    return label


def label_graph_of(service: RetrievalService) -> LabelGraph:
    """Make the label graph of a service, once; the service keeps it."""
    return service.cache.get("label_graph", lambda: LabelGraph.of(service.bundle, service.gallery))


def _history(bundle: Bundle, now: Tensor) -> tuple[Tensor, tuple[int, ...], int]:
    """Return γD at every epoch, the epochs' numbers, and which is the model: it may have been picked on validation."""
    history = bundle.history or {}
    changes = history.get("learned_change")
    if changes is None or changes.ndim != 3 or changes.shape[1:] != now.shape or len(changes) == 0:
        return now[None], (0,), 0
    changes = changes.float().cpu()
    distance = (changes - now).abs().amax(dim=(1, 2))
    # Without adaptation every epoch is equal; the model is then no earlier than the last.
    best = len(distance) - 1 - int(distance.flip(0).argmin())
    if distance[best] > ROUNDED:
        changes, best = torch.cat([changes, now[None]]), len(changes)
    elif distance[best] > SAME:
        changes = changes.clone()
        changes[best] = now
    return changes, tuple(range(len(changes))), best


def _count(bundle: Bundle, gallery: Gallery) -> tuple[Tensor, int]:
    """Count co-occurrence of the model's labels in a gallery, and how many of its pictures have labels."""
    positions = {name.casefold(): number for number, name in enumerate(bundle.label_set.names)}
    labelled: Sequence[Sequence[str]] = [item.labels for item in gallery.items if item.labels is not None]
    found = [
        (number, position)
        for number, labels in enumerate(labelled)
        for name in labels
        if (position := positions.get(name.casefold())) is not None
    ]
    rows = torch.zeros(len(labelled), len(positions), dtype=torch.uint8)
    rows[tuple(torch.tensor(found, dtype=torch.long).reshape(-1, 2).T)] = 1
    return cooccurrence(rows), len(labelled)

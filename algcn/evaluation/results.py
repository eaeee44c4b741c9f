"""Results as dataclasses: mAP, curves, recall, reliability, and methods side by side.

Notable: every share (mAP, recall, precision, a probability) is from 0 to 1, so a reader may draw it; directions are
named from what the query is to what the results are.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, Self, TypeVar

from algcn.kit.decoding import Part, Within

DIRECTIONS = {"image_to_text": "image → text", "text_to_image": "text → image"}
# Probabilities are also promised within one modality.
ALL_DIRECTIONS = {**DIRECTIONS, "image_to_image": "image → image", "text_to_text": "text → text"}
# Words that name labels ask for what shows them.
NAMED = {"name_to_image": "name → image", "name_to_text": "name → text"}
# What people ask in words, and what a calibration is tested by.
QUESTIONS = {
    "captions": "whole captions",
    "names": "single names",
    "two_names": "two names",
    "taken_out": "captions, their pictures taken out",
    "unmatched": "texts that match nothing",
}
# Which of the mAPs picks epochs and settings, and says which method is best: the larger the better.
PRIMARY = "average"
MEASURES = (*DIRECTIONS, PRIMARY)
METHODS = {
    "algcn": "ALGCN",
    "algcn_without_gcn": "ALGCN without GCN",
    "plus": "ALGCN, mode plus",
    "linear_probe": "Linear probe",
}

Count = Annotated[int, Within(0)]
Some = Annotated[int, Within(1)]
Share = Annotated[float, Within(0, 1)]
Weight = Annotated[float, Within(0)]
Recall = Mapping[str, Share]  # by depth: "1", "5", "10"
AveragePrecisions = Mapping[str, Share | None]  # by label; None where no query has it
T = TypeVar("T")


@dataclass(frozen=True)
class Both(Part, Generic[T]):
    """Something that both directions have, image to text and text to image."""

    image_to_text: T
    text_to_image: T

    def of(self, direction: str) -> T:
        """Return that of one of `DIRECTIONS`."""
        return getattr(self, direction)


@dataclass(frozen=True)
class MeanAveragePrecision(Part):
    """mAP over the whole ranking (mAP@all), both directions and their average."""

    image_to_text: Share
    text_to_image: Share
    average: Share

    @property
    def primary(self) -> float:
        """The number that picks epochs and settings."""
        return self.of(PRIMARY)

    def of(self, measure: str) -> float:
        """Return that of one of `MEASURES`."""
        return getattr(self, measure)


@dataclass(frozen=True)
class MeasuredMap(MeanAveragePrecision):
    """mAP beside chance: what a random ranking is expected to reach, the average of both directions."""

    chance: Share


@dataclass(frozen=True)
class Curves(Part):
    """Precision at levels of recall, and that of a random ranking."""

    recall: tuple[Share, ...]
    image_to_text: tuple[Share, ...]
    text_to_image: tuple[Share, ...]
    chance: Both[tuple[Share, ...]]

    @property
    def precision(self) -> Both[tuple[Share, ...]]:
        """The precision of both directions."""
        return Both(self.image_to_text, self.text_to_image)

    def misfit(self) -> str | None:
        """Say where a curve is not as long as the levels of recall, so that it cannot be drawn."""
        return _uneven(self.recall, self.precision, self.chance)


@dataclass(frozen=True)
class SplitResult(Part):
    """How well a model retrieves on one split; without `map` where no item has a label.

    Attributes:
        queries_left_out: How many queries mAP leaves out, because they have no label that counts.
        per_label: Mean AP of the queries that have a label.
        recall: Share of queries that find one of their own partners among the first k.
    """

    images: Some
    texts: Some
    map: MeasuredMap | None = None
    precision_recall: Curves | None = None
    queries_left_out: Both[Count] | None = None
    per_label: Both[AveragePrecisions] | None = None
    recall: Both[Recall] | None = None

    @property
    def primary(self) -> float | None:
        """The number that picks epochs and says which model is better; None where no item has a label."""
        return None if self.map is None else self.map.primary


@dataclass(frozen=True)
class Bin(Part):
    """Pairs of like probability: the mean that was predicted, the share that was relevant, how many."""

    predicted: Share
    observed: Share
    count: Count


@dataclass(frozen=True)
class Reliability(Part):
    """How far probabilities agree with what happens, in one direction.

    Attributes:
        ece: Expected calibration error.
        brier_of_base_rate: The Brier score of always saying the share of relevant pairs.
        first_10: The same for the best results of each query only.
    """

    bins: tuple[Bin, ...]
    brier: Share
    ece: Share
    base_rate: Share
    brier_of_base_rate: Share
    first_10: Bin | None = None


@dataclass(frozen=True)
class Spread(Part):
    """Mean and sample standard deviation (None for a single run) of values, one for each seed."""

    mean: Share
    std: Weight | None
    values: tuple[Share, ...]

    @classmethod
    def over(cls, values: Sequence[float]) -> Self:
        """Compute the spread of the values of one or more runs."""
        return cls(
            mean=statistics.fmean(values),
            std=statistics.stdev(values) if len(values) > 1 else None,
            values=tuple(values),
        )


@dataclass(frozen=True)
class MethodResult(Part):
    """mAP of one method over its runs."""

    image_to_text: Spread
    text_to_image: Spread
    average: Spread

    @property
    def primary(self) -> Spread:
        """The number that says which method is best."""
        return self.of(PRIMARY)

    def of(self, measure: str) -> Spread:
        """Return that of one of `MEASURES`."""
        return getattr(self, measure)


@dataclass(frozen=True)
class MethodCurves(Part):
    """Precision at levels of recall by method, and that of a random ranking."""

    recall: tuple[Share, ...]
    chance: Both[tuple[Share, ...]]
    methods: Mapping[str, Both[tuple[Share, ...]]]

    def misfit(self) -> str | None:
        """Say where a curve is not as long as the levels of recall, so that it cannot be drawn."""
        return _uneven(self.recall, self.chance, *self.methods.values())


@dataclass(frozen=True)
class RelevanceBlock(Part):
    """Methods that are compared, relevance by some labels; curves and AP by label are those of the first seed."""

    labels: tuple[str, ...]
    chance: Share
    methods: Mapping[str, MethodResult]
    precision_recall: MethodCurves | None = None
    per_label: Mapping[str, Both[AveragePrecisions]] | None = None

    @property
    def best(self) -> str:
        """The method with the highest mean."""
        return max(self.methods, key=lambda method: self.methods[method].primary.mean)

    def gains(self) -> tuple[float, ...]:
        """Subtract what is reached without the graph, seed by seed; empty where a method or a seed is missing."""
        runs = [self.methods[name].primary.values for name in ("algcn", "algcn_without_gcn") if name in self.methods]
        if len(runs) != 2 or len(runs[0]) != len(runs[1]):
            return ()
        return tuple(with_graph - without for with_graph, without in zip(*runs, strict=True))

    def misfit(self) -> str | None:
        """Say that no method is compared."""
        return None if self.methods else "must have at least one method"


def _uneven(recall: tuple[float, ...], *curves: Both[tuple[float, ...]]) -> str | None:
    """Say what is wrong with curves that are not as long as their levels of recall."""
    lengths = {len(curve) for both in curves for curve in (both.image_to_text, both.text_to_image)}
    return None if recall and lengths <= {len(recall)} else "must have a precision for each of one or more recalls"

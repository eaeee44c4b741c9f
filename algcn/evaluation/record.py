"""The record of a model: what a bundle's metrics.json holds, as dataclasses.

The one place that knows the names and kinds in that file. A writer makes these parts and writes `to_json`; a reader
takes `Record.read`, which leaves out what it does not understand and says so, or `from_json`, which refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from algcn.evaluation.results import (
    AveragePrecisions,
    Both,
    Count,
    MeanAveragePrecision,
    MethodCurves,
    Recall,
    RelevanceBlock,
    Reliability,
    Share,
    Some,
    SplitResult,
    Weight,
)
from algcn.kit.decoding import NOT_IN_FILE, Part, decode, kinds_of, own_fields
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from algcn.evaluation.ranking import Weights

NAME = "metrics.json"
HELD_OUT = ("validation", "test")
OWN_RUN = "the labels that count"  # what relevance is called where methods were not compared


@dataclass(frozen=True)
class SplitSizes(Part):
    """How many images and texts a split has."""

    images: Count
    texts: Count


@dataclass(frozen=True)
class FeatureSource(Part):
    """What made the features of one modality ("encoder": the bundle's own), and how wide they are."""

    source: str
    width: Some


@dataclass(frozen=True)
class FeatureSources(Part):
    """What made the features."""

    image: FeatureSource
    text: FeatureSource


@dataclass(frozen=True)
class HeldOut(Part):
    """A model's results on the splits that were held out."""

    validation: SplitResult | None = None
    test: SplitResult | None = None

    def of(self, split: str) -> SplitResult | None:
        """Return the result on one of `HELD_OUT`."""
        return getattr(self, split)


@dataclass(frozen=True)
class TriedWeight(Part):
    """Retrieval by the ranking with weights of the labels and of the encoder.

    Attributes:
        encoder_weight: None is the encoder alone.
        labels_weight: None is as good as 0: it was no part of a ranking once.
    """

    encoder_weight: Weight | None
    map: MeanAveragePrecision
    recall: Both[Recall]
    labels_weight: Weight | None = None

    @property
    def name(self) -> str:
        """What was tried, in a few words."""
        if self.encoder_weight is None:
            return "the encoder alone"
        parts = {"labels": self.labels_weight, "encoder": self.encoder_weight}
        beside = ", ".join(f"{name} {weight:g}" for name, weight in parts.items() if weight)
        return beside or "the common space alone"

    def is_of(self, weights: Weights) -> bool:
        """Tell whether a ranking with these weights is what was tried."""
        own = (1.0, self.labels_weight or 0.0, self.encoder_weight)
        return own == (weights.common, weights.labels, weights.encoder)


@dataclass(frozen=True)
class RankingTradeoff(Part):
    """What labels and encoder add to the ranking, and what they cost."""

    split: str
    weights: tuple[TriedWeight, ...]

    def misfit(self) -> str | None:
        """Say that no weight was tried."""
        return None if self.weights else "must try at least one weight"


@dataclass(frozen=True)
class Selection(Part):
    """Which epoch was taken, and what picked it: a split, or "last" for nothing."""

    split: str
    measure: str
    best_epoch: Count
    warning: str | None = None


@dataclass(frozen=True)
class Epoch(Part):
    """What one epoch gave: mean losses by part, mAP on the split that selects (None: not watched), seconds."""

    epoch: Count
    losses: Mapping[str, float]
    map: MeanAveragePrecision | None
    seconds: float


@dataclass(frozen=True)
class PriorLabels(Part):
    """The label rows that the prior C was counted from."""

    file: str
    rows: Count


@dataclass(frozen=True)
class ImputedLabels(Part):
    """Labels that were filled in before training.

    Attributes:
        share_given: What share of the true ones had been given.
        known: Whether that was "said" or "estimated".
        evidence: What spoke for a label: "picture", "texts", "label graph".
        expected: How many were filled in, expected.
    """

    share_given: Share
    known: str
    evidence: tuple[str, ...]
    expected: Weight

    @property
    def estimated(self) -> bool:
        """Whether the share was estimated."""
        return self.known == "estimated"


@dataclass(frozen=True)
class ModeResults(Part):
    """What a model of another mode, trained beside the bundle's own, gave on the same items."""

    validation: SplitResult | None = None
    test: SplitResult | None = None
    test_by_all_labels: SplitResult | None = None
    ranked_by_labels: HeldOut | None = None
    selection: Selection | None = None
    log: tuple[Epoch, ...] | None = None

    def of(self, split: str) -> SplitResult | None:
        """Return the result on one of `HELD_OUT`."""
        return getattr(self, split)


@dataclass(frozen=True)
class FittedOn(Part):
    """The items that a calibration was fitted on."""

    split: str
    images: Count
    texts: Count


@dataclass(frozen=True)
class Question(Part):
    """One kind of question that was asked of the pictures of a set.

    Attributes:
        shown: Share of the queries that show a picture at the cut-off.
        sure: Share of the queries whose first picture is said to be more likely right than not.
    """

    queries: Count
    reliability: Reliability
    shown: Share
    sure: Share


@dataclass(frozen=True)
class TestedSet(Part):
    """Items that a calibration was tested on.

    Attributes:
        directions: The test of whole captions and pictures, by direction, some of `ALL_DIRECTIONS`.
        questions: The test of what is asked in words of the pictures, by kind (`results.QUESTIONS`).
    """

    name: str
    images: Count
    texts: Count
    directions: Mapping[str, Reliability]
    questions: Mapping[str, Question] | None = None


@dataclass(frozen=True)
class CalibrationTest(Part):
    """What a bundle's calibration promises and what happens; of how many labels.

    Attributes:
        uncounted: The labels that two items do not share anything by having.
        cutoff: The chance below which a result is left out.
    """

    fitted_on: FittedOn
    labels: Count
    sets: tuple[TestedSet, ...]
    definitions: Mapping[str, str] | None = None
    uncounted: tuple[str, ...] | None = None
    cutoff: Share | None = None


@dataclass(frozen=True)
class EncoderRecall(Part):
    """Recall of the encoder alone on one split."""

    pictures: Some
    texts: Some
    text_to_image: Recall
    image_to_text: Recall


@dataclass(frozen=True)
class EncoderResults(Part):
    """Recall of the encoder alone on the splits that were held out."""

    validation: EncoderRecall | None = None
    test: EncoderRecall | None = None

    def of(self, split: str) -> EncoderRecall | None:
        """Return the recall on one of `HELD_OUT`."""
        return getattr(self, split)


@dataclass(frozen=True)
class PickedStrength(Part):
    """The linear probe's regularisation, picked on validation, by modality."""

    weight_decay: Mapping[str, Weight]


@dataclass(frozen=True)
class MethodComparison(Part):
    """A comparison of methods: a block for each definition of relevance, and how they were trained."""

    relevance: Mapping[str, RelevanceBlock]
    seeds: tuple[int, ...]
    items: Mapping[str, SplitSizes] | None = None
    labels_learned: Count | None = None
    prior_labels: Count | None = None
    training: Mapping[str, Any] | None = None
    linear_probe: PickedStrength | None = None
    definitions: Mapping[str, str] | None = None

    @property
    def first(self) -> RelevanceBlock:
        """The block whose labels picked the epochs."""
        return next(iter(self.relevance.values()))

    def misfit(self) -> str | None:
        """Say that nothing is compared."""
        return None if self.relevance and self.seeds else "must have at least one definition of relevance and one seed"


@dataclass(frozen=True)
class LabelCurves:
    """The curves of one definition of relevance and the AP of every label, by method."""

    precision_recall: MethodCurves
    per_label: Mapping[str, Both[AveragePrecisions]]


@dataclass(frozen=True)
class Record(Part):
    """A bundle's own numbers; a part that the bundle does not have is None.

    Attributes:
        relevance: The labels that decide it.
        test_by_all_labels: The test split again, relevance by all labels.
        ranked_by_labels: The splits again, ranked by the labels that decide what is relevant (`ranking.BY_LABELS`).
        left_out_of_training: Items of the train split without a label.
        without_gcn: The same training without the GCN; of the model of mode "paper" where there are two.
        other_modes: By mode, the models that were trained beside the bundle's own: "paper" beside one of mode "plus".
        imputed_labels: The labels that were filled in before training in mode "plus".
        encoder: The encoder before ALGCN.
        problems: A sentence for each part that `read` left out.
    """

    split_name: str | None = None
    items: Mapping[str, SplitSizes] | None = None
    features: FeatureSources | None = None
    relevance: tuple[str, ...] | None = None
    validation: SplitResult | None = None
    test: SplitResult | None = None
    definitions: Mapping[str, str] | None = None
    test_by_all_labels: SplitResult | None = None
    ranked_by_labels: HeldOut | None = None
    ranking: RankingTradeoff | None = None
    left_out_of_training: Count | None = None
    selection: Selection | None = None
    log: tuple[Epoch, ...] | None = None
    label_embeddings: str | None = None
    prior_labels: PriorLabels | None = None
    without_gcn: HeldOut | None = None
    other_modes: Mapping[str, ModeResults] | None = None
    imputed_labels: ImputedLabels | None = None
    calibration: CalibrationTest | None = None
    encoder: EncoderResults | None = None
    baselines: MethodComparison | None = None
    ablations: MethodComparison | None = None
    problems: tuple[str, ...] = field(default=(), metadata=NOT_IN_FILE)

    @classmethod
    def read(cls, value: Any) -> Self:
        """Read a metrics.json part by part.

        Args:
            value: As `json.loads` gives it; what it says in a way that is not understood is left out, with a sentence
                in `problems`, and kept in `others`.

        Raises:
            InputError: It is no object.
        """
        if not isinstance(value, Mapping):
            raise InputError(f"{NAME} must hold an object of named parts; restore it.")
        kinds, parts, others, problems = kinds_of(cls), {}, {}, []
        for name, part in value.items():
            if name not in kinds:
                others[name] = part
                continue
            try:
                parts[name] = decode(kinds[name], part, name)
            except InputError as error:
                others[name] = part
                problems.append(f"{NAME}: {error}")
        return cls(**parts, others=others, problems=tuple(problems))

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read a metrics.json as a whole.

        Raises:
            InputError: A part is not understood; the sentence names the place and what was expected there.
        """
        record = cls.read(value)
        if record.problems:
            raise InputError(record.problems[0])
        return record

    def of(self, split: str) -> SplitResult | None:
        """Return the result on one of `HELD_OUT`."""
        return getattr(self, split)

    def runs(self, split: str) -> dict[str, SplitResult]:
        """Return the bundle's models on one of `HELD_OUT`, by `results.METHODS`.

        "algcn" is the bundle's own model or, where that is of mode "plus" with another beside it, the one of mode
        "paper": "algcn_without_gcn" is the same training without the GCN.
        """
        paper = (self.other_modes or {}).get("paper")
        found = {
            "algcn_without_gcn": self.without_gcn and self.without_gcn.of(split),
            "algcn": self.of(split) if paper is None else paper.of(split),
            "plus": None if paper is None else self.of(split),
        }
        return {method: result for method, result in found.items() if result is not None}

    def mode_results(self) -> ModeResults:
        """Return what of this record is kept where its model stands beside another."""
        return ModeResults(**{part.name: getattr(self, part.name) for part in own_fields(ModeResults)})

    def label_curves(self) -> dict[str, LabelCurves]:
        """Collect what is drawn by definition of relevance: of the comparison of methods, else of this run alone."""
        compared = self.baselines.relevance if self.baselines else {}
        found = {
            name: LabelCurves(block.precision_recall, block.per_label)
            for name, block in compared.items()
            if block.precision_recall and block.per_label and "algcn" in block.per_label
        }
        if found or self.test is None or not (self.test.precision_recall and self.test.per_label):
            return found
        own = self.test.precision_recall
        drawn = {
            method: run
            for method, run in self.runs("test").items()
            if run.per_label and run.precision_recall and run.precision_recall.recall == own.recall
        }
        curves = MethodCurves(
            own.recall, own.chance, {name: run.precision_recall.precision for name, run in drawn.items()}
        )
        return {OWN_RUN: LabelCurves(curves, {name: run.per_label for name, run in drawn.items()})}

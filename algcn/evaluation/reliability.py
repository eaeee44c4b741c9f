"""Fit a calibration on validation, and measure how far its probabilities agree with what happens.

Five kinds of question are asked of the pictures of a split, because a chance that is right for one of them can be far
too high for another:

- whole captions (and pictures, in the other directions), which share a label with a result or not;
- single names of labels, and two of them that are found together, which a result shows or not;
- the captions again with every picture taken out that shares a label with them, and texts that match nothing
  (`algcn.evaluation.unmatched`): whatever is found is wrong.

An item without a label is left out, one without a label that counts (`evidence.counted_labels`) asks nothing, and an
item's own partner (the picture of a caption) is no result: on the page no query has one. As readers look at the first
results, the best FIRST_FITTED of each query count as much as all others together.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from algcn.datasets.features import Features
from algcn.evaluation.calibration import DIRECTIONS, Calibration, Curve, fit_curve, reliability
from algcn.evaluation.evidence import Described, counted_labels, describe, evidence, nearest, shown
from algcn.evaluation.probabilities import PlattScale
from algcn.evaluation.ranking import Ranking
from algcn.evaluation.record import CalibrationTest, FittedOn, Question, TestedSet
from algcn.evaluation.results import NAMED, Bin, Reliability
from algcn.evaluation.retrieval import embed, group, has_own_space
from algcn.evaluation.unmatched import unmatched_texts
from algcn.kit.errors import InputError
from algcn.method.labels import LabelSet
from algcn.method.model import ALGCN

# Queries are taken evenly over the items until there would be more pairs than this.
MAX_PAIRS = 2_000_000
FIRST = 10
FIRST_FITTED = 20
# How much each kind of question counts where a curve is fitted: about one in two is answered.
CAPTIONS, TAKEN_OUT, UNMATCHED = 2.0, 0.5, 2.0
TOGETHER = 5  # items that have both of two names, at least
# The cut-off leaves so many of the captions, and every name, a picture to show. It is low, because captions name
# several labels at once: that all are shown is not likely even where it is so.
ANSWERED, HIGHEST_CUTOFF = 0.97, 0.1
DEFINITIONS = {
    "relevance": "a pair is relevant when the two share a label of the bundle that counts, those on more than a "
    "quarter of the training pictures left out; items without such a label and an item's own partner are left out",
    "names": "a picture is relevant when it has the label, or both labels, that are named",
    "bins": "pairs in ten groups of equal count by rising probability: mean predicted probability, share of relevant "
    "pairs, count",
    "brier": "mean squared difference between probability and outcome (1 or 0); 0 is best",
    "brier_of_base_rate": "the Brier score of always saying the share of relevant pairs",
    "ece": "expected calibration error: |predicted - observed| of each group, weighted by its count",
    "first_10": "the same two numbers for the ten best results of each query only, which is what a reader sees",
    "shown": "share of queries of which some picture has at least the chance that is the cut-off",
    "sure": "share of queries whose first picture is said to have a chance above one half",
}
Encode = Callable[[Sequence[str]], Tensor]


@dataclass(frozen=True)
class Labelled:
    """M images and their N texts as evidence sees them, with what is known of them."""

    images: Described
    texts: Described
    owner: Tensor  # N, the image of each text
    labels: Tensor  # M × L

    def side(self, modality: str) -> tuple[Described, Tensor, Tensor]:
        """The items of one modality that have a label, their labels and the image that each belongs to."""
        items, owner = (
            (self.images, torch.arange(len(self.labels))) if modality == "image" else (self.texts, self.owner)
        )
        labelled = self.labels[owner].bool().any(dim=1)
        return items.rows(labelled), self.labels[owner][labelled], owner[labelled]


@dataclass(frozen=True)
class Pairs:
    """Queries against results: the evidence, the order of a search, what is relevant and what counts, Q × N each."""

    evidence: tuple[Tensor, ...]
    scores: Tensor
    relevant: Tensor
    counted: Tensor

    def first(self, depth: int) -> Tensor:
        """Tell which pairs are among the best of their query, Q × N."""
        masked = self.scores.masked_fill(~self.counted, -torch.inf)
        best = masked.topk(min(depth, masked.shape[1]), dim=1).indices
        return torch.zeros_like(self.counted).scatter(1, best, True) & self.counted

    def chances(self, curve: Curve) -> Tensor:
        """The probability of every pair, Q × N; 0 of one that does not count."""
        found = torch.from_numpy(curve([piece.numpy() for piece in self.evidence]))
        return found.masked_fill(~self.counted, 0.0)


class Asked:
    """Asks the questions of some items.

    Args:
        items: The items, on the CPU.
        ranking: What a search ranks by.
        counted: L, the labels that count.
    """

    def __init__(self, items: Labelled, ranking: Ranking, counted: Tensor) -> None:
        self._items, self._ranking, self._counted = items, ranking, counted

    def pairs(self, direction: str, *, taken_out: bool = False) -> Pairs:
        """Whole captions and pictures in one of `calibration.DIRECTIONS`.

        Args:
            direction: From what the query is to what the result is.
            taken_out: Whether everything that shares a label with a query is taken out, so that nothing can be found.

        Raises:
            InputError: No item has a label that counts.
        """
        asked, offered = direction.split("_to_")
        query, wanted, own = self._items.side(asked)
        result, given, owner = self._items.side(offered)
        wanted, given = wanted[:, self._counted].float(), given[:, self._counted].float()
        asking = wanted.any(dim=1).nonzero()[:, 0]
        if not len(asking) or not len(given):
            raise InputError(
                "No item has a label that counts, so nothing is known to be relevant; give labelled items."
            )
        asking = asking[:: max(1, -(-len(asking) * len(given) // MAX_PAIRS))]
        query, wanted, own = query.rows(asking), wanted[asking], own[asking, None]
        relevant, counted = wanted @ given.T > 0, own != owner
        if taken_out:
            counted &= ~relevant
        near = None
        if asked == "text":
            pictures, seen, of_picture = self._items.side("image")
            hidden = own == of_picture
            if taken_out:
                hidden |= wanted @ seen[:, self._counted].float().T > 0
            near = nearest(query, pictures, hidden)
        return self._against(query, result, relevant, counted, near)

    def unmatched(self, texts: Described, modality: str) -> Pairs:
        """Texts that match nothing, against the items of one modality."""
        result, given, _ = self._items.side(modality)
        nothing = torch.zeros(len(texts.common), len(given), dtype=torch.bool)
        return self._against(texts, result, nothing, ~nothing, nearest(texts, self._items.side("image")[0]))

    def names(self, modality: str, count: int) -> Pairs:
        """Names of labels, one or two at a time, against the items of one modality; all names that some item has.

        Raises:
            InputError: No item has a label.
        """
        result, given, _ = self._items.side(modality)
        given = given.bool()
        enough = 1 if count == 1 else TOGETHER
        asked = [
            list(columns)
            for columns in itertools.combinations(range(given.shape[1]), count)
            if int(given[:, columns].all(dim=1).sum()) >= enough
        ]
        if not asked:
            raise InputError("No item has a label, so no name is known to be shown; give labelled items.")
        asked = asked[:: max(1, -(-len(asked) * len(given) // MAX_PAIRS))]
        odds = torch.stack([shown(result.probabilities[:, columns]) for columns in asked])
        relevant = torch.stack([given[:, columns].all(dim=1) for columns in asked])
        return Pairs((odds,), odds, relevant, torch.ones_like(relevant))

    def _against(
        self, query: Described, result: Described, relevant: Tensor, counted: Tensor, near: Tensor | None
    ) -> Pairs:
        found = evidence(query, result, self._counted, near)
        asked, offered = (self._ranking.symmetric(self._ranking.parts(*items)) for items in (query, result))
        return Pairs(tuple(found), asked @ offered.T, relevant, counted)


@torch.no_grad()
def describe_features(
    features: Features, model: ALGCN, scales: Mapping[str, PlattScale], device: torch.device | str = "cpu"
) -> Labelled:
    """Describe images and texts as evidence sees them, on the CPU.

    Args:
        features: The items.
        model: In evaluation mode.
        scales: "image" and "text", from the cosines of labels to their probabilities.
        device: Where to compute.
    """
    items, own = embed(features, model, device), group(features)
    with_encoder = has_own_space(features)
    images, texts = (
        describe_embedded(embedded.cpu(), encoded if with_encoder else encoded[:, :0], model, scales.get(modality))
        for modality, embedded, encoded in (("image", items.images, own.images), ("text", items.texts, own.texts))
    )
    return Labelled(images, texts, own.owner, own.labels)


@torch.no_grad()
def describe_embedded(embedded: Tensor, encoded: Tensor, model: ALGCN, scale: PlattScale | None) -> Described:
    """Describe items by their embeddings and encoder features, on the CPU."""
    classifiers = functional.normalize(model.classifiers(), dim=1).cpu()
    scores = functional.normalize(embedded, dim=1) @ classifiers.T
    return describe(embedded, torch.zeros_like(scores) if scale is None else scale(scores), encoded)


def describe_unmatched(
    label_set: LabelSet, encode: Encode | None, model: ALGCN, scale: PlattScale | None
) -> Described | None:
    """Describe texts that match nothing; None where no words are read."""
    if encode is None:
        return None
    features = encode(unmatched_texts(label_set))
    with torch.no_grad():
        embedded = model.embed_text(features.to(model.prior.device)).float().cpu()
    return describe_embedded(embedded, features, model, scale)


def fit_calibration(
    model: ALGCN,
    features: Features,
    ranking: Ranking,
    scales: Mapping[str, PlattScale],
    device: torch.device | str = "cpu",
    encode: Encode | None = None,
) -> Calibration | None:
    """Fit a calibration of everything that can be asked on the validation split.

    Args:
        model: In evaluation mode.
        features: With a train and a validation split.
        ranking: What a search ranks by, for what is seen first.
        scales: From cosines of labels to probabilities.
        device: Where to compute.
        encode: What makes features of texts, where the features are its own.

    Returns:
        None where there is nothing to fit: too few validation items have labels. Only names have a chance where the
        features come from no encoder with a space of its own.
    """
    training, validation = features.select("train"), features.select("validation")
    if not validation.labels.any():
        return None
    labels = training.labels[training.first_rows()[0]] if len(training) else validation.labels
    counted = counted_labels(labels)
    asked = Asked(describe_features(validation, model, scales, device), ranking, counted)
    curves: dict[str, Curve] = {}
    try:
        if scales:
            for kind in NAMED:
                curves[kind] = _fit([(asked.names(kind.removeprefix("name_to_"), 1), 1.0)])
        if has_own_space(features):
            nothing = describe_unmatched(features.label_set, encode, model, scales.get("text"))
            for direction in DIRECTIONS:
                questions = [(asked.pairs(direction), CAPTIONS), (asked.pairs(direction, taken_out=True), TAKEN_OUT)]
                if nothing is not None and direction.startswith("text"):
                    questions.append((asked.unmatched(nothing, direction.removeprefix("text_to_")), UNMATCHED))
                curves[direction] = _fit(questions)
    except InputError:
        return None
    named = zip(features.label_set.names, counted.tolist(), strict=True)
    uncounted = tuple(name for name, counts in named if not counts)
    return Calibration(curves, uncounted, _cutoff(asked, curves)) if curves else None


def _fit(questions: Sequence[tuple[Pairs, float]]) -> Curve:
    """Fit a curve to some kinds of question, each with what it counts."""
    parts = []
    for pairs, weight in questions:
        first, counted = pairs.first(FIRST_FITTED), pairs.counted
        counts = torch.where(first, 1 / max(1, int(first.sum())), 1 / max(1, int((counted & ~first).sum())))
        found = torch.stack([piece[counted] for piece in pairs.evidence], dim=1)
        parts.append((found.numpy(), pairs.relevant[counted].numpy(), weight * counts[counted].numpy()))
    found, relevant, counts = (np.concatenate(values) for values in zip(*parts, strict=True))
    return fit_curve(found, relevant, counts * len(counts) / counts.sum())


def _cutoff(asked: Asked, curves: Mapping[str, Curve]) -> float:
    """The chance below which a result is left out: nearly all captions, and all names, still show a picture."""
    highest = [HIGHEST_CUTOFF]
    if "text_to_image" in curves:
        best = asked.pairs("text_to_image").chances(curves["text_to_image"]).amax(dim=1)
        highest.append(float(best.quantile(1 - ANSWERED)))
    if "name_to_image" in curves:
        highest.append(float(asked.names("image", 1).chances(curves["name_to_image"]).amax(dim=1).min()))
    return math.floor(100 * min(highest)) / 100


def measure_reliability(
    calibration: Calibration, items: Labelled, ranking: Ranking, counted: Tensor, nothing: Described | None
) -> tuple[dict[str, Reliability], dict[str, Question]]:
    """Measure how far a calibration agrees with what happens on some items.

    Args:
        calibration: The curves.
        items: The items.
        ranking: What a search ranks by.
        counted: L, the labels that count.
        nothing: Texts that match nothing.

    Returns:
        What whole captions and pictures are promised, by direction; and of pictures, by kind of question.
    """
    asked, curves = Asked(items, ranking, counted), calibration.curves
    directions = {name: _reliability(asked.pairs(name), curves[name]) for name in DIRECTIONS if name in curves}
    questions = {}
    if "text_to_image" in curves:
        questions["captions"] = (asked.pairs("text_to_image"), curves["text_to_image"])
    if "name_to_image" in curves:
        questions["names"] = (asked.names("image", 1), curves["name_to_image"])
        with contextlib.suppress(InputError):  # no two labels are together often enough
            questions["two_names"] = (asked.names("image", 2), curves["name_to_image"])
    if "text_to_image" in curves:
        questions["taken_out"] = (asked.pairs("text_to_image", taken_out=True), curves["text_to_image"])
        if nothing is not None:
            questions["unmatched"] = (asked.unmatched(nothing, "image"), curves["text_to_image"])
    return directions, {name: _question(*question, calibration.cutoff) for name, question in questions.items()}


def _question(pairs: Pairs, curve: Curve, cutoff: float) -> Question:
    chances = pairs.chances(curve)
    first = chances.gather(1, pairs.scores.masked_fill(~pairs.counted, -torch.inf).argmax(dim=1)[:, None])[:, 0]
    return Question(
        queries=len(chances),
        reliability=_reliability(pairs, curve),
        shown=float((chances.amax(dim=1) >= cutoff).double().mean()),
        sure=float((first > 0.5).double().mean()),
    )


def _reliability(pairs: Pairs, curve: Curve) -> Reliability:
    chances, first = pairs.chances(curve), pairs.first(FIRST)
    whole = reliability(chances[pairs.counted].numpy(), pairs.relevant[pairs.counted].numpy())
    seen = Bin(
        predicted=float(chances[first].mean()),
        observed=float(pairs.relevant[first].double().mean()),
        count=int(first.sum()),
    )
    return replace(whole, first_10=seen)


def measure_calibration(
    calibration: Calibration,
    model: ALGCN,
    features: Features,
    ranking: Ranking,
    scales: Mapping[str, PlattScale],
    others: Mapping[str, Labelled] | None = None,
    device: torch.device | str = "cpu",
    encode: Encode | None = None,
) -> CalibrationTest:
    """Test a calibration on the test split and on other items.

    Args:
        calibration: What `fit_calibration` returned on the same model and features.
        model: In evaluation mode.
        features: What the model was trained on, for their test split.
        ranking: What a search ranks by.
        scales: From cosines of labels to probabilities.
        others: Other pictures with labels, by what to call them.
        device: Where to compute.
        encode: What makes features of texts, where the features are its own.

    Returns:
        The part of a bundle's record; its sets are the test split, where two of its pictures have labels, then
        `others`.
    """
    validation, test = features.select("validation"), features.select("test")
    counted = torch.tensor([name not in calibration.uncounted for name in features.label_set.names])
    sets = []
    counts = test.labels[:, counted].any(dim=1).tolist()
    if len({name for name, has in zip(test.file_names, counts, strict=True) if has}) > 1:
        sets.append(("test split", describe_features(test, model, scales, device)))  # one picture has no other
    sets.extend((others or {}).items())
    nothing = describe_unmatched(features.label_set, encode, model, scales.get("text"))
    tested = []
    for title, items in sets:
        directions, questions = measure_reliability(calibration, items, ranking, counted, nothing)
        tested.append(TestedSet(title, len(items.labels), len(items.owner), directions, questions))
    return CalibrationTest(
        fitted_on=FittedOn("validation", images=len(set(validation.file_names)), texts=len(validation)),
        labels=len(features.label_set),
        sets=tuple(tested),
        definitions=DEFINITIONS,
        uncounted=calibration.uncounted,
        cutoff=calibration.cutoff,
    )


def summary(test: CalibrationTest) -> str:
    """Say a test in a few lines for a terminal."""
    lines = []
    for part in test.sets:
        lines.append(f"{part.name}: {part.images} images, {part.texts} texts")
        for direction, found in part.directions.items():
            first = found.first_10
            lines.append(
                f"  {direction:<15} Brier {found.brier:.4f} (base rate {found.brier_of_base_rate:.4f})   "
                f"ECE {found.ece:.4f}   first {FIRST}: said {first.predicted:.3f}, was {first.observed:.3f}"
            )
        for name, asked in (part.questions or {}).items():
            first = asked.reliability.first_10
            lines.append(
                f"  {name:<15} {asked.queries} queries   results {asked.shown:.3f}   first above 50 % {asked.sure:.3f} "
                f"  first {FIRST}: said {first.predicted:.3f}, was {first.observed:.3f}"
            )
    return "\n".join(lines)

"""Impute the labels that people left out, before training in mode "plus": `--incomplete-labels SHARE|auto`.

A training set where each true label was given with a share κ only (Elkan & Noto 2008) teaches that most of what is
there is absent. Here a linear probe of both modalities says how probable it is that a label was *given*, and κ turns
that into how probable it is that it is there though it was not given (`algcn.method.label_graph.impute`).

Notable:

- A picture's log-odds come from probes that were fitted on other pictures (FOLDS), for a probe that has seen a label as
  absent says so again. Those of picture and texts are averaged and calibrated (Platt).
- Whether the counted label graph helps is asked of the validation split, whose missing labels nobody knows either: a
  share HIDDEN of its given labels is hidden, and the likelier of the two says which were.
- Pictures without a label count as such that lost all of theirs. They are left out of training, as ever.
- Nothing is drawn but the folds, so that every process of a shared training comes to the same labels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import WEIGHT_DECAYS, Standardiser, fit_linear_probe
from algcn.evaluation.probabilities import fit_platt
from algcn.evaluation.record import ImputedLabels
from algcn.evaluation.retrieval import Embedded, group
from algcn.kit import checks
from algcn.kit.errors import InputError
from algcn.method.label_graph import COUNTED_SHARE, counted_graph, impute

FOLDS = 3
STRENGTHS = WEIGHT_DECAYS[2:]  # of the probe's penalty; on few labels the weakest never help
HIDDEN = 0.1
SUPPORT = 50  # given examples of a label that tells of κ
SUREST = 0.25  # as many pictures as this share of a label's given examples, the surest of it
QUANTILE = 0.75
LEAST_KEPT = 0.05


class CompletedLabels(NamedTuple):
    """Labels with those imputed that were probably left out.

    Attributes:
        training: N × L of 0 to 1, for the rows of the train split; 0 where a picture has no given label.
        validation: M × L, for those of the validation split.
        kept: κ, the share of true labels that was given.
        estimated: Whether κ was estimated.
        with_graph: Whether given labels spoke for others.
        expected: How many labels were imputed on training pictures, expected.
        pictures: How many training pictures have a given label.
    """

    training: Tensor
    validation: Tensor
    kept: float
    estimated: bool
    with_graph: bool
    expected: float
    pictures: int

    def line(self) -> str:
        """Say what was assumed or estimated, and what it gave."""
        known = "are estimated" if self.estimated else "are taken"
        by = "picture, texts and the label graph" if self.with_graph else "picture and texts"
        return (
            f"{self.kept:.0%} of the true labels {known} to be given: about {self.expected:,.0f} more are imputed on "
            f"{self.pictures:,} training pictures, by {by}."
        )

    def for_record(self) -> ImputedLabels:
        """The same as a bundle's record has it."""
        evidence = ("picture", "texts", "label graph") if self.with_graph else ("picture", "texts")
        known = "estimated" if self.estimated else "said"
        return ImputedLabels(round(self.kept, 4), known, evidence, round(self.expected, 1))


def complete_labels(
    features: Features, kept: float | None = None, device: torch.device | str = "cpu"
) -> CompletedLabels:
    """Impute the labels that were left out of the train and validation splits.

    Args:
        features: With both splits.
        kept: κ, the share of true labels that was given, above 0 and up to 1; None to estimate it (`estimate_kept`).
        device: Where to compute.

    Raises:
        InputError: A split is missing or has no label, or κ is out of range.
    """
    if kept is not None:
        kept = checks.number(kept, "share of labels that were given", 0, 1, above=True)
    splits = {split: features.select(split) for split in ("train", "validation")}
    for split, part in splits.items():
        if not part.labels.any():
            raise InputError(f"To impute labels, the {split} split needs labelled items; name some, or leave it out.")
    training, validation = (group(part, device) for part in splits.values())
    probed = _probe(training, validation)
    scale = fit_platt(probed[0], training.labels)
    logits, held_out = (scale.logits(found) for found in probed)
    estimated = kept is None
    if kept is None:
        kept = estimate_kept(logits, training.labels)
    counted = counted_graph(training.labels)
    helps = _likelihood(held_out, validation.labels, counted) > _likelihood(held_out, validation.labels, None)
    edges = counted if helps else None
    completed = impute(training.labels, logits, kept, edges)
    labelled = training.labels.any(dim=1)
    completed = completed * labelled[:, None]
    return CompletedLabels(
        training=completed[training.owner].cpu(),
        validation=impute(validation.labels, held_out, kept, edges)[validation.owner].cpu(),
        kept=kept,
        estimated=estimated,
        with_graph=helps,
        expected=float(completed.sum() - training.labels.sum()),
        pictures=int(labelled.sum()),
    )


def estimate_kept(logits: Tensor, labels: Tensor) -> float:
    """Estimate κ, the share of true labels that was given, from where a label is surest to be there.

    Where a label is surest to be there, it is there, and the share of those pictures that were given it is κ. The
    surest are as many as SUREST of its given examples; what counts is the upper quartile over labels, for not every
    label is that plain to see. The shares differ by chance too, so they are first drawn towards their mean by as much
    as that explains. Labels with fewer than SUPPORT given examples do not tell.

    One draw each of labels left out, where .7, .4 and .2 of them were kept, and of none:

        1,200 postcards, 67 labels           .68  .40  .21  1.00
        MIRFlickr subset, 24 labels          .64  .30  .12   .97
        generated, 6 labels                  .78  .52  .17  1.00

    The mean probability of given labels (Elkan & Noto's first estimate), calibrated, says .54 .29 .13 .81, .35 .17 .08
    .57 and .68 .38 .19 1.00: it takes every label for one that is always recognised, as only the generated ones are.

    Args:
        logits: N × L calibrated log-odds of a label being given, of items that they were not fitted on.
        labels: N × L of 0 and 1, as given.

    Raises:
        InputError: No label has SUPPORT examples.
    """
    counts = labels.sum(dim=0, dtype=torch.long)
    telling = (counts >= SUPPORT).nonzero().flatten().tolist()
    sizes = [round(SUREST * int(counts[column])) for column in telling]
    found = [
        float(labels[logits[:, column].topk(size).indices, column].float().mean())
        for column, size in zip(telling, sizes, strict=True)
    ]
    if not found:
        raise InputError(
            f"No label has {SUPPORT} training examples, too few to estimate how many were left out; give the share "
            "of the true labels that was given, such as --incomplete-labels 0.5."
        )
    shares, mean = torch.tensor(found), sum(found) / len(found)
    by_chance = sum(mean * (1 - mean) / size for size in sizes) / len(sizes)
    spread = float((shares - mean).square().mean())
    real = max(0.0, 1 - by_chance / spread) ** 0.5 if spread else 0.0
    return max(LEAST_KEPT, float((mean + real * (shares - mean)).quantile(QUANTILE)))


def _probe(training: Embedded, validation: Embedded) -> tuple[Tensor, Tensor]:
    """Fit probes, and average the log-odds of picture and texts: of the training pictures, and of the validation ones.

    The strength of a probe's penalty is that of the likeliest given labels on validation.
    """
    fold = torch.randperm(len(training.images), generator=torch.Generator().manual_seed(0)) % FOLDS
    out_of_fold, held_out = [], []
    for side in ("images", "texts"):
        rows, of_validation = getattr(training, side), getattr(validation, side)
        owner = training.owner if side == "texts" else torch.arange(len(rows), device=rows.device)
        labels = training.labels[owner]
        wanted = validation.text_labels if side == "texts" else validation.labels
        tried = []
        for strength in STRENGTHS:
            logits = _fit(rows, labels, strength, of_validation)
            loss = functional.binary_cross_entropy_with_logits(logits, wanted.float())
            tried.append((float(loss), strength, logits))
        _, strength, logits = min(tried, key=lambda found: found[0])
        held_out.append(_by_image(logits, validation) if side == "texts" else logits)
        found = torch.zeros_like(labels, dtype=torch.float32)
        of_row = fold.to(rows.device)[owner]
        for number in range(FOLDS):
            inside = of_row == number
            found[inside] = _fit(rows[~inside], labels[~inside], strength, rows[inside])
        out_of_fold.append(_by_image(found, training) if side == "texts" else found)
    return sum(out_of_fold) / 2, sum(held_out) / 2


def _fit(rows: Tensor, labels: Tensor, strength: float, others: Tensor) -> Tensor:
    """Fit a probe, and return its log-odds of other rows."""
    standardise = Standardiser.fit(rows)
    weights = fit_linear_probe(standardise(rows), labels, strength)
    return standardise(others) @ weights[:-1] + weights[-1]


def _by_image(logits: Tensor, items: Embedded) -> Tensor:
    """Average the log-odds of each image's texts."""
    total = torch.zeros(len(items.images), logits.shape[1], device=logits.device).index_add_(0, items.owner, logits)
    return total / torch.bincount(items.owner, minlength=len(total))[:, None]


def _likelihood(logits: Tensor, labels: Tensor, edges: Tensor | None) -> float:
    """How likely it is which given labels were hidden, a share HIDDEN at a time until each was once.

    With g the probability that a label was given, one that is not seen was given and is hidden with probability
    g h / (1 − g (1 − h)).

    Args:
        logits: N × L log-odds of a label being given, of items that they were not fitted on.
        labels: N × L of 0 and 1, as given.
        edges: The counted graph, L × L; without, only what is seen counts.
    """
    times = round(1 / HIDDEN)
    turn = torch.randint(times, labels.shape, generator=torch.Generator().manual_seed(0)).to(labels.device)
    total = 0.0
    for number in range(times):
        hidden = (labels > 0) & (turn == number)
        seen = ((labels > 0) & ~hidden).to(logits)
        moved = logits if edges is None else logits + COUNTED_SHARE * seen @ edges.to(logits)
        given = moved.double().sigmoid()
        chance = given * HIDDEN / (1 - given * (1 - HIDDEN))
        entropy = functional.binary_cross_entropy(chance, hidden.double(), reduction="none")
        total -= float(entropy[seen == 0].sum())
    return total

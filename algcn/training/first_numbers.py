"""The first numbers of a model: beside chance, the encoder alone and a linear probe, on pictures that none has seen."""

from __future__ import annotations

from typing import NamedTuple

from algcn.bundles.bundle import Bundle
from algcn.datasets.features import Features
from algcn.evaluation.linear_probe import linear_probe
from algcn.evaluation.measure import embed_by_labels
from algcn.evaluation.results import PRIMARY
from algcn.evaluation.retrieval import chance, embed, relevance_columns, retrieval_map


class FirstNumbers(NamedTuple):
    """mAP@all, average of both directions, relevance by the labels that count."""

    chance: float
    encoder: float  # alone, zero-shot
    linear_probe: float
    model: float  # ranked by probable labels

    def table(self) -> str:
        """Say the numbers for a terminal, the model's last."""
        names = ("random ranking", "encoder alone (zero-shot)", "linear probe", "the model")
        return "\n".join(f"  {name:<26} {value:.4f}" for name, value in zip(names, self, strict=True))


def first_numbers(bundle: Bundle, features: Features, which: str) -> FirstNumbers | None:
    """Measure a model of mode "plus" on the test split; None where no picture of it has a label that counts.

    Args:
        bundle: The model; it computes where it is.
        features: What it was trained on, with the validation split that was used, of an encoder that reads both sides.
        which: The labels that decide relevance, "annotated" or "all".
    """
    device = bundle.model.prior.device
    columns = relevance_columns(features.label_set, which).to(device)
    test = features.select("test")
    if not test.labels[:, columns.cpu()].any():
        return None
    alone = embed(test, None, device).with_labels(columns)
    probe, _ = linear_probe(features, columns, device)
    model = embed_by_labels(test, bundle.model, bundle.ranking, bundle.probabilities, columns.cpu(), device)
    return FirstNumbers(
        chance(alone),
        *(retrieval_map(items)[PRIMARY] for items in (alone, probe.with_labels(columns), model.with_labels(columns))),
    )

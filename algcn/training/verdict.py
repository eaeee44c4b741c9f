"""What a training says of itself that its user should act on: it stopped too early, or a simpler method is better."""

from __future__ import annotations

from algcn.evaluation.record import Record
from algcn.evaluation.results import PRIMARY
from algcn.method.config import TrainConfig


def last_epoch_warning(best_epoch: int, epochs: int, select: str) -> str | None:
    """Say that the best epoch was the last, where an epoch was picked; None where it was not.

    Args:
        best_epoch: Counted from 1.
        epochs: How many were trained.
        select: What picked it; "last" is no choice.
    """
    if select == "last" or best_epoch < epochs:
        return None
    return f"The best epoch was the last ({epochs:,}), so more may be better; try more with --epochs."


def probe_warning(model: float, probe: float, mode: str = "paper") -> str | None:
    """Say that a linear probe beats the model, by the mAP of both; None where it does not.

    Args:
        model: The model's mAP.
        probe: That of the probe.
        mode: How the model was trained: one of mode plus chooses how long itself.
    """
    if probe <= model:
        return None
    remedy = "train for longer, in mode plus or on more pictures" if mode == "paper" else "train on more pictures"
    return f"A linear probe is better than the model (mAP {probe:.4f} and {model:.4f}); {remedy}."


def record_warnings(record: Record, training: TrainConfig | None) -> list[str]:
    """Say the same of a bundle by its own numbers.

    Args:
        record: Its metrics.json.
        training: How it was trained, where it says so.
    """
    found = []
    if record.selection is not None and training is not None:
        found.append(last_epoch_warning(record.selection.best_epoch, training.epochs, record.selection.split))
    if record.baselines is not None and (training is None or training.mode == "paper"):  # that is what they compare
        methods = record.baselines.first.methods
        if {"algcn", "linear_probe"} <= methods.keys():
            found.append(probe_warning(*(methods[name].of(PRIMARY).mean for name in ("algcn", "linear_probe"))))
    return [warning for warning in found if warning is not None]

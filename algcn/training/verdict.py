"""What a training says of itself that its user should act on: it stopped too early, or a simpler method is better."""

from __future__ import annotations


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


def probe_warning(model: float, probe: float) -> str | None:
    """Say that a linear probe beats the model, by the mAP of both; None where it does not."""
    if probe <= model:
        return None
    return (
        f"A linear probe is better than the model (mAP {probe:.4f} and {model:.4f}); train for longer, in mode plus or "
        "on more pictures."
    )

"""Render the Train tab as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.kit.templates import render
from app.kit.words import render_status

if TYPE_CHECKING:
    from app.training.data import TrainingData
    from app.training.live import Trained
    from app.training.run import Progress

LOSS_NAMES = {
    "classification": "classification",
    "invariance": "invariance",
    "self_supervision": "self-supervision",
    "likelihood": "likelihood",
    "contrast": "contrast",
}
MODELS = {
    "this model": "your model",
    "the model before": "the model before",
    "the encoder": "the encoder alone",
    "a random ranking": "a random ranking",
}


def render_data(data: TrainingData, chosen: str, source: str) -> str:
    """Render what there is to learn from.

    Args:
        data: The training data.
        chosen: The model that is open.
        source: The model whose encoder's features are learned from; another one where that reads no words.
    """
    return render(
        "training/data.html",
        chosen=chosen,
        source=source,
        **{split: data.pictures(split) for split in ("train", "validation", "test")},
        labels=len(data.features.label_set),
        notes=data.notes,
    )


def render_empty(reason: str) -> str:
    """Render why this gallery cannot be trained on, and what would do."""
    return render("training/nothing.html", reason=reason)


def render_invitation() -> str:
    """Render what the tab says before the first run."""
    return render("training/invitation.html")


def render_progress(progress: Progress, *, stopping: bool = False) -> str:
    """Render how far a run is."""
    log, epochs, elapsed = progress.log, progress.epochs, progress.elapsed
    share = len(log) / epochs
    if stopping:
        return render_status("Stopping…", share)
    if not log:
        return render_status(f"Epoch 1 of {epochs} · {elapsed:.0f} s", share)
    each = sum(entry.seconds for entry in log) / len(log)
    left = max(0.0, each * epochs - elapsed)
    now = min(len(log) + 1, epochs)
    return render_status(f"Epoch {now} of {epochs} · {each:.1f} s each · about {left:.0f} s left", share)


def render_numbers(progress: Progress) -> str:
    """Render the last epoch in numbers."""
    if not progress.log:
        return ""
    last = progress.log[-1]
    return render(
        "training/numbers.html",
        losses=last.losses,
        loss_names={part: name for part, name in LOSS_NAMES.items() if part in last.losses},
        average=last.map["average"],
        best_epoch=progress.best_epoch,
    )


def render_edges(edges: Sequence[tuple[str, str, float]]) -> str:
    """Render the edges that changed most."""
    if not edges:
        return ""
    return render("training/edges.html", edges=edges, reach=max(abs(value) for *_, value in edges))


def render_result(trained: Trained) -> str:
    """Render what came out, beside the other models."""
    items = trained.record.items
    return render(
        "training/result.html",
        stopped=trained.stopped,
        epochs=len(trained.result.log),
        wanted=trained.config.epochs,
        seconds=trained.seconds,
        best_epoch=trained.result.best_epoch,
        pictures=items["test"].images or items["validation"].images,
        compared=[(MODELS[name], values) for name, values in trained.compared.items()],
        best=max(values["average"] for values in trained.compared.values()),
    )

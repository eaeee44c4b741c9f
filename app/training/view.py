"""Render the Train tab as HTML; every word that a gallery brought is escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.kit.words import render_status

if TYPE_CHECKING:
    from app.training.data import TrainingData
    from app.training.live import Trained
    from app.training.run import Progress

LOSS_NAMES = {"classification": "classification", "invariance": "invariance", "self_supervision": "self-supervision"}
MODELS = {
    "this model": "your model",
    "the model before": "the model before",
    "the encoder": "the encoder alone",
    "a random ranking": "a random ranking",
}


def render_data(data: TrainingData, chosen: str, source: str) -> str:
    """Render what there is to learn from.

    Args:
        data: What there is.
        chosen: The model that is open.
        source: The model whose encoder's features are learned from; another one where that reads no words.
    """
    train, validation, test = (data.pictures(split) for split in ("train", "validation", "test"))
    measures = f", {test:,} measure the result" if test else ""
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in data.notes)
    other = (
        f'<p class="train-other"><b>{html.escape(chosen)}</b> reads pictures only, and training needs captions too: '
        "it learns from the gallery as it is read by the encoder of "
        f"<b>{html.escape(source)}</b>, and is compared with that model.</p>"
        if chosen != source
        else ""
    )
    return other + (
        f'<p class="train-data"><b>{train:,}</b> pictures to learn from, {validation:,} pick the epoch{measures}; '
        f"<b>{len(data.features.label_set)}</b> labels.</p>" + (f"<ul>{notes}</ul>" if notes else "")
    )


def render_empty(reason: str) -> str:
    """Render why this gallery cannot be trained on, and what would do."""
    return (
        f'<div class="empty"><h2>Nothing to train on</h2><p>{html.escape(reason)}</p>'
        "<p>Open a collection whose <code>metadata.csv</code> has texts and labels in the Collections tab, or go back "
        "to the bundled gallery.</p></div>"
    )


def render_invitation() -> str:
    """Render what the tab says before the first run."""
    return (
        '<div class="empty"><h2>Not trained yet</h2><ol class="steps">'
        "<li><b>Press Train</b>: the features are at hand, so an epoch takes a second or less.</li>"
        "<li><b>Watch the graph</b>: brown edges get weaker, teal ones stronger than the data alone said.</li>"
        "<li><b>Then look around</b>: every other tab answers with your model, for you alone.</li></ol></div>"
    )


def render_progress(progress: Progress, *, stopping: bool = False) -> str:
    """Render how far a run is."""
    log, epochs, elapsed = progress.log, progress.settings.epochs, progress.elapsed
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
    cells = [f"<div><dt>total loss</dt><dd>{last.losses['total']:.3f}</dd></div>"]
    cells += [f"<div><dt>{name}</dt><dd>{last.losses[key]:.3f}</dd></div>" for key, name in LOSS_NAMES.items()]
    cells.append(f"<div><dt>mAP</dt><dd>{last.map['average']:.3f}</dd></div>")
    cells.append(f"<div><dt>best epoch</dt><dd>{progress.best_epoch}</dd></div>")
    return f'<dl class="run-numbers">{"".join(cells)}</dl>'


def render_edges(edges: Sequence[tuple[str, str, float]]) -> str:
    """Render the edges that changed most."""
    if not edges:
        return ""
    reach = max(abs(value) for *_, value in edges)
    rows = "".join(
        f'<li class="{"more" if value > 0 else "less"}"><span>{html.escape(source)} → {html.escape(target)}</span>'
        f'<b>{value:+.2f}</b><i style="--share:{abs(value) / reach:.3f}"></i></li>'
        for source, target, value in edges
    )
    return f'<h3>Changed most</h3><ol class="edges">{rows}</ol>'


def render_result(trained: Trained) -> str:
    """Render what came out, beside the other models."""
    settings, log = trained.settings, trained.result.log
    how = f"Stopped after {len(log)} of {settings.epochs} epochs" if trained.stopped else f"{len(log)} epochs"
    # The largest average is told by weight and by a word, not by colour.
    best = max(values["average"] for values in trained.compared.values())
    rows = "".join(
        f'<tr{" class=best" if values["average"] == best else ""}><th scope="row">{MODELS[name]}</th>'
        + "".join(f"<td>{values[key]:.3f}</td>" for key in ("image_to_text", "text_to_image", "average"))
        + "</tr>"
        for name, values in trained.compared.items()
    )
    pictures = trained.metrics["items"]["test"]["images"] or trained.metrics["items"]["validation"]["images"]
    return (
        f'<div class="result"><p>{how} in {trained.seconds:.0f} s; the best was epoch {trained.result.best_epoch}. '
        f"mAP on {pictures:,} pictures that it never saw:</p>"
        '<table><thead><tr><th></th><th scope="col">image → text</th><th scope="col">text → image</th>'
        f'<th scope="col">average</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )

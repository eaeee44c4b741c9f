"""The shipped model of mode "paper" as a bundle of its own: a page whose answers depend on the paper's graph."""

from __future__ import annotations

from pathlib import Path

from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle

POCKET = Path(__file__).resolve().parents[1] / "weights" / "pocket"


def write_paper_bundle(folder: Path) -> Path:
    """What `algcn.train --mode paper` would have written, with the rule of ranking of the shipped model."""
    shipped = Bundle.load(POCKET)
    return save_bundle(
        folder,
        shipped.paper_model,
        shipped.label_set,
        encoder=shipped.encoder_reference,
        link_encoder=True,
        training=shipped.paper_training,
        thresholds=shipped.thresholds,
        probabilities=shipped.probabilities,
        ranking=shipped.ranking,
        calibration=shipped.calibration,
        metrics=shipped.metrics,
        history=shipped.history,
        without_gcn=shipped.without_gcn,
        directed_graph=shipped.directed_graph,
    )

"""Bundles of mode plus for tests, made of a bundle of mode paper and a labelled gallery in place of a training run."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle
from algcn.evaluation.probabilities import fit_platt
from algcn.evaluation.ranking import BALANCED, Ranking, rarity
from algcn.gallery.store import Gallery
from algcn.method.config import TrainConfig
from algcn.method.label_graph import DirectedGraph, learn_graph
from algcn.method.model import ALGCN


def write_plus_bundle(
    folder: Path, paper: Bundle, gallery: Gallery, *, beside: bool = True, graph: bool = True, scales: bool = True
) -> Path:
    """A bundle whose model embeds as that of `paper` does, with its classifiers and no graph convolution.

    Args:
        folder: Of the new bundle.
        paper: Gives model, encoder and history.
        gallery: What probabilities, ranking and the directed graph are fitted on.
        beside: Whether the model of mode paper stands beside it, with its history.
        graph: Whether there is a directed graph.
        scales: Whether there are probabilities of labels, and a ranking by them.
    """
    labels = paper.label_set.encode(paper.label_set.among(item.labels or ()) for item in gallery.items)
    model = ALGCN(paper.model.config.replace(use_gcn=False))
    with torch.no_grad():
        model.instance.load_state_dict(paper.model.instance.state_dict())
        classifiers = paper.model.classifiers()
        model.label.free_classifiers.copy_(classifiers)
    unit = functional.normalize(classifiers, dim=1)
    owner = gallery.text_owner
    sides = {
        "image": (gallery.image_embeddings, labels, gallery.image_features),
        "text": (gallery.text_embeddings, labels[owner], gallery.text_features),
    }
    fitted = {side: fit_platt(embeddings @ unit.T, given) for side, (embeddings, given, _) in sides.items()}
    ranking = Ranking.of_encoder_weight(0.5, len(paper.label_set))
    if scales:
        blank = Ranking(BALANCED, BALANCED, rarity(labels))
        parts = [
            blank.parts(embeddings, fitted[side](embeddings @ unit.T), features)
            for side, (embeddings, _, features) in sides.items()
        ]
        ranking = Ranking.fit(*parts, blank.rarity, BALANCED._replace(labels=2.0))
    encoder = paper.encoder_reference
    return save_bundle(
        folder,
        model,
        paper.label_set,
        encoder=encoder,
        link_encoder=isinstance(encoder, Path),
        training=TrainConfig(mode="plus"),
        probabilities=fitted if scales else None,
        ranking=ranking,
        paper=paper.model if beside else None,
        history=paper.history if beside else None,
        directed_graph=_learned(gallery, labels) if graph else None,
    )


def _learned(gallery: Gallery, labels: torch.Tensor) -> DirectedGraph:
    features = gallery.image_features
    standard = (features - features.mean(dim=0)) / features.std(dim=0).clamp(min=1e-6)
    return learn_graph([standard], labels)

"""The experiment: each peer whose checkout was named, every seed, by cosine and by this project's rule of ranking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch.nn import functional

from algcn.evaluation.retrieval import Embedded, retrieval_map
from algcn.study.cells import Key
from algcn.study.comparison import by_rankings
from algcn.study.measuring import on
from algcn.study.methods import Fitted, Sides, calibrated, held_out, label_statistics
from algcn.study.peers.authors import AUTHORS_ALGCN
from algcn.study.peers.checkout import fingerprint, load
from algcn.study.peers.dscmr import DSCMR
from algcn.study.peers.fitting import PATIENCE, Trained, among, on_each_scale
from algcn.study.peers.gnn4cmr import I_GNN, P_GNN
from algcn.study.peers.peer import COCO, MIRFLICKR, Given, Peer
from algcn.study.settings import Study

PEERS: Mapping[str, Peer] = {"p-gnn": P_GNN, "i-gnn": I_GNN, "dscmr": DSCMR, "authors-algcn": AUTHORS_ALGCN}
CHECKOUTS = {peer.checkout: peer.source for peer in PEERS.values()}
ALL_HAVE = (
    "It learns the labels that decide what is relevant; at least as many epochs as mode paper has there; stopped after "
    f"{PATIENCE} epochs without a better one; scale and epoch by mAP on validation."
)


def check(checkouts: Mapping[str, Path]) -> None:
    """Import what each named checkout is for, before anything is measured.

    Raises:
        InputError: A folder is no checkout of that peer.
    """
    for peer in PEERS.values():
        if peer.checkout in checkouts:
            load(checkouts[peer.checkout], peer.code, peer.source)


def keys(study: Study) -> Iterator[Key]:
    """Name the runs: every peer that there is a checkout of, and every seed."""
    for method, peer in PEERS.items():
        if peer.checkout in study.settings.peers:
            for seed in study.settings.seeds:
                yield Key(study.collection.name, "peers", {"method": method, "seed": seed})


def measure(study: Study, key: Key) -> dict[str, Any]:
    """Measure a peer as it is and by this project's rule of ranking.

    Returns:
        What `comparison.measure` does, and "scale", "epoch", "epochs", "scales" (what each scale gave), "code" (the
        fingerprint of the checkout) and "done" (what was adapted).
    """
    method, seed = key.of["method"], key.of["seed"]
    peer, study = PEERS[method], study.on(among(study.features, study.columns["all"]))
    folder = study.settings.peers[peer.checkout]
    training = study.features.select("train")
    training = training.rows((training.labels != 0).any(dim=1).nonzero().flatten())
    given = Given(
        folder,
        MIRFLICKR if study.collection.preset == "mirflickr" else COCO,
        study.features.label_set.names,
        training.image_features,
        training.text_features,
        training.labels,
    )
    code = load(folder, peer.code, peer.source)
    scales = on_each_scale(peer, code, given, study.features, study.collection.epochs or 1, seed, study.device)
    best = max(scales, key=lambda name: scales[name].score)
    return {
        "method": method,
        "seed": seed,
        "scale": best,
        "epoch": scales[best].epoch,
        "epochs": scales[best].epochs,
        "scales": {
            name: {"map": trained.score, "epoch": trained.epoch, "test": _test_map(trained, study)}
            for name, trained in scales.items()
        },
        "code": fingerprint(folder),
        "done": f"{peer.done} {ALL_HAVE}",
        **by_rankings(fitted(scales[best], study), study),
    }


def fitted(trained: Trained, study: Study) -> Fitted:
    """Describe the held-out items as a trained peer does: its embeddings, and log-odds of its label scores (Platt)."""
    outputs = trained.outputs.items()
    embeddings = Sides(
        {split: functional.normalize(output.images, dim=1) for split, output in outputs},
        {split: functional.normalize(output.texts, dim=1) for split, output in outputs},
    )
    scores = Sides(
        {split: output.image_scores for split, output in outputs},
        {split: output.text_scores for split, output in outputs},
    )
    return Fitted(embeddings, calibrated(scores, study.features), *label_statistics(study.features))


def _test_map(trained: Trained, study: Study) -> dict[str, float]:
    items, output = held_out(study.features)["test"], trained.outputs["test"]
    items = on(Embedded(output.images, output.texts, items.owner, items.labels), study.device)
    return {name: retrieval_map(items.with_labels(columns))["average"] for name, columns in study.columns.items()}

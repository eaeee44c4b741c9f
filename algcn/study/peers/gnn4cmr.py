"""P-GNN and I-GNN (Qian et al., TPAMI 2022), the successors of ALGCN by its authors: github.com/LivXue/GNN4CMR.

As theirs: networks, the three losses (classification, soft contrastive, adversarial) and their weights, Adam, rates,
batches, GloVe vectors of the label names, a graph counted at threshold 0.4 (P-GNN) or learned of eight metrics (I-GNN).

Adapted from outside: input widths and labels are the study's; the counts of P-GNN's graph are those of the study's
training rows, as the file that the authors provide is of theirs; `.cuda()` goes to the device that was asked for;
`numpy.float`; a last batch of one row is left out, which batch normalisation cannot take. Labels without a vector in
the authors' files: `labels.name_vectors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from torch import Tensor, nn

from algcn.study.peers.labels import name_vectors, with_cooccurrence
from algcn.study.peers.peer import COCO, MIRFLICKR, Given, Peer, Recipe

CHECKOUT, SOURCE = "gnn4cmr", "https://github.com/LivXue/GNN4CMR"
LOSSES = ("cla_loss", "soft_con_loss", "gan_loss")
RECIPES = {
    MIRFLICKR: Recipe(100, 40, 5e-5, {"classification": 0.5, "adversary": 2.0, "temperature": 0.22, "within": 0.14}),
    COCO: Recipe(512, 40, 5e-5, {"classification": 2.8, "adversary": 0.2, "temperature": 0.2, "within": 0.14}),
}
LAYERS, THRESHOLD, METRICS = 5, 0.4, 8
DONE = (
    "The authors' networks, losses, weights, rates and batches; widths, labels and counts of labels are the study's; "
    "`.cuda()`, numpy.float and a last batch of one row were adapted."
)


def _settings(given: Given) -> dict[str, Any]:
    vectors = name_vectors(given)
    return {
        "img_input_dim": given.images.shape[1],
        "text_input_dim": given.texts.shape[1],
        "num_classes": len(given.names),
        "in_channel": vectors.shape[1],
        "t": THRESHOLD,
        "inp": vectors,
        "GNN": "GCN",
        "n_layers": LAYERS,
    }


def _p_gnn(code: SimpleNamespace, given: Given) -> nn.Module:
    return with_cooccurrence(given, lambda path: code.P_GNN(adj_file=path, **_settings(given)))


def _i_gnn(code: SimpleNamespace, given: Given) -> nn.Module:
    return code.I_GNN(k=METRICS, **_settings(given))


def _loss(code: SimpleNamespace, output: Sequence[Tensor], labels: Tensor, weights: Mapping[str, float]) -> Tensor:
    images, texts, image_scores, text_scores, _, *modalities = output
    return (
        weights["classification"] * code.cla_loss(image_scores, text_scores, labels, labels)
        + code.soft_con_loss(images, texts, labels, weights["temperature"], weights["within"])
        + weights["adversary"] * code.gan_loss(*modalities)
    )


P_GNN = Peer("P-GNN", CHECKOUT, SOURCE, {"model": ("P_GNN",), "loss": LOSSES}, RECIPES, _p_gnn, _loss, DONE)
I_GNN = Peer("I-GNN", CHECKOUT, SOURCE, {"model": ("I_GNN",), "loss": LOSSES}, RECIPES, _i_gnn, _loss, DONE)

"""ALGCN by its authors (Qian et al., TMM 2021), beside this project's own: github.com/LivXue/ALGCN.

As theirs: network, losses and their weights, Adam with a rate a hundred times as high for the learned graph, batches,
label embeddings drawn at random and learned, a graph counted at threshold 0.4.

Adapted from outside: input widths and labels are the study's; the counts are those of the study's training rows, as
the authors' script counts them; `numpy.float`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from torch import Tensor, nn

from algcn.study.peers.labels import with_cooccurrence
from algcn.study.peers.peer import COCO, MIRFLICKR, Given, Peer, Recipe

WEIGHTS = {"invariance": 0.2, "self-supervision": 0.5}
THRESHOLD, GAMMA = 0.4, 0.5
DONE = (
    "The authors' network, losses, weights, rates and batches; widths, labels and counts of labels are the study's; "
    "numpy.float was adapted."
)


def _build(code: SimpleNamespace, given: Given) -> nn.Module:
    return with_cooccurrence(
        given,
        lambda path: code.ALGCN(
            img_input_dim=given.images.shape[1],
            text_input_dim=given.texts.shape[1],
            num_classes=len(given.names),
            t=THRESHOLD,
            adj_file=path,
            gamma=GAMMA,
        ),
    )


def _loss(code: SimpleNamespace, output: Sequence[Tensor], labels: Tensor, weights: Mapping[str, float]) -> Tensor:
    *items, _, self_supervision = output
    return (
        code.calc_loss(*items, labels, labels, weights["invariance"]) + weights["self-supervision"] * self_supervision
    )


AUTHORS_ALGCN = Peer(
    "ALGCN, the authors' code",
    "algcn",
    "https://github.com/LivXue/ALGCN",
    {"model": ("ALGCN",), "train_model": ("calc_loss",)},
    {MIRFLICKR: Recipe(100, 30, 5e-5, WEIGHTS), COCO: Recipe(1024, 50, 5e-5, WEIGHTS)},
    _build,
    _loss,
    DONE,
    parameters=lambda net, rate: net.get_config_optim(rate),
)

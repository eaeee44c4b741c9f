"""DSCMR (Zhen et al., CVPR 2019), deep supervised cross-modal retrieval: github.com/penghu-cs/DSCMR.

As theirs: network, loss and its weights, Adam, rate, batches, and rows that are not shuffled; their one setting is that
of Pascal Sentence, for all collections.

Adapted from outside: input widths and labels are the study's, and items have several labels, which the loss takes as
it is (the authors' data have one each, and their own measure of mAP compares one).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

from torch import Tensor, nn

from algcn.study.peers.peer import COCO, MIRFLICKR, Given, Peer, Recipe

RECIPE = Recipe(100, 500, 1e-4, {"alpha": 1e-3, "beta": 1e-1}, shuffled=False)
DONE = (
    "The authors' network, loss, weights, rate, batches and order of rows; widths and labels are the study's, and "
    "items have several labels."
)


def _build(code: SimpleNamespace, given: Given) -> nn.Module:
    return code.IDCM_NN(
        img_input_dim=given.images.shape[1], text_input_dim=given.texts.shape[1], output_dim=len(given.names)
    )


def _loss(code: SimpleNamespace, output: Sequence[Tensor], labels: Tensor, weights: Mapping[str, float]) -> Tensor:
    return code.calc_loss(*output, labels, labels, weights["alpha"], weights["beta"])


DSCMR = Peer(
    "DSCMR",
    "dscmr",
    "https://github.com/penghu-cs/DSCMR",
    {"model": ("IDCM_NN",), "train_model": ("calc_loss",)},
    {MIRFLICKR: RECIPE, COCO: RECIPE},
    _build,
    _loss,
    DONE,
)

"""A bundle with probabilities and a directed graph, and pictures on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from conftest import TINY_LABELS

from algcn.bundles.bundle import Bundle
from algcn.bundles.saving import save_bundle, update_bundle
from algcn.evaluation.probabilities import PlattScale
from algcn.gallery.store import Gallery, build_gallery
from algcn.method.label_graph import DirectedGraph


@pytest.fixture(scope="session")
def graph_bundle_dir(tmp_path_factory: pytest.TempPathFactory, tiny_bundle_dir: Path) -> Path:
    """The tiny bundle with probabilities, thresholds, and edges from beach to boat (+2) and from car to boat (−1)."""
    bundle = Bundle.load(tiny_bundle_dir)
    counted = torch.zeros(len(TINY_LABELS), len(TINY_LABELS))
    place = TINY_LABELS.index
    counted[place("beach"), place("boat")], counted[place("car"), place("boat")] = 4.0, -2.0
    counted[place("beach"), place("dog")] = 0.2  # too little to be a reason
    count = len(TINY_LABELS)
    folder = save_bundle(
        tmp_path_factory.mktemp("bundle") / "graph",
        bundle.model,
        bundle.label_set,
        encoder=bundle.encoder_reference,
        directed_graph=DirectedGraph(counted, torch.zeros(count, count), torch.full((count,), 0.3)),
    )
    scale = PlattScale(torch.full((count,), 8.0), torch.full((count,), 1.6))
    thresholds = torch.tensor([-1.0, -1, -1, 1, 1, 1])
    update_bundle(
        folder,
        probabilities={"image": scale, "text": scale},
        thresholds={"image": thresholds, "text": thresholds},
    )
    return folder


@pytest.fixture(scope="session")
def graph_bundle(graph_bundle_dir: Path) -> Bundle:
    return Bundle.load(graph_bundle_dir)


@pytest.fixture(scope="session")
def pictures(graph_bundle: Bundle, tiny_gallery_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """The tiny gallery, which has captions for all pictures but one."""
    folder = tmp_path_factory.mktemp("pictures") / "gallery"
    shutil.copytree(tiny_gallery_dir, folder)
    return build_gallery(folder, graph_bundle)

"""What graph peers know of labels before training: how often they occur together, and a vector for each name."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from algcn.kit.mat import read_variable
from algcn.study.peers.peer import COCO, MIRFLICKR, Given

Net = TypeVar("Net")

# The rows of the authors' GloVe vectors, and the files: MIRFlickr's annotations by name, COCO's categories by number.
ROWS = {
    MIRFLICKR: (
        "animals, baby, bird, car, clouds, dog, female, flower, food, indoor, lake, male, night, people, plant_life, "
        "portrait, river, sea, sky, structures, sunset, transport, tree, water"
    ),
    COCO: (
        "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign, "
        "parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, "
        "handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, "
        "skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, "
        "sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed, "
        "dining table, toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, "
        "refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush"
    ),
}
FILES = {MIRFLICKR: "mirflickr-inp-glove6B.mat", COCO: "MS-COCO-inp-glove6B.mat"}
SPREAD = 0.4  # of GloVe's numbers


def name_vectors(given: Given) -> Tensor:
    """Return a vector for each label, L × k: the authors' GloVe vectors where their file has all the labels.

    Elsewhere it is the mean of the training texts with the label, less the mean of all texts, as spread as GloVe is:
    that is in the same space as the texts are, and needs no other file.
    """
    rows = ROWS[given.kind].split(", ")
    if set(given.names) <= set(rows):
        vectors = read_variable(given.checkout / "embedding" / FILES[given.kind], "inp")
        return vectors[[rows.index(name) for name in given.names]]
    labels = given.labels.float()
    means = labels.T @ given.texts / labels.sum(dim=0).clamp(min=1)[:, None]
    means = means - given.texts.mean(dim=0)
    return means * (SPREAD / means.std())


def with_cooccurrence(given: Given, build: Callable[[str], Net]) -> Net:
    """Build a network that reads counts of labels from a file, which the authors make of the training rows.

    Args:
        given: With the labels of the training rows.
        build: Builds it from the path of the file: "adj", L × L, how many rows have both labels, and "nums", L.
    """
    from scipy.io import savemat

    labels = given.labels.double()
    counts = {"adj": (labels.T @ labels).numpy(), "nums": labels.sum(dim=0).clamp(min=1).numpy()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "adj.mat"
        savemat(path, counts)
        return build(str(path))

"""Which settings mode paper begins with where nobody says: those of the data set, for as many steps as it takes.

Notable: the paper's presets are for collections of tens of thousands. On 600 photos of one's own the preset of the
shipped bundle would be 20 steps, after which a model is near chance; so a preset that follows from the data trains for
at least as many steps as mode plus does (`algcn.method.config.enough`). One that is named is taken as it is.
"""

from __future__ import annotations

from typing import Any

from algcn.datasets.features import Features
from algcn.features.vgg import WIDTH as VGG_WIDTH
from algcn.method.config import PRESETS, TrainConfig, enough, preset

# The paper's collections by how many labels they have, where the features are the paper's.
BY_LABELS = {24: "mirflickr", 21: "nus-wide", 81: "nus-wide", 80: "ms-coco"}
OTHERS = "pocket"


def preset_of(features: Features) -> str:
    """Name the preset of a data set: by the name of its split, by the paper's features, else that of an encoder's."""
    collection = features.split_name.partition(" ")[0]
    if collection in PRESETS:
        return collection
    if features.image_dim == VGG_WIDTH:
        return BY_LABELS.get(len(features.label_set), OTHERS)
    return OTHERS


def paper_config(features: Features, name: str | None = None, **given: Any) -> TrainConfig:
    """Return the settings of mode paper.

    Args:
        features: What is trained on.
        name: A preset, taken as it is; without, the data's own with batch and epochs from how many rows are labelled.
        given: Settings that are wanted otherwise.

    Raises:
        InputError: No preset has this name, or a setting is at fault.
    """
    config = preset(name or preset_of(features))
    if name is None:
        rows = int(features.select("train").labels.any(dim=1).sum())
        batch, epochs = enough(rows, given.get("batch_size") or config.batch_size, config.epochs)
        config = config.replace(batch_size=batch, epochs=epochs)
    return config.replace(mode="paper", **given)

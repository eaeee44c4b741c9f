"""What the paper reports, in one place: the numbers of its Table 1, and what to know before comparing with them.

S. Qian, D. Xue, Q. Fang, C. Xu, "Adaptive Label-Aware Graph Convolutional Networks for Cross-Modal Retrieval", IEEE
Transactions on Multimedia 24 (2022), 3520-3532; the table as the paper's project page prints it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from algcn.datasets import mirflickr

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle

DOI = "https://doi.org/10.1109/TMM.2021.3101642"
CITATION = "Qian et al., IEEE Transactions on Multimedia 24 (2022), doi 10.1109/TMM.2021.3101642"
# By the names that splits have here (`algcn.datasets.splits`); the order is that of the table's columns.
DATASETS = {"nus-wide": "NUS-WIDE", "mirflickr": "MIRFlickr"}
METHOD = "ALGCN"
PART = "-subset"  # ends the name of a split of some of the items only
# mAP over the whole ranking: image → text, text → image, average.
TABLE_1 = {
    "CFA": {"nus-wide": (0.354, 0.361, 0.357), "mirflickr": (0.580, 0.548, 0.564)},
    "CCA": {"nus-wide": (0.656, 0.664, 0.660), "mirflickr": (0.712, 0.722, 0.717)},
    "PLS-C2A": {"nus-wide": (0.632, 0.631, 0.631), "mirflickr": (0.730, 0.740, 0.735)},
    "JRL": {"nus-wide": (0.427, 0.361, 0.394), "mirflickr": (0.589, 0.554, 0.571)},
    "ml-CCA": {"nus-wide": (0.669, 0.668, 0.668), "mirflickr": (0.734, 0.742, 0.738)},
    "Multimodal DBN": {"nus-wide": (0.342, 0.321, 0.331), "mirflickr": (0.575, 0.561, 0.568)},
    "Corr-AE": {"nus-wide": (0.632, 0.629, 0.630), "mirflickr": (0.708, 0.727, 0.717)},
    "DCCA": {"nus-wide": (0.637, 0.649, 0.643), "mirflickr": (0.736, 0.746, 0.741)},
    "ACMR": {"nus-wide": (0.684, 0.675, 0.680), "mirflickr": (0.736, 0.748, 0.742)},
    "DSCMR": {"nus-wide": (0.706, 0.739, 0.722), "mirflickr": (0.752, 0.799, 0.775)},
    METHOD: {"nus-wide": (0.747, 0.758, 0.753), "mirflickr": (0.792, 0.819, 0.806)},
}
LABELS = {"nus-wide": 21, "mirflickr": len(mirflickr.NAMES)}
NEITHER = (
    f"The paper reports numbers on {' and '.join(DATASETS.values())}. By its labels and the name of its split this "
    "bundle was trained on neither, so no row of the paper is to be compared with it."
)


@dataclass(frozen=True)
class Comparison:
    """Beside which data set of the paper a bundle may stand (None: beside neither), and what to know before."""

    dataset: str | None
    caveat: str


def dataset_of(split_name: str, label_names: Sequence[str]) -> str | None:
    """Which of the paper's data sets a model was trained on, by the name of its split or by its labels.

    A part of a data set counts as the data set: a reader is told how many items there are.

    Args:
        split_name: as a feature file has it, "mirflickr 2000-query seed 103" for instance; empty where it has none.
        label_names: of the model, in any order.

    Returns:
        "mirflickr" or "nus-wide"; None where it is neither, or where nothing says so.
    """
    named = split_name.split(" ", 1)[0].removesuffix(PART)
    # With other labels (14 salient ones of MIRFlickr, or 10 concepts of NUS-WIDE) another thing is measured.
    if named in DATASETS:
        return named if len(label_names) == LABELS[named] else None
    return "mirflickr" if not named and sorted(label_names) == mirflickr.NAMES else None


def comparison(bundle: Bundle) -> Comparison:
    """What a reader has to know who wants to hold a bundle's numbers against those of the paper."""
    metrics = bundle.metrics or {}
    split_name = str(metrics.get("split_name") or "")
    dataset = dataset_of(split_name, bundle.label_set.names)
    if dataset is None:
        return Comparison(None, NEITHER)
    caveats = _caveats(bundle, metrics, split_name, DATASETS[dataset])
    return Comparison(dataset, f"No like-for-like comparison: {' '.join(caveats)}")


def _caveats(bundle: Bundle, metrics: Mapping[str, Any], split_name: str, dataset: str) -> Iterator[str]:
    training = bundle.config.get("training")
    if isinstance(training, Mapping) and training.get("select") == "test":
        yield "the paper's code picks its epoch on the test set, and so did this bundle, so both are optimistic."
    else:
        yield "the paper's code picks its epoch on the test set, which is optimistic; this bundle did not."
    named = f"the split {split_name!r}" if split_name else "a split without a name"
    sizes = {split: part.get("images") for split, part in metrics.get("items", {}).items()}
    parts = [f"{size:,} {split}" for split, size in sizes.items() if isinstance(size, int)]
    count = f"{', '.join(parts)} images of " if parts else ""
    yield f"The paper's lists of items are not published; this bundle has {count}{named}."
    if split_name.split(" ", 1)[0].endswith(PART):
        yield f"That is a part of {dataset}, for which the paper's rows show what is usual and not what to reach."
    features = " and ".join(features_of(bundle))
    yield f"The paper's features are VGG-19 fc7 (4096 wide) and a bag of words; this bundle's are {features}."
    chance = metrics.get("test", {}).get("map", {}).get("chance")
    if chance is not None:
        yield f"The paper prints no chance level; on these test items it is {f'{chance:.3f}'.removeprefix('0')}."
    yield "The paper prints no spread over seeds."


def features_of(bundle: Bundle) -> tuple[str, str]:
    """What a bundle's image and text features are, and how wide."""
    config = bundle.model.config
    said = (bundle.metrics or {}).get("features") or {}
    found = []
    for modality, width in (("image", config.image_dim), ("text", config.text_dim)):
        source = (said.get(modality) or {}).get("source", "unknown")
        if modality in bundle.encodes:
            source = f"the {modality} tower of the bundle's encoder"
        elif source in ("unknown", "encoder"):
            source = f"ready-made {modality} features of an origin that the bundle does not name"
        found.append(f"{source} ({width} wide)")
    return found[0], found[1]

"""What the paper reports, in one place: the numbers of its Table 1, and what to know before comparing with them.

S. Qian, D. Xue, Q. Fang, C. Xu, "Adaptive Label-Aware Graph Convolutional Networks for Cross-Modal Retrieval", IEEE
Transactions on Multimedia 24 (2022), 3520-3532; the table as the paper's project page prints it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from algcn.datasets import mirflickr
from algcn.evaluation.record import Record
from algcn.method.config import ModelConfig

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
    """Tell which of the paper's data sets a model was trained on, by the name of its split or by its labels.

    A part of a data set counts as the data set: a reader is told how many items there are.

    Args:
        split_name: As a feature file has it, "mirflickr 2000-query seed 103" for instance; empty where it has none.
        label_names: The names of the model's labels, in any order.

    Returns:
        "mirflickr" or "nus-wide"; None where it is neither, or where nothing says so.
    """
    named = split_name.split(" ", 1)[0].removesuffix(PART)
    # With other labels (14 salient ones of MIRFlickr, or 10 concepts of NUS-WIDE) another thing is measured.
    if named in DATASETS:
        return named if len(label_names) == LABELS[named] else None
    return "mirflickr" if not named and sorted(label_names) == mirflickr.NAMES else None


def comparison(
    record: Record,
    label_names: Sequence[str],
    model: ModelConfig,
    encodes: Collection[str],
    *,
    selected_on_test: bool,
) -> Comparison:
    """Say what a reader has to know who wants to hold a model's numbers against those of the paper.

    Args:
        record: What metrics.json holds of the model; what it does not say is left out.
        label_names: The names of the model's labels.
        model: The sizes of the model.
        encodes: What its bundle's encoder reads for it, "image", "text" or both.
        selected_on_test: Whether the test split picked the epoch.
    """
    dataset = dataset_of(record.split_name or "", label_names)
    if dataset is None:
        return Comparison(None, NEITHER)
    features = features_of(record, model, encodes)
    caveats = _caveats(record, features, DATASETS[dataset], selected_on_test)
    return Comparison(dataset, f"No like-for-like comparison: {' '.join(caveats)}")


def _caveats(record: Record, features: tuple[str, str], dataset: str, selected_on_test: bool) -> Iterator[str]:
    if selected_on_test:
        yield "the paper's code picks its epoch on the test set, and so did this bundle, so both are optimistic."
    else:
        yield "the paper's code picks its epoch on the test set, which is optimistic; this bundle did not."
    split_name = record.split_name or ""
    named = f"the split {split_name!r}" if split_name else "a split without a name"
    parts = [f"{sizes.images:,} {split}" for split, sizes in (record.items or {}).items()]
    count = f"{', '.join(parts)} images of " if parts else ""
    yield f"The paper's lists of items are not published; this bundle has {count}{named}."
    if split_name.split(" ", 1)[0].endswith(PART):
        yield f"That is a part of {dataset}, for which the paper's rows show what is usual and not what to reach."
    yield (
        "The paper's features are VGG-19 fc7 (4096 wide) and a bag of words; this bundle's are "
        f"{' and '.join(features)}."
    )
    if record.test is not None and record.test.map is not None:
        chance = f"{record.test.map.chance:.3f}".removeprefix("0")
        yield f"The paper prints no chance level; on these test items it is {chance}."
    yield "The paper prints no spread over seeds."


def features_of(record: Record, model: ModelConfig, encodes: Collection[str]) -> tuple[str, str]:
    """Say what a model's image and text features are, and how wide."""
    said = record.features
    found = []
    for modality, width, known in (
        ("image", model.image_dim, said and said.image),
        ("text", model.text_dim, said and said.text),
    ):
        source = known.source if known else "unknown"
        if modality in encodes:
            source = f"the {modality} tower of the bundle's encoder"
        elif source in ("unknown", "encoder"):
            source = f"ready-made {modality} features of an origin that the bundle does not name"
        found.append(f"{source} ({width} wide)")
    return found[0], found[1]

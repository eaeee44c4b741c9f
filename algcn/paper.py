"""What the paper reports, in one place: the numbers of its Table 1, and what to know before comparing with them.

S. Qian, D. Xue, Q. Fang, C. Xu, "Adaptive Label-Aware Graph Convolutional Networks for Cross-Modal Retrieval", IEEE
Transactions on Multimedia 24 (2022), 3520-3532; the table as the paper's project page prints it.
"""

from __future__ import annotations

from collections.abc import Sequence

from algcn.datasets import mirflickr

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

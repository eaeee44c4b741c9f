"""The labels that come with the project: COCO's annotated ones, and those mined from captions."""

from __future__ import annotations

from pathlib import Path

from algcn.method.labels import LabelSet

CONCEPTS_PATH = Path(__file__).with_name("coco_concepts.json")


def load_concepts() -> LabelSet:
    """Load the 67 labels that come with the project: 18 annotated by COCO, 49 mined from captions."""
    return LabelSet.load(CONCEPTS_PATH)

"""The models of one training in one table, for a terminal."""

from __future__ import annotations

from algcn.evaluation.record import Record
from algcn.evaluation.results import SplitResult

HEAD = ("mAP@all", "validation", "image→text", "text→image", "average", "R@10", "R@10")
NOT_THERE = "–"


def models_table(record: Record) -> str:
    """Say how the models that a training left behind compare: mAP on validation, mAP and recall on test.

    Args:
        record: The numbers of a bundle that has more than one model.
    """
    paper, by_labels = (record.other_modes or {}).get("paper"), record.ranked_by_labels
    own = "mode paper" if paper is None else "mode plus"
    rows = {
        "mode plus, by labels": by_labels if paper is not None else None,
        own: record,
        "mode paper": paper or record,
        "without the GCN": record.without_gcn,
    }
    found = {name: (of.of("validation"), of.of("test")) for name, of in rows.items() if of is not None}
    measured = [result.map for result in found[own] if result is not None and result.map is not None]
    test = found[own][1]
    items = f" ({test.images:,} images, {test.texts:,} texts)" if test is not None else ""
    chance = measured[-1].chance if measured else None
    lines = [
        f"{'':22}{'':>12}  test{items}",
        _line(*HEAD),
        _line("random ranking", NOT_THERE, NOT_THERE, NOT_THERE, _number(chance), NOT_THERE, NOT_THERE),
        *(_line(name, *_cells(*results)) for name, results in found.items()),
    ]
    return "\n".join(lines)


def _cells(validation: SplitResult | None, test: SplitResult | None) -> list[str]:
    at = None if test is None else test.map
    recall = [None, None] if test is None else [test.recall.of(way)["10"] for way in ("image_to_text", "text_to_image")]
    maps = [None, None, None] if at is None else [at.image_to_text, at.text_to_image, at.average]
    return [_number(value) for value in (None if validation is None else validation.primary, *maps, *recall)]


def _line(name: str, *cells: str) -> str:
    return f"{name:<22}" + "".join(f"{cell:>12}" for cell in cells)


def _number(value: float | None) -> str:
    return NOT_THERE if value is None else f"{value:.4f}"

"""The endpoints about how good the model is: its own numbers, and what it gets wrong on the gallery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from algcn.kit.checks import shown
from algcn.kit.errors import InputError
from app.api.hits import LIMIT, picture_address
from app.benchmark.mistakes import mistakes_answer
from app.kit.limits import check_limit
from app.program import Program

SUMMARY, ALL = "summary", "all"
DIGITS = 4
# What a summary leaves out, besides lists: curves, single labels, and the values that a mean was made of.
CURVES = frozenset({"precision_recall", "per_label", "queries_left_out"})


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoints about how good the model is."""

    def benchmark(part: str = SUMMARY) -> dict[str, Any]:
        """Tell the model's own numbers: mAP with chance, baselines, curves, labels, and how far to trust its scores.

        Args:
            part: "summary" for the main numbers, rounded to four digits and without curves, single labels and logs; the
                name of a part ("test", "calibration" or another of `parts`) for that part as it is; "all" for all of
                them, some 60,000 characters.

        Returns:
            {"part", "parts" (names of the parts that the bundle's metrics.json has; none where it has no numbers),
            "numbers": what was asked for, by part, with definitions of the measures among them}.
        """
        return numbers_answer(program.named_service().bundle.metrics or {}, part)

    def label_mistakes(label: str, limit: int = LIMIT) -> dict[str, Any]:
        """Show the pictures of the gallery that a label was missed on or taken wrongly, the surest mistakes first.

        The model's own predictions are compared with the labels that the pictures were given, which do not help it. A
        label that was not given may be in the picture all the same, because people leave labels out.

        Args:
            label: The name of a label, "skiing" for instance.
            limit: How many pictures of each kind to list, 1 to 500.

        Returns:
            {"label", "pictures" (how many are labelled), "trained_on" (how many of them the model was trained on, or
            null where it does not know), "given", "predicted" and "right" (how many pictures were given the label, are
            predicted to have it, and both), "precision" and "recall" (null where there is nothing to divide by) with
            "precision_by_chance" and "recall_by_chance", "missed": [{file, labels (that it was given), probability (of
            the label, or null), picture (where it can be fetched)}] with the lowest probability first,
            "missed_in_all", "taken_wrongly": likewise with the highest first, "taken_wrongly_in_all", "taken_instead":
            [{label, pictures (on how many it was taken wrongly where this one was missed), share (of the missed),
            pictures_by_chance}] for labels where that is more than by chance}.
        """
        most, service = check_limit(limit), program.named_service()
        answer = mistakes_answer(service, label, most)
        for kind in ("missed", "taken_wrongly"):
            for told in answer[kind]:
                told["picture"] = picture_address(service, told.pop("position"))
        return answer

    return [benchmark, label_mistakes]


def numbers_answer(metrics: dict[str, Any], part: object) -> dict[str, Any]:
    """Return the numbers of a metrics.json, in short, one part of them, or all.

    Raises:
        InputError: There is no such part.
    """
    if part == SUMMARY:
        numbers = _short(metrics)
    elif part == ALL:
        numbers = metrics
    elif isinstance(part, str) and part in metrics:
        numbers = {part: metrics[part]}
    else:
        raise InputError(f"The part must be one of {', '.join([SUMMARY, ALL, *metrics])}, not {shown(part)}.")
    return {"part": part, "parts": list(metrics), "numbers": numbers}


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _short(inner) for name, inner in value.items() if name not in CURVES}
        return {name: inner for name, inner in kept.items() if not isinstance(inner, list) and inner != {}}
    return round(value, DIGITS) if isinstance(value, float) else value

"""The endpoint about the model's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from algcn.kit.checks import shown
from algcn.kit.errors import InputError
from app.program import Program

SUMMARY, ALL = "summary", "all"
DIGITS = 4
# What a summary leaves out, besides lists: curves, single labels, and the values that a mean was made of.
CURVES = frozenset({"precision_recall", "per_label", "queries_left_out"})


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoint about the model's own numbers."""

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

    return [benchmark]


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

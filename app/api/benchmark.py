"""The endpoint about the model's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.program import Program


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoint about the model's own numbers."""

    def benchmark() -> dict[str, Any]:
        """The model's own numbers: mAP with chance, baselines, curves, every label, and how far to trust its scores.

        Returns:
            The bundle's metrics.json as it is, with definitions in it; empty where the bundle has none.
        """
        return program.named_service().bundle.metrics or {}

    return [benchmark]

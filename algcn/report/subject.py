"""One bundle of a report, with what every part of the report asks about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from algcn.bundles.bundle import Bundle

METHODS = {
    "algcn": "ALGCN",
    "algcn_without_gcn": "ALGCN without GCN",
    "linear_probe": "Linear probe",
}
DIRECTIONS = {"image_to_text": "image → text", "text_to_image": "text → image"}


@dataclass(frozen=True)
class Subject:
    """A bundle by the reference that it was asked for by."""

    reference: str
    bundle: Bundle
    number: int = 1  # in the report

    @property
    def name(self) -> str:
        """What the bundle is called: its folder, or what it is on the Hub."""
        return Path(self.reference).resolve().name if Path(self.reference).exists() else self.reference

    @property
    def metrics(self) -> Mapping[str, Any]:
        """metrics.json; empty without one."""
        return self.bundle.metrics or {}

    @cached_property
    def training(self) -> Mapping[str, Any]:
        """How the model was trained; empty where that was not saved."""
        training = self.bundle.config.get("training")
        return training if isinstance(training, Mapping) else {}

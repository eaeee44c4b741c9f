"""One bundle of a report, with what every part of the report asks about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from algcn.bundles.bundle import Bundle
from algcn.evaluation.record import Record


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
    def record(self) -> Record:
        """The bundle's own numbers; without a metrics.json it has none."""
        return self.bundle.record

    @cached_property
    def training(self) -> Mapping[str, Any]:
        """How the model was trained; empty where that was not saved."""
        training = self.bundle.config.get("training")
        return training if isinstance(training, Mapping) else {}

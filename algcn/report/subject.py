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
        return self._settings("training")

    @cached_property
    def paper_training(self) -> Mapping[str, Any]:
        """How the model of mode "paper" beside it was trained; empty where there is none."""
        return self._settings("paper_training")

    def _settings(self, name: str) -> Mapping[str, Any]:
        settings = self.bundle.config.get(name)
        return settings if isinstance(settings, Mapping) else {}

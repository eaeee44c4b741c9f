"""The models that visitors choose from: the one that the program started with, and the bundles in weights/.

Notable: of the others only the names are known until somebody asks for one. Then it is loaded once, in a thread, for
everybody; models on one encoder share it, so that only the first of them takes more than a moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.kit.errors import InputError
from app.visitors.loading import Loading

if TYPE_CHECKING:
    from app.service import RetrievalService
    from app.visitors.hub_models import HubModels

CONFIG_NAME = "config.json"
SHOWN_NAME = 60


class Catalogue:
    """Models by name, all with the gallery that the program started with; safe to use from several threads.

    Args:
        loading: The default service, which the program started with.
        folders: The folders of the other bundles; the default one among them is passed over.

    Attributes:
        loading: The default service, which the program started with.
        hub: Opens models of the Hub for visitors; None where that is not allowed.
    """

    def __init__(self, loading: Loading, folders: Iterable[Path] = ()) -> None:
        self.loading = loading
        self.hub: HubModels | None = None
        self._folders = list(folders)
        self._started: dict[str, Loading] = {}
        self._lock = threading.Lock()

    def default(self) -> RetrievalService:
        """Wait for the service that the program started with and return it."""
        return self.loading.service()

    def names(self) -> list[str]:
        """List all names, the default model's first, as soon as that is loaded."""
        return [self.default().name, *self._others()]

    def is_loaded(self, name: str) -> bool:
        """Whether a model answers at once."""
        return any(service.name == name for service in self.loaded())

    def find(self, name: object) -> Loading:
        """Find a model and have it loaded, unless it is loaded or loading; one that failed is tried again.

        Raises:
            InputError: There is none of this name.
        """
        default, others = self.default(), self._others()
        if name == default.name:
            return self.loading
        if not isinstance(name, str) or name not in others:
            known = ", ".join([default.name, *others])
            raise InputError(f"There is no model called {str(name)[:SHOWN_NAME]!r} here; there is {known}.")
        with self._lock:
            if name not in self._started or self._started[name].failed():
                folder = others[name]
                self._started[name] = Loading(lambda report: self._load(name, folder, report))
            return self._started[name]

    def service(self, name: object) -> RetrievalService:
        """Wait for the service of a model and return it.

        Raises:
            InputError: There is none of this name, or it cannot be loaded.
        """
        return self.find(name).service()

    def reading(self, service: RetrievalService) -> RetrievalService:
        """Find a loaded service on the same encoder that reads words; `service` itself if it does, or if none does."""
        if service.reads_words:
            return service
        fingerprint = service.bundle.encoder_fingerprint
        fit = (one for one in self.loaded() if one.reads_words and one.bundle.encoder_fingerprint == fingerprint)
        return next(fit, service)

    def loaded(self) -> list[RetrievalService]:
        """List the services that answer at once, the default first."""
        with self._lock:
            started = list(self._started.values())
        return [self.default(), *(one.service() for one in started if one.done() and not one.failed())]

    def _others(self) -> dict[str, Path]:
        default = self.default()
        others = [folder for folder in self._folders if folder.resolve() != default.bundle.path.resolve()]
        taken = {default.name}  # by a bundle of the same name that lies elsewhere
        return {f.name if f.name not in taken else f"{f.parent.name}/{f.name}": f for f in others}

    def _load(self, name: str, folder: Path, report: Callable[[str], None]) -> RetrievalService:
        from app.service import load_service

        default = self.default()
        encoders = [service.encoder for service in self.loaded()]
        service = load_service(folder, default.gallery.root, report, name=name, encoders=encoders)
        # All of them show the same pictures by the same numbers.
        if [item.file_name for item in service.gallery.items] != [item.file_name for item in default.gallery.items]:
            raise InputError(f"The gallery has changed since the program started: start it again to use {name}.")
        return service


def bundles_in(folder: Path) -> list[Path]:
    """List the bundles in a folder by name; none where there is no such folder."""
    return sorted(path.parent for path in folder.glob(f"*/{CONFIG_NAME}"))

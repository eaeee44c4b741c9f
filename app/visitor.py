"""What one visitor sees: the model and the gallery that the program started with, until they open their own.

Notable: a visitor is one object for as long as a page is open, kept in a `gr.State`; tabs change it in place, so two
events at once lose nothing, and no other visitor ever gets hold of it.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.loading import Loading
    from app.search.query import QueryPoint
    from app.service import RetrievalService


class Visitor:
    """One visitor.

    Attributes:
        query: The query answered last, a point for the maps; None before the first.
    """

    def __init__(self) -> None:
        self.query: QueryPoint | None = None
        self._own: RetrievalService | None = None
        self._folders: list[Path] = []
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> Visitor:
        """Gradio copies a state's first value for each page that is opened: there, everybody starts afresh."""
        return Visitor()

    def service(self, loading: Loading) -> RetrievalService:
        """What answers this visitor.

        Raises:
            InputError: The program's bundle or gallery cannot be loaded.
        """
        return self._own or loading.service()

    @property
    def has_own(self) -> bool:
        """Whether the visitor opened a model or a gallery of their own."""
        return self._own is not None

    def open(self, service: RetrievalService) -> None:
        """Answer this visitor with `service` from now on."""
        with self._lock:
            self._own, self.query = service, None

    def reset(self) -> None:
        """Back to what the program started with; files stay until the visitor leaves."""
        with self._lock:
            self._own = self.query = None

    def keep(self, folder: Path) -> None:
        """Delete `folder` when the visitor leaves."""
        with self._lock:
            self._folders.append(folder)

    def leave(self) -> None:
        """Forget everything and delete the visitor's files."""
        self.reset()
        with self._lock:
            folders, self._folders = self._folders, []
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

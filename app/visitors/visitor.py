"""What one visitor sees: the model and the gallery that the program started with, until they choose another model or
open something of their own.

Notable: a visitor is one object for as long as a page is open, kept in a `gr.State`; tabs change it in place, so two
events at once lose nothing, and no other visitor ever gets hold of it.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.kit.turns import Turns

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from app.search.query import Query, QueryPoint
    from app.service import RetrievalService
    from app.visitors.loading import Loading


class Visitor:
    """One visitor, for as long as the page is open.

    Attributes:
        query: The query answered last, a point for the maps; None before the first.
        turns: What the visitor asks in the Search tab, in its order.
        asked: The query asked there last, answered or not, other than by typing alone; None before the first.
        giving: The picture that the visitor gave and that is being read; None for none.
        trained: A model of the visitor's, open or not, and the service that it was trained with; None without one.
        fetched: Models of the Hub that the visitor named, loaded or loading, by what was typed.
        fetching: Held while one is looked for among them.
        arrival: What went wrong with the address that they came by, "" for nothing; None until somebody has looked.
        arriving: Held while somebody looks.
    """

    def __init__(self) -> None:
        self.query: QueryPoint | None = None
        self.turns, self.giving = Turns(), None
        self.asked: Query | None = None
        self.trained: tuple[Bundle, RetrievalService] | None = None
        self.fetched: dict[str, Loading] = {}
        self.fetching = threading.Lock()
        self.arrival: str | None = None
        self.arriving = threading.Lock()
        self._shared: RetrievalService | None = None
        self._own: RetrievalService | None = None
        self._folders: list[Path] = []
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> Visitor:
        """Start afresh: gradio copies a state's first value for each page that is opened."""
        return Visitor()

    def service(self, loading: Loading) -> RetrievalService:
        """The service that answers this visitor.

        Raises:
            InputError: The program's bundle or gallery cannot be loaded.
        """
        return self._own or self.shared(loading)

    def shared(self, loading: Loading) -> RetrievalService:
        """The service without anything of the visitor's own: the model that they chose, with the program's gallery.

        Raises:
            InputError: The program's bundle or gallery cannot be loaded.
        """
        return self._shared or loading.service()

    @property
    def has_own(self) -> bool:
        """Whether the visitor opened a model or a gallery of their own."""
        return self._own is not None

    def open(self, service: RetrievalService) -> None:
        """Answer this visitor with `service` from now on."""
        with self._lock:
            self._own, self.query = service, None

    def exchange(self, before: RetrievalService, after: RetrievalService) -> bool:
        """Answer this visitor with `after` where `before` still does, which differs in labels alone; tells whether."""
        with self._lock:
            if self._own is not before:
                return False
            self._own = after
            return True

    def choose(self, shared: RetrievalService, own: RetrievalService | None = None) -> None:
        """Answer this visitor with another model from now on, or with something of their own made with it."""
        with self._lock:
            self._shared, self._own, self.query = shared, own, None

    def reset(self) -> None:
        """Go back to the model that they chose and the program's gallery; files stay until the visitor leaves."""
        with self._lock:
            self._own = self.query = None

    def keep(self, folder: Path) -> None:
        """Delete `folder` when the visitor leaves."""
        with self._lock:
            self._folders.append(folder)

    def keeps(self, folder: Path) -> bool:
        """Whether `folder` is kept until the visitor leaves."""
        with self._lock:
            return folder in self._folders

    def leave(self) -> None:
        """Forget everything and delete the visitor's files."""
        self.reset()
        with self._lock:
            self._shared = self.trained = None
            self.fetched = {}
            folders, self._folders = self._folders, []
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

"""The running program: what is made once at its start and shared by all visitors.

Notable: nothing of this is in a module's globals, so two programs in one process (in tests, for instance) share nothing
but what they are given.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from app.collection.work import reading_jobs
from app.kit.rooms import answer_room, picture_room
from app.maps.worker import LayoutWorker
from app.training.run import training_jobs
from app.visitors.addresses import Addresses
from app.visitors.catalogue import Catalogue
from app.visitors.files import VisitorFiles
from app.visitors.hub_models import HubModels

if TYPE_CHECKING:
    from app.search.query import Query
    from app.search.results import SearchResult
    from app.service import RetrievalService
    from app.visitors.loading import Loading

_NAMED: ContextVar[RetrievalService | None] = ContextVar("named_service", default=None)


class Program:
    """What all visitors share; to be made in the main thread, since it says what happens when the program is stopped.

    Args:
        loading: The service that the program starts with; may still be loading.
        uploads: The folder that gradio keeps uploads in.
        cache_folder: The only other folder that is written to.
        bundles: Folders of other bundles, which visitors can choose.
        allow_hub: Whether visitors may open models of the Hub.

    Attributes:
        models: What visitors can choose from.
        addresses: Where a browser finds pictures and downloads.
        files: Folders for what belongs to a visitor.
        training_jobs: The training runs of visitors and of programs.
        reading_jobs: Pictures of visitors and of programs that are being read.
        layout_worker: Where t-SNE and UMAP are computed.
        answer_room: Room for answers that do not wait in the page's queue.
        picture_room: Room for reading the pictures that people search with.
    """

    def __init__(
        self,
        loading: Loading,
        uploads: Path,
        cache_folder: Path,
        bundles: Iterable[Path] = (),
        *,
        allow_hub: bool = False,
    ) -> None:
        self.loading, self.uploads, self.cache_folder = loading, uploads, cache_folder
        self.models = Catalogue(loading, bundles)
        self.addresses = Addresses(loading)
        self.files = VisitorFiles(cache_folder)
        if allow_hub:
            self.models.hub = HubModels(self.models, self.files)
        self.training_jobs, self.reading_jobs = training_jobs(), reading_jobs()
        self.layout_worker = LayoutWorker(cache_folder)
        self.answer_room, self.picture_room = answer_room(), picture_room()

    def search(self, service: RetrievalService, query: Query) -> SearchResult:
        """Answer a query, with room for so many at once; whoever's picture is read keeps no other query waiting.

        Raises:
            InputError: There is no room, or the query is at fault.
        """
        if query.picture is not None:
            with self.picture_room.place():
                service.read_picture(query.picture)
        with self.answer_room.place():
            return service.search(query)

    def named_service(self) -> RetrievalService:
        """The service that answers the caller of an endpoint: of the model that they named, else the default."""
        return _NAMED.get() or self.loading.service()

    @contextlib.contextmanager
    def named(self, model: str) -> Iterator[None]:
        """Have `named_service` answer with the model of a name within a `with` block; "" for the default.

        Raises:
            InputError: There is no such model, or it cannot be loaded.
        """
        token = _NAMED.set(self.models.service(model) if model else None)
        try:
            yield
        finally:
            _NAMED.reset(token)

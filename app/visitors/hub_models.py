"""Models of the Hub that visitors open, where the operator allows it: each is alone for the visitor who named it.

Notable: what a stranger may have fetched is bounded: public repositories, so many bytes, so many models of one visitor
and of all together, few at a time. Only a model is fetched, never an encoder: it must go with one that is loaded here,
so that the gallery need not be read anew. Its files lie in a folder of the visitor and go with it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.kit.disk import shown_size
from algcn.kit.errors import InputError
from app.kit.disk import check_free, telling_visitors
from app.kit.rooms import Room
from app.visitors.loading import Loading

if TYPE_CHECKING:
    from collections.abc import Callable

    from algcn.bundles.bundle import Bundle
    from app.service import RetrievalService
    from app.visitors.catalogue import Catalogue
    from app.visitors.files import VisitorFiles
    from app.visitors.visitor import Visitor

MAX_BYTES = 64_000_000  # the shipped ones have 21 and 27 MB without their encoder
MAX_LABELS = 1000
OF_A_VISITOR, OF_ALL = 3, 24
TOO_MANY = f"You have opened {OF_A_VISITOR} models of the Hub: choose one of them, or reload the page to open others."
FULL = "Too many models of the Hub are open at the moment: try again later."
BUSY = "Too many models are being fetched from the Hub at the moment: try again in a minute."


class HubModels:
    """Opens models of the Hub for visitors; safe to use from several threads.

    Args:
        models: The models of the program.
        files: Makes folders for visitors.
    """

    def __init__(self, models: Catalogue, files: VisitorFiles) -> None:
        self._models, self._files = models, files
        self._room = Room(2, 6, 60.0, BUSY)
        self._folders: list[Path] = []

    def takes(self, name: object) -> bool:
        """Whether a name is one of the Hub, OWNER/NAME, and none of the program's own models."""
        return isinstance(name, str) and "/" in name and name not in self._models.names()

    def find(self, visitor: Visitor, reference: str) -> Loading:
        """Find a model that the visitor opened, or have it fetched for them; one that failed is tried again.

        Args:
            visitor: Whose it is.
            reference: OWNER/NAME[@COMMIT], as typed or by the name of the service that came of it.

        Raises:
            InputError: It is no such reference, or too many are open.
        """
        from algcn.kit.snapshots import parse_reference

        parse_reference(reference)
        with visitor.fetching:
            visitor.fetched = {name: one for name, one in visitor.fetched.items() if not one.failed()}
            for name, loading in visitor.fetched.items():
                if reference == name or (loading.done() and loading.service().name == reference):
                    return loading
            if len(visitor.fetched) >= OF_A_VISITOR:
                raise InputError(TOO_MANY)
            self._folders = [folder for folder in self._folders if folder.exists()]
            if len(self._folders) >= OF_ALL:
                raise InputError(FULL)
            with telling_visitors():
                check_free(self._files.free_bytes())
                folder = self._files.new_folder()
            self._folders.append(folder)
            visitor.keep(folder)
            loading = Loading(lambda report: self._load(visitor, reference, folder, report))
            visitor.fetched[reference] = loading
            return loading

    def opened(self, visitor: Visitor) -> list[str]:
        """List the names of the models that the visitor opened."""
        return [one.service().name for one in list(visitor.fetched.values()) if one.done() and not one.failed()]

    def _load(self, visitor: Visitor, reference: str, folder: Path, report: Callable[[str], None]) -> RetrievalService:
        try:
            with telling_visitors(), self._room.place():
                return self._fetch(reference, folder, report)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            if not visitor.keeps(folder):  # the visitor left meanwhile, and writing made the folder anew
                shutil.rmtree(folder, ignore_errors=True)

    def _fetch(self, reference: str, folder: Path, report: Callable[[str], None]) -> RetrievalService:
        from algcn.bundles.bundle import Bundle
        from algcn.bundles.hub import fetch_model
        from algcn.kit.snapshots import Stranger
        from app.visitors.derive import with_model

        def told(received: int, size: int) -> None:
            report(f"fetching {reference}, {shown_size(received)} of {shown_size(size)}")

        report(f"looking for {reference} on the Hub")
        snapshot = fetch_model(reference, folder, Stranger(MAX_BYTES, told))
        name = f"{snapshot.repository}@{snapshot.commit}"
        report(f"opening {name}")
        try:
            bundle = Bundle.load(snapshot.path)
            service = with_model(self._on_encoder_of(bundle, name), bundle, name)
            if service.reads_words:
                service.search_by_text("a picture", limit=1)
            else:
                service.search_by_item(0, limit=1)
        except InputError as error:  # it says where the files lie
            raise InputError(str(error).replace(str(snapshot.path), name)) from None
        return service

    def _on_encoder_of(self, bundle: Bundle, name: str) -> RetrievalService:
        """Find a loaded service on a bundle's encoder, one that reads words before others.

        Raises:
            InputError: There is none, or the bundle has too many labels to show.
        """
        if len(bundle.label_set) > MAX_LABELS:
            raise InputError(
                f"The model {name} has {len(bundle.label_set):,} labels, and {MAX_LABELS:,} are the most that can be "
                "shown here; name another."
            )
        for service in sorted(self._models.loaded(), key=lambda one: not one.reads_words):
            if service.bundle.encoder_fingerprint == bundle.encoder_fingerprint is not None:
                bundle.adopt_encoder(service.encoder)
                return service
        raise InputError(
            f"The model {name} was trained with an encoder that is not loaded here; name one that goes with "
            f"{self._models.default().name}, or start the program with --bundle {name}."
        )

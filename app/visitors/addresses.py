"""What a browser fetches by address: pictures of galleries, and files that were made for a visitor.

Notable: an address is a secret of 128 bits and a number; no path is ever made from a request.
"""

from __future__ import annotations

import secrets
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from algcn.kit.errors import InputError
from app.kit.pictures import SHARED_KEY

if TYPE_CHECKING:
    from app.service import RetrievalService
    from app.visitors.loading import Loading


class Addresses:
    """What stands at an address: a picture at picture/KEY/SIZE/NUMBER, a file at download/TOKEN.

    The program's gallery has the key "gallery"; a visitor's has a secret of 128 bits, which only that visitor's
    page knows, and is found for as long as somebody holds its service.
    """

    def __init__(self, loading: Loading) -> None:
        self._loading = loading
        self._services: weakref.WeakValueDictionary[str, RetrievalService] = weakref.WeakValueDictionary()
        self._files: dict[str, Path] = {}
        self._lock = threading.Lock()

    def add(self, service: RetrievalService) -> None:
        """Serve the pictures of a visitor's own service under its key, in place of an earlier service of that key."""
        if service.key != SHARED_KEY:
            self._services[service.key] = service

    def find(self, key: str) -> RetrievalService:
        """Find the service whose pictures have a key.

        Raises:
            InputError: There is none, or its visitor has left.
        """
        if key == SHARED_KEY:
            return self._loading.service()
        service = self._services.get(key)
        if service is None:
            raise InputError("There are no such pictures (any more).")
        return service

    def cache(self, service: RetrievalService, shared: Path) -> Path:
        """The folder for previews of a service's pictures: `shared`, but for a visitor's own beside the pictures.

        These lie in a folder of the visitor, which is deleted as a whole.
        """
        return shared if service.key == SHARED_KEY else service.gallery.root.parent

    def offer(self, file: Path) -> str:
        """Give a file an address, relative to the page and valid for as long as the file is there."""
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._files = {known: path for known, path in self._files.items() if path.is_file()}
            self._files[token] = file
        return f"download/{token}"

    def file(self, token: str) -> Path:
        """Find the file that was offered under a token.

        Raises:
            InputError: There is none, or it was deleted.
        """
        path = self._files.get(token)
        if path is None or not path.is_file():
            raise InputError("There is no such file (any more).")
        return path

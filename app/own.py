"""What a visitor opened of their own: a model, a gallery, or both; each can be put back without the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.addresses import SHARED_KEY
from app.service import RetrievalService

if TYPE_CHECKING:
    from algcn.bundle import Bundle
    from algcn.gallery import Gallery


def has_own_model(service: RetrievalService, shared: RetrievalService) -> bool:
    """Whether the visitor's service answers with another model than the program's."""
    return service.bundle is not shared.bundle


def has_own_gallery(service: RetrievalService) -> bool:
    """Whether the visitor's service searches the visitor's own pictures."""
    return service.key != SHARED_KEY


def with_model(service: RetrievalService, bundle: Bundle, name: str) -> RetrievalService:
    """The same gallery with another model on the same encoder; nothing is encoded.

    Raises:
        InputError: The model takes features of another width.
    """
    return RetrievalService(bundle, service.gallery.projected(bundle.model), service.encoder, name, service.key)


def with_gallery(service: RetrievalService, gallery: Gallery, key: str) -> RetrievalService:
    """The same model with another gallery, made with the same encoder."""
    return RetrievalService(service.bundle, gallery.projected(service.bundle.model), service.encoder, service.name, key)


def description(service: RetrievalService, shared: RetrievalService) -> str:
    """What the visitor is looking at, as the end of a sentence; "" where all of it is the program's."""
    parts = []
    if has_own_model(service, shared):
        parts.append("your own model")
    if has_own_gallery(service):
        count = len(service.gallery.items)
        parts.append("your own picture" if count == 1 else f"your own {count:,} pictures")
    return " and ".join(parts)

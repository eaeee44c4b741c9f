"""What a visitor opened of their own: a model, a gallery, or both; each can be put back without the other."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from algcn.kit.errors import InputError
from app.kit.pictures import SHARED_KEY
from app.service import OwnLabelsOf, RetrievalService, reads_words

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import Gallery
    from app.visitors.catalogue import Catalogue

OTHER_ENCODER = (
    "The pictures that are open were read by another encoder than that of {name}: go back to the bundled gallery in "
    "the Collections tab first, and drop them again afterwards."
)


def has_own_model(service: RetrievalService, shared: RetrievalService) -> bool:
    """Whether the visitor's service answers with another model than the one they chose among the program's."""
    return service.bundle is not shared.bundle


def has_own_gallery(service: RetrievalService) -> bool:
    """Whether the visitor's service searches the visitor's own pictures."""
    return service.key != SHARED_KEY


def with_model(service: RetrievalService, bundle: Bundle, name: str) -> RetrievalService:
    """Make a service of the same gallery with another model on the same encoder; nothing is encoded.

    Raises:
        InputError: The model goes with another encoder, or takes features of another width.
    """
    if bundle.encoder_fingerprint != service.bundle.encoder_fingerprint:
        raise InputError(OTHER_ENCODER.format(name=name))
    # An index of a large gallery for one visitor's model is not kept.
    gallery = dataclasses.replace(fitted(service.source, bundle), key=None)
    return RetrievalService(
        bundle,
        gallery,
        service.encoder,
        name,
        service.key,
        source=service.source,
        names=service.names,
        own_labels=service.own_labels,
    )


def with_gallery(
    service: RetrievalService, gallery: Gallery, key: str, own_labels: OwnLabelsOf | None = None
) -> RetrievalService:
    """Make a service of the same model with another gallery, which was read by the same encoder.

    Args:
        service: The service before.
        gallery: The pictures.
        key: Under which they are served.
        own_labels: Makes the labels that the visitor has beside the model's.
    """
    return RetrievalService(
        service.bundle,
        fitted(gallery, service.bundle),
        service.encoder,
        service.name,
        key,
        source=gallery,
        names=service.names,
        own_labels=own_labels,
    )


def fitted(gallery: Gallery, bundle: Bundle) -> Gallery:
    """Embed a gallery with a model on the same encoder; texts that the model cannot read are left out.

    Raises:
        InputError: The model takes features of another width.
    """
    if reads_words(bundle):
        return gallery.projected(bundle.model)
    nothing = {"texts": [], "text_owner": gallery.text_owner[:0], "text_features": gallery.text_features[:0]}
    return dataclasses.replace(gallery, **nothing).projected(bundle.model)


def with_words(service: RetrievalService, catalogue: Catalogue) -> RetrievalService:
    """Find a service of the same pictures that has their texts: of another model, where this one reads no words."""
    other = catalogue.reading(service)
    if other is service or not has_own_gallery(service):
        return other
    return with_model(service, other.bundle, other.name)


def description(service: RetrievalService, shared: RetrievalService) -> str:
    """Say what of their own the visitor is looking at, as the end of a sentence; "" where it is nothing."""
    parts = []
    if has_own_model(service, shared):
        parts.append("your own model")
    if has_own_gallery(service):
        count = len(service.gallery.items)
        parts.append("your own picture" if count == 1 else f"your own {count:,} pictures")
    return " and ".join(parts)

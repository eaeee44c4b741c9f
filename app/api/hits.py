"""Results of a search as programs get them: short unless details are asked for, each with its picture's address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.kit.root import absolute
from app.kit.words import shortened

if TYPE_CHECKING:
    from app.search.results import Hit, SearchResult
    from app.service import RetrievalService

LIMIT = 5  # of each kind, unless a program asks for more: all of them are some 3,000 characters
TEXT_LENGTH = 160  # of a text, unless details are asked for
DETAILS = ("matched_labels", "score", "shares", "says", "looks", "percentile")


def hits_answer(service: RetrievalService, result: SearchResult, *, details: bool) -> dict[str, Any]:
    """Return what a search found, ready for JSON.

    Args:
        service: The service that found it.
        result: What it found.
        details: Whether the texts are whole and the numbers behind the order are there.
    """
    found = result.to_dict()
    for kind, hits in (("images", result.images), ("texts", result.texts)):
        found[kind] = [_hit(service, hit, details=details) for hit in hits]
    return found


def picture_address(service: RetrievalService, item: int) -> str:
    """Return where the picture of a position can be fetched from, by whoever asks."""
    return absolute(f"{service.pictures}/large/{item}")


def _hit(service: RetrievalService, hit: Hit, *, details: bool) -> dict[str, Any]:
    told = hit.to_dict()
    if not details:
        told = {name: value for name, value in told.items() if name not in DETAILS}
        told["text"] = shortened(hit.text, TEXT_LENGTH)
    return {**told, "picture": picture_address(service, hit.item)}

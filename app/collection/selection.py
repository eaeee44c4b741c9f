"""Several results at once: what a browser says is selected, and the pictures with their rows as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from algcn.kit.errors import InputError
from app.kit.limits import MAX_COLLECTION_BYTES, MAX_PICTURES

if TYPE_CHECKING:
    from app.service import RetrievalService

ELSEWHERE = "These pictures were selected in a gallery that is not open any more: select again."
NONE = "Select at least one result: a click on its check does it."


def selected_items(what: dict[str, Any], service: RetrievalService) -> tuple[int, ...]:
    """Return the pictures that a browser says are selected, each once.

    Args:
        what: `{"items": positions in the gallery, "pictures": RetrievalService.pictures of that gallery}`.
        service: What is open.

    Raises:
        InputError: Nothing is selected, too much is, or it is of another gallery.
    """
    items = what.get("items")
    if not isinstance(items, list) or not items:
        raise InputError(NONE)
    if what.get("pictures") != service.pictures:
        raise InputError(ELSEWHERE)
    if len(items) > MAX_PICTURES:
        raise InputError(f"At most {MAX_PICTURES} pictures can be selected at once: select fewer.")
    return tuple(dict.fromkeys(service.check_item(item) for item in items))


def pack(service: RetrievalService, items: tuple[int, ...], path: Path) -> Path:
    """Write pictures of the gallery and their rows as an image folder in a zip.

    Captions and labels are those of the gallery; where it says no labels, those that the model predicts stand in a
    column of their own.

    Raises:
        InputError: A picture is gone, or they are too large together.
    """
    from app.collection.packing import write_zip  # takes a while to import

    gallery = service.source
    size = sum(_size(gallery.root / gallery.items[item].file_name) for item in items)
    if size > MAX_COLLECTION_BYTES:
        raise InputError(
            f"These pictures have {size >> 20:,} MB, and at most {MAX_COLLECTION_BYTES >> 20} MB go into one file: "
            "select fewer."
        )
    predicted = []
    for item in items:
        labels, is_predicted = service.item_labels(item)
        predicted.append([(label, None) for label in labels] if is_predicted else [])
    return write_zip(path, gallery.root, [gallery.items[item] for item in items], predicted)


def _size(picture: Path) -> int:
    try:
        return picture.stat().st_size
    except OSError:
        raise InputError(f"The picture {picture.name} is not there any more: leave it out.") from None

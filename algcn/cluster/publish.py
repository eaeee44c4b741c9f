"""Publish a gallery: write its rows to a collection of Milvus, in batches.

Notable: a row that is there is not written again, so a run that was stopped goes on where it was. A collection of
something else is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from algcn.cluster.address import Address
from algcn.cluster.contents import MODALITIES, About, Rows, key_of
from algcn.cluster.milvus import Collection, Deadlines, usual_kind
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import Gallery

BATCH = 500  # rows: a few MB of vectors, and with the longest texts still below the 64 MB that Milvus takes


class Published(NamedTuple):
    """What became of a gallery: its rows, how many of them were written now, and how they are searched."""

    rows: int
    written: int
    kind: str


def publish(
    address: Address,
    bundle: Bundle,
    gallery: Gallery,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    kind: str | None = None,
    replace: bool = False,
    deadlines: Deadlines | None = None,
) -> Published:
    """Write a gallery to a collection, as far as it is not there.

    Args:
        address: The collection; it need not be there.
        bundle: The model.
        gallery: The pictures and texts.
        progress: Called with how many rows are there and how many there will be.
        kind: How Milvus searches, one of `algcn.cluster.milvus.KINDS`; what goes with the size by default.
        replace: Whether another gallery's collection may be deleted.
        deadlines: How long to wait.

    Raises:
        InputError: The collection is another's, a picture has too many labels, or Milvus does not answer. What was
            written stays.
    """
    counts = {"image": len(gallery.items), "text": len(gallery.texts)}
    kind = kind or usual_kind(address, max(counts.values()))
    about, rows = About.of(bundle, gallery, kind), Rows(bundle, gallery)
    collection = Collection(address, deadlines)
    try:
        is_new = _prepare(collection, about, rows, replace=replace)
        if not is_new and collection.count() == about.rows:
            return Published(about.rows - 1, 0, kind)
        done = written = 0
        for modality, batch in _batches(counts):
            keys = [key_of(modality, position) for position in batch]
            there = set() if is_new else collection.present(keys, modality)
            # Made as a whole: the last digits of a product depend on how many rows there are.
            missing = []
            if len(there) < len(batch):
                missing = [row for row in rows.of(modality, batch) if row["key"] not in there]
                collection.write(missing, modality)
            done, written = done + len(batch), written + len(missing)
            progress(done, about.rows - 1)
        collection.flush()
        collection.load()
    finally:
        collection.close()
    return Published(about.rows - 1, written, kind)


def _prepare(collection: Collection, about: About, rows: Rows, *, replace: bool) -> bool:
    """Have the collection there for these rows; returns whether it is new."""
    if collection.is_there():
        found = collection.about()
        difference = None if found is None else found.difference(about) or _other_kind(found, about)
        if difference and not replace:
            raise InputError(
                f"The index {collection.address} holds {difference}; name another, or say --replace to delete it."
            )
        if found is not None and not difference:
            return False
        collection.drop()
    collection.create(about, rows.widths)
    return True


def _other_kind(found: About, about: About) -> str | None:
    return f"the same gallery to be searched as {found.kind}" if found.kind != about.kind else None


def _batches(counts: dict[str, int]) -> Iterator[tuple[str, range]]:
    for modality in MODALITIES:
        for first in range(0, counts[modality], BATCH):
            yield modality, range(first, min(first + BATCH, counts[modality]))

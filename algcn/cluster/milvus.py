"""A gallery on Milvus: a collection of its vectors, on a server, a cluster, or in a file of Milvus Lite.

Notable: pictures and texts have a partition each, so neither search looks at the other's. The same calls go to every
kind of Milvus, and each has a deadline. `algcn.cluster.publish` fills a collection, `open_index` opens it for the page.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from algcn.cluster.address import Address, token
from algcn.cluster.contents import (
    ABOUT,
    LONGEST_LABEL,
    LONGEST_TEXT,
    MODALITIES,
    MOST_LABELS,
    About,
    expression,
    listing,
    row_of,
)
from algcn.cluster.missing import optional
from algcn.gallery.candidates import Allowed, Near
from algcn.kit.errors import InputError

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from algcn.gallery.store import Gallery


class Deadlines(NamedTuple):
    """Seconds that Milvus has for what it is asked."""

    connect: float = 10.0
    answer: float = 10.0
    write: float = 60.0  # a batch
    prepare: float = 600.0  # a whole collection, into memory or onto the disk


IN_A_FILE = Deadlines(answer=60.0)  # Milvus Lite compares in Python
KINDS = ("FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8")
EXACT_UP_TO = 50_000  # rows of a partition that a server compares one by one
METRIC = "IP"
MOST_FOUND = 16_384  # by one search, Milvus's own limit
MOST_LISTED = 16_384  # keys in a filter: 130 kB
LABELS_INDEX = "INVERTED"
SPACES = ("ranking", "encoder")
_FIELDS = {"key", "file", "text", "labels", *SPACES}
_LITE = "milvus_lite"  # begins what it says of its version
_UNAVAILABLE, _NOT_LOADED = 2, 101  # Milvus's codes
_MOST_CELLS = 65_536
_HNSW = {"M": 32, "efConstruction": 256}


def usual_kind(address: Address, rows: int) -> str:
    """Return how so many rows are searched: one by one in a file and while they are few, else by a graph."""
    return "FLAT" if address.file or rows <= EXACT_UP_TO else "HNSW"


def _cells(rows: int) -> int:
    return int(min(_MOST_CELLS, max(1, 4 * rows**0.5)))


def building(kind: str, rows: int) -> dict[str, int]:
    """Return how an index of a kind is built."""
    return _HNSW if kind == "HNSW" else {"nlist": _cells(rows)} if kind.startswith("IVF") else {}


def searching(kind: str, rows: int, count: int, *, whole: bool = False) -> dict[str, int]:
    """Return how widely an index of a kind is searched for `count` rows; `whole`: in all its cells, if it has some."""
    if kind == "HNSW":
        return {"ef": max(256, 2 * count)}
    return {"nprobe": _MOST_CELLS if whole else max(64, _cells(rows) // 8)} if kind.startswith("IVF") else {}


class NotLoaded(InputError):
    """A collection that was released, or whose Milvus was started again, and has to be loaded."""


class Collection:
    """A collection of a Milvus, which need not be there yet.

    Args:
        address: Where it is.
        deadlines: How long to wait.

    Raises:
        InputError: A package is missing, or Milvus does not answer or does not let us in.
    """

    def __init__(self, address: Address, deadlines: Deadlines | None = None) -> None:
        self.address, self._deadlines = address, deadlines or (IN_A_FILE if address.file else Deadlines())
        self._milvus = optional("pymilvus")
        if address.file is not None:
            optional("milvus_lite")
            if address.file.is_file() or not address.file.parent.is_dir():
                raise InputError(f"{address} cannot be an index; name a new file in a folder that is there.")
        for name in ("pymilvus", "milvus_lite"):  # whatever they say, with tracebacks, is said in a sentence
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        with self._asking(self._deadlines.connect):
            self._client = self._milvus.MilvusClient(
                address.uri, token=token(), timeout=self._deadlines.connect, dedicated=True
            )

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def is_there(self) -> bool:
        """Whether there is a collection of this name."""
        with self._asking(self._deadlines.answer) as soon:
            return self._client.has_collection(self.address.collection, **soon)

    def about(self) -> About | None:
        """Read whose rows the collection holds; None where it was made and nothing is in it yet.

        Raises:
            InputError: It holds something else.
        """
        with self._asking(self._deadlines.answer) as soon:
            described = self._client.describe_collection(self.address.collection, **soon)
        ours = {field["name"] for field in described["fields"]} == _FIELDS
        if ours:
            self.load()
            found = self._query(f"key == {ABOUT}", ["text"])
            about = About.from_json(found[0]["text"]) if found else None
            ours = about is not None or self.count() == 0
        if not ours:
            raise InputError(f"The collection {self.address} holds something else than a gallery; name another one.")
        return about

    def count(self) -> int:
        """Count the rows."""
        return self._query("", ["count(*)"])[0]["count(*)"]

    def present(self, keys: Sequence[int], modality: str) -> set[int]:
        """Return which of a modality's keys from the first to the last have rows."""
        found = self._query(f"key >= {keys[0]} and key <= {keys[-1]}", ["key"], partition_names=[modality])
        return {row["key"] for row in found}

    def create(self, about: About, widths: dict[str, int]) -> None:
        """Make the collection; its first row, written last, says whose it is."""
        types, name = self._milvus.DataType, self.address.collection
        schema = self._milvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", types.INT64, is_primary=True)
        for text in ("file", "text"):
            schema.add_field(text, types.VARCHAR, max_length=LONGEST_TEXT)
        schema.add_field(
            "labels",
            types.ARRAY,
            element_type=types.VARCHAR,
            max_capacity=MOST_LABELS,
            max_length=LONGEST_LABEL,
        )
        indexes = self._milvus.MilvusClient.prepare_index_params()
        for space in SPACES:
            schema.add_field(space, types.FLOAT_VECTOR, dim=widths[space])
            params = building(about.kind, max(about.pictures, about.texts))
            indexes.add_index(space, index_type=about.kind, metric_type=METRIC, params=params)
        with self._asking(self._deadlines.write) as soon:
            self._client.create_collection(name, schema=schema, **soon)
            for modality in MODALITIES:
                self._client.create_partition(name, modality, **soon)
            if not self._client.get_server_version(**soon).startswith(_LITE):  # which indexes no array
                indexes.add_index("labels", index_type=LABELS_INDEX)
            self._client.create_index(name, indexes, **soon)
        self.load()
        vectors = {space: np.zeros(width, np.float32) for space, width in widths.items()}
        self.write([{"key": ABOUT, "file": "", "text": about.to_json(), "labels": [], **vectors}])

    def write(self, rows: list[dict[str, Any]], modality: str = "") -> None:
        """Write rows, in place of those with the same keys."""
        with self._asking(self._deadlines.write) as soon:
            self._client.upsert(self.address.collection, rows, partition_name=modality, **soon)

    def load(self) -> None:
        """Have the collection ready for searches."""
        with self._asking(self._deadlines.prepare) as soon:
            self._client.load_collection(self.address.collection, **soon)

    def flush(self) -> None:
        """Have everything on the disk, and indexed."""
        with self._asking(self._deadlines.prepare) as soon:
            self._client.flush(self.address.collection, **soon)

    def drop(self) -> None:
        """Delete the collection."""
        with self._asking(self._deadlines.write) as soon:
            self._client.drop_collection(self.address.collection, **soon)

    def search(
        self, modality: str, space: str, query: NDArray[np.float32], count: int, filter: str, params: dict[str, int]
    ) -> Near:
        """Return the `count` rows with the largest inner products, the largest first."""
        with self._asking(self._deadlines.answer) as soon:
            (found,) = self._client.search(
                self.address.collection,
                data=[query],
                anns_field=space,
                limit=count,
                filter=filter,
                partition_names=[modality],
                output_fields=["key"],
                search_params={"metric_type": METRIC, "params": params},
                **soon,
            )
        positions = np.array([row_of(hit["key"]) for hit in found], np.int64)
        return Near(positions, np.array([hit["distance"] for hit in found], np.float32))

    def _query(self, filter: str, fields: list[str], **options: Any) -> list[dict[str, Any]]:
        """Read what has been written until now, by whomever."""
        with self._asking(self._deadlines.answer) as soon:
            return self._client.query(
                self.address.collection,
                filter=filter,
                output_fields=fields,
                consistency_level="Strong",
                **options,
                **soon,
            )

    @contextlib.contextmanager
    def _asking(self, seconds: float) -> Iterator[dict[str, float]]:
        """Have whatever goes wrong said in a sentence; yields the deadline for a call."""
        import grpc

        try:
            yield {"timeout": seconds}
        except (self._milvus.MilvusException, grpc.RpcError) as error:
            kind = NotLoaded if _NOT_LOADED in map(_code, _causes(error)) else InputError
            raise kind(_sentence(self.address, error, seconds)) from error


class MilvusCandidates:
    """The candidates of a gallery, from its collection; see `algcn.gallery.candidates`.

    Args:
        collection: A published gallery.
        about: Whose rows it holds.
    """

    def __init__(self, collection: Collection, about: About) -> None:
        self._collection, self._about = collection, about

    def nearest(
        self, modality: str, space: str, query: NDArray[np.float32], count: int, allowed: Allowed | None
    ) -> Near:
        """Return up to `count` rows with the largest inner products, the largest first.

        A server filters by the labels. What a mask leaves out beyond them is left out here, of ever more rows; where
        that leaves too few, and at once in a file, whose labels are looked at row by row, the rows that may be found
        are listed.

        Raises:
            InputError: Milvus does not answer in time, or cannot do this.
        """
        rows = self._about.pictures if modality == "image" else self._about.texts
        search = partial(self._search, modality, space, np.ascontiguousarray(query, np.float32).reshape(-1), rows)
        listed = np.arange(rows) if allowed is None else np.flatnonzero(allowed.mask)
        wanted = min(count, len(listed), MOST_FOUND)
        if wanted <= 0:
            return Near(np.empty(0, np.int64), np.empty(0, np.float32))
        if allowed is None:
            return search(wanted)
        filter = "" if self._collection.address.file else expression(allowed)
        asked = wanted if filter else min(2 * wanted * rows // len(listed), rows, MOST_FOUND)
        while filter or len(listed) > MOST_LISTED:
            found, scores = search(asked, filter)
            kept = allowed.mask[found]
            if np.count_nonzero(kept) >= wanted:
                return Near(found[kept][:wanted], scores[kept][:wanted])
            if len(found) < asked or asked == MOST_FOUND or len(listed) <= MOST_LISTED:
                break
            asked = min(2 * asked, rows, MOST_FOUND)
        pieces = [listed[first : first + MOST_LISTED] for first in range(0, len(listed), MOST_LISTED)]
        found = [search(min(wanted, len(piece)), listing(modality, piece), whole=True) for piece in pieces]
        positions, scores = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(-scores, kind="stable")[:wanted]
        return Near(positions[order], scores[order])

    def _search(
        self,
        modality: str,
        space: str,
        query: NDArray[np.float32],
        rows: int,
        count: int,
        filter: str = "",
        *,
        whole: bool = False,
    ) -> Near:
        """Search the collection, which is loaded where that is needed."""
        params = searching(self._about.kind, rows, count, whole=whole)
        search = partial(self._collection.search, modality, space, query, count, filter, params)
        try:
            return search()
        except NotLoaded:
            self._collection.load()
            return search()

    def describe(self) -> str:
        """Say in a few words what kind of index it is, and how much of the exact ranking it finds."""
        finds = "all of an exact search" if self._about.kind == "FLAT" else "nearly all of an exact search"
        return f"Milvus at {self._collection.address}, searched as {self._about.kind}, which finds {finds}"


def open_index(text: str, bundle: Bundle, gallery: Gallery, deadlines: Deadlines | None = None) -> MilvusCandidates:
    """Open the collection of a gallery.

    Args:
        text: Its address (`algcn.cluster.address`).
        bundle: The model.
        gallery: The pictures and texts.
        deadlines: How long to wait.

    Raises:
        InputError: It is not there, not whole, or another gallery's or model's; or Milvus does not answer.
    """
    address = Address.parse(text)
    publish = f"python -m algcn.gallery publish FOLDER --bundle B --index {text}"
    if address.file is not None and not address.file.exists():
        raise InputError(f"There is no index at {address}; {publish} writes one.")
    collection = Collection(address, deadlines)
    about = collection.about() if collection.is_there() else None
    if about is None:
        raise InputError(f"There is no index at {address}; {publish} writes one.")
    difference = about.difference(About.of(bundle, gallery, about.kind))
    if difference:
        raise InputError(
            f"The index {address} holds {difference}; name another, or {publish} --replace writes it anew."
        )
    count = collection.count()
    if count != about.rows:
        raise InputError(
            f"The index {address} is not whole, {count - 1:,} of {about.rows - 1:,} rows; {publish} goes on with it."
        )
    return MilvusCandidates(collection, about)


def _sentence(address: Address, error: BaseException, seconds: float) -> str:
    """Say what is wrong with Milvus."""
    message = " ".join(str(getattr(error, "message", "") or error).split())
    codes = {_code(cause) for cause in _causes(error)}
    if codes & {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
        return f"Milvus at {address} does not let this user in; set MILVUS_USER and MILVUS_PASSWORD, or MILVUS_TOKEN."
    if address.file is not None and "Open local milvus failed" in message:
        return f"The file {address} cannot be opened; end the program that has it open, or name another file."
    if codes & {"UNAVAILABLE", "DEADLINE_EXCEEDED", _UNAVAILABLE} or "Retry timeout" in message:
        return (
            f"Milvus at {address} is not there or does not answer within {seconds:g} seconds; start it, or check the "
            "address."
        )
    return f"Milvus at {address} cannot do this: {message:.200}; look into its log."


def _causes(error: BaseException | None) -> list[BaseException]:
    """List an error and what it came from; pymilvus has errors that came from themselves."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__
    return found


def _code(error: BaseException) -> object:
    """Return the code of an error: gRPC's by its name, Milvus's own as a number."""
    code = getattr(error, "code", None)
    code = code() if callable(code) else code
    return getattr(code, "name", code)

"""Put together what tables say about the pictures of a drop: each picture once, with the captions of all its rows.

A table of an archive speaks of the pictures in it. One that was dropped by itself may name any picture of the drop, or
one that is in the collection already, as long as the name fits one alone: those dropped beside it first, then those in
archives by their paths, and then by their names without folders; at last by the row's own name without folders.
"""

from __future__ import annotations

import dataclasses
import posixpath
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from algcn.datasets.folders.names import folded
from algcn.datasets.folders.tables import FILE, read_table
from algcn.datasets.image_folder import Item, read_image_folder
from algcn.kit.account import Account

LOOSE, ALREADY = "loose", "known"
Meant = dict[str, list[str]]


@dataclasses.dataclass(frozen=True)
class Staged:
    """A picture of a drop: its path as it was given, where it is now, and the hash of its bytes."""

    path: str
    target: str
    digest: str


@dataclasses.dataclass(frozen=True)
class Found:
    """A picture with what is said about it.

    Attributes:
        path: Where it is; None where the collection has it already.
        item: Its name and what is said about it.
        digest: The hash of its bytes.
        lacks_row: Whether there is a table for it, in which no row names it.
    """

    path: Path | None
    item: Item
    digest: str
    lacks_row: bool = False


class Place:
    """A folder below that of the drop: the loose pictures, a loose table, or what an archive holds.

    Attributes:
        name: The folder's name.
        pictures: Its pictures.
        tables: The paths of its tables.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.pictures: list[Staged] = []
        self.tables: list[str] = []
        self._paths: set[str] = set()

    @property
    def is_loose(self) -> bool:
        """Whether it holds the pictures that were dropped by themselves."""
        return self.name == LOOSE

    @property
    def is_lone(self) -> bool:
        """Whether it holds tables without a picture, so that they speak of others."""
        return bool(self.tables) and not self.pictures

    def has(self, path: str) -> bool:
        """Whether a picture was given under this path."""
        return path in self._paths

    def add(self, picture: Staged) -> None:
        """Add a picture."""
        self.pictures.append(picture)
        self._paths.add(picture.path)

    def twins(self) -> list[Staged]:
        """List the pictures that lie elsewhere, because another one was given under their path."""
        return [picture for picture in self.pictures if not picture.target.startswith(f"{self.name}/")]


def read_places(
    folder: Path,
    places: list[Place],
    known: Mapping[str, str],
    account: Account,
    look: Callable[[], None] = lambda: None,
) -> list[Found]:
    """Read all tables of a drop.

    Args:
        folder: Where the places are.
        places: What was dropped.
        known: Hash of each picture that the collection has already, and its name.
        account: Where rows that are not used are counted.
        look: Called often; may raise to stop.

    Raises:
        InputError: A table is at fault; the sentence says where.
    """
    said, named = _read_tables(folder, places, known, account, look)
    found: dict[str, Found] = {}
    lone = any(place.is_lone for place in places)
    for place in places:
        look()
        folders = {posixpath.dirname(table) for table in place.tables}
        for picture in place.pictures:
            digest = picture.digest
            if digest in found or (digest in known and digest not in said):
                continue
            item = join_items(_below(picture.path, folders), said.get(digest, ()), account)
            path = None if digest in known else folder / picture.target
            lacks_row = path is not None and digest not in named and (lone or bool(place.tables))
            found[digest] = Found(path, item, digest, lacks_row)
    for digest, name in known.items():
        if digest in said and digest not in found:
            found[digest] = Found(None, join_items(name, said[digest], account), digest)
    return list(found.values())


def _read_tables(
    folder: Path, places: Iterable[Place], known: Mapping[str, str], account: Account, look: Callable[[], None]
) -> tuple[dict[str, list[Item]], set[str]]:
    """Return what is said about each picture, and which of them are named by a row, by their hashes."""
    places = sorted(places, key=lambda place: not place.is_lone)
    digests = {picture.target: picture.digest for place in places for picture in place.pictures}
    digests |= {f"{ALREADY}/{digest}": digest for digest in known}
    everywhere = _everywhere(places, known) if any(place.is_lone for place in places) else {}
    said: dict[str, list[Item]] = defaultdict(list)
    named: set[str] = set()
    named_by_lone: set[str] = set()
    for place in places:
        look()
        # Loose pictures say nothing, and folders are no labels where a table names their pictures.
        if place.is_loose or not (place.tables or place.pictures):
            continue
        if not place.tables and any(picture.digest in named_by_lone for picture in place.pictures):
            continue
        meant = _with_last_parts(folder / place.name, place, everywhere) if place.is_lone else _meant(place)
        read = read_image_folder(folder / place.name, whole=True, meant=meant)
        account.merge(read.account)
        unnamed = set(read.unnamed) if place.tables else {item.file_name for item in read}
        items = {item.file_name: item for item in read}
        for name, item in items.items():
            digest = digests[posixpath.normpath(f"{place.name}/{name}")]
            if item.texts or item.labels or item.split:
                said[digest].append(item)
            if name not in unnamed:
                (named_by_lone if place.is_lone else named).add(digest)
        for twin in place.twins():  # no row names it; what its folder says, it says of both
            item = items.get(twin.path)
            if item is not None and twin.path in unnamed:
                said[twin.digest].append(item)
    return said, named | named_by_lone


def _below(path: str, folders: Collection[str]) -> str:
    """Return a path below the nearest of these folders."""
    folder = posixpath.dirname(path)
    while folder and folder not in folders:
        folder = posixpath.dirname(folder)
    return path[len(folder) + 1 :] if folder else path


def join_items(name: str, items: Iterable[Item], account: Account) -> Item:
    """Make one item of all that is said about a picture; what is said again is counted, not added.

    Args:
        name: What the picture is called.
        items: What is said, the first before the others.
        account: Where captions and labels that are there already are counted, and splits that differ.
    """
    texts: list[str] = []
    there: set[str] = set()
    labels: dict[str, None] = {}
    split = None
    for number, item in enumerate(items):
        fresh = item.texts if number == 0 else [text for text in item.texts if text not in there]
        repeated = sum(label in labels for label in item.labels or ())
        _count(account, "captions that their picture has already", name, len(item.texts) - len(fresh), "captions")
        _count(account, "labels that their picture has already", name, repeated, "labels")
        texts += fresh
        there.update(fresh)
        labels |= dict.fromkeys(item.labels or ())
        if split and item.split and item.split != split:
            _count(account, "splits other than that of the same picture before", name, 1, "splits")
        split = split or item.split
    return Item(name, texts, list(labels) or None, split)


def _count(account: Account, kind: str, name: str, count: int, unit: str) -> None:
    if count:
        account.add(kind, f"of {name}", count=count, unit=unit)


def _meant(place: Place) -> Meant:
    """List the different pictures of a place that were given under one path, by that path."""
    twins = {folded(twin.path) for twin in place.twins()}
    by_path = _by((each.path, each.target, each.digest) for each in place.pictures if folded(each.path) in twins)
    return {key: [posixpath.relpath(target, place.name) for target in targets] for key, targets in by_path.items()}


def _everywhere(places: Iterable[Place], known: Mapping[str, str]) -> Meant:
    """List the pictures that a table which was dropped by itself may mean by a name."""
    loose = [(each.path, each.target, each.digest) for place in places if place.is_loose for each in place.pictures]
    packed = [place for place in places if not place.is_loose]
    ways = (
        [(name, f"{ALREADY}/{digest}", digest) for digest, name in known.items()],
        [(PurePosixPath(each.path).name, each.target, each.digest) for place in packed for each in place.pictures],
        [(each.path.partition("/")[2], each.target, each.digest) for place in packed for each in place.pictures],
        [(each.path, each.target, each.digest) for place in packed for each in place.pictures],
        loose,
    )
    meant: Meant = {}
    for way in ways:  # the later ones come first
        meant |= {key: [f"../{target}" for target in targets] for key, targets in _by(way).items()}
    return meant


def _with_last_parts(root: Path, place: Place, meant: Meant) -> Meant:
    """Add the paths of a table's rows that mean nothing yet by their last parts, where no other row ends like them.

    Whoever drops the files of a folder one by one loses the folders that the table speaks of.
    """
    paths = {
        folded(path.strip().replace("\\", "/"))
        for name in place.tables
        for table in (read_table(root, name),)
        for column in table.columns_of(FILE)
        for _, row in table.rows
        if isinstance(path := row.get(column), str)
    }
    last_parts = {path: path.rpartition("/")[2] for path in paths}
    counts = Counter(last_parts.values())
    return meant | {
        path: meant[last]
        for path, last in last_parts.items()
        if path not in meant and last in meant and counts[last] == 1
    }


def _by(pictures: Iterable[tuple[str, str, str]]) -> Meant:
    """Gather where pictures are by the names that they go by, one for each hash."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name, target, digest in pictures:
        if name:
            found[folded(name)].setdefault(digest, target)
    return {key: list(targets.values()) for key, targets in found.items()}

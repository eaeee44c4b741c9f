"""A gallery is a searchable collection: an image folder whose pictures and texts are points of a bundle's common space.

Notable: what is kept between starts are the encoder's features (float16), found again by the content of a picture or
a text: a renamed picture is not encoded anew, another ALGCN on the same encoder needs no encoding at all, and the
encoder itself is loaded only if something is missing. They are looked for in FOLDER/embeddings.safetensors, which may
be shipped with a gallery, and in the cache folder ($ALGCN_CACHE, by default ~/.cache/algcn). The cache also keeps the
state of each picture (`files.file_state`) with its hash, so that one that did not change is not read again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from algcn.bundles.bundle import Bundle
from algcn.bundles.embedding import project
from algcn.datasets.image_folder import ImageFolder, Item, read_image_folder
from algcn.datasets.left_out import count_captions, count_labels, use_items
from algcn.features.encoder import clean_text
from algcn.gallery.files import STORE_NAME
from algcn.kit import disk, files
from algcn.kit.account import Account
from algcn.kit.cache import VARIABLE, cache_folder
from algcn.kit.errors import InputError
from algcn.kit.images import DECODING, open_image
from algcn.kit.tensors import not_finite
from algcn.kit.unreadable import count_unreadable

if TYPE_CHECKING:
    from PIL import Image

    from algcn.method.model import ALGCN

STORE_FORMAT = "algcn-gallery-1"
HASH_LENGTH = 32  # hexadecimal digits, 128 bits: no two pictures share them by chance
TEXT = "t"  # begins the hash of a text, which no hexadecimal digit is
BYTES = 2  # of a number in a store
CHUNK = 16  # what is encoded between two reports of progress
KEEP_EVERY = 512  # what is encoded between two writes of the store: as much as an interrupted build loses
SHOWN_FAILURES = 3
SHOWN = 40  # characters of a caption that is left out
# A file may change twice within one tick of its file system's clock, of two seconds at the most (FAT), and its state
# says nothing of the second time: so an entry of a file that was that young is not kept. git calls this racily clean.
YOUNG_NS = 2_000_000_000
Progress = Callable[[int, int], None]
OpenPicture = Callable[[Path, str], "Image.Image"]


@dataclasses.dataclass(eq=False)
class Gallery:
    """A gallery: N pictures and M texts of an image folder in the common space of a bundle.

    Attributes:
        items: N, in the order of metadata.csv; pictures that cannot be read are left out.
        texts: M, those of all items one after the other; none for a bundle whose encoder reads no texts (the items
            still have theirs, to be shown).
        text_owner: M positions in `items`.
        image_embeddings: N × d, L2-normalised, float32.
        text_embeddings: M × d, likewise.
        image_features: N × e, what the encoder alone says, L2-normalised, float32.
        text_features: M × e, likewise.
        store_notices: Sentences about a store that was damaged or could not be kept.
        unreadable: The reason for each picture that was left out, by file name.
        account: What of the folder is in the gallery, and what is not.
        texts_unread: The bundle whose encoder reads no texts, where the folder has some.

    Example:
        >>> bundle = Bundle.load("weights/pocket")
        >>> gallery = build_gallery("assets/gallery", bundle)
        >>> cosines = gallery.image_embeddings @ gallery.text_embeddings[0]  # every picture with the first caption
        >>> gallery.items[int(cosines.argmax())].file_name in {item.file_name for item in gallery.items}
        True
    """

    root: Path
    items: list[Item]
    texts: list[str]
    text_owner: Tensor
    image_embeddings: Tensor
    text_embeddings: Tensor
    image_features: Tensor
    text_features: Tensor
    store_notices: list[str]
    unreadable: dict[str, str] = dataclasses.field(default_factory=dict)
    account: Account = dataclasses.field(default_factory=Account)
    texts_unread: str | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def notices(self) -> list[str]:
        """Sentences about what could not be kept or was left out, for who does not show the account."""
        left_out = [_left_out(self.unreadable)] if self.unreadable else []
        unread = f"The encoder of {self.texts_unread} reads no texts, so only pictures can be searched."
        return [*self.store_notices, *left_out, *([unread] if self.texts_unread else [])]

    def projected(self, model: ALGCN) -> Gallery:
        """Return the same pictures and texts in the common space of another model on the same encoder.

        Raises:
            InputError: The model takes features of another width.
        """
        return dataclasses.replace(
            self,
            image_embeddings=project(model, model.embed_image, self.image_features),
            text_embeddings=project(model, model.embed_text, self.text_features),
        )


def build_gallery(
    folder: str | Path,
    bundle: Bundle,
    progress: Progress | None = None,
    *,
    in_place: bool = False,
    must_keep: bool = False,
    open_picture: OpenPicture = open_image,
) -> Gallery:
    """Build the gallery of an image folder: read it and encode what has not been encoded before.

    Args:
        folder: Pictures, with a metadata.csv or without (see `datasets.image_folder`).
        bundle: The model and its encoder, which computes where the model is.
        progress: Called with how many pictures and texts are encoded and how many have to be.
        in_place: Keep the features in the folder, to be shipped with it, and not in the cache.
        must_keep: Rather end than go on where the cache's disk is full. In place that is always so.
        open_picture: Reads the picture at a path, which it calls by a name, as `kit.images.open_image` does.

    Raises:
        InputError: The folder or its metadata.csv is at fault, no picture can be read, or `in_place` cannot be written.
        DiskFullError: What must be kept does not fit; what was kept before it is whole, and the next build goes on
            from there.

    Example:
        >>> gallery = build_gallery("assets/gallery", Bundle.load("weights/pocket"))
        >>> len(gallery.items) == len(gallery.image_embeddings)
        True
    """
    listing = read_image_folder(folder)
    notices: list[str] = []
    wanted = _Wanted.of(listing, open_picture)
    features = _find_or_encode(wanted, bundle, progress, notices, in_place=in_place, must_keep=must_keep or in_place)
    items = [item for item in listing.items if wanted.hashes.get(item.file_name) in features]
    if not items:
        said = [*notices, _left_out(wanted.unreadable)]
        raise InputError(f"No picture of {listing.root} can be read. {' '.join(said)}")
    pairs = [(owner, text) for owner, item in enumerate(items) for text in item.texts if text in wanted.texts]
    texts_unread = None
    if pairs and "text" not in bundle.encodes:
        texts_unread, pairs = bundle.path.resolve().name, []
    width = bundle.model.config.image_dim
    image_features = _rows((features[wanted.hashes[item.file_name]] for item in items), width)
    text_features = _rows((features[wanted.texts[text]] for _, text in pairs), width)
    return Gallery(
        root=listing.root,
        items=items,
        texts=[text for _, text in pairs],
        text_owner=torch.tensor([owner for owner, _ in pairs], dtype=torch.long),
        image_embeddings=project(bundle.model, bundle.model.embed_image, image_features),
        text_embeddings=project(bundle.model, bundle.model.embed_text, text_features),
        image_features=image_features,
        text_features=text_features,
        store_notices=notices,
        unreadable=wanted.unreadable,
        account=_account(listing, wanted, items, texts_unread),
        texts_unread=texts_unread,
    )


def _account(listing: ImageFolder, wanted: _Wanted, items: list[Item], texts_unread: str | None) -> Account:
    """Return the folder's account with what of it cannot be searched."""
    account = Account()
    account.merge(listing.account)
    use_items(account, items)
    count_unreadable(account, listing.root, wanted.unreadable)
    for item in listing.items:
        if item.file_name in wanted.unreadable:
            count_captions(account, item)
            count_labels(account, item)
            continue
        for text in item.texts:
            if text not in wanted.texts:
                kind, remedy = "captions that say nothing", "write words"
            elif texts_unread:
                kind, remedy = f"captions that the encoder of {texts_unread} does not read", "use another bundle"
            else:
                continue
            account.add(kind, f"{text!r:.{SHOWN}} of {item.file_name}", remedy, unit="captions")
            account.used["captions"] -= 1
    return account


@dataclasses.dataclass
class _Wanted:
    """The contents of a folder that have to be encoded, by their hashes."""

    root: Path
    items: list[Item]
    open_picture: OpenPicture
    hashes: dict[str, str]  # of each picture that is there, by file name
    states: dict[str, list]  # file name: `files.file_state` and the hash
    texts: dict[str, str]  # the hash of each text
    unreadable: dict[str, str]  # file name: the reason

    @classmethod
    def of(cls, listing: ImageFolder, open_picture: OpenPicture) -> _Wanted:
        texts = {text: _text_hash(text) for item in listing.items for text in item.texts if _is_searchable(text)}
        return cls(listing.root, listing.items, open_picture, {}, {}, texts, {})

    def hash_pictures(self, known: dict[str, list]) -> None:
        """Hash each picture's bytes; one that did not change since it was entered into `known` is not read."""
        for item in self.items:
            path = self.root / item.file_name
            try:
                now, state = time.time_ns(), files.file_state(path)
                entry = known.get(item.file_name, [])
                is_known = entry[:-1] == state
                digest = entry[-1] if is_known else files.sha256(path)[:HASH_LENGTH]
            except OSError as error:
                self.unreadable[item.file_name] = (
                    f"The file {item.file_name} cannot be read ({error.strerror or error})."
                )
                continue
            self.hashes[item.file_name] = digest
            if is_known or not _is_young(state, now):
                self.states[item.file_name] = [*state, digest]

    def named(self, digest: str) -> list[str]:
        """Return the file names of the pictures that have a hash: copies of one picture."""
        return [name for name, of_picture in self.hashes.items() if of_picture == digest]

    @property
    def digests(self) -> list[str]:
        return list(dict.fromkeys((*self.hashes.values(), *self.texts.values())))


def _is_young(state: Sequence[int], now: int) -> bool:
    """Tell whether a file changed so shortly before `now` that it may change again and keep its state.

    Each change sets the ctime to the clock's time, and the mtime too where there is no ctime; what others set the mtime
    to, a date to come for instance, says nothing.
    """
    _, modified, changed, _ = state
    return changed > now - YOUNG_NS or abs(now - modified) < YOUNG_NS


def _find_or_encode(
    wanted: _Wanted,
    bundle: Bundle,
    progress: Progress | None,
    notices: list[str],
    *,
    in_place: bool,
    must_keep: bool,
) -> dict[str, Tensor]:
    """Return features by hash: those kept before, and the others encoded now and kept."""
    fingerprint = bundle.encoder_fingerprint or bundle.encoder().fingerprint
    shipped, cache = wanted.root / STORE_NAME, _cache_path(wanted.root, fingerprint)
    width = bundle.model.config.image_dim
    cached, states = _read_store(cache, fingerprint, width, notices, decoding=DECODING)
    found, _ = _read_store(shipped, fingerprint, width, notices)
    in_shipped = set(found)
    features = cached | found
    wanted.hash_pictures(states)

    images = {wanted.hashes[item.file_name]: item for item in wanted.items if item.file_name in wanted.hashes}
    todo = [(digest, item) for digest, item in images.items() if digest not in features]
    if "text" in bundle.encodes:
        todo += [(digest, text) for text, digest in wanted.texts.items() if digest not in features]
    target = shipped if in_place else cache
    if todo and must_keep:
        with _advising(in_place=in_place):
            disk.check_room(target, len(wanted.digests) * width * BYTES)
    for done in range(0, len(todo), CHUNK):
        if progress is not None:
            progress(done, len(todo))
        if done and done % KEEP_EVERY == 0:
            _keep(target, fingerprint, features, wanted, in_place=in_place, must_keep=must_keep)
        features.update(_encode(todo[done : done + CHUNK], wanted, bundle))
    if todo and progress is not None:
        progress(len(todo), len(todo))
    # Texts of a store stay in it though this bundle's encoder does not read them: another's may.
    outdated = in_shipped != features.keys() & set(wanted.digests) if in_place else cache.is_file() and not cached
    if todo or outdated or (cached and not in_place and wanted.states != states):
        reason = _keep(target, fingerprint, features, wanted, in_place=in_place, must_keep=must_keep)
        if reason and (todo or outdated):
            notices.append(
                f"The features cannot be kept in {target.parent} ({reason}) and will be computed again next time."
            )
        elif reason:
            notices.append(
                f"Which pictures are unchanged cannot be kept in {target.parent} ({reason}), so each is read again."
            )
    return features


def _cache_path(root: Path, fingerprint: str) -> Path:
    place = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    return cache_folder() / "galleries" / f"{place}-{fingerprint}.safetensors"


def _text_hash(text: str) -> str:
    return TEXT + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[: HASH_LENGTH - 1]


def _is_searchable(text: str) -> bool:
    """Tell whether an encoder takes the text; one of control characters alone says nothing."""
    try:
        clean_text(text)
    except InputError:
        return False
    return True


def _encode(todo: Sequence[tuple[str, Item | str]], wanted: _Wanted, bundle: Bundle) -> dict[str, Tensor]:
    """Encode some pictures and texts by hash; pictures that cannot be read go to `wanted.unreadable`."""
    encoder = bundle.encoder(bundle.model.prior.device)
    opened: list[str] = []

    def pictures() -> Iterator[Image.Image]:
        for digest, item in todo:
            if isinstance(item, Item):
                try:
                    picture = wanted.open_picture(wanted.root / item.file_name, item.file_name)
                except InputError as error:
                    for name in wanted.named(digest):
                        wanted.unreadable[name] = str(error).replace(item.file_name, name, 1)
                    continue
                opened.append(digest)
                yield picture

    features = encoder.encode_images(pictures()).half()
    texts = {digest: text for digest, text in todo if isinstance(text, str)}
    return dict(zip(opened, features, strict=True)) | dict(
        zip(texts, encoder.encode_texts(list(texts.values())).half(), strict=True)
    )


def _rows(features: Iterable[Tensor], width: int) -> Tensor:
    """Return stored features as an N × width matrix; normalised anew, as float16 rounded them."""
    rows = list(features)
    return functional.normalize(torch.stack(rows).float(), dim=1) if rows else torch.empty(0, width)


def _read_store(
    path: Path, fingerprint: str, width: int, notices: list[str], decoding: str | None = None
) -> tuple[dict[str, Tensor], dict[str, list]]:
    """Read features by hash and files' states from a store of this encoder; nothing, with a notice, if it is damaged.

    A store of an earlier version has `stats` instead, size and mtime alone, which do not tell a file that was replaced.
    With `decoding` the features of pictures that were decoded in another way are left out; those of texts stay.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return {}, {}
    try:
        with safe_open(path, framework="pt") as store:
            metadata = store.metadata() or {}
            if metadata.get("format") != STORE_FORMAT:
                raise ValueError("it is not a gallery's store")
            if metadata["encoder"] != fingerprint:
                return {}, {}
            hashes, features = json.loads(metadata["hashes"]), store.get_tensor("features")
            states = json.loads(metadata.get("states", "{}"))
        if (
            features.shape != (len(hashes), width)
            or not_finite(features) is not None
            or not all(isinstance(digest, str) for digest in hashes)
            or not all(isinstance(entry, list) and isinstance(entry[-1], str) for entry in states.values())
        ):
            raise ValueError("its parts do not fit each other")
    except (
        SafetensorError,
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RuntimeError,
    ) as error:
        notices.append(f"{path} is damaged and not used ({error}); what it held is computed anew.")
        return {}, {}
    found = dict(zip(hashes, features, strict=True))
    if decoding is not None and metadata.get("decoding") != decoding:
        found = {digest: row for digest, row in found.items() if digest.startswith(TEXT)}
    return found, states


def _keep(
    path: Path,
    fingerprint: str,
    features: dict[str, Tensor],
    wanted: _Wanted,
    *,
    in_place: bool,
    must_keep: bool,
) -> str | None:
    """Write the store; returns the reason if the cache cannot be written.

    Raises:
        InputError: The store was to be written in place and cannot be.
        DiskFullError: It must be kept, and its disk is full.
    """
    digests = [digest for digest in wanted.digests if digest in features]
    if not digests:
        return None
    metadata = {"format": STORE_FORMAT, "encoder": fingerprint, "hashes": json.dumps(digests)}
    if not in_place:  # a state means nothing in a copy of the folder
        metadata |= {"states": json.dumps(wanted.states), "decoding": DECODING}
    try:
        with _advising(in_place=in_place):
            files.save_tensors(path, {"features": torch.stack([features[digest] for digest in digests])}, metadata)
    except disk.DiskFullError as error:
        if must_keep:
            raise
        return f"{error.reason[0].lower()}{error.reason[1:]}"
    except OSError as error:
        reason = error.strerror or error
        if in_place:
            raise InputError(
                f"The file {path} cannot be written ({reason}); leave --in-place out to use the cache."
            ) from None
        return str(reason)
    return None


@contextlib.contextmanager
def _advising(*, in_place: bool) -> Iterator[None]:
    """Say what to do where a store does not fit."""
    elsewhere = "leave --in-place out to use the cache" if in_place else f"set {VARIABLE} to a folder on another one"
    try:
        yield
    except disk.DiskFullError as error:
        raise error.advising(
            f"make room on it or {elsewhere}, and build again, which goes on from what is kept"
        ) from error.__cause__


def _left_out(unreadable: dict[str, str]) -> str:
    shown = " ".join(list(unreadable.values())[:SHOWN_FAILURES])
    more = f" And {len(unreadable) - SHOWN_FAILURES} more." if len(unreadable) > SHOWN_FAILURES else ""
    count = "1 picture was" if len(unreadable) == 1 else f"{len(unreadable)} pictures were"
    return f"{count} left out: {shown}{more}"

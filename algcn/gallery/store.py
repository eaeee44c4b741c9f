"""A gallery is a searchable collection: an image folder whose pictures and texts are points of a bundle's common space.

Notable: what is kept between starts are the encoder's features (`kept`), found again by the content of a picture or a
text: a renamed picture is not encoded anew, another ALGCN on the same encoder needs no encoding at all, and the encoder
itself is loaded only if something is missing.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from algcn.bundles.bundle import Bundle
from algcn.datasets.image_folder import ImageFolder, Item, read_image_folder
from algcn.datasets.left_out import count_captions, count_labels, use_items
from algcn.gallery.contents import Contents, OpenPicture
from algcn.gallery.encoding import Progress, find_or_encode
from algcn.gallery.kept import place_of
from algcn.gallery.rows import projected, rows_of, typical
from algcn.kit.account import Account
from algcn.kit.engine import Engine, in_this_process
from algcn.kit.errors import InputError
from algcn.kit.images import open_image
from algcn.kit.unreadable import count_unreadable

if TYPE_CHECKING:
    from algcn.method.model import ALGCN

SHOWN_FAILURES = 3
SHOWN = 40  # characters of a caption that is left out


@dataclasses.dataclass(eq=False)
class Gallery:
    """A gallery: N pictures and M texts of an image folder in the common space of a bundle.

    Attributes:
        items: N, in the order of metadata.csv; pictures that cannot be read are left out.
        texts: M, those of all items one after the other; none for a bundle whose encoder reads no texts (the items
            still have theirs, to be shown).
        text_owner: M positions in `items`.
        image_embeddings: N × d, L2-normalised, float32; of a large gallery float16 in a mapped file (see `rows`).
        text_embeddings: M × d, likewise.
        image_features: N × e, what the encoder alone says, likewise.
        text_features: M × e, likewise.
        store_notices: Sentences about a store that was damaged or could not be kept.
        unreadable: The reason for each picture that was left out, by file name.
        account: What of the folder is in the gallery, and what is not.
        texts_unread: The bundle whose encoder reads no texts, where the folder has some.
        key: What the rows are of: the encoder and the contents, in their order; None where that is not known.

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
    key: str | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def notices(self) -> list[str]:
        """Sentences about what could not be kept or was left out, for who does not show the account."""
        left_out = [_left_out(self.unreadable)] if self.unreadable else []
        unread = f"The encoder of {self.texts_unread} reads no texts, so only pictures can be searched."
        return [*self.store_notices, *left_out, *([unread] if self.texts_unread else [])]

    @functools.cached_property
    def typical_embeddings(self) -> Tensor:
        """The embeddings of pictures that stand for all of them (see `rows.typical`)."""
        return typical(self.image_embeddings)

    @functools.cached_property
    def typical_features(self) -> Tensor:
        """The features of the same pictures."""
        return typical(self.image_features)

    def projected(self, model: ALGCN) -> Gallery:
        """Return the same pictures and texts in the common space of another model on the same encoder.

        Raises:
            InputError: The model takes features of another width.
        """
        return dataclasses.replace(
            self,
            image_embeddings=projected(model, model.embed_image, self.image_features),
            text_embeddings=projected(model, model.embed_text, self.text_features),
        )


def build_gallery(
    folder: str | Path | ImageFolder,
    bundle: Bundle,
    progress: Progress | None = None,
    *,
    in_place: bool = False,
    must_keep: bool = False,
    open_picture: OpenPicture = open_image,
    engine: Engine = in_this_process,
) -> Gallery:
    """Build the gallery of an image folder: read it and encode what has not been encoded before.

    Args:
        folder: Pictures, with a metadata.csv or without (see `datasets.image_folder`); or what was read of it.
        bundle: The model and its encoder, which computes where the model is.
        progress: Called with how many pictures and texts are encoded and how many have to be.
        in_place: Keep the features in the folder, to be shipped with it, and not in the cache.
        must_keep: Rather end than go on where the cache's disk is full. In place that is always so.
        open_picture: Reads the picture at a path, which it calls by a name, as `kit.images.open_image` does.
        engine: Who encodes: this process, or others.

    Raises:
        InputError: The folder or its metadata.csv is at fault, no picture can be read, or `in_place` cannot be written.
        DiskFullError: What must be kept does not fit; what was kept before it is whole, and the next build goes on
            from there.

    Example:
        >>> gallery = build_gallery("assets/gallery", Bundle.load("weights/pocket"))
        >>> len(gallery.items) == len(gallery.image_embeddings)
        True
    """
    listing = folder if isinstance(folder, ImageFolder) else read_image_folder(folder)
    notices: list[str] = []
    wanted = Contents.of(listing, open_picture)
    features = find_or_encode(
        wanted, bundle, progress, notices, in_place=in_place, must_keep=must_keep or in_place, engine=engine
    )
    items = [item for item in listing.items if wanted.hashes.get(item.file_name) in features]
    if not items:
        said = [*notices, _left_out(wanted.unreadable)]
        raise InputError(f"No picture of {listing.root} can be read. {' '.join(said)}")
    pairs = [(owner, text) for owner, item in enumerate(items) for text in item.texts if text in wanted.texts]
    texts_unread = None
    if pairs and "text" not in bundle.encodes:
        texts_unread, pairs = bundle.path.resolve().name, []
    pictures = [wanted.hashes[item.file_name] for item in items]
    texts = [wanted.texts[text] for _, text in pairs]
    key = _key(bundle, pictures, texts)
    rows = rows_of(features, pictures, texts, bundle, place_of(listing.root), key, notices)
    return Gallery(
        root=listing.root,
        items=items,
        texts=[text for _, text in pairs],
        text_owner=torch.tensor([owner for owner, _ in pairs], dtype=torch.long),
        **rows._asdict(),
        store_notices=notices,
        unreadable=wanted.unreadable,
        account=_account(listing, wanted, items, texts_unread),
        texts_unread=texts_unread,
        key=key,
    )


def _key(bundle: Bundle, *hashes: list[str]) -> str:
    """Name what rows are of: an encoder, and the hashes of pictures and of texts in their order."""
    fingerprint = bundle.encoder_fingerprint or bundle.encoder().fingerprint
    return hashlib.sha256(json.dumps([fingerprint, *hashes]).encode()).hexdigest()


def _account(listing: ImageFolder, wanted: Contents, items: list[Item], texts_unread: str | None) -> Account:
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


def _left_out(unreadable: dict[str, str]) -> str:
    shown = " ".join(list(unreadable.values())[:SHOWN_FAILURES])
    more = f" And {len(unreadable) - SHOWN_FAILURES} more." if len(unreadable) > SHOWN_FAILURES else ""
    count = "1 picture was" if len(unreadable) == 1 else f"{len(unreadable)} pictures were"
    return f"{count} left out: {shown}{more}"

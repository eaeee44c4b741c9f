"""Count what goes with the pictures that a later step leaves out: their captions and labels."""

from __future__ import annotations

from collections.abc import Iterable

from algcn.datasets.image_folder import Item
from algcn.kit.account import Account


def use_items(account: Account, items: Iterable[Item]) -> None:
    """Say that of a folder's pictures, captions and labels those of `items` are used; what is not, the caller adds."""
    items = list(items)
    account.used["pictures"] = len(items)
    account.used["captions"] = sum(len(item.texts) for item in items)
    account.used["labels"] = sum(len(item.labels or ()) for item in items)


def count_labels(account: Account, item: Item) -> None:
    """Add the labels of a picture that is left out."""
    if item.labels:
        account.add("labels of pictures left out", f"those of {item.file_name}", "", len(item.labels), "labels")


def count_captions(account: Account, item: Item) -> None:
    """Add the captions of a picture that is left out."""
    if item.texts:
        account.add("captions of pictures left out", f"that of {item.file_name}", "", len(item.texts), "captions")

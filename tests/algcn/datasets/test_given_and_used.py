"""Whatever a folder holds: what was given is what is used and what is counted, and nothing is used wrongly."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from ingredients import Given, given_folders

from algcn.datasets.folders.names import composed
from algcn.datasets.image_folder import read_image_folder


@settings(max_examples=150, deadline=None, derandomize=True)
@given(given_folders())
def test_given_is_used_and_counted(folder: Given) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder.write(Path(root))
        read = read_image_folder(root)
    account = read.account
    assert account.given("pictures") == len(folder.pictures) + folder.unread
    assert account.given("files") == folder.others
    assert account.given("rows") == len(folder.rows)
    assert account.used["pictures"] == len(read)
    assert account.used["rows"] == sum(row.picture is not None for row in folder.rows)
    assert len(account.sentences()) == len(account.counts) and all(map(account.counts.get, account.counts))

    assert {item.file_name for item in read} == (folder.named if folder.rows else set(folder.pictures))
    assert set(read.unnamed) == set(folder.pictures) - {item.file_name for item in read}
    if folder.rows:
        _check_what_is_said(folder, read.items)


def _check_what_is_said(folder: Given, items: list) -> None:
    """Every text is with its picture, and so is every label, in some letter case."""
    texts, labels = Counter(), Counter()
    for row in folder.rows:
        if row.picture is not None:
            texts[row.picture, row.text] += 1
            labels.update({(row.picture, composed(label).casefold()) for label in row.labels})
    assert Counter((item.file_name, text) for item in items for text in item.texts) == texts
    assert {(item.file_name, label.casefold()) for item in items for label in item.labels} == set(labels)

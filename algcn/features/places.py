"""Where an image folder is: on a disk that this process sees, or elsewhere (`algcn.cluster.bucket`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from algcn.kit.account import Account
from algcn.kit.engine import check_seen
from algcn.kit.errors import InputError
from algcn.kit.files import file_state
from algcn.kit.images import open_image
from algcn.kit.unreadable import count_unreadable

if TYPE_CHECKING:
    from PIL.Image import Image


class NotAnswering(InputError):
    """A place that gives nothing now: no picture of it is at fault, and none is left out for that."""


class Place(Protocol):
    """A place of pictures, which can be sent to other processes."""

    def check_seen(self) -> None:
        """Refuse to work in a process that does not see the place."""

    def open_picture(self, name: str) -> Image:
        """Read a picture by its path in the folder, as `kit.images.open_image` does.

        Raises:
            InputError: This picture cannot be read.
            NotAnswering: None can be read now.
        """

    def state(self, name: str) -> list[int] | None:
        """Return what tells one state of a picture from another; None where it is not there."""

    def count_unreadable(self, account: Account, unreadable: Mapping[str, str]) -> None:
        """Add pictures that could not be read to an account, as `kit.unreadable.count_unreadable` does."""


@dataclass(frozen=True)
class OnDisk:
    """A folder of this machine, or one that every machine sees."""

    root: Path

    def check_seen(self) -> None:
        """Refuse to work on a machine that does not see the folder."""
        check_seen(self.root)

    def open_picture(self, name: str) -> Image:
        """Read a picture."""
        return open_image(self.root / name, name=name)

    def state(self, name: str) -> list[int] | None:
        """Return the state of a picture's file; None where it cannot be had, and so cannot be read."""
        try:
            return file_state(self.root / name)
        except OSError:
            return None

    def count_unreadable(self, account: Account, unreadable: Mapping[str, str]) -> None:
        """Add pictures that could not be read to an account."""
        count_unreadable(account, self.root, unreadable)

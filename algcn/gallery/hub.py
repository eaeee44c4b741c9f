"""Galleries on the Hugging Face Hub: dataset repositories with the files of the folder."""

from __future__ import annotations

from pathlib import Path

from algcn.datasets.folders.listing import is_table
from algcn.datasets.folders.names import is_system
from algcn.datasets.image_folder import METADATA, read_image_folder
from algcn.datasets.left_out import count_captions, count_labels, use_items
from algcn.gallery.files import BESIDE, is_told, obstacle, pictures
from algcn.kit.account import Account
from algcn.kit.errors import InputError
from algcn.kit.hub import Kind, left_behind, resolve
from algcn.kit.picture_kinds import READ, kind_of

_BY_CONTENT = ("pictures that only their content tells", "call them .jpg, or name them in a table")


def _gallery_damage(folder: Path) -> list[str]:
    """Name the table where it is missing and there is no picture; the files that it names are looked for by name."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return [] if any(is_table(name) or is_told(name, folder) for name in names) else [METADATA]


def _belongs(name: str) -> bool:
    """Tell whether a file that a pattern matches is the gallery's: a table in a hidden folder is not read."""
    return not any(map(is_system, name.split("/")))


def _check(folder: Path) -> None:
    """Refuse a gallery of which no picture would travel."""
    names, read = set(GALLERY.files(folder)), read_image_folder(folder)
    if not any(item.file_name in names for item in read):
        raise InputError(f"No picture of {str(folder)!r} can travel. {' '.join(pushed(folder).sentences())}")


def pushed(folder: Path) -> Account:
    """Return what of a gallery a push uploads, and what stays: pictures, their captions and labels, rows and files.

    Raises:
        InputError: The folder cannot be read.
    """
    read, names = read_image_folder(folder), GALLERY.files(folder)
    travels = set(names)
    account = Account()
    for sentence in read.account.notes:
        account.note(sentence)
    account.use("rows", read.account.used["rows"])
    use_items(account, [item for item in read if item.file_name in travels])
    for kind in read.account.to_json()["left_out"]:
        if kind["unit"] not in ("files", "folders"):  # these are counted below, as files that stay
            account.add(kind["kind"], kind["example"], kind["remedy"], kind["count"], kind["unit"])
    for item in read:
        if item.file_name not in travels:
            size = (folder / item.file_name).stat().st_size
            kind, remedy = obstacle(item.file_name, size) or _BY_CONTENT
            account.add(kind, item.file_name, remedy, unit="pictures")
            count_captions(account, item)
            count_labels(account, item)
    counted = {*(item.file_name for item in read), *read.unnamed}
    account.use("files", len(travels - counted))
    stay = [name for name in left_behind(folder, GALLERY) if not _is_counted(folder, name, counted)]
    if stay:
        remedy = "name a picture in a table; of other files its tables, features, layout and README travel"
        account.add("files that stay here", stay[0], remedy, len(stay), "files")
    return account


def _is_counted(folder: Path, name: str, counted: set[str]) -> bool:
    """Tell whether a file is in the folder's account as a picture, read or of a format that is not."""
    return name in counted or (_belongs(name) and kind_of(folder / name) not in (None, *READ))


GALLERY = Kind(
    name="gallery",
    repo_type="dataset",
    patterns=BESIDE,
    damaged=_gallery_damage,
    check=_check,
    further=pictures,
    belongs=_belongs,
    account=pushed,
)


def resolve_gallery(
    reference: str | Path, cache_dir: str | Path | None = None, fallback: str | Path | None = None
) -> tuple[Path, str | None]:
    """Find the folder of a gallery, here or in a dataset repository on the Hub, as `resolve_bundle` does."""
    return resolve(GALLERY, reference, cache_dir, fallback)

"""Damaged archives that are dropped: each gives pictures and reasons, or one sentence, and nothing lies elsewhere."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from mutations import Damage, bounded_memory, damages, examples
from PIL import Image

from algcn.kit.errors import InputError
from app.collection.intake import Intake

TABLE = 'file_name,text,labels,split\na.png,A red one,red|plain,train\nday/b.png,"So, so",,test\n'


@pytest.fixture(autouse=True)
def _bounded_memory() -> Iterator[None]:
    with bounded_memory():
        yield


def archive(packing: int, in_table: Callable[[bytes], bytes] = bytes, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as packed:
        for name, colour in (("a.png", "red"), ("day/b.png", "blue"), ("über.png", "green")):
            picture = io.BytesIO()
            Image.new("RGB", (8, 6), colour).save(picture, "PNG")
            packed.writestr(name, picture.getvalue())
        packed.writestr("metadata.csv", in_table(TABLE.encode()))
        packed.comment = comment
    return out.getvalue()


def take(tmp_path: Path, data: bytes) -> None:
    """Drop an archive; what is found must be there, and no file anywhere else."""
    shutil.rmtree(tmp_path / "around", ignore_errors=True)
    folder = tmp_path / "around" / "taken"
    folder.mkdir(parents=True)
    (tmp_path / "upload.bin").write_bytes(data)
    intake = Intake(folder, {}, 0)
    try:
        intake.take(tmp_path / "upload.bin", "my.zip")
        found = intake.found()
    except InputError as error:
        said = str(error)
        assert said[0].isupper() and said.endswith((".", "?")) and "\n" not in said, said
    else:
        assert all(picture.path.is_file() and picture.path.is_relative_to(folder) for picture in found)
        assert all(entry.name.isprintable() and entry.reason for entry in intake.left_out)
    assert [path.name for path in (tmp_path / "around").iterdir()] == ["taken"]


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@examples(200)
@given(damage=damages())
def test_a_damaged_archive(tmp_path: Path, packing: int, damage: Damage) -> None:
    take(tmp_path, damage.apply(archive(packing, comment=b"packed by hand")))


@examples(150)
@given(damage=damages())
def test_a_damaged_table_in_an_archive(tmp_path: Path, damage: Damage) -> None:
    take(tmp_path, archive(zipfile.ZIP_DEFLATED, damage.apply))


@examples(100)
@given(damage=damages())
def test_a_damaged_list_of_entries(tmp_path: Path, damage: Damage) -> None:
    whole = archive(zipfile.ZIP_STORED)
    start = whole.index(b"PK\x01\x02")
    take(tmp_path, whole[:start] + damage.apply(whole[start:]))

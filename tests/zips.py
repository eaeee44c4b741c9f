"""Zip archives as other programs write them: names as raw bytes, with or without what says how to read them."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

UTF8_FLAG = 0x800


class RawInfo(zipfile.ZipInfo):
    """An entry whose name is written as these bytes, with these flags."""

    def __init__(self, name: bytes, flags: int = 0) -> None:
        super().__init__(name.decode("latin-1"))
        self.filename = self.orig_filename = name.decode("latin-1")
        self._raw, self._flags = name, flags

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # zipfile's own way to write a name
        return self._raw, self._flags


def unicode_path(name: bytes, said: str, checksum: int | None = None) -> bytes:
    """Info-ZIP's extra field with a name in UTF-8."""
    data = struct.pack("<BL", 1, zlib.crc32(name) if checksum is None else checksum) + said.encode()
    return struct.pack("<HH", 0x7075, len(data)) + data


def write_zip(path: Path, files: Iterable[tuple[str, bytes]], codec: str = "utf-8", flags: int = 0) -> Path:
    """Write an archive whose names are written in an encoding; a name may be there twice."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files:
            info = RawInfo(name.encode(codec), flags)
            archive.NameToInfo.pop(info.filename, None)  # so that it does not warn
            archive.writestr(info, data)
    return path

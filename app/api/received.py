"""Files as language models give them: in a text, which becomes an upload like any other.

Notable: nothing is fetched from another server, whatever address is given.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from algcn.kit import files
from algcn.kit.errors import InputError
from app.kit.disk import check_free, telling_visitors
from app.kit.root import absolute
from app.program import Program

FORMS = (
    "data:image/jpeg;base64,… with its bytes, the address of a picture that a search gave, or the path that an upload "
    "to /gradio_api/upload answered"
)
_DATA = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?P<rest>(?:;[^;,]*)*),")
_PICTURE = re.compile(r"picture/(?P<key>[\w-]+)/\w+/(?P<item>\d{1,9})")
_UPLOAD = "gradio_api/file="


def received_file(value: object, program: Program) -> dict[str, Any]:
    """Return what gradio says of an upload for a file in one of FORMS.

    Raises:
        InputError: The value is something else, there is no such picture, or the disk is full.
    """
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"A file must be given as a text: {FORMS}.")
    value = value.strip()
    if value.startswith("data:"):
        return _of_data(value, program)
    here = value.removeprefix(absolute(""))
    picture = _PICTURE.fullmatch(here)
    if picture:
        path = program.addresses.find(picture["key"]).picture_path(int(picture["item"]))
        return _kept(path.read_bytes() if path.is_file() else b"", path.name, program)
    if "://" in here:
        raise InputError(f"Nothing is fetched from other servers: give the file as {FORMS}.")
    path = Path(unquote(here.removeprefix(_UPLOAD)))
    return {"path": str(path), "orig_name": path.name}


def _of_data(value: str, program: Program) -> dict[str, Any]:
    """Keep what a data: address holds; `;name=metadata.csv` in it says what the file is called."""
    head = _DATA.match(value)
    options = [] if head is None else head["rest"].split(";")
    if "base64" not in options:
        raise InputError("A data: address must be like data:image/jpeg;base64,… with the file's bytes in base64.")
    try:
        content = base64.b64decode("".join(value[head.end() :].split()), validate=True)
    except binascii.Error:
        raise InputError(
            "What stands after base64, in this data: address is no base64: it is cut off or has other characters."
        ) from None
    named = [unquote(option.removeprefix("name=")) for option in options if option.startswith("name=")]
    kind = (head["type"] or "").rpartition("/")[2]
    name = f"picture.{kind or 'jpeg'}"
    return _kept(content, name, program) | {"orig_name": named[0] if named else name}


def _kept(content: bytes, name: str, program: Program) -> dict[str, Any]:
    """Write a file where uploads are kept, and swept within the hour."""
    check_free(program.files.free_bytes())
    path = program.uploads / secrets.token_hex(16) / name
    with telling_visitors():
        files.write_bytes(path, content)
    return {"path": str(path), "orig_name": name}

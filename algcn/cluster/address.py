"""Where an index is: milvus://HOST:PORT/COLLECTION, or a file of Milvus Lite whose name ends in .db.

User and password are never part of an address, which is shown and ends up in logs: the environment has them.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from algcn.kit.errors import InputError

PORT = 19530  # Milvus's own
FILE_ENDING = ".db"
FILE_COLLECTION = "gallery"
SCHEMES = {"milvus": "http", "milvus+tls": "https"}  # and what pymilvus calls them
FORM = f"write milvus://HOST:PORT/COLLECTION, or a file that ends in {FILE_ENDING}"
_COLLECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


@dataclass(frozen=True)
class Address:
    """An index's place.

    Attributes:
        uri: As pymilvus takes it.
        collection: Its name there.
        file: The file of Milvus Lite; None where it is a server.
    """

    uri: str
    collection: str
    file: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address.

        Raises:
            InputError: It is none, or holds a password.
        """
        if text.endswith(FILE_ENDING) and "://" not in text:
            return cls._of_file(text)
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port or PORT
        except ValueError:
            raise InputError(f"The address of an index cannot be {_shown(text)}; {FORM}.") from None
        if "@" in parts.netloc:
            raise InputError(
                "The address of an index must hold no password, since it is shown; set MILVUS_USER and "
                "MILVUS_PASSWORD, or MILVUS_TOKEN."
            )
        if parts.scheme not in SCHEMES or not host or parts.query or parts.fragment:
            raise InputError(f"The address of an index cannot be {_shown(text)}; {FORM}.")
        collection = parts.path.removeprefix("/")
        if not _COLLECTION.fullmatch(collection):
            raise InputError(
                f"A collection cannot be called {collection!r:.80}; use up to 255 letters, digits and _, the first no "
                "digit, as in milvus://localhost:19530/gallery."
            )
        host = f"[{host}]" if ":" in host else host
        return cls(f"{SCHEMES[parts.scheme]}://{host}:{port}", collection)

    @classmethod
    def _of_file(cls, text: str) -> Address:
        try:
            file = Path(text).expanduser().absolute()
        except RuntimeError:
            raise InputError(f"{text!r} is in a home folder that nobody knows; write the whole path.") from None
        return cls(str(file), FILE_COLLECTION, file)

    def __str__(self) -> str:
        return str(self.file) if self.file else f"{self.uri.partition('://')[2]}/{self.collection}"


def token() -> str:
    """What the environment says to who asks for a password: MILVUS_TOKEN, or MILVUS_USER and MILVUS_PASSWORD.

    Raises:
        InputError: There is a user without a password, or a password without a user.
    """
    given = os.environ.get("MILVUS_TOKEN", "")
    user, password = (os.environ.get(f"MILVUS_{name}", "") for name in ("USER", "PASSWORD"))
    if given:
        return given
    if bool(user) != bool(password):
        raise InputError("MILVUS_USER and MILVUS_PASSWORD go together; set both, or MILVUS_TOKEN alone.")
    return f"{user}:{password}" if user else ""


def _shown(text: str) -> str:
    """The address for a message, without what may be a password."""
    return f"{re.sub(r'//.*@', '//…@', text, flags=re.DOTALL)!r:.120}"

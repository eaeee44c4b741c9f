"""Keep each measurement in a file of its own, so that a study that was stopped goes on where it was."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from algcn.kit.errors import InputError
from algcn.kit.files import write_text

try:
    import fcntl
except ImportError:  # not on Windows: there two studies in one folder may measure something twice
    fcntl = None


class Key(NamedTuple):
    """The name of a measurement.

    Attributes:
        collection: The name of its data.
        what: The name of the experiment.
        of: What else it depends on, a seed for instance; JSON.
    """

    collection: str
    what: str
    of: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.collection}: {self.what} {', '.join(f'{name} {value}' for name, value in self.of.items())}"


class Cells:
    """A folder of measurements, which several processes may fill at once.

    Args:
        folder: Made if it is not there.
        data: What all of them were measured on, by collection: fingerprints of the feature files.
    """

    def __init__(self, folder: Path, data: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._data = folder, dict(data)

    def path(self, key: Key) -> Path:
        """The file of a measurement: other data, another file."""
        named = "-".join(f"{name}={value}" for name, value in key.of.items())
        whole = json.dumps([self._data.get(key.collection, ""), *key], sort_keys=True)
        short = hashlib.sha256(whole.encode()).hexdigest()[:8]
        return self._folder / f"{key.collection}-{key.what}-{named}-{short}.json"

    def read(self, key: Key) -> dict[str, Any] | None:
        """Return a measurement that was made before on the same data, or None.

        Raises:
            InputError: Its file is damaged.
        """
        path = self.path(key)
        if not path.is_file():
            return None
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            raise InputError(f"The measurement {path} is damaged; delete it, and it is made anew.") from None

    def get(self, key: Key, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return a measurement, made now unless it was made before; no other process makes it meanwhile.

        Args:
            key: Its name.
            measure: Makes it; what it returns is JSON.

        Raises:
            InputError: Its file is damaged.
        """
        with _claimed(self.path(key)):
            found = self.read(key)
            if found is None:
                found = measure()
                write_text(self.path(key), json.dumps(found))
            return found


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Wait until no other process has claimed a file, and claim it; the system drops the claim of one that ends."""
    if fcntl is None:
        yield
        return
    claim = path.with_name(f".{path.name}.claim")
    with claim.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
        # Whoever waited for this claim, or makes one of the same name, finds the measurement.
        claim.unlink(missing_ok=True)

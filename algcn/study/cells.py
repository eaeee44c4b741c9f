"""Keep each measurement in a file of its own, so that a study that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from algcn.kit.errors import InputError
from algcn.kit.files import write_text


class Cells:
    """A folder of measurements.

    Args:
        folder: Made if it is not there.
        data: What all of them were measured on, by name: fingerprints of the feature files.
        report: Told what is being measured, a line each.
    """

    def __init__(self, folder: Path, data: Mapping[str, str], report: Callable[[str], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._data, self._report = folder, dict(data), report

    def get(self, collection: str, what: str, measure: Callable[[], dict[str, Any]], **of: Any) -> dict[str, Any]:
        """Return a measurement, made now unless it was made before on the same data.

        Args:
            collection: The name of its data.
            what: The name of the experiment.
            measure: Makes it; what it returns is JSON.
            of: What else it depends on, a seed for instance.

        Raises:
            InputError: A file in the folder is damaged.
        """
        named = "-".join(f"{key}={value}" for key, value in of.items())
        key = json.dumps([self._data.get(collection, ""), collection, what, of], sort_keys=True)
        path = self._folder / f"{collection}-{what}-{named}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.json"
        if path.is_file():
            try:
                return json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                raise InputError(f"The measurement {path} is damaged; delete it, and it is made anew.") from None
        self._report(f"{collection}: {what} {named.replace('-', ', ')}")
        found = measure()
        write_text(path, json.dumps(found))
        return found

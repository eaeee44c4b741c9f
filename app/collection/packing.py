"""Write pictures and what is known of them as an image folder: its metadata.csv, and the whole folder as a zip."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from algcn.datasets.image_folder import METADATA, SEPARATOR, Item
from algcn.kit.files import replacing

COLUMNS = ("file_name", "text", "labels", "split")
PREDICTED = ("predicted_labels", "predicted_probabilities")
SEPARATORS = frozenset("|;,[](){}")  # in a label, a reader may take one for the end of it
Predictions = Sequence[tuple[str, float | None]]  # labels and their probabilities, None where there are none


def metadata_csv(items: Iterable[Item]) -> str:
    """Write the table of pictures: a row for each text of one, or a row without a text."""
    return _csv(COLUMNS, _rows(items))


def write_zip(path: Path, root: Path, items: Sequence[Item], predicted: Sequence[Predictions]) -> Path:
    """Write pictures as an image folder in a zip; what a model predicted stands in columns of its own.

    Args:
        path: The file to write.
        root: The folder that the pictures lie in.
        items: The pictures with the labels that they are known to have.
        predicted: For each of them the labels that are predicted, with their probabilities.
    """
    guessed = {
        item.file_name: (_labels_field([label for label, _ in labels]), _probabilities_field(labels))
        for item, labels in zip(items, predicted, strict=True)
    }
    metadata = _csv((*COLUMNS, *PREDICTED), ((*row, *guessed[row[0]]) for row in _rows(items)))
    # Not compressed: pictures are already.
    with replacing(path) as aside, zipfile.ZipFile(aside, "w", strict_timestamps=False) as archive:
        archive.writestr(f"{path.stem}/{METADATA}", metadata)
        for item in items:
            archive.write(root / item.file_name, f"{path.stem}/{item.file_name}")
    return path


def _rows(items: Iterable[Item]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a metadata.csv, one for each text of a picture, or one without a text."""
    for item in items:
        labels = _labels_field(item.labels or ())
        for text in item.texts or [""]:
            yield item.file_name, _text_field(text), labels, item.split or ""


def _text_field(text: str) -> str:
    """Write a text, as a list where it looks like one."""
    return json.dumps([text], ensure_ascii=False) if text.startswith("[") else text


def _labels_field(labels: Sequence[str]) -> str:
    """Write labels with "|" between them, as a list where a label would be read as several."""
    if any(SEPARATORS.intersection(label) for label in labels):
        return json.dumps(list(labels), ensure_ascii=False)
    return SEPARATOR.join(labels)


def _probabilities_field(labels: Predictions) -> str:
    return SEPARATOR.join(f"{probability:.3f}" for _, probability in labels if probability is not None)


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()

"""The endpoint that labels pictures."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from gradio import FileData

from app.api.watching import read_pictures
from app.collection.work import dropped_files, new_collection
from app.program import Program


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoint that labels pictures."""

    def label_pictures(pictures: list[FileData]) -> dict[str, Any]:
        """Predict the labels of pictures; they are deleted within the hour.

        Args:
            pictures: A list of picture files, tables (metadata.csv, .jsonl, .parquet), or zip archives of them; at most
                500 pictures of 24 MB each, 512 MB in all.

        Returns:
            {"pictures": [{file, labels (predicted), given_labels (those of a table or of named folders, or null)}],
            "left_out": [{file, reason}], "account": {used: {unit: count}, left_out: [{kind, unit, count, example,
            remedy}], notes: [sentence]}}; the account counts all that was given, rows of tables too.
        """
        folder = program.files.new_folder()
        try:
            dropped = dropped_files(pictures, program.uploads, folder)
            service, collection = program.named_service(), new_collection(folder)
            read_pictures(program, service, collection, dropped)
            predicted = service.predictor.of_pictures(collection.gallery.image_embeddings)
            return {
                "pictures": [
                    {"file": item.file_name, "labels": list(labels), "given_labels": item.labels}
                    for item, labels in zip(collection.gallery.items, predicted, strict=True)
                ],
                "left_out": [{"file": entry.name, "reason": entry.reason} for entry in collection.left_out],
                "account": collection.account.to_json(),
            }
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return [label_pictures]

"""The endpoint that suggests labels."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from gradio import FileData

from algcn.kit import checks
from app.api.watching import read_pictures
from app.collection.work import dropped_files, new_collection
from app.program import Program
from app.search.filters import check_labels

MAX_SUGGESTIONS = 100


def api(program: Program) -> list[Callable[..., Any]]:
    """List the endpoint that suggests labels."""

    def suggest_labels(pictures: list[FileData], known: list[str] | None = None, limit: int = 8) -> dict[str, Any]:
        """Suggest labels of pictures from what they show and from labels that are known; nothing is kept.

        Args:
            pictures: Picture files, tables or zip archives of them, as label_pictures takes them; labels in a table
                are known for their pictures.
            known: Labels that all of these pictures are known to have, ["sea"] for instance. One that the model does
                not know is suggested for none and changes nothing.
            limit: How many labels to suggest for each picture, 1 to 100.

        Returns:
            {"pictures": [{file, known (labels), suggestions: [{label, probability (null where the model has none),
            reason (a few words), because (the known label that says most for it, or "")}] with the likeliest first}],
            "note": what the model cannot do, or ""}.
        """
        from app.labelling.board import Board

        known_to_all, most = check_labels(known), checks.whole_number(limit, "limit", 1, MAX_SUGGESTIONS)
        folder = program.files.new_folder()
        try:
            dropped = dropped_files(pictures, program.uploads, folder)
            service, collection = program.named_service(), new_collection(folder)
            read_pictures(program, service, collection, dropped)
            board = Board()
            board.marks.mark(
                [(item.file_name, label) for item in collection.gallery.items for label in known_to_all], True
            )
            return board.suggestions(board.sight(service, collection), most)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return [suggest_labels]

"""Several results of the Search tab at once: a file of them, or more pictures for one's collection."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import gradio as gr

from algcn.kit.errors import InputError
from app.collection.selection import pack, selected_items
from app.components.file_link import download_place, render_link
from app.components.results import render_error
from app.components.selection import selection_view
from app.frame import Frame, Handed, sent
from app.kit.disk import check_free, telling_visitors
from app.visitors.visitor import Visitor

ZIP_NAME = "selected-pictures.zip"
Updates = dict[Any, Any]


class Selection:
    """The bar and what it does; made inside the Search tab.

    What is said of it stands above it, since whoever selects may have gone far down the page.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        with gr.Column(elem_id="selected"):
            self.notice = gr.HTML(elem_id="selection-notice", apply_default_css=False)
            self.link = download_place("selection-link")
            self.view = selection_view()
        self.folder = gr.State(None)  # of the visitor, for the file made last
        self.handed = gr.State(None)  # the file that goes into the collection
        frame.handed.append(Handed(self.handed, self.notice))

    def wire(self) -> None:
        """Connect the events with the methods."""
        inputs, private = [self.frame.visitor, self.folder], {"api_visibility": "private"}
        kept = [self.notice, *inputs]
        self.view.download(self.save, inputs, [*kept, self.link], **private)
        self.view.submit(self.hand_over, inputs, [*kept, self.handed], **private)

    def save(self, event: gr.EventData, visitor: Visitor, folder: Path | None) -> Updates:
        """Make a file of what is selected, and a link to it."""
        updates, path = self._packed(sent(event), visitor, folder)
        if path is None:
            return updates
        link = render_link(self.frame.program.addresses.offer(path), path.name, path.stat().st_size)
        return {**updates, self.link: link}

    def hand_over(self, event: gr.EventData, visitor: Visitor, folder: Path | None) -> Updates:
        """Make the same file for the Collections tab, which adds it to the visitor's own pictures."""
        updates, path = self._packed(sent(event), visitor, folder)
        return updates if path is None else {**updates, self.handed: (path, uuid.uuid4().hex)}

    def _packed(self, what: dict[str, Any], visitor: Visitor, folder: Path | None) -> tuple[Updates, Path | None]:
        """Write the file in the place of the visitor's last one; None where a sentence says why not."""
        program, service = self.frame.program, self.frame.service(visitor)
        try:
            items = selected_items(what, service)
            with telling_visitors():
                check_free(program.files.free_bytes())
                if folder is None:
                    folder = program.files.new_folder()
                    visitor.keep(folder)
                path = pack(service, items, folder / ZIP_NAME)
        except InputError as error:
            return {self.notice: render_error(str(error))}, None
        # A state whose value was put out once is cleaned up when the page is closed.
        return {self.notice: "", self.frame.visitor: visitor, self.folder: folder}, path

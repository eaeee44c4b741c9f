"""The board of the Collections tab, on which a visitor labels pictures: what is said there is searched at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from app.collection.view import render_collection
from app.components.label_board import board_value, error_value, label_board
from app.frame import Frame, sent
from app.labelling.marks import MAX_NAME
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from algcn.method.new_label import NewLabel
    from app.collection.folder import Collection
    from app.labelling.board import Board, Sight
    from app.service import RetrievalService


@dataclasses.dataclass
class OwnPictures:
    """A visitor's own pictures, what was said of them, and the service that shows them for as long as this is held."""

    collection: Collection
    service: RetrievalService
    board: Board

    @property
    def key(self) -> str:
        """Which pictures these are, for the page."""
        return f"{self.service.key} {len(self.collection)} {len(self.collection.gallery.texts)}"


class LabellingBoard:
    """The board's component and what it does."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.view = label_board()

    def wire(self, held: gr.State) -> None:
        """Connect the events with the methods."""
        # Each answer says how new it is, so none has to wait for another or to be dropped.
        self.view.select(
            self.select,
            [self.frame.visitor, held],
            self.view,
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="multiple",
            queue=False,
        )

    def select(self, visitor: Visitor, held: Any, event: gr.EventData) -> Any:
        """Do what the browser asks for in its own words; what is wrong with them is shown on the board."""
        if held is None:
            return gr.skip()
        message = sent(event)
        try:
            with self.frame.program.answer_room.place():
                return self._answer(visitor, held, message)
        except InputError as error:
            return error_value(str(error), held.key, message.get("serial"))

    def show(self, visitor: Visitor, held: OwnPictures | None) -> str:
        """All pictures with their labels, for a board that has others, or none."""
        if held is None:
            return ""
        return self._value(visitor, held, (), "", 0, with_pictures=True)

    def _answer(self, visitor: Visitor, held: OwnPictures, message: dict[str, Any]) -> str:
        from app.labelling.board import check_rows

        told, serial, action, file = "", message.get("serial"), message.get("action"), None
        rows = check_rows(message.get("rows"), len(held.collection.gallery))
        if action == "download":
            file = self._label_file(visitor, held, message.get("label"))
        elif action not in ("open", "choose"):
            with held.board.lock:
                if action == "load":
                    told = held.board.load(message.get("file"), self.frame.service(visitor).bundle)
                else:
                    told = held.board.act(message, self.sight(visitor, held))
                self.search_labelled(visitor, held)
        if "then" in message:
            rows = check_rows(message["then"], len(held.collection.gallery))
        return self._value(visitor, held, rows, told, serial, with_pictures=action == "open", file=file)

    def _label_file(self, visitor: Visitor, held: OwnPictures, label: object) -> dict[str, str]:
        """Write a label of the visitor's own, and say where it can be had."""
        bundle = self.frame.service(visitor).bundle
        path = held.board.write_label(held.collection.folder, label, self.sight(visitor, held), bundle)
        return {"address": self.frame.program.addresses.offer(path), "name": path.name}

    def sight(self, visitor: Visitor, held: OwnPictures) -> Sight:
        """The pictures as the model that is open sees them."""
        return held.board.sight(self.frame.service(visitor), held.collection)

    def search_labelled(self, visitor: Visitor, held: OwnPictures) -> None:
        """Have searches and filters know what was said, where the visitor's own pictures are open."""
        from app.visitors.derive import has_own_gallery, with_gallery

        before = self.frame.service(visitor)
        while has_own_gallery(before):
            after = with_gallery(before, labelled_gallery(held), before.key, own_labels_of(held))
            if visitor.exchange(before, after):
                held.service = after
                self.frame.program.addresses.add(after)
                return
            before = self.frame.service(visitor)

    def _value(
        self,
        visitor: Visitor,
        held: OwnPictures,
        rows: Any,
        told: str,
        serial: object,
        *,
        with_pictures: bool,
        file: dict[str, str] | None = None,
    ) -> str:
        from app.labelling.board import DEFAULT_PERCENT

        page = render_collection(held.collection, held.service, DEFAULT_PERCENT, MAX_NAME) if with_pictures else None
        state = held.board.state(self.sight(visitor, held), rows, told)
        return board_value({**state, "file": file}, held.key, serial, page)


def own_labels_of(held: OwnPictures) -> Callable[[RetrievalService], Sequence[NewLabel]]:
    """What makes the labels of the visitor's own for a service: whatever model that has."""
    board, collection = held.board, held.collection
    return lambda service: board.sight(service, collection).own


def labelled_gallery(held: OwnPictures) -> Any:
    """The visitor's pictures with the labels that they are known to have."""
    gallery = held.collection.gallery
    return dataclasses.replace(gallery, items=held.board.marks.items(gallery.items))

"""The part of the Benchmark tab that shows what the model gets wrong on the pictures that are open."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from app.components.clickable_plot import selected_ids
from app.frame import Frame, sent
from app.kit.scripts import mount
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.service import RetrievalService


class MistakesPart:
    """The part's component and what it does; made inside the Benchmark tab."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.view = gr.HTML(
            "",
            elem_id="benchmark-mistakes",
            elem_classes="benchmark-html",
            js_on_load=mount("mistakes"),
            apply_default_css=False,
            padding=False,
        )

    def wire(self, bars: gr.HTML) -> None:
        """Connect the events with the methods; a click on one of the `bars` of labels leads here too."""
        for source, answer in ((self.view, self.select), (bars, self.choose_bar)):
            source.select(
                answer,
                self.frame.visitor,
                self.view,
                api_visibility="private",
                show_progress="minimal",
                trigger_mode="always_last",
                # Milliseconds of work: the way through the queue would take longer than the answer.
                queue=False,
            )

    def first(self, service: RetrievalService) -> str:
        """What an opened tab shows: the label with most mistakes."""
        from app.benchmark.mistakes_view import render_mistakes

        return render_mistakes(service)

    def select(self, visitor: Visitor, event: gr.EventData) -> str:
        """Show the label that the browser asks for, or more pictures of the one that is shown."""
        message = sent(event)
        if message.get("action") == "more":
            return self._show(visitor, message.get("label"), (message.get("missed"), message.get("taken")))
        return self._show(visitor, message.get("label"))

    def choose_bar(self, visitor: Visitor, event: gr.EventData) -> Any:
        """Show the label whose bar was clicked."""
        names = self.frame.service(visitor).bundle.label_set.names
        chosen = selected_ids(event, len(names))
        return self._show(visitor, names[chosen[0]]) if chosen else gr.skip()

    def _show(self, visitor: Visitor, name: object, shown: tuple[object, object] | None = None) -> str:
        from app.benchmark.mistakes_view import render_mistakes

        try:
            with self.frame.program.answer_room.place():
                service = self.frame.service(visitor)
                if shown is not None:
                    return render_mistakes(service, name, shown)
                # Another value each time: a browser that is shown the same again would stay where it is.
                return render_mistakes(service, name, arrival=time.monotonic_ns())
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None

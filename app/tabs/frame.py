"""What every tab is built from, and how a tab keeps up with what its visitor opened elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.errors import InputError
from app.loading import Loading
from app.visitor import Visitor

if TYPE_CHECKING:
    from app.service import RetrievalService
    from app.shelf import Shelf


@dataclasses.dataclass(frozen=True)
class Frame:
    """Handed to the `build(frame, tab)` of every tab.

    Attributes:
        blocks: The page.
        loading: The shared service; may still be loading.
        uploads: The folder that gradio keeps uploads in.
        cache: The only other folder that is written to.
        shelf: Pictures by address.
        visitor: Input of every event that depends on who asks.
    """

    blocks: gr.Blocks
    loading: Loading
    uploads: Path
    cache: Path
    shelf: Shelf
    visitor: gr.State

    def service(self, visitor: Visitor) -> RetrievalService:
        """What answers this visitor; waits while it is loading."""
        return visitor.service(self.loading)

    def on_open(
        self,
        tab: gr.Tab,
        render: Callable[..., Any],
        outputs: Sequence[gr.components.Component],
        *,
        inputs: Sequence[gr.components.Component] = (),
        key: Callable[[Visitor], object] = lambda visitor: None,
    ) -> None:
        """Fill `outputs` when the tab is opened, and again when the visitor has since opened another model or gallery.

        Args:
            tab: The tab.
            render: `render(service, visitor, *inputs)` gives a value for each output; an InputError of it is shown as
                a message and leaves the tab as it is.
            outputs: At least one component.
            inputs: Components whose values it also needs.
            key: What else it depends on, the visitor's query for instance.
        """
        shown = gr.State(None)

        def opened(visitor: Visitor, before: object, *values: object) -> tuple[Any, ...]:
            try:
                service = self.service(visitor)
                now = (id(service), key(visitor))
                if now == before:
                    return (gr.skip(),) * (len(outputs) + 1)
                rendered = render(service, visitor, *values)
            except InputError as error:
                raise gr.Error(str(error), print_exception=False) from None
            return (now, *(rendered if len(outputs) > 1 else (rendered,)))

        tab.select(opened, [self.visitor, shown, *inputs], [shown, *outputs], api_visibility="private")


def sent(event: gr.EventData) -> dict[str, Any]:
    """What the browser sent with an event: anything at all, so each value is checked where it is used."""
    return event._data if isinstance(event._data, dict) else {}

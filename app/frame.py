"""The frame around the tabs: what each of them is given, and how it is filled anew when it is opened."""

from __future__ import annotations

import dataclasses
import traceback
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr

from algcn.kit.errors import InputError
from app.kit.disk import telling_visitors
from app.kit.words import WENT_WRONG, render_status
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.program import Program
    from app.service import RetrievalService


@dataclasses.dataclass(frozen=True)
class Handed:
    """A file that another tab hands to the visitor's collection.

    Attributes:
        file: Its path, a zip or a picture in a folder of the visitor, and a word that is new each time: the file made
            last has the path of the one before, and a state that is given the value it has does not change.
        notice: Where a sentence about what came of it goes.
    """

    file: gr.State
    notice: gr.HTML


@dataclasses.dataclass(frozen=True)
class Frame:
    """What every tab is given.

    Attributes:
        blocks: The page.
        program: What all visitors share.
        visitor: Input of every event that depends on who asks.
        refreshes: For each tab a hidden button, which the masthead presses to have the tab filled anew.
        openings: Events that may open another model or other pictures; the masthead follows each.
        handed: What other tabs hand to the visitor's collection; the Collections tab takes it.
    """

    blocks: gr.Blocks
    program: Program
    visitor: gr.State
    refreshes: dict[object, gr.Button] = dataclasses.field(default_factory=dict)
    openings: list[Any] = dataclasses.field(default_factory=list)
    handed: list[Handed] = dataclasses.field(default_factory=list)

    def service(self, visitor: Visitor) -> RetrievalService:
        """Wait for the service that answers this visitor and return it."""
        return visitor.service(self.program.loading)

    def shared(self, visitor: Visitor) -> RetrievalService:
        """The service without anything of the visitor's own: the model that they chose, with the program's gallery."""
        return visitor.shared(self.program.loading)

    def refresh(self, tab: gr.Tab) -> gr.Button:
        """The hidden button that fills a tab anew; made inside the tab."""
        if tab.id not in self.refreshes:
            self.refreshes[tab.id] = gr.Button(visible="hidden", elem_id=f"refresh-{tab.id}")
        return self.refreshes[tab.id]

    def on_open(
        self,
        tab: gr.Tab,
        render: Callable[..., Any],
        outputs: Sequence[gr.components.Component],
        *,
        inputs: Sequence[gr.components.Component] = (),
        key: Callable[[Visitor], object] = lambda visitor: None,
        always: bool = False,
        show_progress: Literal["full", "hidden"] = "full",
    ) -> None:
        """Fill `outputs` when the tab is opened, and again when the visitor has since opened another model or gallery.

        Args:
            tab: The tab.
            render: `render(service, visitor, *inputs)` gives a value for each output; an InputError of it is shown as
                a message and leaves the tab as it is.
            outputs: At least one component.
            inputs: Components whose values it also needs.
            key: What else it depends on, the visitor's query for instance.
            always: Ask `render` each time: the tab is filled by other events too, and it alone knows with what.
            show_progress: "hidden" where the outputs stay readable meanwhile.
        """
        shown = gr.State(None)

        def opened(visitor: Visitor, before: object, *values: object) -> tuple[Any, ...]:
            try:
                service = self.service(visitor)
                now = (weakref.ref(service), key(visitor))
                if now == before and not always:
                    return (gr.skip(),) * (len(outputs) + 1)
                rendered = render(service, visitor, *values)
            except InputError as error:
                raise gr.Error(str(error), print_exception=False) from None
            return (now, *(rendered if len(outputs) > 1 else (rendered,)))

        gr.on(
            [tab.select, self.refresh(tab).click],
            opened,
            [self.visitor, shown, *inputs],
            [shown, *outputs],
            api_visibility="private",
            concurrency_limit=None,
            show_progress=show_progress,
        )


def to_the_end(updates: Iterator[dict[Any, Any]], failed: Callable[[str], dict[Any, Any]]) -> Iterator[dict[Any, Any]]:
    """Yield the updates of an event that takes a while; whatever is raised ends as a sentence.

    Args:
        updates: The updates.
        failed: Makes the last update from a line that says what went wrong: it must leave the controls enabled.
    """
    try:
        with telling_visitors():
            yield from updates
    except Exception as error:
        if isinstance(error, InputError):
            told = str(error)
        else:
            traceback.print_exc()
            told = WENT_WRONG
        yield failed(render_status(told, running=False))


def sent(event: gr.EventData) -> dict[str, Any]:
    """Return what the browser sent with an event: it may be anything, so each value is checked where it is used."""
    return event._data if isinstance(event._data, dict) else {}

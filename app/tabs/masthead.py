"""The masthead above the tabs: what there is to search, by which model, and how far that is loaded.

Notable: a visitor may come by an address that names a model and a tab: the masthead shows how far the model is, and the
tab is opened once it is there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from app.components.chooser import render_choosing, render_facts, render_masthead
from app.frame import Frame, sent
from app.kit.scripts import mount
from app.visitors.choosing import choose, follow, loading_of, model_of, offered
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.service import RetrievalService

REFRESH_SECONDS = 0.5
QUIET = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}


class Masthead:
    """The masthead and what it does; made inside the page, above its tabs."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.html = gr.HTML(
            render_masthead(render_choosing("starting")),
            js_on_load=mount("masthead"),
            apply_default_css=False,
            elem_id="masthead",
        )
        # The browser fills them in: which tab the address named that the visitor came by, and all of that address.
        self.named_tab, self.address = gr.Textbox(visible=False), gr.Textbox(visible=False)
        self.tab_names: set[object] = set()

    def wire(self, tabs: gr.Tabs, opened: Sequence[gr.Tab]) -> None:
        """Connect the events with the methods, once all tabs are there."""
        page, visitor = self.frame.blocks, self.frame.visitor
        self.tab_names = {tab.id for tab in opened}
        for tab in opened:
            # Where the visitor opened a model or pictures of their own, the masthead says so.
            self.frame.on_open(tab, self.show_facts, [self.html], show_progress="hidden")
        page.load(
            self.open_named_tab,
            [self.named_tab, visitor, self.address],
            tabs,
            js="(tab, visitor) => [window.arrivalTab, visitor, window.arrivalAddress]",
            **QUIET,
        )
        page.load(
            self.arrive,
            [visitor, self.address],
            [self.html, visitor],
            js="(visitor) => [visitor, window.arrivalAddress]",
            **QUIET,
        )
        for event in self.frame.openings:
            event.then(self.show_opened, visitor, self.html, **QUIET)
        self.html.select(self.choose_model, visitor, [self.html, visitor], trigger_mode="always_last", **QUIET)

    def open_named_tab(self, name: str, visitor: Visitor, address: object) -> gr.Tabs:
        """Open the tab that the address names, once the model that it names is there."""
        with contextlib.suppress(InputError):  # the masthead says it
            self._follow(visitor, address)
        return gr.Tabs(selected=name) if name in self.tab_names else gr.skip()

    def arrive(self, visitor: Visitor, address: object) -> Iterator[dict[Any, Any]]:
        """Show somebody who came how far loading is, then what there is, with the model that their address names."""
        loading, named = self.frame.program.loading, model_of(address)
        while not loading.done(timeout=REFRESH_SECONDS):
            yield {self.html: render_masthead(render_choosing(loading.state))}
        try:
            loading.service()
            with contextlib.suppress(InputError):  # `follow` has the sentence
                for shown in self._wait_for(named, visitor) if named else ():
                    yield {self.html: shown}
            problem = self._follow(visitor, address)
            # A state whose value was put out once is cleaned up when the page is closed.
            yield {self.html: self._facts(visitor, problem, refresh=bool(named)), self.frame.visitor: visitor}
        except InputError as error:  # the program is about to end with this sentence
            yield {self.html: render_masthead(str(error))}

    def choose_model(self, visitor: Visitor, event: gr.EventData) -> Iterator[dict[Any, Any]]:
        """Open the model that was chosen; whoever chooses something that cannot be opened stays where they are."""
        name, program = sent(event).get("model"), self.frame.program
        visitor.arrival = ""
        try:
            for shown in self._wait_for(name, visitor):
                yield {self.html: shown}
            choose(visitor, name, program.models, program.addresses)
        except InputError as error:
            yield {self.html: self._facts(visitor, str(error))}
            return
        yield {self.html: self._facts(visitor, refresh=True), self.frame.visitor: visitor}

    def show_facts(self, service: RetrievalService, visitor: Visitor) -> Any:
        """Show what there is; until it is known which model the address names, `arrive` has the word."""
        return self._facts(visitor, visitor.arrival) if visitor.arrival is not None else gr.skip()

    def show_opened(self, visitor: Visitor) -> Any:
        """Show what there is after the visitor opened something of their own, or went back."""
        return self.show_facts(self.frame.service(visitor), visitor)

    def _facts(self, visitor: Visitor, problem: str = "", *, refresh: bool = False) -> str:
        service, names = self.frame.service(visitor), self._offered(visitor)
        shown = render_facts(
            service, *names, problem, refresh=refresh, asks_hub=self.frame.program.models.hub is not None
        )
        return render_masthead(shown)

    def _offered(self, visitor: Visitor) -> tuple[list[str], str, str]:
        return offered(visitor, self.frame.program.models)

    def _follow(self, visitor: Visitor, address: object) -> str:
        program = self.frame.program
        return follow(visitor, address, program.models, program.addresses)

    def _wait_for(self, name: object, visitor: Visitor) -> Iterator[str]:
        """What to show while a model is loading."""
        program = self.frame.program
        loading = loading_of(visitor, name, program.models)
        names, *_ = self._offered(visitor)
        listed = names if name in names else [*names, str(name)]
        while loading is not None and not loading.done(timeout=REFRESH_SECONDS):
            yield render_masthead(render_choosing(loading.state, listed, str(name)))

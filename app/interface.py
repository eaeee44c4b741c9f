"""The page and its API: tabs and wiring."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from fastapi.routing import APIRoute
from gradio.themes.utils import fonts, sizes
from starlette.middleware import Middleware

from app.api.register import add_endpoints
from app.blocks import FAILURES, Page, over
from app.frame import Frame
from app.kit import theme
from app.kit.limits import MAX_COLLECTION_BYTES
from app.kit.scripts import preloads
from app.kit.serving import starting
from app.kit.templates import compile_all, render
from app.program import Program
from app.tabs.benchmark import BenchmarkTab
from app.tabs.classifiers import ClassifiersTab
from app.tabs.collections import CollectionsTab
from app.tabs.gallery_map import GalleryMapTab
from app.tabs.labels import LabelsTab
from app.tabs.masthead import Masthead
from app.tabs.search import SearchTab
from app.tabs.training import TrainTab
from app.visitors.requests import Requests
from app.visitors.routes import download_route, picture_route, plotly_route, script_route
from app.visitors.sessions import Answers, Sessions
from app.visitors.sweep import Sweeper
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.api.tools import ToolServer

ASSETS = Path(__file__).resolve().parent.parent / "assets"
TABS = (
    ("Search", "search", SearchTab),
    ("Labels", "labels", LabelsTab),
    ("Classifiers", "classifiers", ClassifiersTab),
    ("Gallery map", "map", GalleryMapTab),
    ("Benchmark", "benchmark", BenchmarkTab),
    ("Train", "train", TrainTab),
    ("Collections", "collections", CollectionsTab),
)
MAX_UPLOAD = f"{MAX_COLLECTION_BYTES >> 20}mb"
CONCURRENCY = 2
# More than all that may wait in a thread: jobs being watched, pictures, answers (see `app.kit.rooms`, `app.kit.jobs`).
MAX_THREADS = 128
LISTEN_SECONDS = 1.0  # from one look for work that nobody waits for to the next
LOOK_SECONDS = 60.0  # from one look for sessions and answers that nobody needs to the next
# Read before anything else runs: opening the first tab already rewrites the address.
HEAD = """<script>window.arrivalAddress = window.location.search;
window.arrivalTab = new URLSearchParams(window.arrivalAddress).get("tab") ?? "";</script>"""


def build(program: Program) -> Page:
    """Lay out the page; the program's service may still be loading."""
    compile_all()
    with Page(
        tools=lambda page: _tools(page, program), title="ALGCN Explorer", analytics_enabled=False, fill_width=True
    ) as page:
        frame = Frame(page, program, gr.State(Visitor(), delete_callback=Visitor.leave))
        masthead = Masthead(frame)
        opened: list[gr.Tab] = []
        with gr.Tabs(elem_id="tabs", overflow_behavior="wrap") as tabs:
            for title, name, make in TABS:
                with gr.Tab(title, id=name, elem_id=f"tab-{name}") as tab:
                    gr.HTML(render("kit/tab_heading.html", title=title), elem_classes="tab-heading")
                    make(frame, tab).wire()
                opened.append(tab)
                tab.select(None, None, None, js=_remember_tab(name))
        masthead.wire(tabs, opened)
        add_endpoints(page, program)
    page.queue(default_concurrency_limit=CONCURRENCY)  # how many may wait: `app.visitors.waiting`
    # Nobody reads gradio's statistics, and it makes them anew with each event (the name is spelled as gradio does).
    page.queued.ANALYTICS_MAX_EVENTS, page.queued.ANAYLTICS_CACHE_FREQUENCY = 1, 1 << 62
    return page


def launch(page: Page, program: Program, port: int | None = None, *, mcp: bool = False) -> str:
    """Serve the page at a port, or a free one from 7860 on; returns its address as soon as it is up.

    With `mcp` the API's functions are tools of the Model Context Protocol too, at /gradio_api/mcp/.

    Raises:
        InputError: The page cannot be served.
    """
    guard = _Guard(page, program)
    with starting():
        _, address, _ = page.launch(
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            max_threads=MAX_THREADS,
            theme=_theme(),
            css_paths=sorted((ASSETS / "page").glob("*.css")),
            head=HEAD + preloads(),
            favicon_path=ASSETS / "favicon.svg",
            footer_links=["api"],
            run_history=False,
            max_file_size=MAX_UPLOAD,
            ssr_mode=False,
            mcp_server=mcp,
            enable_monitoring=False,
            app_kwargs={
                "routes": _routes(program),
                "middleware": [
                    Middleware(
                        Requests, free_bytes=program.files.free_bytes, beating=guard.beating, hung_up=guard.hung_up
                    )
                ],
                "lifespan": guard.on_duty,
                "exception_handlers": FAILURES,
            },
        )
        if mcp and page.mcp_server_obj is None:  # gradio serves the page all the same
            raise RuntimeError(page.mcp_error)
    return address


class _Guard:
    """What watches over a running page: bounds on what gradio keeps in memory, and the sweeping of folders."""

    def __init__(self, page: Page, program: Program) -> None:
        self._page = page
        self._sessions: Sessions | None = None
        self._answers: Answers | None = None
        self._sweeper = Sweeper(program.cache_folder, program.uploads, page.forget_files)

    def beating(self, session: str) -> contextlib.AbstractContextManager[None]:
        """Make the block within which a session's page is open."""
        return self._sessions.beating(session) if self._sessions is not None else contextlib.nullcontext()

    def hung_up(self, session: str) -> None:
        """Drop the work for a client that is gone."""
        if self._answers is not None:
            self._answers.hung_up(session)

    @contextlib.asynccontextmanager
    async def on_duty(self, app: object) -> AsyncIterator[None]:
        """Watch while the server runs; gradio has made what is bounded here, and no request has come yet."""
        self._sessions = Sessions(self._page.state_holder)
        self._answers = Answers(self._page.queued, over, is_open=self._sessions.is_open)
        self._sweeper.start()
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            self._sweeper.stop()

    async def _look(self) -> None:
        looked = time.monotonic()
        while True:
            await asyncio.sleep(LISTEN_SECONDS)
            self._answers.end_unheard()
            if time.monotonic() - looked < LOOK_SECONDS:
                continue
            looked = time.monotonic()
            self._sessions.remove_old()
            self._answers.remove_old()
            self._page.forget_progress()


def _tools(page: Page, program: Program) -> ToolServer:
    # The package of the protocol takes a second to import.
    from app.api.tools import ToolServer

    return ToolServer(page, program)


def _routes(program: Program) -> list[APIRoute]:
    addresses = program.addresses
    return [picture_route(addresses, program.cache_folder), download_route(addresses), plotly_route(), script_route()]


def _remember_tab(name: str) -> str:
    """Write the script of a tab that is opened: the address says which, so that a link opens the same one.

    No module, which may come late: the first tab opens at once, and the masthead asks the address which tab is open.
    """
    change = 'delete("tab")' if name == TABS[0][1] else f'set("tab", "{name}")'
    return f"""() => {{ const address = new URL(window.location); address.searchParams.{change};
        history.replaceState(history.state, "", address); }}"""


def _theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue=theme.ACCENT_HUE,
        secondary_hue=theme.ACCENT_HUE,
        neutral_hue=theme.NEUTRAL_HUE,
        radius_size=sizes.radius_lg,
        font=(fonts.LocalFont(theme.TEXT_FONT, weights=theme.WEIGHTS), *theme.TEXT_FALLBACK),
        font_mono=(fonts.LocalFont(theme.CODE_FONT, weights=theme.WEIGHTS), *theme.CODE_FALLBACK),
    ).set(**theme.COLOURS)

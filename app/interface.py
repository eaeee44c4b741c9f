"""The page and its API: tabs and wiring."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from fastapi.routing import APIRoute
from gradio.themes.utils import fonts, sizes

from algcn.kit.errors import InputError
from app.api.register import add_endpoints
from app.frame import Frame
from app.kit import theme
from app.kit.limits import MAX_COLLECTION_BYTES
from app.kit.scripts import preloads
from app.kit.templates import compile_all
from app.program import Program
from app.tabs.benchmark import BenchmarkTab
from app.tabs.classifiers import ClassifiersTab
from app.tabs.collections import CollectionsTab
from app.tabs.gallery_map import GalleryMapTab
from app.tabs.labels import LabelsTab
from app.tabs.masthead import Masthead
from app.tabs.search import SearchTab
from app.tabs.training import TrainTab
from app.visitors.routes import download_route, picture_route, plotly_route, script_route
from app.visitors.visitor import Visitor

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
# A queue that is full says so at once; nobody waits behind a hundred others for an answer of milliseconds.
MAX_QUEUE = 64
CONCURRENCY = 2
# More than all that may wait in a thread: jobs being watched, pictures, answers (see `app.kit.rooms`, `app.kit.jobs`).
MAX_THREADS = 128
UPLOAD_CHECK_SECONDS, UPLOAD_AGE_SECONDS = 3600, 24 * 3600
# Read before anything else runs: opening the first tab already rewrites the address.
HEAD = """<script>window.arrivalAddress = window.location.search;
window.arrivalTab = new URLSearchParams(window.arrivalAddress).get("tab") ?? "";</script>"""


def build(program: Program) -> gr.Blocks:
    """Lay out the page; the program's service may still be loading."""
    compile_all()
    with gr.Blocks(
        title="ALGCN Explorer",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(UPLOAD_CHECK_SECONDS, UPLOAD_AGE_SECONDS),
    ) as page:
        frame = Frame(page, program, gr.State(Visitor(), delete_callback=Visitor.leave))
        masthead = Masthead(frame)
        opened: list[gr.Tab] = []
        with gr.Tabs(elem_id="tabs") as tabs:
            for title, name, make in TABS:
                with gr.Tab(title, id=name, elem_id=f"tab-{name}") as tab:
                    make(frame, tab).wire()
                opened.append(tab)
                tab.select(None, None, None, js=_remember_tab(name))
        masthead.wire(tabs, opened)
        add_endpoints(program)
    return page.queue(max_size=MAX_QUEUE, default_concurrency_limit=CONCURRENCY)


def launch(page: gr.Blocks, program: Program, *, mcp: bool = False) -> str:
    """Serve the page; returns its address as soon as it is up. GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where.

    With `mcp` the API's functions are tools of the Model Context Protocol too, at /gradio_api/mcp/.

    Raises:
        InputError: The port is taken.
    """
    try:
        _, address, _ = page.launch(
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
            app_kwargs={"routes": _routes(program)},
        )
    except OSError as error:
        raise InputError(f"The page cannot be served ({error}); set GRADIO_SERVER_PORT to a free port.") from None
    return address


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

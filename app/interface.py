"""The page and its API: tabs and wiring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.themes.utils import fonts, sizes

from algcn.kit.errors import InputError
from app.api.register import add_endpoints
from app.components.chooser import render_choosing, render_facts, render_masthead
from app.frame import Frame, sent
from app.kit import theme
from app.kit.limits import MAX_COLLECTION_BYTES
from app.kit.scripts import call, mount, preloads
from app.kit.templates import compile_all
from app.tabs import benchmark, classifiers, collections, gallery_map, labels, search, training
from app.visitors.addresses import Shelf
from app.visitors.catalogue import Catalogue
from app.visitors.choosing import choose, follow, model_of, offered, on_the_way
from app.visitors.loading import Loading
from app.visitors.routes import download_route, picture_route, plotly_route, script_route
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.service import RetrievalService

ASSETS = Path(__file__).resolve().parent.parent / "assets"
TABS = (
    ("Search", "search", search),
    ("Labels", "labels", labels),
    ("Classifiers", "classifiers", classifiers),
    ("Gallery map", "map", gallery_map),
    ("Benchmark", "benchmark", benchmark),
    ("Train", "train", training),
    ("Collections", "collections", collections),
)
MAX_UPLOAD = f"{MAX_COLLECTION_BYTES >> 20}mb"
# A queue that is full says so at once; nobody waits behind a hundred others for an answer of milliseconds.
MAX_QUEUE = 64
CONCURRENCY = 2
UPLOAD_CHECK_SECONDS, UPLOAD_AGE_SECONDS = 3600, 24 * 3600

REFRESH_SECONDS = 0.5
# Read before anything else runs: opening the first tab already rewrites the address.
HEAD = """<script>window.askedAddress = window.location.search;
window.askedTab = new URLSearchParams(window.askedAddress).get("tab") ?? "";</script>"""


def build(loading: Loading, shelf: Shelf, uploads: Path, cache: Path, models: Catalogue | None = None) -> gr.Blocks:
    """The page over a service that may still be loading.

    Args:
        loading: The shared service.
        shelf: Pictures by address.
        uploads: The folder that gradio keeps uploads in.
        cache: The only other folder that is written to.
        models: What visitors can choose from; by default the program's own alone.
    """
    compile_all()
    with gr.Blocks(
        title="ALGCN Explorer",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(UPLOAD_CHECK_SECONDS, UPLOAD_AGE_SECONDS),
    ) as page:
        masthead = gr.HTML(
            render_masthead(render_choosing("starting")),
            js_on_load=mount("masthead"),
            apply_default_css=False,
            elem_id="masthead",
        )
        visitors = gr.State(Visitor(), delete_callback=Visitor.leave)
        frame = Frame(page, loading, uploads, cache, shelf, visitors, models)
        opened: list[gr.Tab] = []
        with gr.Tabs(elem_id="tabs") as tabs:
            for title, name, module in TABS:
                with gr.Tab(title, id=name, elem_id=f"tab-{name}") as tab:
                    module.build(frame, tab)
                opened.append(tab)
                tab.select(None, None, None, js=call("address", "rememberTab", name))

        def facts_of(visitor: Visitor, problem: str = "", *, refresh: bool = False) -> str:
            service, names = frame.service(visitor), offered(visitor, frame.models)
            return render_masthead(render_facts(service, *names, problem, refresh=refresh))

        def show_visited(service: RetrievalService, visitor: Visitor) -> Any:
            # Until it is known which model the address names, `arrive` has the word.
            return facts_of(visitor, visitor.arrival) if visitor.arrival is not None else gr.skip()

        def wait_for(name: object, visitor: Visitor) -> Iterator[str]:
            """What to show while a model is loading."""
            loading = on_the_way(name, frame.models)
            names, *_ = offered(visitor, frame.models)
            while loading is not None and not loading.done(timeout=REFRESH_SECONDS):
                yield render_masthead(render_choosing(loading.state, names, str(name)))

        def arrive(visitor: Visitor, address: object) -> Iterator[dict[Any, Any]]:
            """Somebody came: show how far loading is, then what there is, with the model that their address names."""
            named = model_of(address)
            while not loading.done(timeout=REFRESH_SECONDS):
                yield {masthead: render_masthead(render_choosing(loading.state))}
            try:
                loading.service()
                with contextlib.suppress(InputError):  # `follow` has the sentence
                    for shown in wait_for(named, visitor) if named else ():
                        yield {masthead: shown}
                problem = follow(visitor, address, frame.models, shelf)
                yield {masthead: facts_of(visitor, problem, refresh=bool(named))}
            except InputError as error:  # the program is about to end with this sentence
                yield {masthead: render_masthead(str(error))}

        def choose_model(visitor: Visitor, event: gr.EventData) -> Iterator[dict[Any, Any]]:
            """A choice in the masthead; whoever chooses something that cannot be opened stays where they are."""
            name = sent(event).get("model")
            visitor.arrival = ""
            try:
                for shown in wait_for(name, visitor):
                    yield {masthead: shown}
                choose(visitor, name, frame.models, shelf)
            except InputError as error:
                yield {masthead: facts_of(visitor, str(error))}
                return
            # A state whose value was put out once is cleaned up when the page is closed.
            yield {masthead: facts_of(visitor, refresh=True), visitors: visitor}

        def open_tab(name: str, visitor: Visitor, address: object) -> gr.Tabs:
            """The tab that the address names, once the model that it names is there."""
            with contextlib.suppress(InputError):  # the masthead says it
                follow(visitor, address, frame.models, shelf)
            return gr.Tabs(selected=name) if name in {known for _, known, _ in TABS} else gr.skip()

        for tab in opened:
            # Where the visitor opened a model or pictures of their own, the masthead says so.
            frame.on_open(tab, show_visited, [masthead])
        quiet = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": None}
        asked, address = gr.Textbox(visible=False), gr.Textbox(visible=False)
        page.load(
            open_tab,
            [asked, visitors, address],
            tabs,
            js="(tab, visitor) => [window.askedTab, visitor, window.askedAddress]",
            **quiet,
        )
        page.load(
            arrive,
            [visitors, address],
            masthead,
            js="(visitor) => [visitor, window.askedAddress]",
            **quiet,
        )
        for event in frame.openings:
            event.then(lambda visitor: show_visited(frame.service(visitor), visitor), visitors, masthead, **quiet)
        masthead.select(choose_model, visitors, [masthead, visitors], trigger_mode="always_last", **quiet)
        add_endpoints(frame)
    return page.queue(max_size=MAX_QUEUE, default_concurrency_limit=CONCURRENCY)


def launch(page: gr.Blocks, shelf: Shelf, cache: Path, *, mcp: bool = False) -> str:
    """Serve the page; returns its address as soon as it is up. GRADIO_SERVER_NAME and GRADIO_SERVER_PORT say where.

    With `mcp` the API's functions are tools of the Model Context Protocol too, at /gradio_api/mcp/.

    Raises:
        InputError: The port is taken.
    """
    try:
        _, address, _ = page.launch(
            prevent_thread_lock=True,
            quiet=True,
            theme=_theme(),
            css_paths=sorted((ASSETS / "page").glob("*.css")),
            head=HEAD + preloads(),
            favicon_path=ASSETS / "favicon.svg",
            footer_links=["api"],
            run_history=False,
            max_file_size=MAX_UPLOAD,
            ssr_mode=False,
            mcp_server=mcp,
            app_kwargs={"routes": [picture_route(shelf, cache), download_route(shelf), plotly_route(), script_route()]},
        )
    except OSError as error:
        raise InputError(f"The page cannot be served ({error}); set GRADIO_SERVER_PORT to a free port.") from None
    return address


def _theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue=theme.ACCENT_HUE,
        secondary_hue=theme.ACCENT_HUE,
        neutral_hue=theme.NEUTRAL_HUE,
        radius_size=sizes.radius_lg,
        font=(fonts.LocalFont(theme.TEXT_FONT, weights=theme.WEIGHTS), *theme.TEXT_FALLBACK),
        font_mono=(fonts.LocalFont(theme.CODE_FONT, weights=theme.WEIGHTS), *theme.CODE_FALLBACK),
    ).set(**theme.COLOURS)

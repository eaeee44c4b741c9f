"""The page and its API: tabs and wiring."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import HTTPException
from fastapi.responses import FileResponse, Response
from fastapi.routing import APIRoute
from gradio.themes.utils import fonts, sizes

from algcn.errors import InputError
from app import theme
from app.catalogue import Catalogue
from app.choosing import choose, follow, model_of, offered, on_the_way
from app.components.chooser import render_choosing, render_facts
from app.components.clickable_plot import PLOTLY_URL
from app.components.script import SCRIPTS, VERSION, mount, preloads
from app.limits import MAX_COLLECTION_BYTES
from app.loading import Loading
from app.pictures import SIZES, media_type, picture_file
from app.shelf import Shelf
from app.tabs import benchmark, classifiers, collections, gallery_map, labels, search, training
from app.tabs.frame import Frame, sent
from app.tabs.programs import add_api
from app.visitor import Visitor

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
PICTURE_AGE_SECONDS, PLOTLY_AGE_SECONDS, SCRIPT_AGE_SECONDS = 3600, 24 * 3600, 365 * 24 * 3600

MASTHEAD = """
<header class="masthead">
  <svg viewBox="0 0 40 40" width="36" height="36" aria-hidden="true">
    <path d="M9 12 31 9M9 12l8 17M31 9 17 29M31 9l2 18M17 29l16-2" />
    <circle cx="9" cy="12" r="5" /><circle cx="31" cy="9" r="4" />
    <circle cx="17" cy="29" r="5.5" class="accent" /><circle cx="33" cy="27" r="3" />
  </svg>
  <div><h1>ALGCN Explorer</h1><p>Find pictures with words, and words with pictures.</p></div>
  <p class="facts" role="status">{facts}</p>
  <button type="button" class="theme-switch" aria-label="Switch between light and dark">◐</button>
</header>
"""
BUSY = '<span class="busy">One moment: {state}…</span>'
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
    with gr.Blocks(
        title="ALGCN Explorer",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(UPLOAD_CHECK_SECONDS, UPLOAD_AGE_SECONDS),
    ) as page:
        masthead = gr.HTML(
            MASTHEAD.format(facts=BUSY.format(state="starting")),
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
                tab.select(None, None, None, js=_remember_tab(name))

        def facts_of(visitor: Visitor, problem: str = "", *, refresh: bool = False) -> str:
            service, names = frame.service(visitor), offered(visitor, frame.models)
            return MASTHEAD.format(facts=render_facts(service, *names, problem, refresh=refresh))

        def show_visited(service: RetrievalService, visitor: Visitor) -> Any:
            # Until it is known which model the address names, `arrive` has the word.
            return facts_of(visitor, visitor.arrival) if visitor.arrival is not None else gr.skip()

        def wait_for(name: object, visitor: Visitor) -> Iterator[str]:
            """What to show while a model is loading."""
            loading = on_the_way(name, frame.models)
            names, *_ = offered(visitor, frame.models)
            while loading is not None and not loading.done(timeout=REFRESH_SECONDS):
                yield MASTHEAD.format(facts=render_choosing(loading.state, names, str(name)))

        def arrive(visitor: Visitor, address: object) -> Iterator[dict[Any, Any]]:
            """Somebody came: show how far loading is, then what there is, with the model that their address names."""
            named = model_of(address)
            while not loading.done(timeout=REFRESH_SECONDS):
                yield {masthead: MASTHEAD.format(facts=BUSY.format(state=html.escape(loading.state)))}
            try:
                loading.service()
                with contextlib.suppress(InputError):  # `follow` has the sentence
                    for shown in wait_for(named, visitor) if named else ():
                        yield {masthead: shown}
                problem = follow(visitor, address, frame.models, shelf)
                yield {masthead: facts_of(visitor, problem, refresh=bool(named))}
            except InputError as error:  # the program is about to end with this sentence
                yield {masthead: MASTHEAD.format(facts=html.escape(str(error)))}

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
        add_api(frame, [module for _, _, module in TABS])
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
            app_kwargs={
                "routes": [_picture_route(shelf, cache), _download_route(shelf), _plotly_route(), _script_route()]
            },
        )
    except OSError as error:
        raise InputError(f"The page cannot be served ({error}); set GRADIO_SERVER_PORT to a free port.") from None
    return address


def _remember_tab(name: str) -> str:
    """The script of a tab that is opened: the address says which, so that a link opens the same one.

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


def _picture_route(shelf: Shelf, cache: Path) -> APIRoute:
    """GET /picture/KEY/SIZE/NUMBER: a picture by number, so that no path is ever made from a request."""

    def picture(key: str, size: str, item: int) -> FileResponse:
        try:
            if size not in SIZES:
                raise InputError(f"There is no size {size!r}.")
            service = shelf.find(key)
            path = picture_file(service.picture_path(item), size, shelf.cache(service, cache))
        except InputError as error:
            raise HTTPException(404, str(error)) from None
        headers = {"Cache-Control": f"private, max-age={PICTURE_AGE_SECONDS}", "X-Content-Type-Options": "nosniff"}
        return FileResponse(path, media_type=media_type(path), headers=headers)

    return APIRoute("/picture/{key}/{size}/{item}", picture)


def _download_route(shelf: Shelf) -> APIRoute:
    """GET /download/TOKEN: a file that was made for one visitor."""

    def download(token: str) -> FileResponse:
        try:
            path = shelf.file(token)
        except InputError as error:
            raise HTTPException(404, str(error)) from None
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return FileResponse(path, media_type="application/zip", filename=path.name, headers=headers)

    return APIRoute("/download/{token}", download)


def _plotly_route() -> APIRoute:
    """GET /plotly.js: Plotly's JavaScript as the installed package has it; a browser keeps it for a day."""

    def plotly() -> FileResponse:
        # The package itself takes half a second to import and is not needed: figures are plain dicts.
        package = Path(find_spec("plotly").origin).parent
        headers = {"Cache-Control": f"public, max-age={PLOTLY_AGE_SECONDS}"}
        return FileResponse(package / "package_data" / "plotly.min.js", media_type="text/javascript", headers=headers)

    return APIRoute(f"/{PLOTLY_URL}", plotly)


def _script_route() -> APIRoute:
    """GET /scripts/VERSION/NAME.js: a module of the page, from a table, so that no path is ever made from a request.

    Under this program's version a browser keeps it for good. A page that was open while the program was replaced asks
    for another version: it gets today's, and asks again the next time.
    """

    def script(version: str, name: str) -> Response:
        if name not in SCRIPTS:
            raise HTTPException(404, f"There is no script {name!r}.")
        kept = f"public, max-age={SCRIPT_AGE_SECONDS}, immutable" if version == VERSION else "no-store"
        headers = {"Cache-Control": kept, "X-Content-Type-Options": "nosniff"}
        return Response(SCRIPTS[name], media_type="text/javascript", headers=headers)

    return APIRoute("/scripts/{version}/{name}", script)

"""The Search tab: words or a picture in, pictures left and captions right; the query used last counts."""

from __future__ import annotations

import dataclasses
import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.errors import InputError
from algcn.images import open_image
from app.components.results import (
    item_query,
    picture_query,
    picture_url,
    render_error,
    render_results,
    results_view,
    text_query,
)
from app.limits import DEFAULT_LIMIT, MAX_LIMIT
from app.pictures import uploaded_file
from app.tabs.frame import Frame

if TYPE_CHECKING:
    from app.service import RetrievalService

EXAMPLE_PICTURE_SIDE = 1024
EXAMPLES_SCRIPT = """
element.addEventListener("click", (event) => {
  const target = event.target.closest("[data-kind]");
  if (target) trigger("select", { kind: target.dataset.kind, index: Number(target.dataset.index) });
});
"""


@dataclasses.dataclass(frozen=True)
class Query:
    """The query that the page shows the answer to: one of a text, an uploaded file, or a picture of the gallery."""

    text: str | None = None
    upload: Path | None = None
    item: int | None = None
    limit: int = DEFAULT_LIMIT


def build(frame: Frame, tab: gr.Tab) -> None:
    """Lay the tab out and wire it; called inside `tab`."""
    page, loading, uploads = frame.blocks, frame.loading, frame.uploads
    with gr.Row(elem_id="ask", equal_height=False):
        with gr.Column(scale=7, min_width=300):
            with gr.Row(elem_id="ask-words"):
                text = gr.Textbox(
                    label="What do you want to see?",
                    placeholder="What do you want to see?",
                    show_label=False,
                    container=False,
                    lines=1,
                    max_lines=1,
                    autofocus=True,
                    elem_id="query-text",
                    scale=8,
                )
                search_button = gr.Button("Search", variant="primary", elem_id="search-button", scale=1, min_width=110)
            examples = gr.HTML(
                '<p class="examples-wait">…</p>',
                js_on_load=EXAMPLES_SCRIPT,
                elem_id="examples",
                apply_default_css=False,
            )
        picture = gr.Image(
            label="Or give a picture",
            placeholder="Drop a picture here, or click to choose one",
            type="filepath",
            image_mode=None,
            sources=["upload", "clipboard", "webcam"],
            height=190,
            buttons=[],
            elem_id="query-picture",
            scale=3,
            min_width=260,
        )
    notice = gr.HTML(elem_id="notice", apply_default_css=False)
    results = results_view()
    query_state = gr.State(None)
    outputs = [notice, results, query_state]

    def answer(query: Query) -> tuple[Any, Any, Any]:
        try:
            return render_error(""), _render(loading.service(), query), query
        except InputError as error:
            return render_error(str(error)), gr.skip(), gr.skip()

    def search_words(text: str) -> tuple[Any, Any, Any]:
        return answer(Query(text=text))

    def search_upload(upload: dict[str, Any] | None) -> tuple[Any, Any, Any]:
        try:
            return answer(Query(upload=uploaded_file(upload, uploads)))
        except InputError as error:
            return render_error(str(error)), gr.skip(), gr.skip()

    def select_result(query: Query | None, event: gr.EventData) -> tuple[Any, Any, Any]:
        sent = _sent(event)
        action = sent.get("action")
        if action == "similar":
            return answer(Query(item=sent.get("item")))
        if action == "more" and query is not None:
            return answer(dataclasses.replace(query, limit=min(query.limit + DEFAULT_LIMIT, MAX_LIMIT)))
        return gr.skip(), gr.skip(), gr.skip()

    def select_example(event: gr.EventData) -> tuple[Any, ...]:
        service, sent = loading.service(), _sent(event)
        kind, index = sent.get("kind"), sent.get("index")
        choices = service.example_queries() if kind == "text" else service.example_pictures()
        if not isinstance(index, int) or not 0 <= index < len(choices):
            return (gr.skip(),) * 5
        if kind == "text":
            return choices[index], gr.skip(), *answer(Query(text=choices[index]))
        shown = open_image(service.picture_path(choices[index]))
        shown.thumbnail((EXAMPLE_PICTURE_SIDE, EXAMPLE_PICTURE_SIDE))
        return gr.skip(), shown, *answer(Query(item=choices[index]))

    def show_examples() -> str:
        try:
            return _render_examples(loading.service())
        except InputError:  # the masthead says it
            return ""

    private = {
        "api_visibility": "private",
        "show_progress": "minimal",
        "show_progress_on": results,
        # The query used last is the one whose answer stays: one at a time in their order, and of several that are sent
        # while one is answered, the last.
        "concurrency_id": "search",
        "concurrency_limit": 1,
        "trigger_mode": "always_last",
    }
    gr.on([text.submit, search_button.click], search_words, text, outputs, **private)
    # gr.Image would decode the file itself and fail with a traceback: it is handed on as it came.
    picture.upload(search_upload, picture, outputs, preprocess=False, **private)
    results.select(select_result, query_state, outputs, **private)
    examples.select(select_example, None, [text, picture, *outputs], **private)
    page.load(show_examples, None, examples, api_visibility="private", show_progress="hidden", concurrency_limit=None)


def _sent(event: gr.EventData) -> dict[str, Any]:
    """What the browser sent with an event: anything at all, so each value is checked where it is used."""
    return event._data if isinstance(event._data, dict) else {}


def _render(service: RetrievalService, query: Query) -> str:
    """Ask the service; the answer as HTML."""
    if query.text is not None:
        result, shown = service.search_by_text(query.text, query.limit), text_query(query.text)
    elif query.upload is not None:
        image = open_image(query.upload)
        result, shown = service.search_by_image(image, query.limit), picture_query(image, "Your picture")
    else:
        result = service.search_by_item(query.item, query.limit)
        shown = item_query(query.item, "More like this picture")
    sizes = len(service.gallery.items), len(service.gallery.texts)
    return render_results(result, shown, sizes, query.limit)


def _render_examples(service: RetrievalService) -> str:
    words = "".join(
        f'<li><button type="button" data-kind="text" data-index="{index}">{html.escape(query)}</button></li>'
        for index, query in enumerate(service.example_queries())
    )
    pictures = "".join(
        f'<li><button type="button" data-kind="picture" data-index="{index}">'
        f'<img src="{picture_url(item)}" alt="Example picture {index + 1}"></button></li>'
        for index, item in enumerate(service.example_pictures())
    )
    return (
        f'<div class="try"><span>Try</span><ul class="try-words">{words}</ul></div>'
        f'<div class="try"><span>or</span><ul class="try-pictures">{pictures}</ul></div>'
    )

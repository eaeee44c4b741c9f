"""The Collections tab: a visitor's own pictures, searched at once, seen by nobody else."""

from __future__ import annotations

import dataclasses
import secrets
import shutil
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from app.collection.view import render_added, render_collection, render_limits, render_more, render_reading
from app.collection.work import JOBS, dropped_files, forget_uploads, new_collection, reading_work, waiting_words
from app.components.file_link import download_place, render_link
from app.frame import Frame
from app.kit.limits import MIN_FREE_BYTES
from app.kit.templates import render
from app.kit.words import render_own, render_status
from app.visitors.files import visitor_files
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.collection.folder import Collection, Dropped
    from app.service import RetrievalService

WATCH_SECONDS = 0.2
ZIP_NAME = "my-pictures.zip"
BACK, AGAIN = "Back to the bundled gallery", "Search my pictures again"
TO_SEARCH = """
() => [...document.querySelectorAll("button[role=tab]")].find((tab) => tab.textContent.trim() === "Search")?.click()
"""


@dataclasses.dataclass
class Mine:
    """What a visitor has: the pictures, and the service that shows them for as long as this is held."""

    collection: Collection
    service: RetrievalService


def build(frame: Frame, tab: gr.Tab) -> None:
    """Lay the tab out and wire it; called inside `tab`."""
    files = visitor_files(frame.cache)
    own = _html("collect-own")
    with gr.Row(elem_id="collect"):
        with gr.Column(scale=4, min_width=300, elem_id="collect-form"):
            gr.HTML(render_limits(), elem_id="collect-limits", apply_default_css=False)
            drop = gr.File(
                label="Pictures, a zip, a metadata.csv", file_count="multiple", height=150, elem_id="collect-drop"
            )
            status = _html("collect-status")
            gr.HTML(render_more(), elem_id="collect-more", apply_default_css=False)
        with gr.Column(scale=8, min_width=320, visible=False, elem_id="collect-view") as view:
            with gr.Row(elem_id="collect-actions"):
                search = gr.Button("Search them", variant="primary", size="sm", elem_id="collect-search")
                swap = gr.Button(BACK, size="sm", elem_id="collect-swap")
                save = gr.Button("Download as image folder", size="sm", elem_id="collect-save")
                delete = gr.Button("Delete my pictures", size="sm", elem_id="collect-delete")
                link = download_place("collect-link")
            pictures = _html("collect-pictures")
    mine = gr.State(None)  # a Mine

    def show(service: RetrievalService, visitor: Visitor, held: Mine | None) -> tuple[Any, ...]:
        """Labels are predicted by the model that is open now."""
        if held is not None:
            frame.shelf.add(held.service)
        banner = render_own(_description(frame, visitor))
        return banner, *_view(held, service)

    frame.on_open(tab, show, [own, view, pictures, swap], inputs=[mine])

    def add(visitor: Visitor, held: Any, uploaded: Any, request: gr.Request) -> Iterator[dict[Any, Any]]:
        began = time.perf_counter()
        dropped: list[Dropped] = []
        try:
            dropped = dropped_files(uploaded, frame.uploads)
            if files.free_bytes() < MIN_FREE_BYTES:
                raise InputError("The server's disk is nearly full; try again later.")
            collection = held.collection if held is not None else new_collection(files.new_folder())
            visitor.keep(collection.folder)
            # Captions are read too, where another model on the same encoder can: it may be chosen later.
            work = reading_work(collection, dropped, frame.models.reading(frame.service(visitor)))
            job = JOBS.start(request.session_hash, work, waiting_words)
        except InputError as error:
            forget_uploads(dropped)
            yield {status: render_status(str(error), running=False), drop: None}
            return
        yield {status: render_reading(0, 0), drop: gr.update(value=None, interactive=False)}
        for news in job.watch(WATCH_SECONDS):
            if news:
                yield {status: news[-1]}
        try:
            added = job.result()
        except InputError as error:
            yield {status: render_status(str(error), running=False), drop: gr.update(interactive=True)}
            return
        # A new address each time: a browser keeps pictures, and a number may mean another one now.
        service = open_collection(visitor, collection, secrets.token_urlsafe(16))
        held = Mine(collection, service)
        shown, listed, swapped = _view(held, service)
        yield {
            status: render_added(added, collection.left_out, time.perf_counter() - began),
            drop: gr.update(interactive=True),
            mine: held,
            frame.visitor: visitor,  # a state whose value was put out once is cleaned up when the page is closed
            own: render_own(_description(frame, visitor)),
            view: shown,
            pictures: listed,
            swap: swapped,
        }

    def open_collection(visitor: Visitor, collection: Collection, key: str) -> RetrievalService:
        from app.visitors.derive import OTHER_ENCODER, with_gallery

        if collection.encoder != frame.service(visitor).bundle.encoder_fingerprint:
            raise InputError(OTHER_ENCODER.format(name=frame.service(visitor).name))
        service = with_gallery(frame.service(visitor), collection.gallery, key)
        frame.shelf.add(service)
        visitor.open(service)
        return service

    def to_bundled(visitor: Visitor) -> RetrievalService:
        """The program's gallery, with the model that is open."""
        from app.visitors.derive import has_own_model, with_model

        service, shared = frame.service(visitor), frame.shared(visitor)
        if not has_own_model(service, shared):
            visitor.reset()
            return shared
        service = with_model(shared, service.bundle, service.name)
        visitor.open(service)
        return service

    def swap_gallery(visitor: Visitor, held: Any) -> tuple[Any, ...]:
        from app.visitors.derive import has_own_gallery

        if held is None:
            return (gr.skip(),) * 6
        if has_own_gallery(frame.service(visitor)):
            service = to_bundled(visitor)
            frame.shelf.add(held.service)  # the pictures in this tab stay
        else:
            try:
                service = open_collection(visitor, held.collection, held.service.key)
            except InputError as error:
                raise gr.Error(str(error), print_exception=False) from None
            held = Mine(held.collection, service)
        return visitor, held, render_own(_description(frame, visitor)), *_view(held, service)

    def delete_collection(visitor: Visitor, held: Any, request: gr.Request) -> tuple[Any, ...]:
        from app.visitors.derive import has_own_gallery

        try:
            JOBS.check_idle(request.session_hash)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None
        if held is None:
            return (gr.skip(),) * 8
        service = frame.service(visitor)
        if has_own_gallery(service):
            service = to_bundled(visitor)
        shutil.rmtree(held.collection.folder, ignore_errors=True)
        deleted = render("collection/deleted.html")
        return visitor, None, render_own(_description(frame, visitor)), *_view(None, service), deleted, ""

    def download(visitor: Visitor, held: Any) -> str:
        if held is None:
            return ""
        path = held.collection.folder / ZIP_NAME
        held.collection.write_zip(path, held.service.bundle)
        return render_link(frame.shelf.offer(path), path.name, path.stat().st_size)

    private = {"api_visibility": "private"}
    dropped = drop.upload(
        add,
        [frame.visitor, mine, drop],
        [status, drop, mine, frame.visitor, own, view, pictures, swap],
        preprocess=False,
        show_progress="hidden",
        concurrency_limit=None,
        **private,
    )
    shown = [frame.visitor, mine, own, view, pictures, swap]
    swapped = swap.click(swap_gallery, [frame.visitor, mine], shown, **private)
    deleted = delete.click(delete_collection, [frame.visitor, mine], [*shown, status, link], **private)
    frame.openings.extend([dropped, swapped, deleted])
    save.click(download, [frame.visitor, mine], link, **private)
    search.click(None, js=TO_SEARCH, **private)
    frame.blocks.unload(_leave)


def _view(held: Mine | None, service: RetrievalService) -> tuple[Any, Any, Any]:
    """The right side: whether it is seen, the pictures, and what the button does that swaps galleries."""
    if held is None:
        return gr.update(visible=False), "", gr.skip()
    from app.collection.folder import predicted_labels
    from app.visitors.derive import fitted, has_own_gallery

    if held.collection.encoder == service.bundle.encoder_fingerprint:
        predicted = predicted_labels(service.bundle, fitted(held.collection.gallery, service.bundle))
    else:  # its classifiers know nothing of these features
        predicted = [()] * len(held.collection)
    listed = render_collection(held.collection, held.service, predicted)
    return gr.update(visible=True), listed, gr.update(value=BACK if has_own_gallery(service) else AGAIN)


def _description(frame: Frame, visitor: Visitor) -> str:
    from app.visitors.derive import description

    return description(frame.service(visitor), frame.shared(visitor))


def _html(elem_id: str) -> gr.HTML:
    return gr.HTML(elem_id=elem_id, apply_default_css=False)


def _leave(request: gr.Request) -> None:
    """The visitor closed the page."""
    JOBS.stop(request.session_hash)

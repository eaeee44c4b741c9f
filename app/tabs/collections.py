"""The Collections tab: a visitor's own pictures, searched at once, seen by nobody else."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from app.collection.view import render_added, render_limits, render_more, render_preview, render_taken_over
from app.collection.work import (
    Reading,
    WaitingToRead,
    arrived_files,
    dropped_files,
    forget_dropped,
    new_collection,
    reading_work,
)
from app.components.file_link import download_place, render_link
from app.frame import Frame, to_the_end
from app.kit.disk import check_free, telling_visitors
from app.kit.templates import render
from app.kit.words import render_own, render_status
from app.tabs.labelling import LabellingBoard, OwnPictures, labelled_gallery, own_labels_of
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.collection.folder import Dropped
    from app.service import RetrievalService

WATCH_SECONDS = 0.2
ZIP_NAME = "my-pictures.zip"
BACK, AGAIN = "Back to the bundled gallery", "Search my pictures again"
TO_TAB = """
() => [...document.querySelectorAll("button[role=tab]")].find((tab) => tab.textContent.trim() === "{}")?.click()
"""
TO_SEARCH, TO_TRAIN = TO_TAB.format("Search"), TO_TAB.format("Train")
PRIVATE = {"api_visibility": "private"}


class CollectionsTab:
    """The tab's components and what they do; made inside its gr.Tab."""

    def __init__(self, frame: Frame, tab: gr.Tab) -> None:
        self.frame, self.tab = frame, tab
        self.banner = _html("collect-own")
        with gr.Row(elem_id="collect"):
            with gr.Column(scale=4, min_width=300, elem_id="collect-form"):
                gr.HTML(render_limits(), elem_id="collect-limits", apply_default_css=False)
                self.drop = gr.File(
                    label="Pictures, a zip, a table", file_count="multiple", height=150, elem_id="collect-drop"
                )
                self.status = _html("collect-status")
                gr.HTML(render_more(), elem_id="collect-more", apply_default_css=False)
                gr.HTML(render_preview(), elem_id="collect-preview", apply_default_css=False)
            with gr.Column(scale=8, min_width=320, visible=False, elem_id="collect-view") as self.view:
                with gr.Row(elem_id="collect-actions"):
                    self.search = gr.Button("Search them", variant="primary", size="sm", elem_id="collect-search")
                    self.swap = gr.Button(BACK, size="sm", elem_id="collect-swap")
                    self.train = gr.Button("Train on these labels", size="sm", elem_id="collect-train")
                    self.save = gr.Button("Download as image folder", size="sm", elem_id="collect-save")
                    self.delete = gr.Button("Delete my pictures", size="sm", elem_id="collect-delete")
                    self.link = download_place("collect-link")
                self.board = LabellingBoard(frame)
                self.pictures = self.board.view
        self.held = gr.State(None)  # OwnPictures

    def wire(self) -> None:
        """Connect the events with the methods."""
        frame, inputs = self.frame, [self.frame.visitor, self.held]
        seen = [self.banner, self.view, self.pictures, self.swap]
        frame.on_open(self.tab, self.open_tab, seen, inputs=[self.held])
        added = self.drop.upload(
            self.add_pictures,
            [*inputs, self.drop],
            [self.status, self.drop, self.held, frame.visitor, *seen],
            preprocess=False,
            show_progress="hidden",
            concurrency_limit=None,
            **PRIVATE,
        )
        swapped = self.swap.click(self.swap_gallery, inputs, [*inputs, *seen], **PRIVATE)
        deleted = self.delete.click(self.delete_pictures, inputs, [*inputs, *seen, self.status, self.link], **PRIVATE)
        for handed in frame.handed:
            outputs = [handed.notice, self.status, self.drop, self.held, frame.visitor, *seen]
            taken = handed.file.change(
                self.take_over(handed.notice), [*inputs, handed.file], outputs, show_progress="hidden", **PRIVATE
            )
            frame.openings.append(taken)
        frame.openings.extend([added, swapped, deleted])
        self.save.click(self.download_pictures, inputs, self.link, **PRIVATE)
        self.search.click(None, js=TO_SEARCH, **PRIVATE)
        opened = self.train.click(self.open_labelled, inputs, [*inputs, *seen], **PRIVATE)
        opened.success(None, js=TO_TRAIN, **PRIVATE)
        frame.openings.append(opened)
        self.board.wire(self.held)
        frame.blocks.unload(self.stop_reading)

    def open_tab(self, service: RetrievalService, visitor: Visitor, held: OwnPictures | None) -> tuple[Any, ...]:
        """Show the visitor's pictures with the labels that the model which is open now predicts."""
        if held is not None:
            self.frame.program.addresses.add(held.service)
        return self._banner(visitor), *self._view(visitor, held)

    def add_pictures(self, visitor: Visitor, held: Any, uploaded: Any, request: gr.Request) -> Iterator[dict[Any, Any]]:
        """Read what was dropped, and search it from now on."""
        uploads = self.frame.program.uploads
        yield from to_the_end(
            self._add(visitor, held, lambda folder: dropped_files(uploaded, uploads, folder), request.session_hash),
            lambda told: {self.status: told, self.drop: gr.update(value=None, interactive=True)},
        )

    def take_over(self, notice: gr.HTML) -> Callable[..., Iterator[dict[Any, Any]]]:
        """The handler that adds what another tab hands over, and says so there; what is searched stays."""

        def take(visitor: Visitor, held: Any, file: Any, request: gr.Request) -> Iterator[dict[Any, Any]]:
            if file is None:
                return
            path, _ = file
            handed = [(path, path.name)]
            added = self._add(
                visitor, held, lambda folder: arrived_files(handed, folder), request.session_hash, opens=False
            )
            for updates in to_the_end(
                added, lambda told: {self.status: told, self.drop: gr.update(value=None, interactive=True)}
            ):
                pictures = updates.get(self.held)
                told = updates.get(self.status) if pictures is None else render_taken_over(pictures.collection.account)
                yield {**updates, notice: told or gr.skip()}

        return take

    def _add(
        self,
        visitor: Visitor,
        held: Any,
        files: Callable[[Path], list[Dropped]],
        session: str,
        *,
        opens: bool = True,
    ) -> Iterator[dict[Any, Any]]:
        """Add the files that `files` has in a folder; with `opens` the pictures are what is searched from now on."""
        from app.labelling.board import Board
        from app.visitors.derive import has_own_gallery

        began = time.perf_counter()
        program, dropped = self.frame.program, []
        with telling_visitors():
            check_free(program.files.free_bytes())
            collection = held.collection if held is not None else new_collection(program.files.new_folder())
        visitor.keep(collection.folder)
        try:
            with telling_visitors():
                dropped = files(collection.folder)
            # Captions are read too, where another model on the same encoder can: it may be chosen later.
            work = reading_work(collection, dropped, program.models.reading(self.frame.service(visitor)))
            job = program.reading_jobs.start(session, work, WaitingToRead)
        except BaseException as error:
            forget_dropped(dropped)
            if held is None:
                shutil.rmtree(collection.folder, ignore_errors=True)
            if not isinstance(error, InputError):
                raise
            yield {self.status: render_status(str(error), running=False), self.drop: None}  # others may be read still
            return
        try:
            yield {self.status: _told(Reading()), self.drop: gr.update(value=None, interactive=False)}
            for news in job.watch(WATCH_SECONDS):
                if news:
                    yield {self.status: _told(news[-1])}
        finally:
            job.stop()  # who leaves at the first line never comes to watch it
        job.result()
        # A new address each time: a browser keeps pictures, and a number may mean another one now.
        held = OwnPictures(collection, self.frame.service(visitor), held.board if held is not None else Board())
        key, is_open = secrets.token_urlsafe(16), has_own_gallery(self.frame.service(visitor))
        self._open(visitor, held, key, opens=opens or is_open)
        shown, listed, swapped = self._view(visitor, held)
        yield {
            self.status: render_added(collection.account, collection.left_out, time.perf_counter() - began),
            self.drop: gr.update(interactive=True),
            self.held: held,
            self.frame.visitor: visitor,  # a state whose value was put out once is cleaned up when the page is closed
            self.banner: self._banner(visitor),
            self.view: shown,
            self.pictures: listed,
            self.swap: swapped,
        }

    def swap_gallery(self, visitor: Visitor, held: Any) -> tuple[Any, ...]:
        """Change between the program's gallery and the visitor's pictures; the model stays."""
        from app.visitors.derive import has_own_gallery

        if held is None:
            return (gr.skip(),) * 6
        if has_own_gallery(self.frame.service(visitor)):
            self._open_bundled(visitor)
            self.frame.program.addresses.add(held.service)  # the pictures in this tab stay
        else:
            self._open_own(visitor, held)
        return visitor, held, self._banner(visitor), *self._view(visitor, held)

    def open_labelled(self, visitor: Visitor, held: Any) -> tuple[Any, ...]:
        """Open the visitor's own pictures, if they are not, so that the Train tab learns from their labels."""
        from app.visitors.derive import has_own_gallery

        if held is None:
            return (gr.skip(),) * 6
        if not has_own_gallery(self.frame.service(visitor)):
            self._open_own(visitor, held)
        return visitor, held, self._banner(visitor), *self._view(visitor, held)

    def delete_pictures(self, visitor: Visitor, held: Any, request: gr.Request) -> tuple[Any, ...]:
        """Delete the visitor's pictures and search the program's gallery again."""
        from app.visitors.derive import has_own_gallery

        try:
            self.frame.program.reading_jobs.end(request.session_hash)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None
        if held is None:
            return (gr.skip(),) * 8
        if has_own_gallery(self.frame.service(visitor)):
            self._open_bundled(visitor)
        shutil.rmtree(held.collection.folder, ignore_errors=True)
        deleted = render("collection/deleted.html")
        return visitor, None, self._banner(visitor), *self._view(visitor, None), deleted, ""

    def download_pictures(self, visitor: Visitor, held: Any) -> str:
        """Make a zip of the visitor's pictures as an image folder, and a link to it."""
        if held is None:
            return ""
        path = held.collection.folder / ZIP_NAME
        held.board.write_zip(path, held.collection, self.board.sight(visitor, held))
        return render_link(self.frame.program.addresses.offer(path), path.name, path.stat().st_size)

    def stop_reading(self, request: gr.Request) -> None:
        """Stop reading, because the visitor closed the page."""
        self.frame.program.reading_jobs.stop(request.session_hash)

    def _view(self, visitor: Visitor, held: OwnPictures | None) -> tuple[Any, Any, Any]:
        """Fill the right side: whether it is seen, the pictures, and what the button does that swaps galleries."""
        from app.visitors.derive import has_own_gallery

        if held is None:
            return gr.update(visible=False), "", gr.skip()
        is_open = has_own_gallery(self.frame.service(visitor))
        return gr.update(visible=True), self.board.show(visitor, held), gr.update(value=BACK if is_open else AGAIN)

    def _banner(self, visitor: Visitor) -> str:
        """What the visitor has open of their own."""
        from app.visitors.derive import description

        return render_own(description(self.frame.service(visitor), self.frame.shared(visitor)))

    def _open_own(self, visitor: Visitor, held: OwnPictures) -> None:
        try:
            self._open(visitor, held, held.service.key)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    def _open(self, visitor: Visitor, held: OwnPictures, key: str, *, opens: bool = True) -> None:
        """Have a visitor's own pictures ready for the model that is open; with `opens`, search them from now on."""
        from app.visitors.derive import OTHER_ENCODER, with_gallery

        service = self.frame.service(visitor)
        if held.collection.encoder != service.bundle.encoder_fingerprint:
            raise InputError(OTHER_ENCODER.format(name=service.name))
        with held.board.lock:  # else what is said meanwhile is not searched
            held.service = with_gallery(service, labelled_gallery(held), key, own_labels_of(held))
            self.frame.program.addresses.add(held.service)
            if opens:
                visitor.open(held.service)

    def _open_bundled(self, visitor: Visitor) -> None:
        """Search the program's gallery from now on, with the model that is open."""
        from app.visitors.derive import has_own_model, with_model

        service, shared = self.frame.service(visitor), self.frame.shared(visitor)
        if has_own_model(service, shared):
            visitor.open(with_model(shared, service.bundle, service.name))
        else:
            visitor.reset()


def _told(news: Reading | WaitingToRead) -> str:
    return render_status(str(news), news.share)


def _html(elem_id: str) -> gr.HTML:
    return gr.HTML(elem_id=elem_id, apply_default_css=False)

"""The Search tab: words, a picture or both in, pictures left and captions right.

Notable: what stands in the boxes is what is asked, so nobody has to remember what was done before. All events take raw
values (`preprocess=False`): what a browser sent is checked by `Query` and the service, and a picture that cannot be
read is a sentence instead of a traceback. Events of one visitor are answered side by side, as those of different
visitors are; `app.kit.turns` sees to it that the answer to the newest stays.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from app.collection.selection import selected_items
from app.components.download import csv_download, download_view
from app.components.examples import chosen_index
from app.components.query_boxes import Given, QueryBoxes, Updates, words_offered
from app.components.results import (
    EMPTY,
    EMPTY_OF_PICTURES,
    render_error,
    render_hint,
    render_results,
    results_view,
)
from app.components.typing import typing_view
from app.frame import Frame, sent
from app.kit.decoders import open_image
from app.kit.limits import DEFAULT_LIMIT, MAX_LIMIT
from app.kit.pictures import is_shown_as_it_is
from app.kit.turns import Outdated
from app.search.examples import example_photos, example_pictures
from app.search.export import to_csv
from app.search.link import address_of, query_of
from app.search.query import Query
from app.tabs.selection import Selection
from app.visitors.choosing import follow
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.service import RetrievalService


CSV_NAME = "algcn-results.csv"
OPENED = "You opened another model or gallery: this is its answer."
OPENED_ANEW = "You opened another model or gallery: search it."


def _with_error_sentence(handler: Callable[..., Updates]) -> Callable[..., Updates]:
    """Turn a handler's InputError into a sentence on the page; whatever was typed and found stays.

    An answer that comes after something newer was asked changes nothing.
    """

    @functools.wraps(handler)
    def handle(self: SearchTab, *values: Any) -> Updates:
        try:
            return handler(self, *values)
        except Outdated:
            return self._nothing()
        except InputError as error:
            return {self.notice: render_error(str(error))}

    return handle


class SearchTab:
    """The tab's components and what they do; made inside its gr.Tab."""

    def __init__(self, frame: Frame, tab: gr.Tab) -> None:
        self.frame, self.tab = frame, tab
        self.ask = ask = QueryBoxes(frame.program)
        self.notice = gr.HTML(elem_id="notice", apply_default_css=False)
        self.results = results_view()
        self.download, self.typing = download_view(), typing_view()
        self.selection = Selection(frame)
        self.address = gr.Textbox(visible=False)
        self.last_query, self.seen = gr.State(None), gr.State(None)
        self.outputs = [self.notice, self.results, self.last_query, ask.picture, ask.mix, *ask.boxes]
        self.furnished = [*self.outputs, ask.examples, ask.reads, self.seen]

    def wire(self) -> None:
        """Connect the events with the methods."""
        private = {
            "api_visibility": "private",
            "preprocess": False,
            "show_progress": "minimal",
            "show_progress_on": self.results,
            # Nobody waits for another, not even for their own last question; `Program.search` bounds them.
            "concurrency_limit": None,
            "trigger_mode": "multiple",
        }
        # Milliseconds of work: the way through the queue would take longer than the answer.
        quick = {**private, "queue": False}
        ask = self.ask
        inputs = [self.frame.visitor, self.last_query, *ask.boxes]
        gr.on([ask.text.submit, ask.without.submit, ask.button.click], self.search, inputs, self.outputs, **quick)
        # Nothing but what was found changes, so whoever types goes on typing.
        found = [self.notice, self.results, self.last_query, ask.mix]
        following = {**quick, "trigger_mode": "always_last"}
        self.typing.input(self.follow_typing, inputs, found, **following)
        for changed in (
            ask.weight, ask.away, ask.labels, ask.match, ask.cutoff, ask.subjects, ask.written, ask.beside,
        ):  # fmt: skip
            # Of what a slider says while one answer is under way, the last.
            changed.input(self.refine, inputs, self.outputs, **{**quick, "trigger_mode": "always_last"})
        ask.picture.upload(self.take_picture, [ask.picture, *inputs], self.outputs, **private)
        ask.picture.clear(self.drop_picture, inputs, self.outputs, **quick)
        self.selection.view.select(self.select_several, inputs, self.outputs, **quick)
        self.selection.wire()
        selected = [self.results.select, ask.recent.select]
        gr.on(selected, self.select_result, inputs, [*self.outputs, self.download], **quick)
        ask.examples.select(self.select_example, inputs, self.outputs, **quick)
        self.frame.blocks.load(
            self.open_page,
            [self.frame.visitor, self.address],
            self.furnished,
            js="(visitor) => [visitor, window.location.search]",
            api_visibility="private",
            preprocess=False,
            show_progress="hidden",
            concurrency_limit=None,
        )
        # The tab may be opened before `open_page` has followed a link to another model.
        self.frame.on_open(self.tab, self.open_tab, self.furnished, inputs=[self.seen, self.last_query], always=True)

    @_with_error_sentence
    def search(self, visitor: Visitor, last_query: Query | None, *values: Any) -> Updates:
        """Search for what stands in the boxes."""
        return self._answer(visitor, self._query(visitor, *values))

    def follow_typing(self, visitor: Visitor, last_query: Query | None, *values: Any) -> Updates:
        """Search for what is being typed; half a word that cannot be asked, or finds nothing, changes nothing."""
        try:
            return self._answer(visitor, self._query(visitor, *values), typed=True)
        except (InputError, Outdated):  # Enter says what is wrong
            return self._nothing()

    @_with_error_sentence
    def refine(self, visitor: Visitor, last_query: Query | None, *values: Any) -> Updates:
        """Search again with what was changed; before the first search nothing happens."""
        if last_query is None and visitor.turns.under_way is None:
            return self._nothing()
        return self._answer(visitor, self._query(visitor, *values))

    @_with_error_sentence
    def take_picture(
        self, upload: Any, visitor: Visitor, last_query: Query | None, text: Any, given: Given, *values: Any
    ) -> Updates:
        """Search for the picture that was given, and for the words if there are any."""
        taken = visitor.giving = Given(upload=upload, unlike=given.unlike)
        found = self._nothing()
        try:
            query = self._query(visitor, text, taken, *values)
            try:
                found = self._answer(visitor, query)
            except Outdated as outdated:  # what was asked meanwhile was asked with this picture
                if outdated.failed:
                    raise
            if query.picture is not None and not is_shown_as_it_is(query.picture):
                with self.frame.program.picture_room.place():
                    found[self.ask.picture] = self.ask.in_box(open_image(query.picture))
        finally:
            stays = visitor.giving is taken
            if stays:
                visitor.giving = None
        return {**found, self.ask.given: taken} if stays else self._nothing()

    @_with_error_sentence
    def drop_picture(
        self, visitor: Visitor, last_query: Query | None, text: Any, given: Given, *values: Any
    ) -> Updates:
        """Take the picture away; if it was part of the last query, search for the words alone."""
        was_coming, visitor.giving = visitor.giving is not None, None
        if was_coming:
            visitor.turns.withdraw()
        without = Given(unlike=given.unlike)
        alone = self._query(visitor, text, without, *values)
        had_picture = was_coming or (last_query is not None and last_query.has_picture)
        found = self._answer(visitor, alone) if had_picture and alone.text.strip() else {}
        return {self.ask.mix: gr.update(visible=False), **found, self.ask.given: without}

    @_with_error_sentence
    def select_result(self, event: gr.EventData, visitor: Visitor, last_query: Query | None, *values: Any) -> Updates:
        """Do what a click among the results means, or go back to an earlier query with the browser."""
        what = sent(event)
        action = what.get("action")
        if action == "address":
            return self._restore(visitor, what.get("address"))
        if last_query is None:
            return self._nothing()
        service = self.frame.service(visitor)
        if action == "more":
            more = min(last_query.limit + DEFAULT_LIMIT, MAX_LIMIT)
            return self._answer(visitor, dataclasses.replace(last_query, limit=more))
        if action == "export":
            everything = dataclasses.replace(last_query, limit=MAX_LIMIT, fold=False, beside=False)
            return {self.download: csv_download(CSV_NAME, to_csv(self.frame.program.search(service, everything)))}
        query = self._query(visitor, *values)
        if action == "similar":
            visitor.giving = None
            item = service.check_item(what.get("item"))
            changed = dataclasses.replace(query, text="", picture=None, item=item, also=(), unlike=())
        elif action == "label" and isinstance(what.get("label"), str):
            changed = dataclasses.replace(query, labels=_toggled(query.labels, what["label"]))
        elif action == "unlabel":
            changed = dataclasses.replace(query, labels=())
        elif action == "forgive":
            changed = dataclasses.replace(query, unlike=())
        elif action == "uncut":
            changed = dataclasses.replace(query, cutoff=0.0)
        elif action == "correct" and isinstance(what.get("text"), str):
            changed = dataclasses.replace(query, text=what["text"])
        else:
            return self._nothing()
        found = self._answer(visitor, changed)
        if action == "forgive":
            return {self.ask.given: dataclasses.replace(values[1], unlike=()), **found}
        if action == "similar":
            return {**self.ask.fill(visitor, changed, service), **found}
        return {**self.ask.narrowed(changed, service), **found}

    @_with_error_sentence
    def select_several(self, event: gr.EventData, visitor: Visitor, last_query: Query | None, *values: Any) -> Updates:
        """Search for more like several results, by their mean, or steer the query away from them."""
        service, what = self.frame.service(visitor), sent(event)
        items = selected_items(what, service)
        query = self._query(visitor, *values)
        if what.get("action") == "like":
            # What was marked before counts on, unless it was part of a search for words.
            before = () if query.text.strip() else query.liked
            first, *also = dict.fromkeys((*before, *items))
            unlike = tuple(item for item in query.unlike if item not in items)
            query = dataclasses.replace(query, text="", picture=None, item=first, also=tuple(also), unlike=unlike)
        else:
            unlike = dict.fromkeys((*query.unlike, *(item for item in items if item not in query.liked)))
            query = dataclasses.replace(query, unlike=tuple(unlike))
        found = self._answer(visitor, query)
        if what.get("action") == "like":
            return {**self.ask.fill(visitor, query, service), **found}
        return {self.ask.given: dataclasses.replace(values[1], unlike=query.unlike), **found}

    @_with_error_sentence
    def select_example(
        self, event: gr.EventData, visitor: Visitor, last_query: Query | None, text: Any, given: Given, *values: Any
    ) -> Updates:
        """Put an example in the place of words and picture and search; what refines stays."""
        service, what = self.frame.service(visitor), sent(event)
        kinds = {
            "text": ("text", words_offered(service)),
            "picture": ("item", example_pictures(service.gallery)),
            "photo": ("picture", [photo.path for photo in example_photos()]),
        }
        name, choices = kinds.get(str(what.get("kind")), ("", []))
        index = chosen_index(what, len(choices))
        if index is None:
            return self._nothing()
        chosen = {name: choices[index]}
        visitor.giving = None
        query = dataclasses.replace(self._query(visitor, "", Given(), *values), **chosen)
        return {**self.ask.fill(visitor, query, service), **self._answer(visitor, query)}

    @_with_error_sentence
    def open_page(self, visitor: Visitor, link: object) -> Updates:
        """Show a page that was opened what the gallery offers, and answer the query in its address."""
        try:
            follow(visitor, link, self.frame.program.models, self.frame.program.addresses)
            service = self.frame.service(visitor)
        except InputError:  # the masthead says it
            return {self.ask.examples: ""}
        offers = {**self.ask.offers(service, None), self.seen: (id(service), service.key)}
        if not service.reads_words:
            offers[self.results] = _empty(service)
        try:
            query = self._linked(service, link)
            if query is None:
                return offers if self.frame.service(visitor) is service else self._nothing()
            found = {**self._answer(visitor, query), **self.ask.fill(visitor, query, service)}
        except Outdated:
            return offers
        except InputError as error:
            return {**offers, self.notice: render_error(str(error))}
        if self.frame.service(visitor) is not service:  # what was opened meanwhile has filled the tab, or will
            return self._nothing()
        return {**offers, **found, **self.ask.offers(service, query)}

    def open_tab(
        self, service: RetrievalService, visitor: Visitor, seen: object, last_query: Query | None
    ) -> tuple[Any, ...]:
        """Fill the tab anew where another model or gallery was opened meanwhile; a value for each of `furnished`."""
        updates = self.reopen(service, visitor, seen, last_query)
        return tuple(updates.get(output, gr.skip()) for output in self.furnished)

    def reopen(self, service: RetrievalService, visitor: Visitor, seen: object, last_query: Query | None) -> Updates:
        """Answer the last query again if another model or gallery was opened since; what is asked meanwhile stays."""
        now = (id(service), service.key)
        if seen == now:
            return {self.seen: now}
        if seen is None:  # `open_page` is under way still, and may have begun with what was open before
            return {**self.ask.offers(service, None), self.seen: now}
        turn = visitor.turns.newest
        asked_of, asked = visitor.turns.under_way or (None, last_query)
        is_of_now = asked_of is service or visitor.query is not None  # asked of what is open now, before this came
        # What else is under way was asked of what was open before.
        if is_of_now or not visitor.turns.withdraw(turn):
            return {**self.ask.offers(service, None), self.seen: now}
        turn += 1
        query, found = Query(), {self.results: _empty(service), self.last_query: None}
        hint = render_hint(OPENED_ANEW)
        # A picture of the gallery is asked again where the pictures are the same.
        is_there = asked is not None and (asked.item is None or seen[1] == service.key)
        if is_there and (asked.text.strip() or asked.has_picture):
            again = dataclasses.replace(asked, labels=service.labels.known(asked.labels), limit=DEFAULT_LIMIT)
            turn += 1
            try:
                found, hint = self._answer(visitor, again), render_hint(OPENED)
                query = again
            except Outdated:
                pass  # see below
            except InputError as error:  # a model that reads pictures only
                hint = render_error(str(error))
        if visitor.turns.newest != turn:
            return {**self.ask.offers(service, None), self.seen: now}
        kept = None if asked is None else query  # nothing was asked: what somebody has begun to type stays
        boxes = {} if kept is None or kept.picture is not None else self.ask.fill(visitor, kept, service)
        shown = {self.seen: now, self.notice: hint}
        return {**boxes, **found, **self.ask.offers(service, kept), **shown}

    def _answer(self, visitor: Visitor, query: Query, *, typed: bool = False) -> Updates:
        service = self.frame.service(visitor)
        if not typed:
            visitor.asked = query
        with visitor.turns.take((service, query)) as turn:
            result = self.frame.program.search(service, query)
        # What was asked by Enter or with a picture is no half word, whichever of its two answers comes.
        typed = typed and query != visitor.asked
        if typed and not (result.images or result.texts):
            return self._nothing()
        if service is self.frame.service(visitor):
            visitor.query = result.point
        gallery, sizes = service.gallery, (len(service.gallery.items), len(service.gallery.texts))
        link = address_of(query, lambda item: gallery.items[item].file_name)
        with_captions = service.reads_words and bool(gallery.texts)
        shown = render_results(
            result,
            service.pictures,
            sizes,
            link,
            with_captions=with_captions,
            turn=turn,
            typed=typed,
            index=service.index.describe() if service.index else "",
        )
        return {
            self.notice: render_error(""),
            self.results: shown,
            self.last_query: query,
            self.ask.mix: gr.update(visible=query.is_mixed),
        }

    def _restore(self, visitor: Visitor, link: object) -> Updates:
        service = self.frame.service(visitor)
        query = self._linked(service, link)
        if query is None:
            visitor.turns.withdraw()
            visitor.asked = None
            cleared = {self.results: _empty(service), self.last_query: None, self.notice: render_error("")}
            return {**self.ask.fill(visitor, Query(), service), **cleared}
        return {**self.ask.fill(visitor, query, service), **self._answer(visitor, query)}

    def _linked(self, service: RetrievalService, link: object) -> Query | None:
        query = query_of(link, service.find_item)
        return None if query is None else dataclasses.replace(query, fold=True)

    def _query(self, visitor: Visitor, *values: Any) -> Query:
        """The query that stands in the boxes of a visitor.

        Raises:
            InputError: A value is not of its kind.
        """
        return self.ask.query(self.frame.service(visitor), visitor, *values)

    def _nothing(self) -> Updates:
        return {self.notice: gr.skip()}


def _empty(service: RetrievalService) -> str:
    return EMPTY if service.reads_words else EMPTY_OF_PICTURES


def _toggled(labels: tuple[str, ...], label: str) -> tuple[str, ...]:
    return tuple(name for name in labels if name != label) if label in labels else (*labels, label)

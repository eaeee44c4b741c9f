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
from app.components.download import csv_download, download_view
from app.components.examples import chosen_index, examples_view, render_examples
from app.components.results import (
    EMPTY,
    EMPTY_OF_PICTURES,
    render_error,
    render_hint,
    render_results,
    results_view,
)
from app.frame import Frame, sent
from app.kit.decoders import open_image
from app.kit.disk import telling_visitors
from app.kit.limits import DEFAULT_LIMIT, MAX_LIMIT
from app.kit.pictures import is_shown_as_it_is, keep_small, uploaded_file
from app.kit.scripts import mount
from app.kit.templates import render
from app.kit.turns import Outdated
from app.search.examples import example_pictures, example_words
from app.search.export import to_csv
from app.search.link import address_of, query_of
from app.search.query import MAX_LABELS_WEIGHT, Query
from app.visitors.choosing import follow
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from PIL import Image

    from app.service import RetrievalService


SHOWN_PICTURE_SIDE = 1024
CSV_NAME = "algcn-results.csv"
CUTOFF_LABELS = {
    "probability": "Chance at least, %",
    "percentile": "Beats at least, %",
}
SUBJECTS = "This picture … same subjects"
UNKNOWN = -1  # what the slider says before a model is there, and to one that has no such weight
OPENED = "You opened another model or gallery: this is its answer."
OPENED_ANEW = "You opened another model or gallery: search it."
WANTED = "What do you want to see?"
WANTED_LABEL = "Name a label: {examples}, …"
UNWANTED = "snow, night"
Updates = dict[Any, Any]


@dataclasses.dataclass(frozen=True)
class Given:
    """The picture in the box: one of the gallery, or what the browser says of an upload, or neither."""

    item: int | None = None
    upload: Any = None


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
        with gr.Row(elem_id="ask", equal_height=False):
            with gr.Column(scale=7, min_width=300):
                with gr.Row(elem_id="ask-words"):
                    self.text = gr.Textbox(
                        label=WANTED,
                        placeholder=WANTED,
                        show_label=False,
                        container=False,
                        lines=1,
                        max_lines=1,
                        autofocus=True,
                        elem_id="query-text",
                        scale=8,
                    )
                    self.button = gr.Button(
                        "Search", variant="primary", elem_id="search-button", scale=1, min_width=110
                    )
                self.examples = examples_view()
                self.reads = gr.HTML(visible=False, elem_id="reads", apply_default_css=False)
            with gr.Column(scale=3, min_width=260, elem_id="ask-picture"):
                self.picture = gr.Image(
                    label="Or give a picture",
                    placeholder="Drop a picture here, or click to choose one",
                    type="filepath",
                    image_mode=None,
                    sources=["upload", "clipboard", "webcam"],
                    height=190,
                    buttons=[],
                    elem_id="query-picture",
                )
                with gr.Row(elem_id="mix", visible=False) as self.mix:
                    self.weight = gr.Slider(
                        0, 100, 50, step=5, label="Weight of the picture beside the words, %", elem_id="weight"
                    )
        gr.HTML(
            render("components/refine_switch.html"),
            js_on_load=mount("refine"),
            elem_id="refine-switch",
            apply_default_css=False,
        )
        with gr.Row(elem_id="refine", equal_height=True):
            self.without = gr.Textbox(
                label="Steer away from", placeholder=UNWANTED, max_lines=1, elem_id="without", scale=3
            )
            self.labels = gr.Dropdown([], value=[], label="Labels", multiselect=True, elem_id="labels", scale=4)
            self.match = gr.Radio(
                ["any", "all", "none"], value="any", label="Match these labels", elem_id="match", scale=2
            )
            self.cutoff = gr.Slider(0, 99, 0, step=1, label=CUTOFF_LABELS["percentile"], elem_id="cutoff", scale=4)
            self.subjects = gr.Slider(
                0, MAX_LABELS_WEIGHT, UNKNOWN, step=0.25, label=SUBJECTS, visible=False, elem_id="subjects", scale=4
            )
            self.beside = gr.Checkbox(label="Beside the plain encoder", elem_id="beside", scale=2)
        self.notice = gr.HTML(elem_id="notice", apply_default_css=False)
        self.results = results_view()
        self.download = download_view()
        self.address = gr.Textbox(visible=False)
        self.given, self.last_query, self.seen = gr.State(Given()), gr.State(None), gr.State(None)
        self.boxes = [
            self.text, self.given, self.weight, self.without, self.labels, self.match, self.cutoff, self.subjects,
            self.beside,
        ]  # fmt: skip
        self.outputs = [self.notice, self.results, self.last_query, self.picture, self.mix, *self.boxes]
        self.furnished = [*self.outputs, self.examples, self.reads, self.seen]

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
        inputs = [self.frame.visitor, self.last_query, *self.boxes]
        gr.on([self.text.submit, self.without.submit, self.button.click], self.search, inputs, self.outputs, **quick)
        for changed in (self.weight, self.labels, self.match, self.cutoff, self.subjects, self.beside):
            # Of what a slider says while one answer is under way, the last.
            changed.input(self.refine, inputs, self.outputs, **{**quick, "trigger_mode": "always_last"})
        self.picture.upload(self.take_picture, [self.picture, *inputs], self.outputs, **private)
        self.picture.clear(self.drop_picture, inputs, self.outputs, **quick)
        self.results.select(self.select_result, inputs, [*self.outputs, self.download], **quick)
        self.examples.select(self.select_example, inputs, self.outputs, **quick)
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
        return self._answer(visitor, self._in_boxes(visitor, *values))

    @_with_error_sentence
    def refine(self, visitor: Visitor, last_query: Query | None, *values: Any) -> Updates:
        """Search again with what was changed; before the first search nothing happens."""
        if last_query is None and visitor.turns.under_way is None:
            return self._nothing()
        return self._answer(visitor, self._in_boxes(visitor, *values))

    @_with_error_sentence
    def take_picture(
        self, upload: Any, visitor: Visitor, last_query: Query | None, text: Any, given: Given, *values: Any
    ) -> Updates:
        """Search for the picture that was given, and for the words if there are any."""
        taken = visitor.giving = Given(upload=upload)
        found = self._nothing()
        try:
            query = self._in_boxes(visitor, text, taken, *values)
            try:
                found = self._answer(visitor, query)
            except Outdated as outdated:  # what was asked meanwhile was asked with this picture
                if outdated.failed:
                    raise
            if query.picture is not None and not is_shown_as_it_is(query.picture):
                with self.frame.program.picture_room.place():
                    found[self.picture] = self._in_box(open_image(query.picture))
        finally:
            stays = visitor.giving is taken
            if stays:
                visitor.giving = None
        return {**found, self.given: taken} if stays else self._nothing()

    @_with_error_sentence
    def drop_picture(
        self, visitor: Visitor, last_query: Query | None, text: Any, given: Given, *values: Any
    ) -> Updates:
        """Take the picture away; if it was part of the last query, search for the words alone."""
        was_coming, visitor.giving = visitor.giving is not None, None
        if was_coming:
            visitor.turns.withdraw()
        alone = self._in_boxes(visitor, text, Given(), *values)
        had_picture = was_coming or (last_query is not None and last_query.has_picture)
        found = self._answer(visitor, alone) if had_picture and alone.text.strip() else {}
        return {self.mix: gr.update(visible=False), **found, self.given: Given()}

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
        query = self._in_boxes(visitor, *values)
        if action == "similar":
            visitor.giving = None
            item = service.check_item(what.get("item"))
            changed = dataclasses.replace(query, text="", picture=None, item=item)
        elif action == "label" and isinstance(what.get("label"), str):
            changed = dataclasses.replace(query, labels=_toggled(query.labels, what["label"]))
        elif action == "unlabel":
            changed = dataclasses.replace(query, labels=())
        elif action == "uncut":
            changed = dataclasses.replace(query, cutoff=0.0)
        else:
            return self._nothing()
        found = self._answer(visitor, changed)
        if action == "similar":
            return {**self._into_boxes(visitor, changed, service), **found}
        return {self.labels: list(changed.labels), self.cutoff: changed.cutoff, **found}

    @_with_error_sentence
    def select_example(
        self, event: gr.EventData, visitor: Visitor, last_query: Query | None, text: Any, given: Given, *values: Any
    ) -> Updates:
        """Put an example in the place of words and picture and search; what refines stays."""
        service, what = self.frame.service(visitor), sent(event)
        is_text = what.get("kind") == "text"
        choices = _example_words(service) if is_text else example_pictures(service.gallery)
        index = chosen_index(what, len(choices))
        if index is None:
            return self._nothing()
        chosen = {"text" if is_text else "item": choices[index]}
        visitor.giving = None
        query = dataclasses.replace(self._in_boxes(visitor, "", Given(), *values), **chosen)
        return {**self._into_boxes(visitor, query, service), **self._answer(visitor, query)}

    @_with_error_sentence
    def open_page(self, visitor: Visitor, link: object) -> Updates:
        """Show a page that was opened what the gallery offers, and answer the query in its address."""
        try:
            follow(visitor, link, self.frame.program.models, self.frame.program.addresses)
            service = self.frame.service(visitor)
        except InputError:  # the masthead says it
            return {self.examples: ""}
        offers = {**self._offers(service, None), self.seen: (id(service), service.key)}
        if not service.reads_words:
            offers[self.results] = _empty(service)
        try:
            query = self._linked(service, link)
            if query is None:
                return offers if self.frame.service(visitor) is service else self._nothing()
            found = {**self._answer(visitor, query), **self._into_boxes(visitor, query, service)}
        except Outdated:
            return offers
        except InputError as error:
            return {**offers, self.notice: render_error(str(error))}
        if self.frame.service(visitor) is not service:  # what was opened meanwhile has filled the tab, or will
            return self._nothing()
        return {**offers, **found, **self._offers(service, query)}

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
            return {**self._offers(service, None), self.seen: now}
        turn = visitor.turns.newest
        asked_of, asked = visitor.turns.under_way or (None, last_query)
        is_of_now = asked_of is service or visitor.query is not None  # asked of what is open now, before this came
        # What else is under way was asked of what was open before.
        if is_of_now or not visitor.turns.withdraw(turn):
            return {**self._offers(service, None), self.seen: now}
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
            return {**self._offers(service, None), self.seen: now}
        kept = None if asked is None else query  # nothing was asked: what somebody has begun to type stays
        boxes = {} if kept is None or kept.picture is not None else self._into_boxes(visitor, kept, service)
        shown = {self.seen: now, self.notice: hint}
        return {**boxes, **found, **self._offers(service, kept), **shown}

    def _answer(self, visitor: Visitor, query: Query) -> Updates:
        service = self.frame.service(visitor)
        with visitor.turns.take((service, query)):
            result = self.frame.program.search(service, query)
        if service is self.frame.service(visitor):
            visitor.query = result.point
        gallery, sizes = service.gallery, (len(service.gallery.items), len(service.gallery.texts))
        link = address_of(query, lambda item: gallery.items[item].file_name)
        shown = render_results(result, service.pictures, sizes, link, with_captions=service.reads_words)
        return {
            self.notice: render_error(""),
            self.results: shown,
            self.last_query: query,
            self.mix: gr.update(visible=query.is_mixed),
        }

    def _restore(self, visitor: Visitor, link: object) -> Updates:
        service = self.frame.service(visitor)
        query = self._linked(service, link)
        if query is None:
            visitor.turns.withdraw()
            cleared = {self.results: _empty(service), self.last_query: None, self.notice: render_error("")}
            return {**self._into_boxes(visitor, Query(), service), **cleared}
        return {**self._into_boxes(visitor, query, service), **self._answer(visitor, query)}

    def _linked(self, service: RetrievalService, link: object) -> Query | None:
        query = query_of(link, service.find_item)
        return None if query is None else dataclasses.replace(query, fold=True)

    def _in_boxes(
        self,
        visitor: Visitor,
        text: Any,
        given: Given,
        weight: Any,
        without: Any,
        labels: Any,
        match: Any,
        cutoff: Any,
        subjects: Any,
        beside: Any,
    ) -> Query:
        """The query that stands in the boxes; a picture that is still being read is there already.

        Where the weight of shared subjects is the model's own, the query says none: so the next model's own counts.

        Raises:
            InputError: A value is not of its kind.
        """
        given = visitor.giving or given
        own = _subjects(self.frame.service(visitor))
        return Query(
            text=text or "",
            picture=None if given.upload is None else uploaded_file(given.upload, self.frame.program.uploads),
            item=given.item,
            weight=weight / 100 if isinstance(weight, (int, float)) else weight,
            without=without or "",
            labels=labels or (),
            match=match,
            cutoff=cutoff,
            labels_weight=None if own == UNKNOWN or subjects in (own, UNKNOWN) else subjects,
            beside=beside is True,
            fold=True,
        )

    def _shown(self, service: RetrievalService, item: int) -> str:
        return self._in_box(open_image(service.picture_path(item)))

    def _in_box(self, picture: Image.Image) -> str:
        """Make the file of a picture for the box here: of what fails in gradio, no sentence reaches the page."""
        picture.thumbnail((SHOWN_PICTURE_SIDE, SHOWN_PICTURE_SIDE))
        with telling_visitors():
            return str(keep_small(picture, self.frame.program.uploads))

    def _into_boxes(self, visitor: Visitor, query: Query, service: RetrievalService) -> Updates:
        visitor.giving = None
        return {
            self.text: query.text,
            self.picture: None if query.item is None else self._shown(service, query.item),
            self.given: Given(item=query.item),
            self.mix: gr.update(visible=query.is_mixed),
            self.weight: 100 * query.weight,
            self.without: query.without,
            self.labels: list(query.labels),
            self.match: query.match,
            self.cutoff: query.cutoff,
            self.subjects: _subjects(service, query),
            self.beside: query.beside,
        }

    def _offers(self, service: RetrievalService, query: Query | None) -> Updates:
        """What depends on the model and the gallery, whatever is asked; and the values of the query, if there is one.

        Without one, what somebody has begun to type or to choose stays; the weight of shared subjects is the model's.
        """
        gallery, names = service.gallery, service.bundle.label_set.names
        choices = [(f"{name} · {count:,}", name) for name, count in service.labels.counts.items()]
        words, pictures = _example_words(service), example_pictures(gallery)
        wanted, unwanted, reads = WANTED, UNWANTED, ""
        if not service.reads_words:
            wanted = WANTED_LABEL.format(examples=", ".join(words[:3]))
            unwanted = ", ".join(words[-2:])
            reads = render("components/pictures_only.html", name=service.name, count=len(names))
        text, without, labels, cutoff = {}, {}, {}, {}
        if query is not None:
            text, without = {"value": query.text}, {"value": query.without}
            labels, cutoff = {"value": list(query.labels)}, {"value": query.cutoff}
        return {
            self.text: gr.update(placeholder=wanted, **text),
            self.without: gr.update(placeholder=unwanted, **without),
            self.examples: render_examples(words, pictures, service.pictures),
            self.reads: gr.update(value=reads, visible=bool(reads)),
            self.labels: gr.update(choices=choices, **labels),
            self.cutoff: gr.update(label=CUTOFF_LABELS[service.cutoff_by], **cutoff),
            self.subjects: gr.update(visible=service.labels_weight is not None, value=_subjects(service, query)),
        }

    def _nothing(self) -> Updates:
        return {self.notice: gr.skip()}


def _empty(service: RetrievalService) -> str:
    return EMPTY if service.reads_words else EMPTY_OF_PICTURES


def _subjects(service: RetrievalService, query: Query | None = None) -> float:
    """The weight of shared subjects as the slider shows it: the query's, else the model's own."""
    if query is not None and query.labels_weight is not None:
        return query.labels_weight
    return UNKNOWN if service.labels_weight is None else min(service.labels_weight, MAX_LABELS_WEIGHT)


def _example_words(service: RetrievalService) -> list[str]:
    return example_words(service.gallery, service.bundle.label_set, reads_words=service.reads_words)


def _toggled(labels: tuple[str, ...], label: str) -> tuple[str, ...]:
    return tuple(name for name in labels if name != label) if label in labels else (*labels, label)

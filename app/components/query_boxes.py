"""The boxes of the Search tab: what stands in them is what is asked.

All values are raw, as a browser sent them: `Query` and the service check them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image, ImageOps

from app.components.examples import examples_view, recent_view, render_examples
from app.kit.decoders import open_image
from app.kit.disk import telling_visitors
from app.kit.pictures import keep_small, uploaded_file
from app.kit.scripts import mount
from app.kit.templates import render
from app.search.examples import Photo, example_photos, example_pictures, example_words, photo_of
from app.search.query import DEFAULT_AWAY, MAX_LABELS_WEIGHT, Query
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from app.program import Program
    from app.service import RetrievalService


SHOWN_PICTURE_SIDE = 1024
TILES, TILE_SIDE = 4, 384
CUTOFF_LABELS = {
    "probability": "Chance at least, %",
    "percentile": "Beats at least, %",
}
AWAY = "How strongly, %"
WRITTEN = "Count what is written of a picture"
SUBJECTS = "This picture … same subjects"
UNKNOWN = -1  # what the slider says before a model is there, and to one that has no such weight
WANTED = "What do you want to see?"
WANTED_LABEL = "Name a label: {examples}, …"
UNWANTED = "snow, night"
Updates = dict[Any, Any]


@dataclasses.dataclass(frozen=True)
class Given:
    """The picture in the box, and those to steer away from.

    Attributes:
        liked: Pictures of the gallery.
        upload: What the browser says of an upload instead.
        photo: An example photo instead.
        unlike: Pictures of the gallery to steer away from; no box shows them.
    """

    liked: tuple[int, ...] = ()
    upload: Any = None
    photo: Photo | None = None
    unlike: tuple[int, ...] = ()


class QueryBoxes:
    """The components that make a query; made inside the Search tab."""

    def __init__(self, program: Program) -> None:
        self._program = program
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
                self.examples, self.recent = examples_view(), recent_view()
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
            self.away = gr.Slider(0, 100, 100 * DEFAULT_AWAY, step=5, label=AWAY, elem_id="away", scale=3)
            self.labels = gr.Dropdown([], value=[], label="Labels", multiselect=True, elem_id="labels", scale=4)
            self.match = gr.Radio(
                ["any", "all", "none"], value="any", label="Match these labels", elem_id="match", scale=2
            )
            self.cutoff = gr.Slider(
                0, 99, UNKNOWN, step=1, label=CUTOFF_LABELS["percentile"], elem_id="cutoff", scale=4
            )
            self.subjects = gr.Slider(
                0, MAX_LABELS_WEIGHT, UNKNOWN, step=0.25, label=SUBJECTS, visible=False, elem_id="subjects", scale=4
            )
            self.written = gr.Checkbox(True, label=WRITTEN, visible=False, elem_id="written", scale=2)
            self.beside = gr.Checkbox(label="Beside the plain encoder", elem_id="beside", scale=2)
        self.given = gr.State(Given())
        self.boxes = [
            self.text, self.given, self.weight, self.without, self.away, self.labels, self.match, self.cutoff,
            self.subjects, self.written, self.beside,
        ]  # fmt: skip

    def query(
        self,
        service: RetrievalService,
        visitor: Visitor,
        text: Any,
        given: Given,
        weight: Any,
        without: Any,
        away: Any,
        labels: Any,
        match: Any,
        cutoff: Any,
        subjects: Any,
        written: Any,
        beside: Any,
    ) -> Query:
        """The query that stands in the boxes; a picture that is still being read is there already.

        Where the cut-off or the weight of shared subjects is the model's own, the query says none: so the next model's
        own counts.

        Raises:
            InputError: A value is not of its kind.
        """
        given = visitor.giving or given
        own = _subjects(service)
        return Query(
            text=text or "",
            picture=self._picture(given),
            item=given.liked[0] if given.liked else None,
            also=given.liked[1:],
            unlike=given.unlike,
            weight=_share(weight),
            without=without or "",
            away=_share(away),
            labels=labels or (),
            match=match,
            cutoff=None if cutoff in (service.cutoff, UNKNOWN) else cutoff,
            labels_weight=None if own == UNKNOWN or subjects in (own, UNKNOWN) else subjects,
            written=written is not False,
            beside=beside is True,
            fold=True,
        )

    def fill(self, visitor: Visitor, query: Query, service: RetrievalService) -> Updates:
        """Write a query into the boxes."""
        visitor.giving = None
        return {
            self.text: query.text,
            self.picture: self._shown(service, query),
            self.given: Given(query.liked, photo=photo_of(query.picture), unlike=query.unlike),
            self.mix: gr.update(visible=query.is_mixed),
            self.weight: 100 * query.weight,
            self.without: query.without,
            self.away: 100 * query.away,
            self.labels: list(query.labels),
            self.match: query.match,
            self.cutoff: _cutoff(service, query),
            self.subjects: _subjects(service, query),
            self.written: query.written,
            self.beside: query.beside,
        }

    def narrowed(self, query: Query, service: RetrievalService) -> Updates:
        """Write into the boxes what a click among the results can change of a query."""
        return {self.text: query.text, self.labels: list(query.labels), self.cutoff: _cutoff(service, query)}

    def offers(self, service: RetrievalService, query: Query | None) -> Updates:
        """What depends on the model and the gallery, whatever is asked; and the values of the query, if there is one.

        Without one, what somebody has begun to type or to choose stays; the cut-off and the weight of shared subjects
        are the model's.
        """
        gallery, names = service.gallery, service.bundle.label_set.names
        choices = [(f"{name} · {count:,}", name) for name, count in service.labels.counts.items()]
        words, pictures = words_offered(service), example_pictures(gallery)
        wanted, unwanted, reads = WANTED, UNWANTED, ""
        if not service.reads_words:
            wanted = WANTED_LABEL.format(examples=", ".join(words[:3]))
            unwanted = ", ".join(words[-2:])
            reads = render("components/pictures_only.html", name=service.name, count=len(names))
        text, without, labels, written = {}, {}, {}, {}
        if query is not None:
            text, without, labels = {"value": query.text}, {"value": query.without}, {"value": list(query.labels)}
            written = {"value": query.written}
        return {
            self.text: gr.update(placeholder=wanted, **text),
            self.without: gr.update(placeholder=unwanted, **without),
            self.examples: render_examples(words, pictures, service.pictures, example_photos()),
            self.reads: gr.update(value=reads, visible=bool(reads)),
            self.labels: gr.update(choices=choices, **labels),
            self.cutoff: gr.update(label=CUTOFF_LABELS[service.cutoff_by], value=_cutoff(service, query)),
            self.subjects: gr.update(visible=service.labels_weight is not None, value=_subjects(service, query)),
            self.written: gr.update(visible=service.has_written, **written),
        }

    def _picture(self, given: Given) -> Path | None:
        if given.photo is not None:
            return given.photo.path
        return None if given.upload is None else uploaded_file(given.upload, self._program.uploads)

    def _shown(self, service: RetrievalService, query: Query) -> str | None:
        """What the box shows of a query; of several pictures the first four."""
        photo = photo_of(query.picture)
        paths = [service.picture_path(item) for item in query.liked[:TILES]] if photo is None else [photo.path]
        pictures = [open_image(path) for path in paths]
        if not pictures:
            return None
        return self.in_box(pictures[0] if len(pictures) == 1 else tiled(pictures))

    def in_box(self, picture: Image.Image) -> str:
        """Make the file of a picture for the box here: of what fails in gradio, no sentence reaches the page."""
        picture.thumbnail((SHOWN_PICTURE_SIDE, SHOWN_PICTURE_SIDE))
        with telling_visitors():
            return str(keep_small(picture, self._program.uploads))


def tiled(pictures: Sequence[Image.Image]) -> Image.Image:
    """Put up to four pictures into one, two in a row, each cut to a square from its middle."""
    sheet = Image.new("RGB", (2 * TILE_SIDE, TILE_SIDE * -(-len(pictures) // 2)), "white")
    for place, picture in enumerate(pictures):
        tile = ImageOps.fit(picture.convert("RGB"), (TILE_SIDE, TILE_SIDE))
        sheet.paste(tile, (TILE_SIDE * (place % 2), TILE_SIDE * (place // 2)))
    return sheet


def _share(percent: Any) -> Any:
    return percent / 100 if isinstance(percent, (int, float)) else percent


def _cutoff(service: RetrievalService, query: Query | None = None) -> float:
    """The cut-off as the slider shows it: the query's, else the model's own."""
    return service.cutoff if query is None or query.cutoff is None else query.cutoff


def _subjects(service: RetrievalService, query: Query | None = None) -> float:
    """The weight of shared subjects as the slider shows it: the query's, else the model's own."""
    if query is not None and query.labels_weight is not None:
        return query.labels_weight
    return UNKNOWN if service.labels_weight is None else min(service.labels_weight, MAX_LABELS_WEIGHT)


def words_offered(service: RetrievalService) -> list[str]:
    """Return example words that the model can be asked with."""
    return service.cache.get(
        "words_offered",
        lambda: example_words(service.gallery, service.bundle.label_set, reads_words=service.reads_words),
    )

"""The Train tab: ALGCN trained live on the gallery that the visitor searches; the result is the visitor's alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from app.components.clickable_plot import clickable_plot, plot_value
from app.components.file_link import download_place, render_link
from app.frame import Frame, to_the_end
from app.kit.disk import check_free, telling_visitors
from app.kit.templates import render
from app.kit.words import plain, render_own, render_status
from app.training.charts import change_figure, loss_figure, map_figure
from app.training.run import Phase, Progress, Waiting, training_work
from app.training.settings import DEFAULTS, EPOCHS_RANGE, GAMMA_RANGE, SEED_RANGE, THRESHOLD_RANGE, Settings
from app.training.view import (
    render_data,
    render_edges,
    render_empty,
    render_invitation,
    render_numbers,
    render_progress,
    render_result,
)
from app.visitors.choosing import OWN_MODEL, choose
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from app.kit.jobs import Job
    from app.service import RetrievalService

WATCH_SECONDS = 0.25
EDGES_SHOWN = 8
NAME_LENGTH, SHORT_LENGTH = 60, 14
PLOT_HEIGHT, GRAPH_HEIGHT = 250, 430
TITLES = {"paper": "Paper", "plus": "Plus"}
LINKED = "Link labels that occur together at least this often (t)"
SEED = "Seed: the same number gives the same run"
BACK, AGAIN = "Back to the bundled model", "Open my model again"
PRIVATE = {"api_visibility": "private"}
Updates = dict[Any, Any]


class TrainTab:
    """The tab's components and what they do; made inside its gr.Tab."""

    def __init__(self, frame: Frame, tab: gr.Tab) -> None:
        self.frame, self.tab = frame, tab
        self.banner = _html("train-own")
        with gr.Row(elem_id="train"):
            with gr.Column(scale=3, min_width=280, elem_id="train-form"):
                self.form = _form()
                self.about_plus = gr.HTML(
                    render("training/plus.html"), visible=False, apply_default_css=False, elem_id="train-plus"
                )
                with gr.Row(elem_id="train-buttons"):
                    self.start = gr.Button("Train", variant="primary", elem_id="train-start")
                    self.stop = gr.Button("Stop", interactive=False, elem_id="train-stop")
                self.data = _html("train-data")
            with gr.Column(scale=9, min_width=320, elem_id="train-view"):
                self.status, self.result = _html("train-status"), _html("train-result")
                with gr.Row(visible=False, elem_id="train-actions") as self.actions:
                    self.swap = gr.Button(BACK, size="sm", elem_id="train-swap")
                    self.save = gr.Button("Download the model", size="sm", elem_id="train-save")
                    self.link = download_place("train-link")
                with gr.Column(visible=False, elem_id="train-live") as self.live:
                    self._lay_out_progress()
        self.model = gr.State(None)  # the bundle trained last, whether it is open or not

    def _lay_out_progress(self) -> None:
        self.numbers = _html("train-numbers")
        with gr.Row():
            self.map_plot = _plot("mAP on validation pictures", "train-map", PLOT_HEIGHT)
            self.loss_plot = _plot("Loss, as a share of its first value", "train-loss", PLOT_HEIGHT)
        with gr.Row() as self.graph:
            self.change_plot = _plot(
                "What the graph learned, from row to column", "train-change", GRAPH_HEIGHT, scale=7
            )
            with gr.Column(scale=3, min_width=220):
                self.edges = _html("train-edges")

    def wire(self) -> None:
        """Connect the events with the methods."""
        frame, visitor = self.frame, self.frame.visitor
        shown = [self.banner, self.data, self.status, self.start, self.actions, self.swap]
        frame.on_open(self.tab, self.open_tab, shown, inputs=[self.model])
        trained = self.start.click(
            self.train_model,
            [visitor, self.model, *self.form],
            [self.status, self.start, self.stop, self.result, self.link, self.actions, self.live, self.graph,
             self.map_plot, self.loss_plot, self.numbers, self.change_plot, self.edges, self.model, visitor,
             self.banner, self.swap],
            show_progress="hidden",
            concurrency_limit=None,
            **PRIVATE,
        )  # fmt: skip
        self.stop.click(self.stop_training, None, None, queue=False, show_progress="hidden", **PRIVATE)
        frame.blocks.unload(self.stop_training)
        swapped = self.swap.click(self.swap_model, [visitor, self.model], [visitor, self.banner, self.swap], **PRIVATE)
        frame.openings.extend([trained, swapped])
        self.save.click(self.download_model, self.model, self.link, **PRIVATE)
        mode, use_gcn, adaptive, gamma, threshold, epochs, _ = self.form
        of_paper = [use_gcn, adaptive, gamma, threshold, epochs]
        mode.change(self.switch_mode, mode, [*of_paper, self.about_plus], show_progress="hidden", **PRIVATE)
        use_gcn.change(self.switch_graph, use_gcn, [adaptive, gamma, threshold], show_progress="hidden", **PRIVATE)

    def open_tab(self, service: RetrievalService, visitor: Visitor, bundle: Bundle | None) -> tuple[Any, ...]:
        """Describe the gallery and the model that are open now: they may be others than last time."""
        from app.training.data import names, training_data
        from app.visitors.derive import with_words

        offered = gr.update(visible=bundle is not None), _swap(bundle is service.bundle)
        banner = self._banner(visitor)
        source = with_words(service, self.frame.program.models)
        known = source.bundle
        try:
            found = training_data(
                source.gallery, known.label_set, known.encoder_fingerprint, DEFAULTS.seed, names(source)
            )
        except InputError as error:
            return banner, "", render_empty(str(error)), gr.update(interactive=False), *offered
        told = render_invitation() if bundle is None else ""
        return banner, render_data(found, service.name, source.name), told, gr.update(interactive=True), *offered

    def train_model(
        self,
        visitor: Visitor,
        bundle: Any,  # gradio finds the request by its type, and only where it can resolve all of them
        mode: Any,
        use_gcn: Any,
        adaptive: Any,
        gamma: Any,
        threshold: Any,
        epochs: Any,
        seed: Any,
        request: gr.Request,
    ) -> Iterator[dict[Any, Any]]:
        """Train a model, show how it goes, and open it for the visitor."""
        # As `Settings` takes them; what mode plus hides is not of it.
        values = (mode, gamma, threshold, use_gcn, adaptive, epochs if mode == "paper" else None, seed)
        yield from to_the_end(
            self._train(visitor, bundle, values, request.session_hash),
            lambda told: {
                self.status: told,
                self.start: gr.update(interactive=True),
                self.stop: gr.update(interactive=False),
                self.actions: gr.update(visible=bundle is not None),
            },
        )

    def _train(self, visitor: Visitor, bundle: Any, values: tuple[Any, ...], session: str) -> Iterator[Updates]:
        from app.visitors.derive import with_words

        program = self.frame.program
        try:
            with telling_visitors():
                check_free(program.files.free_bytes())
                folder = program.files.new_folder()
            visitor.keep(folder)
            settings = Settings(*values)
            source = with_words(self.frame.service(visitor), program.models)
            shared = program.models.reading(self.frame.shared(visitor))
            work = training_work(source, settings, folder)
            job = program.training_jobs.start(session, work, Waiting)
        except InputError as error:
            yield {self.status: render_status(str(error), running=False)}
            return
        try:
            yield {
                self.status: render_status("Preparing…", 0.0),
                self.start: gr.update(interactive=False),
                self.stop: gr.update(interactive=True),
                self.result: "",
                self.link: "",
                self.actions: gr.update(visible=False),
                self.graph: gr.update(visible=settings.learns_graph),
            }
            yield from self._watch(job)
        finally:
            job.stop()  # who leaves at the first line never comes to watch it
        over = {self.start: gr.update(interactive=True), self.stop: gr.update(interactive=False)}
        try:
            trained, made = job.result()
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        visitor.trained, problem = (made, shared), ""
        try:
            choose(visitor, OWN_MODEL, program.models, program.addresses)
        except InputError as error:  # the visitor has since opened pictures that another encoder read
            problem = render_status(str(error), running=False)
        if bundle is not None:
            shutil.rmtree(bundle.path.parent, ignore_errors=True)
        yield {
            **over,
            self.status: problem,
            self.result: render_result(trained),
            self.model: made,
            self.frame.visitor: visitor,  # a state whose value was put out once is cleaned up when the page is closed
            self.banner: self._banner(visitor),
            self.actions: gr.update(visible=True),
            self.swap: _swap(self.frame.service(visitor).bundle is made),
        }

    def stop_training(self, request: gr.Request) -> None:
        """Stop the training, because the visitor pressed Stop or closed the page."""
        self.frame.program.training_jobs.stop(request.session_hash)

    def swap_model(self, visitor: Visitor, bundle: Any) -> tuple[Any, ...]:
        """Change between the model that was trained and the one chosen among the program's; the gallery stays."""
        if bundle is None:
            return gr.skip(), gr.skip(), gr.skip()
        program, is_open = self.frame.program, self.frame.service(visitor).bundle is bundle
        try:
            name = self.frame.shared(visitor).name if is_open else OWN_MODEL
            choose(visitor, name, program.models, program.addresses)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return visitor, self._banner(visitor), _swap(not is_open)

    def download_model(self, bundle: Any) -> str:
        """Make a zip of the model that was trained last, and a link to it."""
        from app.training.live import write_zip

        if bundle is None:
            return ""
        path = bundle.path.with_suffix(".zip")
        if not path.is_file():
            write_zip(bundle, path)
        return render_link(self.frame.program.addresses.offer(path), path.name, path.stat().st_size)

    def switch_graph(self, use_gcn: bool) -> list[Any]:
        """Let the settings of the graph be changed only where there is one."""
        return [gr.update(interactive=use_gcn)] * 3

    def switch_mode(self, mode: str) -> list[Any]:
        """Show the settings that the mode has, and what stands for them in mode plus."""
        is_paper = mode == "paper"
        return [*[gr.update(visible=is_paper)] * 5, gr.update(visible=not is_paper)]

    def _banner(self, visitor: Visitor) -> str:
        """What the visitor has open of their own."""
        from app.visitors.derive import description

        return render_own(description(self.frame.service(visitor), self.frame.shared(visitor)))

    def _watch(self, job: Job) -> Iterator[Updates]:
        """Show what a training run reports until it is over."""
        progress: Progress | None = None
        for news in job.watch(WATCH_SECONDS):
            changed: Updates = {}
            if progress is not None:
                changed[self.status] = render_progress(progress, stopping=job.stopping())
            for entry in news:
                if isinstance(entry, Waiting):
                    changed[self.status] = render_status(str(entry))
                elif isinstance(entry, Phase):
                    changed[self.status] = render_status(entry.value, 1.0)
                elif isinstance(entry, Progress):
                    progress = entry
                    changed |= {self.live: gr.update(visible=True), **self._draw(progress)}
                else:
                    progress.note(entry)
                    told = render_progress(progress, stopping=job.stopping())
                    changed |= {self.status: told, **self._draw(progress)}
            if changed:
                yield changed

    def _draw(self, progress: Progress) -> Updates:
        change, names = progress.change, [label.name for label in progress.labels]
        shown = None
        if change is not None:
            full, short = ([plain(name, length) for name in names] for length in (NAME_LENGTH, SHORT_LENGTH))
            shown = change_figure(change, full, short)
        return {
            self.map_plot: plot_value(map_figure(progress.log, progress.epochs, progress.chance)),
            self.loss_plot: plot_value(loss_figure(progress.log, progress.epochs)),
            self.numbers: render_numbers(progress),
            self.change_plot: plot_value(shown),
            self.edges: render_edges(progress.strongest(EDGES_SHOWN)),
        }


def _form() -> list[gr.components.Component]:
    """The settings, in the order of `Settings`, but for the switches of the graph, which come before its numbers."""
    low_seed, high_seed = SEED_RANGE
    return [
        gr.Radio(
            [(title, mode) for mode, title in TITLES.items()], value=DEFAULTS.mode, label="Mode", elem_id="train-mode"
        ),
        gr.Checkbox(DEFAULTS.use_gcn, label="Make the classifiers from the label graph (GCN)", elem_id="train-gcn"),
        gr.Checkbox(DEFAULTS.adaptive, label="Let the graph change in training (adaptive)", elem_id="train-adaptive"),
        _slider(GAMMA_RANGE, DEFAULTS.gamma, 0.05, "Weight of what the graph learns (γ)", "train-gamma"),
        _slider(THRESHOLD_RANGE, DEFAULTS.threshold, 0.05, LINKED, "train-threshold"),
        _slider(EPOCHS_RANGE, DEFAULTS.epochs, 1, "Passes over the pictures (epochs)", "train-epochs"),
        gr.Number(DEFAULTS.seed, minimum=low_seed, maximum=high_seed, precision=0, label=SEED, elem_id="train-seed"),
    ]


def _slider(bounds: tuple[float, float], value: float, step: float, label: str, elem_id: str) -> gr.Slider:
    return gr.Slider(*bounds, value=value, step=step, label=label, elem_id=elem_id, buttons=[])


def _html(elem_id: str) -> gr.HTML:
    return gr.HTML(elem_id=elem_id, apply_default_css=False)


def _plot(title: str, elem_id: str, height: int, scale: int = 1) -> gr.HTML:
    with gr.Column(scale=scale, min_width=300):
        gr.HTML(render("training/plot_title.html", title=title), apply_default_css=False, elem_classes=["plot-title"])
        return clickable_plot(elem_id=elem_id, height=height)


def _swap(is_open: bool) -> dict[str, Any]:
    return gr.update(value=BACK if is_open else AGAIN)

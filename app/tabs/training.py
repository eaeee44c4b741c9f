"""The Train tab: ALGCN trained live on the gallery that the visitor searches; the result is the visitor's alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from algcn.kit.errors import InputError
from algcn.method.config import MODES
from app.components.clickable_plot import clickable_plot, plot_value
from app.components.file_link import download_place, render_link
from app.frame import Frame
from app.kit.templates import render
from app.kit.words import plain, render_own, render_status
from app.training.charts import change_figure, loss_figure, map_figure
from app.training.run import JOBS, Phase, Progress, Waiting, training_work
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
from app.visitors.files import visitor_files
from app.visitors.visitor import Visitor

if TYPE_CHECKING:
    from algcn.bundles.bundle import Bundle
    from app.service import RetrievalService

WATCH_SECONDS = 0.25
EDGES_SHOWN = 8
NAME_LENGTH, SHORT_LENGTH = 60, 14
PLOT_HEIGHT, GRAPH_HEIGHT = 250, 430
BACK, AGAIN = "Back to the bundled model", "Open my model again"


def build(frame: Frame, tab: gr.Tab) -> None:
    """Lay the tab out and wire it; called inside `tab`."""
    files = visitor_files(frame.cache)
    own = _html("train-own")
    with gr.Row(elem_id="train"):
        with gr.Column(scale=3, min_width=280, elem_id="train-form"):
            form = _form()
            _, use_gcn, adaptive, gamma, threshold, *_ = form
            with gr.Row(elem_id="train-buttons"):
                start = gr.Button("Train", variant="primary", elem_id="train-start")
                stop = gr.Button("Stop", interactive=False, elem_id="train-stop")
            data = _html("train-data")
        with gr.Column(scale=9, min_width=320, elem_id="train-view"):
            status, result = _html("train-status"), _html("train-result")
            with gr.Row(visible=False, elem_id="train-actions") as actions:
                swap = gr.Button(BACK, size="sm", elem_id="train-swap")
                save = gr.Button("Download the model", size="sm", elem_id="train-save")
                link = download_place("train-link")
            with gr.Column(visible=False, elem_id="train-live") as live:
                numbers = _html("train-numbers")
                with gr.Row():
                    map_plot = _plot("mAP on validation pictures", "train-map", PLOT_HEIGHT)
                    loss_plot = _plot("Loss, first epoch = 100 %", "train-loss", PLOT_HEIGHT)
                with gr.Row() as graph:
                    change_plot = _plot(
                        "What the graph learned, from row to column", "train-change", GRAPH_HEIGHT, scale=7
                    )
                    with gr.Column(scale=3, min_width=220):
                        edges = _html("train-edges")
    model = gr.State(None)  # the bundle trained last, whether it is open or not

    def show(service: RetrievalService, visitor: Visitor, bundle: Bundle | None) -> tuple[Any, ...]:
        """The gallery may be another one since the tab was last open, and the model too."""
        from app.training.data import training_data
        from app.visitors.derive import with_words

        offered = gr.update(visible=bundle is not None), _swap(bundle is service.bundle)
        banner = render_own(_description(frame, visitor))
        source = with_words(service, frame.models)
        known = source.bundle
        try:
            found = training_data(source.gallery, known.label_set, known.encoder_fingerprint, DEFAULTS.seed)
        except InputError as error:
            return banner, "", render_empty(str(error)), gr.update(interactive=False), *offered
        told = render_invitation() if bundle is None else ""
        return banner, render_data(found, service.name, source.name), told, gr.update(interactive=True), *offered

    frame.on_open(tab, show, [own, data, status, start, actions, swap], inputs=[model])

    def draw(progress: Progress) -> dict[Any, Any]:
        change, names = progress.change, [label.name for label in progress.labels]
        shown = None
        if change is not None:
            full, short = ([plain(name, length) for name in names] for length in (NAME_LENGTH, SHORT_LENGTH))
            shown = change_figure(change, full, short)
        return {
            map_plot: plot_value(map_figure(progress.log, progress.settings.epochs, progress.chance)),
            loss_plot: plot_value(loss_figure(progress.log, progress.settings.epochs)),
            numbers: render_numbers(progress),
            change_plot: plot_value(shown),
            edges: render_edges(progress.strongest(EDGES_SHOWN)),
        }

    def train_model(
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
        from app.visitors.derive import with_words

        folder = files.new_folder()
        visitor.keep(folder)
        try:
            settings = Settings(mode, gamma, threshold, use_gcn, adaptive, epochs, seed)
            source, shared = (
                with_words(frame.service(visitor), frame.models),
                frame.models.reading(frame.shared(visitor)),
            )
            job = JOBS.start(request.session_hash, training_work(source, settings, folder), Waiting)
        except InputError as error:
            yield {status: render_status(str(error), running=False)}
            return
        yield {
            status: render_status("Preparing…", 0.0),
            start: gr.update(interactive=False),
            stop: gr.update(interactive=True),
            result: "",
            link: "",
            actions: gr.update(visible=False),
            graph: gr.update(visible=settings.learns_graph),
        }
        progress: Progress | None = None
        for news in job.watch(WATCH_SECONDS):
            changed: dict[Any, Any] = {}
            if progress is not None:
                changed[status] = render_progress(progress, stopping=job.stopping())
            for entry in news:
                if isinstance(entry, Waiting):
                    changed[status] = render_status(str(entry))
                elif isinstance(entry, Phase):
                    changed[status] = render_status(entry.value, 1.0)
                elif isinstance(entry, Progress):
                    progress = entry
                    changed |= {live: gr.update(visible=True), **draw(progress)}
                else:
                    progress.note(entry)
                    changed |= {status: render_progress(progress, stopping=job.stopping()), **draw(progress)}
            if changed:
                yield changed
        over = {start: gr.update(interactive=True), stop: gr.update(interactive=False)}
        try:
            trained, made = job.result()
        except InputError as error:
            shutil.rmtree(folder, ignore_errors=True)
            offered = gr.update(visible=bundle is not None)
            yield {**over, status: render_status(str(error), running=False), actions: offered}
            return
        visitor.trained, problem = (made, shared), ""
        try:
            choose(visitor, OWN_MODEL, frame.models, frame.shelf)
        except InputError as error:  # the visitor has since opened pictures that another encoder read
            problem = render_status(str(error), running=False)
        if bundle is not None:
            shutil.rmtree(bundle.path.parent, ignore_errors=True)
        yield {
            **over,
            status: problem,
            result: render_result(trained),
            model: made,
            frame.visitor: visitor,  # a state whose value was put out once is cleaned up when the page is closed
            own: render_own(_description(frame, visitor)),
            actions: gr.update(visible=True),
            swap: _swap(frame.service(visitor).bundle is made),
        }

    def swap_model(visitor: Visitor, bundle: Bundle | None) -> tuple[Any, ...]:
        """Between the model that was trained and the one that was chosen among the program's; the gallery stays."""
        if bundle is None:
            return gr.skip(), gr.skip(), gr.skip()
        is_open = frame.service(visitor).bundle is bundle
        try:
            choose(visitor, frame.shared(visitor).name if is_open else OWN_MODEL, frame.models, frame.shelf)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return visitor, render_own(_description(frame, visitor)), _swap(not is_open)

    def download(bundle: Bundle | None) -> str:
        from app.training.live import write_zip

        if bundle is None:
            return ""
        path = bundle.path.with_suffix(".zip")
        if not path.is_file():
            write_zip(bundle, path)
        return render_link(frame.shelf.offer(path), path.name, path.stat().st_size)

    private = {"api_visibility": "private"}
    trained = start.click(
        train_model,
        [frame.visitor, model, *form],
        [status, start, stop, result, link, actions, live, graph, map_plot, loss_plot, numbers, change_plot, edges,
         model, frame.visitor, own, swap],
        show_progress="hidden",
        concurrency_limit=None,
        **private,
    )  # fmt: skip
    stop.click(_stop, None, None, queue=False, show_progress="hidden", **private)
    frame.blocks.unload(_stop)
    swapped = swap.click(swap_model, [frame.visitor, model], [frame.visitor, own, swap], **private)
    frame.openings.extend([trained, swapped])
    save.click(download, model, link, **private)
    use_gcn.change(
        lambda on: [gr.update(interactive=on)] * 3,
        use_gcn,
        [adaptive, gamma, threshold],
        show_progress="hidden",
        **private,
    )


def _form() -> list[gr.components.Component]:
    """The settings, in the order of `Settings`, but for the switches of the graph, which come before its numbers."""
    low_seed, high_seed = SEED_RANGE
    return [
        gr.Dropdown(list(MODES), value=DEFAULTS.mode, label="Mode", elem_id="train-mode"),
        gr.Checkbox(DEFAULTS.use_gcn, label="Classifiers from the label graph (GCN)", elem_id="train-gcn"),
        gr.Checkbox(DEFAULTS.adaptive, label="The graph learns (adaptive)", elem_id="train-adaptive"),
        _slider(GAMMA_RANGE, DEFAULTS.gamma, 0.05, "γ, the weight of what the graph learns", "train-gamma"),
        _slider(THRESHOLD_RANGE, DEFAULTS.threshold, 0.05, "t, linked from this probability", "train-threshold"),
        _slider(EPOCHS_RANGE, DEFAULTS.epochs, 1, "Epochs", "train-epochs"),
        gr.Number(DEFAULTS.seed, minimum=low_seed, maximum=high_seed, precision=0, label="Seed", elem_id="train-seed"),
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


def _description(frame: Frame, visitor: Visitor) -> str:
    from app.visitors.derive import description

    return description(frame.service(visitor), frame.shared(visitor))


def _stop(request: gr.Request) -> None:
    """The visitor pressed Stop, or closed the page."""
    JOBS.stop(request.session_hash)

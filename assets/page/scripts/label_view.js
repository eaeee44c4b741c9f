// The Labels tab in the browser: its controls, what is chosen, and what is asked of Python. The graph is sent once;
// stages, thresholds, epochs and search need no server.
import { h } from "./elements.js";
import { clickedOn, labelNamed } from "./label_choice.js";
import { scaleOf } from "./label_colours.js";
import { STAGES, firstStage, largest, readGraph } from "./label_data.js";
import { edgeNumbers, edgePanel } from "./label_edge.js";
import { graphFigure, graphHeight } from "./label_graph.js";
import { matrixFigure, matrixHeight, showMatrixNames } from "./label_matrix.js";
import { ownNamed } from "./label_own.js";
import { findings, labelNumbers, labelPanel } from "./label_panel.js";
import { reading } from "./label_reading.js";
import { lookOf } from "./page_look.js";
import { Plot } from "./plots.js";
import { digits } from "./words.js";

const PLAY_MILLISECONDS = 320;

export function mount(place) {
  new LabelView(place).start();
}

// What the visitor chose, before there is anything to choose from.
function firstChoice() {
  return {
    stage: "adaptive", shape: "graph", order: "similar", signs: "up", panel: "label",
    epoch: 0, thresholds: {}, search: "", group: null, label: null, own: null, pair: [null, null],
    edits: [], effect: null, error: null, busy: false, draft: null, unfolded: {}, explained: false,
    get threshold() {
      return this.thresholds[this.stage];
    },
  };
}

class LabelView {
  constructor(place) {
    this.element = place.element;
    this.trigger = place.trigger;
    this.graph = null;
    this.received = null; // the last value that Python sent
    this.asked = 0;
    this.playing = null;
    this.soon = null; // changes for the next frame
    this.details = new Map();
    this.view = firstChoice();
    this.act = {
      ask: (action, what) => this.ask(action, what),
      label: (label) => this.chooseLabel(label),
      own: (own) => this.chooseOwn(own),
      pair: (source, target) => this.choosePair(source, target),
      end: (which, label) => this.choosePair(...this.view.pair.map((old, at) => (at === which ? label : old))),
      edit: (source, target, weight) => this.edit(source, target, weight),
      unfold: (what) => this.unfold(what),
      explain: (open) => (this.view.explained = open),
    };
    this.plot = new Plot(place, {
      compose: (value) => this.compose(value),
      respond: (event) => this.respond(event),
    });
  }

  start() {
    this.listen();
    this.plot.start();
  }

  at(selector) {
    return this.element.querySelector(selector);
  }

  // Python sends the whole graph when the tab is opened, and afterwards only what it was asked for.
  receive(value) {
    if (!value || value === this.received) return;
    this.received = value;
    if (value.kind === "graph") this.open(value);
    else if (value.kind === "none") this.close(value.sentence);
    else if (!this.graph) this.ask("open");
    else if (value.kind === "label") {
      this.details.set(value.label, value);
      this.showDetails(value.label);
    } else this.takeAnswer(value);
  }

  // The answer to an edit: all edits now and what they change, or a sentence about what was wrong.
  takeAnswer(value) {
    const { graph, view } = this;
    view.busy = false;
    if (value.kind === "error") view.error = value.sentence;
    if (value.kind === "edits") {
      const { edits, effect } = value;
      this.details = new Map();
      graph.cache.clear();
      const epoch = edits.length ? graph.model_epoch : view.epoch;
      Object.assign(view, { edits, effect, error: null, draft: null, epoch });
      if (view.label !== null) this.ask("label", { label: view.label });
    }
    this.showControls();
    this.showPanel();
  }

  open(sent) {
    const graph = readGraph({ ...sent, serial: ++this.asked });
    this.graph = graph;
    this.details = new Map();
    Object.assign(this.view, {
      stage: firstStage(graph),
      epoch: graph.model_epoch, thresholds: { ...graph.thresholds },
      search: "", group: null, label: null, own: null, pair: [null, null],
      edits: [], effect: null, error: null, busy: false, unfolded: {},
    });
    this.at(".lg-wait").hidden = true;
    this.at(".lg-body").hidden = false;
    this.at(".lg-find input").value = "";
    const names = [...graph.own.map(({ name }) => name), ...graph.names];
    this.at("datalist").replaceChildren(...names.map((name) => h("option", { value: name })));
    this.at(".lg-stages").replaceChildren(...graph.stages.map((stage) => this.stageButton(stage)));
    const groups = Object.entries(graph.colours).map(([group, colour]) => this.groupButton(group, colour));
    const yours = h("span", { class: "lg-quiet" }, h("i", { class: "lg-dot lg-yours" }), "yours");
    this.at(".lg-legend [role=group]").replaceChildren(...groups, ...(graph.own.length ? [yours] : []));
    this.showControls();
    this.showPanel();
  }

  // There is nothing to show: a sentence says why, and what was shown before goes.
  close(sentence) {
    this.graph = null;
    this.stop();
    this.at(".lg-wait").textContent = sentence;
    this.at(".lg-wait").hidden = false;
    this.at(".lg-body").hidden = true;
  }

  stageButton(stage) {
    const { name, symbol } = STAGES[stage];
    const attributes = { type: "button", "data-stage": stage, onclick: () => this.change({ stage }) };
    return h("button", attributes, name, symbol ? [" ", h("i", {}, symbol)] : []);
  }

  groupButton(group, background) {
    const onclick = () => this.change({ group: this.view.group === group ? null : group });
    return h("button", { type: "button", "data-group": group, "aria-pressed": "false", onclick },
      h("i", { class: "lg-dot", style: { background } }), group || "no group");
  }

  ask(action, what = {}) {
    const edits = action === "edit" || action === "undo" || action === "reset";
    if (edits) Object.assign(this.view, { busy: true, error: null });
    this.trigger("select", { action, ...what, serial: ++this.asked });
    if (this.view.busy) this.showPanel();
  }

  // Something of the picture changed: no server is asked.
  change(what) {
    const turned = "stage" in what && (what.stage === "directed") !== (this.view.stage === "directed");
    Object.assign(this.view, what);
    this.showControls();
    if (turned) this.showPanel(); // another graph: its labels do not send, they say
    else if ("epoch" in what || "stage" in what) this.showNumbers();
    this.plot.draw();
  }

  // One drawing for each frame, however fast a slider is dragged.
  changeSoon(what) {
    if (this.soon === null) {
      requestAnimationFrame(() => {
        const latest = this.soon;
        this.soon = null;
        this.change(latest);
      });
    }
    this.soon = { ...this.soon, ...what };
  }

  chooseLabel(label) {
    Object.assign(this.view, { label, own: null, panel: "label", unfolded: {} });
    if (label !== null && !this.details.has(label)) this.ask("label", { label });
    this.showAll();
  }

  // A label of the visitor's own: all of it came with the graph.
  chooseOwn(own) {
    Object.assign(this.view, { label: null, own, panel: "label", unfolded: {} });
    this.showAll();
  }

  choosePair(source, target) {
    Object.assign(this.view, { pair: [source, target], panel: "edge", error: null, draft: null });
    this.showAll();
  }

  edit(source, target, weight) {
    if (this.view.busy) return;
    this.view.draft = weight;
    this.ask("edit", { source, target, weight });
  }

  unfold(what) {
    this.view.unfolded = { ...this.view.unfolded, [what]: !this.view.unfolded[what] };
    this.showPanel();
  }

  // A click in the picture: on an edge, or on a label, which in the panel of edges is an end of one.
  respond({ action, ids }) {
    if (action !== "click" || !this.graph) return;
    const { label, own, source, target } = clickedOn(this.graph, ids[0]);
    if (own !== undefined) return this.chooseOwn(this.view.own === own ? null : own);
    if (source !== undefined) return this.choosePair(source, target);
    const { view } = this;
    if (view.panel === "label") return this.chooseLabel(view.label === label ? null : label);
    const [from, to] = view.pair;
    if (from === null || to !== null || from === label) this.choosePair(label, null);
    else this.choosePair(from, label);
  }

  showAll() {
    this.showControls();
    this.showPanel();
    this.plot.draw();
  }

  showControls() {
    const { element, graph, view } = this;
    this.at(".label-view").dataset.shape = view.shape;
    pressed(element.querySelectorAll("[data-stage]"), "stage", view.stage);
    pressed(element.querySelectorAll(".lg-switch [data-shape]"), "shape", view.shape);
    pressed(element.querySelectorAll("[data-panel]"), "panel", view.panel);
    pressed(element.querySelectorAll("[data-group]"), "group", view.group);
    this.at(".lg-says").textContent = STAGES[view.stage].says(graph);
    this.at(".lg-signs").hidden = view.stage !== "directed";
    this.showThreshold();
    this.showEpoch();
    this.at(".lg-play").textContent = this.playing ? "❚❚" : "▶";
    this.at(".lg-play").setAttribute("aria-label", this.playing ? "Pause" : "Play the epochs");
    this.at(".lg-reading").textContent = reading(graph, view);
  }

  showThreshold() {
    const { graph, view } = this;
    const most = largest(graph, view.stage);
    const slider = this.at(".lg-threshold input");
    const step = most > 0.3 ? 0.01 : most / 100;
    Object.assign(slider, { min: step, max: Math.ceil(most / step) * step, step });
    slider.value = view.threshold;
    const words = digits(view.threshold, view.threshold < 0.01 ? 4 : 2);
    slider.setAttribute("aria-valuetext", words);
    this.at(".lg-threshold output").textContent = words;
  }

  showEpoch() {
    const { graph, view } = this;
    const [epoch, last] = [graph.epochs[view.epoch], graph.epochs.at(-1)];
    this.at(".lg-epochs").hidden = graph.epochs.length < 2 || !graph.has_gcn;
    this.at(".lg-epochs").classList.toggle("lg-idle", !STAGES[view.stage].learned);
    const slider = this.at(".lg-epochs input");
    Object.assign(slider, { max: graph.epochs.length - 1, value: view.epoch });
    const words = `${epoch} of ${last}${view.epoch === graph.model_epoch ? ", the model" : ""}`;
    slider.setAttribute("aria-valuetext", words);
    this.at(".lg-epochs output").textContent = words;
  }

  // Whoever works with the keyboard stays where they were, or comes to the heading.
  showPanel() {
    const { graph, view, act } = this;
    const place = this.at(".lg-chosen");
    const subject = JSON.stringify([view.panel, view.label, view.own, view.pair]);
    if (place.dataset.subject !== subject) this.at(".lg-panel").scrollTop = 0;
    place.dataset.subject = subject;
    const held = place.contains(document.activeElement) ? document.activeElement : null;
    place.replaceChildren(
      view.panel === "label"
        ? labelPanel(graph, view, this.details.get(view.label), act)
        : edgePanel(graph, view, act),
    );
    if (!held) return;
    const same = held.dataset.key && place.querySelector(`[data-key="${held.dataset.key}"]`);
    const next = same || place.querySelector("h3");
    if (!same) next.tabIndex = -1;
    next.focus({ preventScroll: true });
  }

  showDetails(label) {
    const { graph, view, act } = this;
    if (view.panel !== "label" || view.label !== label) return;
    this.showNumbers();
    this.at(".lg-findings").replaceChildren(...findings(graph, view, this.details.get(label), act));
  }

  showNumbers() {
    const { graph, view, act } = this;
    const numbers = this.at(".lg-chosen .lg-numbers");
    if (!numbers) return;
    numbers.replaceChildren(
      ...(view.panel === "edge"
        ? edgeNumbers(graph, view, act)
        : labelNumbers(graph, view, this.details.get(view.label), act)),
    );
  }

  // The figure of what is chosen, for the plot.
  compose(value) {
    this.receive(value);
    const { graph, view } = this;
    if (!graph) return null;
    const plot = this.plot.canvas;
    const look = lookOf(this.element);
    const isGraph = view.shape === "graph";
    const height = isGraph ? graphHeight(plot.clientWidth) : matrixHeight(graph, plot.clientWidth);
    plot.style.height = `${height}px`;
    const figure = (isGraph ? graphFigure : matrixFigure)(graph, view, plot, look);
    plot.dataset.figure = view.shape;
    if (!isGraph) showMatrixNames(graph, view, plot, this.at(".lg-names"), this.act);
    this.showScale(look);
    return figure;
  }

  // The colours of the weights, from where to where.
  showScale(look) {
    const { graph, view } = this;
    const stage = STAGES[view.stage];
    const most = largest(graph, view.stage);
    const stops = scaleOf(graph, stage, look).map(([stop, colour]) => `${colour} ${100 * stop}%`);
    const places = most < 0.1 ? 4 : 2;
    const least = stage.signed ? digits(-most, places) : digits(0, 0);
    const background = `linear-gradient(to right, ${stops.join(", ")})`;
    const scale = this.at(".lg-scale");
    scale.replaceChildren(least, h("i", { style: { background } }), digits(most, places));
    scale.title = `Colour: ${stage.name}${stage.symbol ? ` ${stage.symbol}` : ""}`;
  }

  step(forward) {
    const { graph, view } = this;
    if (view.epoch + 1 >= graph.epochs.length) return this.stop();
    this.change({ epoch: view.epoch + forward });
  }

  stop() {
    clearInterval(this.playing);
    this.playing = null;
    if (this.graph) this.showControls();
  }

  play() {
    if (this.playing) return this.stop();
    const { graph, view } = this;
    const stage = STAGES[view.stage].learned ? view.stage : "adaptive";
    this.change({ stage, epoch: view.epoch + 1 >= graph.epochs.length ? 0 : view.epoch });
    this.playing = setInterval(() => this.step(1), PLAY_MILLISECONDS);
    this.showControls();
  }

  find(input) {
    const [own, found] = [ownNamed(this.graph, input.value), labelNamed(this.graph, input.value)];
    if (own === null && found === null) return;
    input.value = this.view.search = "";
    if (own === null) this.chooseLabel(found);
    else this.chooseOwn(own);
  }

  openPanel(panel) {
    const { view } = this;
    if (panel === "edge" && view.label !== null && view.pair[0] === null) view.pair = [view.label, null];
    this.change({ panel });
    this.showPanel();
  }

  listen() {
    const { element, view } = this;
    const on = (selector, type, handler) => this.at(selector).addEventListener(type, handler);
    on(".lg-threshold input", "input", ({ target }) => {
      view.thresholds[view.stage] = Number(target.value);
      this.changeSoon({});
    });
    on(".lg-epochs input", "input", ({ target }) => this.changeSoon({ epoch: Number(target.value) }));
    on(".lg-play", "click", () => this.play());
    on(".lg-order select", "change", ({ target }) => this.change({ order: target.value }));
    on(".lg-signs select", "change", ({ target }) => this.change({ signs: target.value }));
    on(".lg-find input", "input", ({ target, inputType }) => {
      // A name picked from the list comes all at once.
      if (inputType === "insertReplacementText" || inputType === undefined) this.find(target);
      else this.changeSoon({ search: target.value });
    });
    on(".lg-find input", "keydown", ({ target, key }) => {
      if (key === "Enter") this.find(target);
    });
    for (const button of element.querySelectorAll(".lg-switch [data-shape]")) {
      button.addEventListener("click", () => this.change({ shape: button.dataset.shape }));
    }
    for (const button of element.querySelectorAll("[data-panel]")) {
      button.addEventListener("click", () => this.openPanel(button.dataset.panel));
    }
    element.addEventListener("keydown", ({ key, target }) => {
      const chosen = view.label !== null || view.own !== null;
      if (key === "Escape" && chosen && target !== this.at(".lg-find input")) this.chooseLabel(null);
    });
  }
}

function pressed(buttons, name, value) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset[name] === value));
}

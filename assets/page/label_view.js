// The Labels tab in the browser: its controls, what is chosen, and what is asked of Python. The graph is sent once;
// stages, thresholds, epochs and search need no server.
const PLAY_MILLISECONDS = 320;
const at = (selector) => element.querySelector(selector);
let graph = null;
let received = null;
let asked = 0;
let playing = null;
let details = new Map();
const view = {
  stage: "adaptive", shape: "graph", order: "similar", panel: "label",
  epoch: 0, thresholds: {}, search: "", group: null, label: null, pair: [null, null],
  edits: [], effect: null, error: null, busy: false, draft: null, unfolded: {},
  get threshold() {
    return this.thresholds[this.stage];
  },
};

// Python sends the whole graph when the tab is opened, and afterwards only what it was asked for.
function receive(value) {
  if (!value || value === received) return;
  received = value;
  if (value.kind === "graph") return open(value);
  if (value.kind === "none") return (at(".lg-wait").textContent = value.sentence);
  if (!graph) return ask("open");
  if (value.kind === "label") {
    details.set(value.label, value);
    return showDetails(value.label);
  }
  view.busy = false;
  if (value.kind === "error") view.error = value.sentence;
  if (value.kind === "edits") {
    details = new Map();
    graph.cache.clear();
    Object.assign(view, { edits: value.edits, effect: value.effect, error: null, draft: null, epoch: value.edits.length ? graph.model_epoch : view.epoch });
    if (view.label !== null) ask("label", { label: view.label });
  }
  showControls();
  showPanel();
}

function open(sent) {
  graph = readGraph({ ...sent, serial: ++asked });
  details = new Map();
  Object.assign(view, {
    epoch: graph.model_epoch, thresholds: { ...graph.thresholds }, label: null, pair: [null, null], group: null, search: "",
    edits: [], effect: null, error: null, busy: false, unfolded: {}, stage: graph.learns ? "adaptive" : graph.has_gcn ? "prior" : "cooccurrence",
  });
  at(".lg-wait").hidden = true;
  at(".lg-body").hidden = false;
  at(".lg-find input").value = "";
  at("datalist").replaceChildren(...graph.names.map((name) => h("option", { value: name })));
  at(".lg-stages").replaceChildren(...Object.entries(STAGES).map(([stage, { name, symbol, learned }]) =>
    h("button", { type: "button", "data-stage": stage, disabled: (learned && !graph.has_gcn) || (stage === "cooccurrence" && !graph.pictures), onclick: () => change({ stage }) }, name, symbol ? [" ", h("i", {}, symbol)] : [])));
  at(".lg-legend [role=group]").replaceChildren(...Object.entries(graph.colours).map(([group, colour]) =>
    h("button", { type: "button", "data-group": group, "aria-pressed": "false", onclick: () => change({ group: view.group === group ? null : group }) },
      h("i", { class: "lg-dot", style: { background: colour } }), group || "no group")));
  showControls();
  showPanel();
}

function ask(action, what = {}) {
  if (action === "edit" || action === "undo" || action === "reset") Object.assign(view, { busy: true, error: null });
  trigger("select", { action, ...what, serial: ++asked });
  if (view.busy) showPanel();
}

// Something of the picture changed: no server is asked.
function change(what) {
  Object.assign(view, what);
  showControls();
  if ("epoch" in what || "stage" in what) showNumbers();
  draw();
}

const act = {
  ask,
  label(label) {
    view.unfolded = {};
    Object.assign(view, { label, panel: "label" });
    if (label !== null && !details.has(label)) ask("label", { label });
    showControls();
    showPanel();
    draw();
  },
  pair(source, target) {
    Object.assign(view, { pair: [source, target], panel: "edge", error: null, draft: null });
    showControls();
    showPanel();
    draw();
  },
  end(which, label) {
    const pair = [...view.pair];
    pair[which] = label;
    act.pair(...pair);
  },
  edit(source, target, weight) {
    if (view.busy) return;
    view.draft = weight;
    ask("edit", { source, target, weight });
  },
  unfold(what) {
    view.unfolded = { ...view.unfolded, [what]: !view.unfolded[what] };
    showPanel();
  },
};

// A click in the picture: labels are numbered from 0, and after them the edges.
function respond({ action, ids }) {
  if (action !== "click" || !graph) return;
  const id = ids[0];
  const [source, target] = [Math.floor(id / graph.size) - 1, id % graph.size];
  if (id >= graph.size && source !== target) return act.pair(source, target);
  if (view.panel === "label") return act.label(view.label === target ? null : target);
  const [from, to] = view.pair;
  if (from === null || to !== null || from === target) act.pair(target, null);
  else act.pair(from, target);
}

function pressed(buttons, name, value) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset[name] === value));
}

function showControls() {
  const { stage, shape, panel } = view;
  at(".label-view").dataset.shape = shape;
  pressed(element.querySelectorAll("[data-stage]"), "stage", stage);
  pressed(element.querySelectorAll(".lg-switch [data-shape]"), "shape", shape);
  pressed(element.querySelectorAll("[data-panel]"), "panel", panel);
  pressed(element.querySelectorAll("[data-group]"), "group", view.group);
  at(".lg-says").textContent = STAGES[stage].says(graph);
  const most = largest(graph, stage);
  const slider = at(".lg-threshold input");
  const step = most > 0.3 ? 0.01 : most / 100;
  Object.assign(slider, { min: step, max: Math.ceil(most / step) * step, step });
  slider.value = view.threshold;
  at(".lg-threshold output").textContent = digits(view.threshold, view.threshold < 0.01 ? 4 : 2);
  const epochs = at(".lg-epochs");
  epochs.hidden = graph.epochs.length < 2;
  epochs.classList.toggle("lg-idle", !STAGES[stage].learned);
  at(".lg-epochs input").max = graph.epochs.length - 1;
  at(".lg-epochs input").value = view.epoch;
  at(".lg-epochs output").textContent = `${graph.epochs[view.epoch]} of ${graph.epochs.at(-1)}${view.epoch === graph.model_epoch ? ", the model" : ""}`;
  at(".lg-play").textContent = playing ? "❚❚" : "▶";
  at(".lg-play").setAttribute("aria-label", playing ? "Pause" : "Play the epochs");
  at(".lg-reading").textContent = reading(graph, view);
}

// Whoever works with the keyboard stays where they were, or comes to the heading.
function showPanel() {
  const place = at(".lg-chosen");
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  const shown = view.panel === "label" ? labelPanel(graph, view, details.get(view.label), act) : edgePanel(graph, view, act);
  place.replaceChildren(shown);
  if (!held) return;
  const same = held.dataset.key && place.querySelector(`[data-key="${held.dataset.key}"]`);
  const next = same || place.querySelector("h3");
  if (!same) next.tabIndex = -1;
  next.focus({ preventScroll: true });
}

function showDetails(label) {
  if (view.panel !== "label" || view.label !== label) return;
  showNumbers();
  at(".lg-findings").replaceChildren(...findings(graph, view, details.get(label), act));
}

function showNumbers() {
  const numbers = at(".lg-chosen .lg-numbers");
  if (!numbers) return;
  numbers.replaceChildren(...(view.panel === "edge" ? edgeNumbers(graph, view) : labelNumbers(graph, view, details.get(view.label), act)));
}

// The figure of what is chosen, for plots.js.
function compose(value) {
  receive(value);
  if (!graph) return null;
  const plot = at(".plot");
  const height = view.shape === "graph" ? graphHeight(plot.clientWidth) : matrixHeight(graph, plot.clientWidth);
  plot.style.height = `${height}px`;
  const figure = (view.shape === "graph" ? graphFigure : matrixFigure)(graph, view, plot);
  plot.dataset.figure = view.shape;
  if (view.shape === "matrix") showMatrixNames(graph, view, plot, at(".lg-names"), act);
  showScale();
  return figure;
}

// The colours of the weights, from where to where.
function showScale() {
  const { signed, symbol, name } = STAGES[view.stage];
  const most = largest(graph, view.stage);
  const scale = graph.scales[isDark() ? "dark" : "light"][signed ? "diverging" : "sequential"];
  const stops = scale.map(([stop, colour]) => `${colour} ${100 * stop}%`).join(", ");
  const places = most < 0.1 ? 4 : 2;
  at(".lg-scale").replaceChildren(
    digits(signed ? -most : 0, signed ? places : 0), h("i", { style: { background: `linear-gradient(to right, ${stops})` } }), digits(most, places),
  );
  at(".lg-scale").title = `Colour: ${name}${symbol ? ` ${symbol}` : ""}`;
}

function graphHeight(width) {
  if (width < NARROW) return Math.round(width * 1.3);
  return Math.round(Math.min(860, Math.max(480, width * 0.64)));
}

function step(forward) {
  if (view.epoch + 1 >= graph.epochs.length) return stop();
  change({ epoch: view.epoch + forward });
}

function stop() {
  clearInterval(playing);
  playing = null;
  showControls();
}

function play() {
  if (playing) return stop();
  const stage = STAGES[view.stage].learned ? view.stage : "adaptive";
  change({ stage, epoch: view.epoch + 1 >= graph.epochs.length ? 0 : view.epoch });
  playing = setInterval(() => step(1), PLAY_MILLISECONDS);
  showControls();
}

// One drawing for each frame, however fast a slider is dragged.
let next = null;
function soon(what) {
  if (next === null) requestAnimationFrame(() => {
    const latest = next;
    next = null;
    change(latest);
  });
  next = { ...next, ...what };
}

at(".lg-threshold input").addEventListener("input", (event) => {
  view.thresholds[view.stage] = Number(event.target.value);
  soon({});
});
at(".lg-epochs input").addEventListener("input", (event) => soon({ epoch: Number(event.target.value) }));
at(".lg-play").addEventListener("click", play);
at(".lg-order select").addEventListener("change", (event) => change({ order: event.target.value }));
at(".lg-find input").addEventListener("input", (event) => {
  // A name picked from the list comes all at once.
  if (event.inputType === "insertReplacementText" || event.inputType === undefined) return find(event.target);
  soon({ search: event.target.value });
});
at(".lg-find input").addEventListener("keydown", (event) => {
  if (event.key === "Enter") find(event.target);
});

// The label that a search means: the one of that name, or the first that has it in its name.
function find(input) {
  const words = input.value.trim().toLowerCase();
  const exact = graph.names.findIndex((name) => name.toLowerCase() === words);
  const found = exact >= 0 ? exact : graph.names.findIndex((name) => name.toLowerCase().includes(words));
  if (!words || found < 0) return;
  input.value = view.search = "";
  act.label(found);
}

for (const button of element.querySelectorAll(".lg-switch [data-shape]")) button.addEventListener("click", () => change({ shape: button.dataset.shape }));
for (const button of element.querySelectorAll("[data-panel]")) {
  button.addEventListener("click", () => {
    if (button.dataset.panel === "edge" && view.label !== null && view.pair[0] === null) view.pair = [view.label, null];
    change({ panel: button.dataset.panel });
    showPanel();
  });
}
element.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && view.label !== null && event.target !== at(".lg-find input")) act.label(null);
});

// One edge up close: its weight in every stage and through the epochs, and another weight for it.
import { SAID, SENT, editedMark, editedNote, isEdited, keyOf, termOf } from "./label_columns.js";
import { h } from "./elements.js";
import { isEdge } from "./label_choice.js";
import { weightsOf } from "./label_data.js";
import { effects } from "./label_effects.js";
import { sayingFacts } from "./label_sayings.js";
import { counted, digits, signed } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const SPARK = [280, 56]; // width and height
const HOW_TO_CHOOSE =
  "Click the label that an arrow comes from, then the one that it goes to; or a cell of the matrix; or choose both " +
  "here. Then give the edge another weight, and see what that changes.";
const NO_GRAPH = "This model was trained without a label graph: there is nothing to recompute.";
// What an edge is called, by the stage that can be edited.
const EDGE = {
  adaptive: { says: "sent", end: "to", told: "sends", submit: "Recompute the classifiers", written: digits },
  directed: { says: "said", end: "about", told: "says", submit: "See what changes", written: signed },
};
const EDITS_ARE_YOURS =
  "Edits are yours alone and stay in this tab: every search goes on with the model as it was trained.";

export function edgePanel(graph, view, act) {
  const pair = view.pair;
  const whole = isEdge(pair);
  const verb = view.stage === "directed" ? "says about" : "sends to";
  const words = whole ? `${graph.names[pair[0]]} ${verb} ${graph.names[pair[1]]}` : "Choose an edge";
  const turn = {
    type: "button",
    class: "lg-turn",
    "data-key": "turn",
    title: "The other direction",
    "aria-label": "Turn the edge around",
    onclick: () => act.pair(pair[1], pair[0]),
  };
  return h("div", { class: "lg-label" },
    h("header", {}, h("h3", {}, words)),
    whole ? null : h("p", { class: "lg-quiet" }, HOW_TO_CHOOSE),
    h("div", { class: "lg-ends" },
      labelSelect(graph, view, "From", act),
      labelSelect(graph, view, "To", act),
      whole ? h("button", turn, "⇄") : null),
    h("div", { class: "lg-numbers" }, edgeNumbers(graph, view, act)),
    whole ? change(graph, view, act) : null,
    view.error ? h("p", { class: "notice error", role: "alert" }, view.error) : null,
    editList(graph, view, act),
    effects(graph, view, act),
  );
}

// What follows the epochs; the form stays as the visitor left it.
export function edgeNumbers(graph, view, act) {
  if (!isEdge(view.pair)) return [];
  const [source, target] = view.pair;
  const i = source * graph.size + target;
  const all = counted(graph.counts[target * (graph.size + 1)], "picture");
  const together = `${graph.counts[i]} of ${all} with ${graph.names[target]} in this gallery`;
  const hasPaper = graph.stages.includes("prior");
  const columns = [...(graph.directed ? SAID : []), ...(hasPaper ? SENT.slice(1) : [])];
  const parts = [
    h("dl", { class: "lg-facts" },
      h("div", { class: "lg-wide" },
        h("dt", {}, "Shown together"),
        h("dd", {}, graph.pictures ? together : "no labels given"))),
    graph.directed && facts(SAID, sayingFacts(graph, view, i), isEdited(graph, view, "directed", i)),
    hasPaper && facts(SENT.slice(1), sentFacts(graph, view, i), isEdited(graph, view, "adaptive", i)),
    isEdited(graph, view, graph.edited, i) &&
      h("p", { class: "lg-quiet lg-note" },
        editedNote(graph.edited, weightsOf(graph, graph.edited, graph.model_epoch, [])[i])),
    columns.length > 0 && keyOf(columns, view, act),
    graph.has_gcn && sparkline(graph, view, view.pair),
  ];
  return parts.filter(Boolean);
}

function facts(columns, values, edited) {
  const value = ({ whole }, at) => h("dd", {}, values[at], edited && whole ? [" ", editedMark()] : null);
  const fact = (column, at) => h("div", {}, h("dt", {}, termOf(column)), value(column, at));
  return h("dl", { class: "lg-facts lg-four" }, columns.map(fact));
}

function sentFacts(graph, view, i) {
  const value = (stage) => weightsOf(graph, stage, view.epoch, view.edits)[i];
  return [
    digits(graph.prior[i]),
    signed(value("learned_change")),
    digits(value("adaptive")),
    digits(value("normalised")),
  ];
}

// The points of a line through `values`, in the picture of `SPARK`; `level` is drawn at the same scale.
export function sparkPoints(values, level) {
  const [width, height] = SPARK;
  const most = Math.max(...values, level, 0.05);
  const across = (epoch) => 4 + (epoch / (values.length - 1)) * (width - 8);
  const up = (value) => height - 6 - (value / most) * (height - 14);
  return { points: values.map((value, epoch) => [across(epoch), up(value)]), level: up(level) };
}

// The adaptive weight of an edge after every epoch, and the prior it started from.
function sparkline(graph, view, [source, target]) {
  const i = source * graph.size + target;
  const values = [...graph.epochs.keys()].map((epoch) => weightsOf(graph, "adaptive", epoch, [])[i]);
  if (values.length < 2) return null;
  const { points, level } = sparkPoints(values, graph.prior[i]);
  const prior = digits(graph.prior[i]);
  const shape = (tag, attributes) => {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const drawing = shape("svg", {
    viewBox: `0 0 ${SPARK.join(" ")}`,
    class: "lg-spark",
    role: "img",
    "aria-label": `Weight by epoch, from ${digits(values[0])} to ${digits(values.at(-1))}; ${prior} before training`,
  });
  const [x, y] = points[view.epoch];
  drawing.append(
    shape("line", { x1: 4, x2: SPARK[0] - 4, y1: level, y2: level, class: "lg-level" }),
    shape("polyline", { points: points.map((point) => point.join(",")).join(" ") }),
    shape("circle", { cx: x, cy: y, r: 4 }),
  );
  const caption = `What it weighed after each epoch of training; the dashed line is the weight before, ${prior}.`;
  return h("figure", {}, drawing, h("figcaption", { class: "lg-quiet" }, caption));
}

function labelSelect(graph, view, end, act) {
  const at = end === "From" ? 0 : 1;
  const onchange = ({ target }) => act.end(at, target.value === "" ? null : Number(target.value));
  const labels = [...graph.names.keys()].sort((one, other) => graph.names[one].localeCompare(graph.names[other]));
  const option = (label) => h("option", { value: label, selected: view.pair[at] === label }, graph.names[label]);
  const select = h("select", { "data-key": end, "aria-label": `${end} label`, onchange },
    h("option", { value: "" }, "choose…"),
    labels.map(option));
  return h("label", {}, h("span", {}, end), select);
}

function change(graph, view, act) {
  return graph.edited ? weightForm(graph, view, act) : h("p", { class: "lg-quiet" }, NO_GRAPH);
}

function weightForm(graph, view, act) {
  const [source, target] = view.pair.map((label) => graph.names[label]);
  const now = weightsOf(graph, graph.edited, graph.model_epoch, view.edits)[view.pair[0] * graph.size + view.pair[1]];
  const [low, high] = graph.weights;
  const edge = EDGE[graph.edited];
  const value = Math.min(high, Math.max(low, view.draft ?? now));
  const shown = h("output", {}, edge.written(value));
  const slider = h("input", {
    type: "range",
    min: low,
    max: high,
    step: 0.01,
    value,
    "data-key": "weight",
    "aria-label": `What ${source} ${edge.told} ${edge.end} ${target}`,
    oninput: () => (shown.textContent = edge.written(Number(slider.value))),
  });
  const submit = {
    type: "submit",
    class: "lg-primary",
    "data-key": "submit",
    "aria-disabled": view.busy ? "true" : null,
  };
  const onsubmit = (event) => {
    event.preventDefault();
    act.edit(...view.pair, Number(slider.value));
  };
  return h("form", { class: "lg-weight", onsubmit },
    h("label", {}, h("span", {}, `What if ${source} ${edge.says}`), shown, h("span", {}, `${edge.end} ${target}?`)),
    slider,
    h("button", submit, view.busy ? "Recomputing…" : edge.submit));
}

function editList(graph, view, act) {
  if (!view.edits.length) return null;
  const learned = weightsOf(graph, graph.edited, graph.model_epoch, []);
  const { told, end, written } = EDGE[graph.edited];
  const words = ([source, target, weight]) =>
    h("li", {},
      `${graph.names[source]} ${told} ${written(weight)} ${end} ${graph.names[target]}`,
      h("small", {}, ` learned ${written(learned[source * graph.size + target])}`));
  const button = (action, name) =>
    h("button", { type: "button", "data-key": action, onclick: () => view.busy || act.ask(action) }, name);
  return h("section", { class: "lg-edits" },
    h("h4", {}, `Your ${view.edits.length === 1 ? "edit" : "edits"}`),
    h("ol", {}, view.edits.map(words)),
    h("p", { class: "lg-starts" }, button("undo", "Undo the last"), button("reset", "Start over")),
    h("p", { class: "lg-quiet" }, EDITS_ARE_YOURS));
}

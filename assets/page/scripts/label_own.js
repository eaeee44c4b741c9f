// Labels that the visitor made beside the model's: dashed rings in the graph, with dashed edges from the labels that
// say something about them, and what is known of each. They are no part of any matrix.
import { h } from "./elements.js";
import { SAMPLES, arrowHead, curve } from "./label_curve.js";
import { OWN_RADIUS, radius, sizeOfNames } from "./label_names.js";
import { labelButton } from "./label_parts.js";
import { oddsOf } from "./label_sayings.js";
import { counted, digits, plainText, signed } from "./words.js";

const SIDES = 24; // dashes of a ring

const madeOf = ({ examples }) => (examples ? `by its name and ${counted(examples, "example")}` : "by its name alone");

// Clicks carry whole numbers: these come after the labels and their edges.
export const ownId = (graph, own) => graph.size * (graph.size + 1) + own;

export function ownNamed(graph, words) {
  const found = graph.own.findIndex(({ name }) => name.toLowerCase() === words.trim().toLowerCase());
  return found < 0 ? null : found;
}

// A ring of dashes around a point: Plotly's markers have solid rims.
function ring([x, y], r, path) {
  for (let dash = 0; dash < SIDES; dash += 2) {
    for (const step of [dash, dash + 1]) {
      const angle = (2 * Math.PI * step) / SIDES;
      path.x.push(x + r * Math.cos(angle));
      path.y.push(y + r * Math.sin(angle));
    }
    path.x.push(null);
    path.y.push(null);
  }
}

export function ownTraces({ graph, view, look, points, ownPoints, unit }) {
  if (!graph.own.length) return [];
  const size = sizeOfNames(graph);
  const empty = () => ({ x: [], y: [] });
  const traces = graph.own.flatMap((label, own) => {
    const chosen = view.own === own;
    const [line, heads, rim, text] = [empty(), empty(), empty(), []];
    for (const [source, weight] of label.edges.filter(([, found]) => found > 0)) {
      const rims = [radius(graph, source), OWN_RADIUS * graph.small + 4];
      const arrow = curve(points[source], ownPoints[own], rims, unit);
      for (const [x, y] of [...arrow.points, [null, null]]) {
        line.x.push(x);
        line.y.push(y);
      }
      for (const [x, y] of [...arrowHead(arrow, unit * graph.small * 8), [null, null]]) {
        heads.x.push(x);
        heads.y.push(y);
      }
      const words = `<b>${graph.plain[source]}</b> says about <b>${plainText(label.name)}</b>: ${signed(weight)}`;
      text.push(...new Array(SAMPLES).fill(words), null);
    }
    ring(ownPoints[own], OWN_RADIUS * graph.small * unit, rim);
    const width = chosen ? 2.5 : 1.5;
    const color = look.accent;
    return [
      { type: "scatter", mode: "lines", ...line, text, hovertemplate: "%{text}<extra></extra>",
        opacity: chosen ? 1 : 0.7, line: { width, color, dash: "3px,4px" } },
      { type: "scatter", mode: "lines", ...heads, fill: "toself", fillcolor: color, hoverinfo: "skip",
        line: { width: 0 }, opacity: chosen ? 1 : 0.7 },
      { type: "scatter", mode: "lines", ...rim, hoverinfo: "skip", line: { width: width + 0.5, color } },
    ];
  });
  return [...traces, {
    type: "scatter",
    mode: "markers+text",
    x: ownPoints.map(([x]) => x),
    y: ownPoints.map(([, y]) => y),
    customdata: graph.own.map((_, own) => ownId(graph, own)),
    text: graph.own.map(({ name }) => plainText(name)),
    textposition: "top center",
    textfont: { size, color: look.accent },
    hovertext: graph.own.map((label) => `<b>${plainText(label.name)}</b> · a label of your own<br>${madeOf(label)}`),
    hovertemplate: "%{hovertext}<extra></extra>",
    marker: { size: 2 * OWN_RADIUS * graph.small - 2, color: look.sheet, line: { width: 0 } },
  }];
}

export function ownButton(graph, own, act) {
  const onclick = () => act.own(own);
  return h("button", { type: "button", class: "lg-name", onclick }, h("i", { class: "lg-dot lg-yours" }),
    graph.own[own].name);
}

// Those that there are, where nothing is chosen.
export function ownList(graph, act) {
  if (!graph.own.length) return null;
  const rest = graph.own_count - graph.own.length;
  const words = `${counted(rest, "more label")} of yours cannot be drawn.`;
  const more = rest > 0 ? h("p", { class: "lg-quiet" }, words) : null;
  return h("section", {},
    h("h4", {}, "Labels of your own"),
    h("p", { class: "lg-starts" }, graph.own.map((_, own) => ownButton(graph, own, act))), more);
}

export function ownPanel(graph, own, act) {
  const label = graph.own[own];
  const close = { type: "button", class: "lg-close", "aria-label": "Choose no label", onclick: () => act.label(null) };
  return h("div", { class: "lg-label" },
    h("header", {},
      h("i", { class: "lg-dot lg-yours" }),
      h("h3", {}, label.name),
      h("span", { class: "lg-quiet" }, "new, seen by you alone"),
      h("button", close, "×")),
    h("div", {}, edges(graph, label, act)),
    h("div", { class: "lg-findings" }, pictures(graph, label), nearest(graph, label, act),
      h("p", { class: "lg-quiet" }, "Give it examples, forget it or download it in the Collections tab.")));
}

export function whereFrom({ name, examples, has_probabilities: acts, edges: found }) {
  if (!found.length) return `No label of the model has much to do with ${name}.`;
  const from = examples
    ? `Counted: what is seen more, or less, often in ${counted(examples, "example")} of ${name} than in your other ` +
      "pictures."
    : `Guessed: no picture is said to show ${name} yet, so these are the labels whose names are nearest to its own.`;
  const to = acts
    ? "The number is added to its log-odds where a label is surely there."
    : "They only place it here: this model has no probabilities of labels.";
  return `${from} ${to}`;
}

function edges(graph, label, act) {
  const hidden = h("span", { class: "lg-hidden" }, "Label");
  const row = ([source, weight]) =>
    h("tr", {},
      h("th", { scope: "row" }, labelButton(graph, source, act)),
      h("td", { class: "lg-strong" }, signed(weight)),
      h("td", {}, oddsOf(weight)));
  return h("section", {},
    h("h4", {}, `What others say about ${label.name}`),
    h("p", { class: "lg-quiet" }, whereFrom(label)),
    label.edges.length
      ? h("table", { class: "lg-neighbours" },
        h("thead", {}, h("tr", {}, h("th", {}, hidden), h("th", { scope: "col" }, "says"),
          h("th", { scope: "col" }, "odds"))),
        h("tbody", {}, label.edges.map(row)))
      : null);
}

function pictures(graph, { name, pictures: found, has_probabilities: isSure }) {
  const percent = (chance) => (isSure ? `${digits(100 * chance, chance < 0.0995 ? 1 : 0)} %` : "");
  const picture = ([item, chance, given]) =>
    h("li", {},
      h("img", { src: `${graph.pictures_prefix}/card/${item}`, loading: "lazy", decoding: "async",
        alt: `Picture ${item}, ${given ? `said to show ${name}` : percent(chance)}` }),
      h("small", {}, given ? "you said so" : percent(chance)));
  return h("section", {},
    h("h4", {}, "Pictures its classifier finds"),
    h("p", { class: "lg-quiet" }, isSure ? `How likely each shows ${name}, by the picture.` : "The likeliest first."),
    h("ol", { class: "lg-pictures" }, found.map(picture)));
}

function nearest(graph, label, act) {
  const buttons = label.nearest.map(([one, cosine]) => {
    const button = labelButton(graph, one, act);
    button.append(h("small", {}, digits(cosine)));
    return button;
  });
  return h("section", {}, h("h4", {}, "Nearest classifiers"), h("p", { class: "lg-starts" }, buttons));
}

// What one label says about another: the directed graph G in words and tables, and what edits of it change.
import { SAID, editedMark, editedNote, headings, isEdited } from "./label_columns.js";
import { h } from "./elements.js";
import { largest, weightsOf } from "./label_data.js";
import { labelButton } from "./label_parts.js";
import { counted, digits, signed } from "./words.js";

export const SAYINGS_SHOWN = 6;
const LAST_SHOWN = 2; // of these, from the other end
const LEAST = 0.05; // log-odds below which a label says next to nothing
const NO_SEARCH =
  "Search for something in the Search tab and come back: its labels and the pictures it finds, before and after, " +
  "will stand here.";
const NO_PROBABILITIES =
  "This model has no probabilities of labels for such a query, so neither its labels nor its ranking depend on the " +
  "graph.";
// Whether nothing was left for the graph to say beyond what the model sees: then all of it is 0.
export const isSilent = ({ directed }) =>
  [directed.counted, directed.change].every((part) => part.every((weight) => weight === 0));

// How many times as high the odds are: "× 2.7", "÷ 2.7".
export function oddsOf(weight) {
  const times = Math.exp(Math.abs(weight));
  return `${weight < 0 ? "÷" : "×"} ${times < 10 ? digits(times, 1) : Math.round(times).toLocaleString("en")}`;
}

// The two parts of a weight as they were learned; an edited weight has none of its own.
export const partsOf = (graph, i) => ({ counted: graph.directed.counted[i], change: graph.directed.change[i] });

// Names are markup here, so they must be the plain ones.
export function sayingWords(graph, view, { source, target, weight }) {
  const i = source * graph.size + target;
  const { counted: share, change } = partsOf(graph, i);
  const [from, to] = [graph.plain[source], graph.plain[target]];
  const parts = isEdited(graph, view, "directed", i)
    ? `edited by you; it was ${signed(share + change)}`
    : `counted ${signed(share)}, learned ${signed(change)}`;
  return `<b>${from}</b> says about <b>${to}</b>: ${signed(weight)} (odds ${oddsOf(weight)})<br>${parts}`;
}

// The labels that say something about the chosen one (`end` is "target"), or that it says something about ("source"),
// from what makes likeliest to what makes least likely; `i` is where the weight stands in a matrix.
export function saidOf(graph, view, end) {
  const { size } = graph;
  const weights = weightsOf(graph, "directed", view.epoch, view.edits);
  return graph.names
    .map((_, label) => ({ label, i: end === "target" ? label * size + view.label : view.label * size + label }))
    .filter(({ label, i }) => label !== view.label && Math.abs(weights[i]) >= LEAST)
    .sort((one, two) => weights[two.i] - weights[one.i]);
}

// Of many rows the two ends, most of them from the first.
const endsOf = (rows) => [...rows.slice(0, SAYINGS_SHOWN - LAST_SHOWN), ...rows.slice(-LAST_SHOWN)];

export function sayingTable(graph, view, end, act) {
  const rows = saidOf(graph, view, end);
  const name = graph.names[view.label];
  const title = end === "target" ? `What others say about ${name}` : `What ${name} says about others`;
  if (!rows.length) return h("section", {}, h("h4", {}, title), h("p", { class: "lg-quiet" }, "Next to nothing."));
  const all = Boolean(view.unfolded[end]);
  const shown = all || rows.length <= SAYINGS_SHOWN ? rows : endsOf(rows);
  const unfold = { type: "button", class: "lg-more", "aria-expanded": String(all), onclick: () => act.unfold(end) };
  return h("section", {},
    h("h4", {}, title),
    h("table", { class: "lg-neighbours lg-edges" },
      h("thead", {}, headings(SAID)),
      h("tbody", {}, shown.map((row) => sayingRow(graph, view, end, row, act)))),
    rows.some(({ i }) => isEdited(graph, view, "directed", i))
      ? h("p", { class: "lg-quiet lg-note" }, editedNote("directed"))
      : null,
    rows.length > SAYINGS_SHOWN ? h("button", unfold, all ? "Fewer" : `All ${rows.length}`) : null,
  );
}

function sayingRow(graph, view, end, { label, i }, act) {
  const weight = weightsOf(graph, "directed", view.epoch, view.edits)[i];
  const { counted: share, change } = partsOf(graph, i);
  const pair = end === "target" ? [label, view.label] : [view.label, label];
  const [from, to] = pair.map((one) => graph.names[one]);
  const words = `${from} says ${signed(weight)} about ${to}. Look at this edge.`;
  const onclick = () => act.pair(...pair);
  const look = { type: "button", class: "lg-edge", title: words, "aria-label": words, onclick };
  return h("tr", {},
    h("th", { scope: "row" }, labelButton(graph, label, act)),
    h("td", {}, signed(share)),
    h("td", {}, signed(change)),
    h("td", { class: "lg-strong" }, signed(weight),
      isEdited(graph, view, "directed", i) ? editedMark() : bar(graph, weight)),
    h("td", {}, oddsOf(weight)),
    h("td", {}, h("button", look, "›")));
}

function bar(graph, weight) {
  const width = `${Math.min(100, (100 * Math.abs(weight)) / largest(graph, "directed"))}%`;
  const kind = weight < 0 ? "lg-less" : "lg-learned";
  return h("span", { class: "lg-bar", "aria-hidden": "true" }, h("i", { class: kind, style: { width } }));
}

// The numbers of an edge, in the order of SAID.
export function sayingFacts(graph, view, i) {
  const { counted: share, change } = partsOf(graph, i);
  const weight = weightsOf(graph, "directed", view.epoch, view.edits)[i];
  return [signed(share), signed(change), signed(weight), oddsOf(weight)];
}

const percent = (share) => `${digits(100 * share, share < 0.0995 ? 1 : 0)} %`;

function chances(graph, rows, act) {
  const points = (change) => (Math.abs(change) < 5e-4 ? "=" : signed(100 * change, 1));
  const row = ([label, before, after]) =>
    h("tr", {},
      h("th", { scope: "row" }, labelButton(graph, label, act)),
      h("td", {}, percent(before)),
      h("td", { class: "lg-strong" }, percent(after)),
      h("td", {}, points(after - before)));
  const titles = ["before", "after", "points"].map((title) => h("th", { scope: "col" }, title));
  return h("table", { class: "lg-neighbours" },
    h("thead", {}, h("tr", {}, h("th", {}, h("span", { class: "lg-hidden" }, "Label")), titles)),
    h("tbody", {}, rows.map(row)));
}

// How likely other labels are in a picture of which one label is known, before the edits and with them.
export function whereKnown(graph, label, rows, act) {
  return h("section", {},
    h("h4", {}, `Where only ${graph.names[label]} is known`),
    chances(graph, rows, act));
}

export function sayingEffects(graph, view, act) {
  const { effect } = view;
  if (!view.edits.length || !effect) return null;
  const name = graph.names[effect.known];
  return h("section", { class: "lg-effects", role: "status" },
    whereKnown(graph, effect.known, effect.alone, act),
    h("h4", {}, effect.of_query ? `Your last search, were ${name} known to be in it` : "Your last search"),
    ofQuery(graph, effect, act));
}

function ofQuery(graph, effect, act) {
  if (!effect.of_query) return h("p", { class: "lg-quiet" }, effect.query === null ? NO_SEARCH : NO_PROBABILITIES);
  return [
    h("p", { class: "lg-quiet" }, `How likely labels of ${effect.query} are.`),
    chances(graph, effect.of_query, act),
    h("h4", {}, `How ${effect.query} ranks the gallery`),
    order(graph, effect.order),
  ];
}

// Where a picture went, and in short.
export function moveWords(before, after) {
  if (before === after) return `${after}, as before`;
  return `${before} → ${after}`;
}

function order(graph, { first, moved, moved_count: count, of, known }) {
  const places = (rows) => h("ol", { class: "lg-pictures lg-places" }, rows.map((row) => place(graph, row)));
  const speaking = known
    ? `The labels of ${counted(known, "picture")} speak through the graph`
    : "No picture of this gallery has labels of its own, so only the words of the search speak through the graph";
  if (!count) {
    const sentence = `${speaking}: of the first ${of.toLocaleString("en")}, none changed places.`;
    return [h("p", { class: "lg-quiet" }, sentence), places(first)];
  }
  const many = counted(of, "picture");
  const sentence = `${speaking}: of the ${many} among the first hundred before or after, ${count} changed places.`;
  return [
    h("p", { class: "lg-quiet" }, `${sentence} Ranks by the model's own weights, among all pictures.`),
    h("section", {}, h("h5", {}, "First now"), places(first)),
    h("section", {}, h("h5", {}, "Moved most"), places(moved)),
  ];
}

function place(graph, [item, before, after]) {
  const way = before === after ? null : before > after ? "lg-up" : "lg-down";
  const alt = `Picture ${item}, rank ${before} before and ${after} after`;
  return h("li", { class: way },
    h("img", { src: `${graph.pictures_prefix}/card/${item}`, alt, loading: "lazy", decoding: "async" }),
    h("small", {}, moveWords(before, after)));
}

// One label up close: neighbours, pictures and texts that its classifier finds, nearest classifiers.
import { askMistakes } from "./address.js";
import { SAID, SENT, editedMark, editedNote, headings, isEdited, keyOf } from "./label_columns.js";
import { h } from "./elements.js";
import { busiest, edgesOf, extremes, largest, weightsOf } from "./label_data.js";
import { ownList, ownPanel } from "./label_own.js";
import { dot, labelButton } from "./label_parts.js";
import { sayingTable, whereKnown } from "./label_sayings.js";
import { counted, digits, signed } from "./words.js";

export const NEIGHBOURS_SHOWN = 6;
const NO_GRAPH = "This model has no label graph; what is drawn is counted in this gallery.";
const NO_TEXTS = "None: this model reads pictures only. The texts it was trained with are bags of tags.";
const HOW_TO_BEGIN =
  "Click a dot, or type a name above and press Enter. You see which other labels it has to do with, which pictures " +
  "the model finds for it, and how well it does.";
const COSINE = "The number is the cosine with the classifier; 1 is the most.";

export function labelPanel(graph, view, details, act) {
  if (view.own !== null && view.own !== undefined) return ownPanel(graph, view.own, act);
  if (view.label === null) return emptyPanel(graph, view, act);
  const close = { type: "button", class: "lg-close", "aria-label": "Choose no label", onclick: () => act.label(null) };
  return h("div", { class: "lg-label" },
    h("header", {},
      dot(graph, view.label),
      h("h3", {}, graph.names[view.label]),
      h("span", { class: "lg-quiet" }, graph.groups[view.label]),
      h("button", close, "×")),
    h("div", { class: "lg-numbers" }, labelNumbers(graph, view, details, act)),
    h("div", { class: "lg-findings" }, findings(graph, view, details, act)),
  );
}

const hasPaper = (graph) => graph.stages.includes("prior");

// Whether a label's neighbours are those of the directed graph: at its stage, or where there is no other.
const showsSayings = (graph, view) => view.stage === "directed" || (graph.directed && !hasPaper(graph));

// What follows the epochs; pictures stay as they are.
export function labelNumbers(graph, view, details, act) {
  if (!graph.directed && !hasPaper(graph)) {
    return [facts(graph, view, details), h("p", { class: "lg-quiet" }, NO_GRAPH)];
  }
  const says = showsSayings(graph, view);
  const table = says ? sayingTable : neighbourTable;
  return [
    facts(graph, view, details),
    table(graph, view, "target", act),
    table(graph, view, "source", act),
    keyOf(says ? SAID : SENT, view, act),
  ];
}

// Before anything is chosen: how to begin.
function emptyPanel(graph, view, act) {
  return h("div", { class: "lg-empty" },
    h("h3", {}, "Choose a label"),
    h("p", {}, HOW_TO_BEGIN),
    h("p", { class: "lg-starts" }, firstLabels(graph, view).map((label) => labelButton(graph, label, act))),
    ownList(graph, act),
  );
}

// Four labels to start with: those that training changed most, then the busiest.
export function firstLabels(graph, view) {
  const { up, down } = graph.has_gcn ? extremes(graph, view) : {};
  const says = showsSayings(graph, view);
  const weights = weightsOf(graph, says ? "directed" : "adaptive", view.epoch, view.edits);
  const edges = edgesOf(graph, weights, says ? graph.thresholds.directed : 0.1);
  const busy = [busiest(graph, edges, "target"), busiest(graph, edges, "source")];
  const starts = [up?.target, down?.target, ...busy.map((found) => found?.label), ...graph.order];
  return [...new Set(starts.filter((label) => label !== undefined))].slice(0, 4);
}

// The labels that send to (`end` is "target") or receive from the chosen one, the strongest first; `i` is where the
// weight of the edge stands in a matrix.
export function neighboursOf(graph, view, end) {
  const { size, prior } = graph;
  const adaptive = weightsOf(graph, "adaptive", view.epoch, view.edits);
  const strength = ({ i }) => Math.max(adaptive[i], prior[i]);
  return graph.names
    .map((_, label) => ({ label, i: end === "target" ? label * size + view.label : view.label * size + label }))
    .filter(({ label, i }) => label !== view.label && (prior[i] > 0 || adaptive[i] > 0.02))
    .sort((one, two) => strength(two) - strength(one) || adaptive[two.i] - adaptive[one.i]);
}

function neighbourTable(graph, view, end, act) {
  const rows = neighboursOf(graph, view, end);
  const name = graph.names[view.label];
  const title = end === "target" ? `${name} receives from` : `${name} sends to`;
  if (!rows.length) return h("section", {}, h("h4", {}, title), h("p", { class: "lg-quiet" }, "No other label."));
  const all = Boolean(view.unfolded[end]);
  const shown = all ? rows : rows.slice(0, NEIGHBOURS_SHOWN);
  const unfold = { type: "button", class: "lg-more", "aria-expanded": String(all), onclick: () => act.unfold(end) };
  return h("section", {},
    h("h4", {}, title),
    h("table", { class: "lg-neighbours lg-edges" },
      h("thead", {}, headings(SENT)),
      h("tbody", {}, neighbourRows(graph, view, end, shown, act))),
    rows.some(({ i }) => isEdited(graph, view, "adaptive", i))
      ? h("p", { class: "lg-quiet lg-note" }, editedNote("adaptive"))
      : null,
    rows.length > NEIGHBOURS_SHOWN ? h("button", unfold, all ? "Fewer" : `All ${rows.length}`) : null,
  );
}

function neighbourRows(graph, view, end, rows, act) {
  const { prior } = graph;
  const weights = (stage) => weightsOf(graph, stage, view.epoch, view.edits);
  const [adaptive, change] = [weights("adaptive"), weights("learned_change")];
  const [shares, normalised] = [weights("cooccurrence"), weights("normalised")];
  const most = largest(graph, "adaptive");
  const length = (value) => `${Math.min(100, (100 * value) / most)}%`;
  const bar = (i) =>
    h("span", { class: "lg-bar", "aria-hidden": "true" },
      h("i", { class: "lg-prior", style: { left: length(prior[i]) } }),
      h("i", { class: "lg-learned", style: { width: length(adaptive[i]) } }));
  return rows.map(({ label, i }) => {
    const pair = end === "target" ? [label, view.label] : [view.label, label];
    const [from, to] = pair.map((one) => graph.names[one]);
    const edited = isEdited(graph, view, "adaptive", i);
    const after = edited ? `${digits(adaptive[i])}, edited by you` : `${digits(adaptive[i])} after`;
    const words = `${from} sends to ${to}: ${digits(prior[i])} before training, ${after}. Look at this edge.`;
    const onclick = () => act.pair(...pair);
    return h("tr", {},
      h("th", { scope: "row" }, labelButton(graph, label, act)),
      h("td", {}, graph.pictures ? `${Math.round(100 * shares[i])} %` : "–"),
      h("td", {}, digits(prior[i])),
      h("td", {}, signed(change[i])),
      h("td", { class: "lg-strong" }, digits(adaptive[i]), edited ? editedMark() : bar(i)),
      h("td", {}, digits(normalised[i])),
      h("td", {}, h("button", { type: "button", class: "lg-edge", title: words, "aria-label": words, onclick }, "›")),
    );
  });
}

function facts(graph, view, details) {
  const keeps = view.label * (graph.size + 1);
  const adaptive = weightsOf(graph, "adaptive", view.epoch, view.edits);
  const known = graph.pictures ? counted(graph.supports[view.label], "picture") : "no labels given";
  const own = [digits(adaptive[keeps]), h("small", {}, ` (${digits(graph.prior[keeps])} before training)`)];
  return h("dl", { class: "lg-facts" },
    h("div", {}, h("dt", {}, "In this gallery"), h("dd", {}, known)),
    showsSayings(graph, view) || !hasPaper(graph)
      ? null
      : h("div", {}, h("dt", {}, "Own weight"), h("dd", {}, own)),
    h("div", { class: "lg-wide" }, h("dt", {}, "Average precision, 1 is perfect"), precision(details)),
  );
}

function precision(details) {
  const found = details?.average_precision;
  if (!found) return h("dd", { class: "lg-quiet" }, details ? "not measured in this bundle" : "…");
  const where = { test: "test", test_by_all_labels: "test, relevance by all labels", validation: "validation" };
  const [forth, back] = [found.image_to_text, found.text_to_image];
  const both = ` image → text ${digits(forth, 3)}, text → image ${digits(back, 3)} (${where[found.report]})`;
  return h("dd", {}, digits((forth + back) / 2, 3), h("small", {}, both));
}

export function findings(graph, view, details, act) {
  if (!details) return [h("p", { class: "lg-loading", role: "status" }, "Looking through the gallery…")];
  const known = details.known ? whereKnown(graph, view.label, details.known, act) : "";
  return [known, pictures(graph, view, details), texts(details), nearest(graph, details, act)];
}

function pictures(graph, view, details) {
  const name = graph.names[view.label];
  const known = details.pictures.filter(([, , has]) => has !== null);
  const right = known.filter(([, , has]) => has).length;
  const picture = ([item, cosine, has]) => {
    const wrong = has === false;
    const alt = `Picture ${item}, cosine ${digits(cosine)}${wrong ? `, not labelled ${name}` : ""}`;
    return h("li", { class: wrong ? "lg-wrong" : null },
      h("img", { src: `${graph.pictures_prefix}/card/${item}`, alt, loading: "lazy", decoding: "async" }),
      h("small", {}, digits(cosine)));
  };
  const sentence = `${right} of these ${known.length} are labelled ${name}. ${COSINE}`;
  return h("section", {},
    h("h4", {}, `Pictures its classifier finds${details.edited ? ", with your edits" : ""}`),
    known.length ? h("p", { class: "lg-quiet" }, sentence, " ", mistakesButton(name)) : null,
    h("ol", { class: "lg-pictures" }, details.pictures.map(picture)));
}

function mistakesButton(name) {
  const onclick = () => askMistakes(name);
  return h("button", { type: "button", class: "lg-mistakes", onclick }, "What the model gets wrong ›");
}

function texts(details) {
  if (!details.texts.length && details.reads_words) return "";
  const text = ([words, , cosine]) => h("li", {}, h("span", {}, words), h("small", {}, digits(cosine)));
  const found = details.texts.length
    ? h("ol", { class: "lg-texts" }, details.texts.map(text))
    : h("p", { class: "lg-quiet" }, NO_TEXTS);
  return h("section", {}, h("h4", {}, "Texts its classifier finds"), found);
}

function nearest(graph, details, act) {
  const buttons = details.nearest.map(([label, cosine]) => {
    const button = labelButton(graph, label, act);
    button.append(h("small", {}, digits(cosine)));
    return button;
  });
  return h("section", {}, h("h4", {}, "Nearest classifiers"), h("p", { class: "lg-starts" }, buttons));
}

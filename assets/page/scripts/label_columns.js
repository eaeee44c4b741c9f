// What the numbers of an edge are called and what they mean: headings of tables, facts of one edge, and their key.
// An edited weight is the visitor's own, so its parts no longer add up to it: that is said wherever it stands.
import { h } from "./elements.js";
import { digits, signed } from "./words.js";

// Of the graph that makes classifiers. What is `whole` is what the visitor can edit.
export const SENT = [
  { word: "together", says: "Of the pictures here that show the receiver, how many show the sender too." },
  { word: "before", symbol: "C", says: "The weight that training started from: the prior." },
  { word: "change", symbol: "γD", says: "What training added to it, or took from it." },
  { word: "after", symbol: "A", whole: true,
    says: "Before and change together, but never below 0. The mark on the bar is before." },
  { word: "scaled", symbol: "Â",
    says: "The same, made smaller for labels that send a lot, so that none drowns the others." },
];
// Of the graph of what one label says about another.
export const SAID = [
  { word: "counted", says: "The part that comes from how often both were together in training." },
  { word: "learned", says: "What learning added to it, or took from it." },
  { word: "in all", symbol: "G", whole: true,
    says: "Both together: what is added to the log-odds of the label that it is about." },
  { word: "odds", says: "The same as a factor: how many times as high (×) or as low (÷) the odds become." },
];

const hidden = (words) => h("span", { class: "lg-hidden" }, words);
const symbolOf = ({ symbol }) => (symbol ? h("i", {}, symbol) : null);

// The head of a table of edges: a label, its numbers, and a button that looks at the edge.
export function headings(columns) {
  const heading = (column) => h("th", { scope: "col" }, column.word, symbolOf(column));
  return h("tr", {}, h("th", { scope: "col" }, hidden("Label")), columns.map(heading),
    h("th", { scope: "col" }, hidden("Edge")));
}

// The name of a number where it stands alone.
export const termOf = (column) => [`${column.word[0].toUpperCase()}${column.word.slice(1)}`, symbolOf(column)];

// What each of the columns means; it stays open once it was opened.
export function keyOf(columns, view, act) {
  const entry = (column) => h("div", {}, h("dt", {}, column.word, symbolOf(column)), h("dd", {}, column.says));
  const ontoggle = ({ target }) => act.explain(target.open);
  return h("details", { class: "lg-key", open: Boolean(view.explained), ontoggle },
    h("summary", { "data-key": "explain" }, "What the numbers mean"), h("dl", {}, columns.map(entry)));
}

// Whether the weight at place `i` of a stage is one that the visitor gave, at the epoch shown. Edits are of the model
// as it is; the graph of what labels say has no epochs.
export function isEdited({ size, edited, model_epoch: own }, { edits, epoch }, stage, i) {
  if (edited !== stage || (stage === "adaptive" && epoch !== own)) return false;
  return edits.some(([source, target]) => source * size + target === i);
}

export const editedMark = () => h("small", { class: "lg-edited" }, "edited");

// Why the numbers of an edited edge do not add up; of one edge, with what was learned.
export function editedNote(stage, learned) {
  const parts = stage === "directed" ? "counted and learned" : "before and change";
  if (learned === undefined) return `You gave this edge another weight: ${parts} do not add up to it.`;
  const written = stage === "directed" ? signed(learned) : digits(learned);
  const sentence = `${parts[0].toUpperCase()}${parts.slice(1)} add up to the learned one, ${written}.`;
  return `You gave this edge another weight. ${sentence}`;
}

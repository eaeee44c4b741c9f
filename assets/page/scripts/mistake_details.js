// What the dialog says of a picture that a label was missed on or taken wrongly: every label, given or predicted.
import { h } from "./elements.js";

const VERDICTS = {
  right: "given and predicted",
  missed: "given, not predicted",
  taken: "predicted, not given",
  unknown: "given, unknown to the model",
};

const headings = ({ has_probabilities }) => ["Label", has_probabilities ? "Probability" : "Cosine", "Verdict"];

// `details` is a card's own; `act.similar` and `act.label` are what its buttons do.
export function mistakeDetails(details, act) {
  const { kind, label, labels } = details;
  return [
    h("p", { class: "rank" }, kind === "missed" ? `${label} was missed` : `${label} was taken wrongly`),
    ...captionsOf(details),
    h("h3", {}, "Labels"),
    h("table", { class: "cosines verdicts" },
      h("thead", {}, h("tr", {}, headings(details).map((words) => h("th", { scope: "col" }, words)))),
      h("tbody", {}, labels.map((row) => rowOf(row, label, act)))),
    h("p", { class: "file" }, details.file),
    h("button", { type: "button", class: "similar", onclick: () => act.similar(details.file) }, "More like this"),
  ];
}

function captionsOf({ captions }) {
  const listed = captions.map((text) => h("li", {}, text));
  return listed.length ? [h("h3", {}, "Captions"), h("ul", { class: "captions" }, listed)] : [];
}

// Another label is one click away, where there is something to say about it.
function rowOf([name, certainty, verdict], label, act) {
  const button = () => h("button", { type: "button", class: "chip", onclick: () => act.label(name) }, name);
  const words = verdict === "unknown" || name === label ? name : button();
  return h("tr", { class: name === label ? "wrong chosen" : verdict === "right" ? null : "wrong" },
    h("th", { scope: "row" }, words),
    h("td", {}, certainty ?? "–"),
    h("td", {}, VERDICTS[verdict]));
}

// What the visitor's edits change: classifiers that moved, other nearest classifiers, predictions for the last search.
import { h } from "./elements.js";
import { NEIGHBOURS_SHOWN } from "./label_panel.js";
import { labelButton } from "./label_parts.js";
import { sayingEffects } from "./label_sayings.js";
import { counted, digits, signed } from "./words.js";

const NO_SEARCH =
  "Search for something in the Search tab and come back: its predicted labels, before and after, will stand here.";

export function effects(graph, view, act) {
  if (graph.edited === "directed") return sayingEffects(graph, view, act);
  const effect = view.effect;
  if (!view.edits.length || !effect) return null;
  const all = view.unfolded.changed;
  const count = effect.neighbourhoods.length;
  return h("section", { class: "lg-effects", role: "status" },
    h("h4", {}, "Classifiers that moved most"),
    moved(graph, effect, act),
    h("h4", {}, "Labels whose three nearest changed"),
    changedNeighbours(graph, effect.neighbourhoods.slice(0, all ? undefined : NEIGHBOURS_SHOWN), act),
    count > NEIGHBOURS_SHOWN
      ? h("button", { type: "button", class: "lg-more", onclick: () => act.unfold("changed") },
          all ? "Fewer" : `All ${count}`)
      : null,
    h("h4", {}, "Your last search"),
    predictions(graph, effect, act),
  );
}

function moved(graph, effect, act) {
  if (!effect.moved.length) return h("p", { class: "lg-quiet" }, "None moved.");
  const bar = (cosine) => {
    const width = `${Math.max(0, Math.min(100, 100 * cosine))}%`;
    return h("span", { class: "lg-bar", "aria-hidden": "true" }, h("i", { class: "lg-learned", style: { width } }));
  };
  const row = ([label, cosine]) =>
    h("li", {}, labelButton(graph, label, act), bar(cosine), h("small", {}, digits(cosine, 3)));
  const many = counted(effect.moved_count, "classifier");
  const sentence = `${many} moved. The number is the cosine with what each was; 1 means that it stayed.`;
  return [h("p", { class: "lg-quiet" }, sentence), h("ol", { class: "lg-moved" }, effect.moved.map(row))];
}

// Which of the nearest classifiers are new, and which are gone.
export function gainsAndLosses(before, after) {
  return {
    gains: after.filter((other) => !before.includes(other)),
    losses: before.filter((other) => !after.includes(other)),
  };
}

function changedNeighbours(graph, neighbourhoods, act) {
  if (!neighbourhoods.length) return h("p", { class: "lg-quiet" }, "Every label keeps its own.");
  const names = (labels) => labels.map((label) => graph.names[label]).join(", ");
  const row = ([label, before, after]) => {
    const { gains, losses } = gainsAndLosses(before, after);
    const words = ` gains ${names(gains)}, loses ${names(losses)}`;
    return h("li", {}, labelButton(graph, label, act), h("span", {}, words));
  };
  return h("ul", { class: "lg-changed" }, neighbourhoods.map(row));
}

function predictions(graph, effect, act) {
  if (!effect.predictions) return h("p", { class: "lg-quiet" }, NO_SEARCH);
  const cell = (value, is) => h("td", { class: is ? "lg-strong" : null }, digits(value), is ? " ✓" : "");
  const row = ([label, before, after, was, is]) =>
    h("tr", {},
      h("th", { scope: "row" }, labelButton(graph, label, act)),
      cell(before, was),
      cell(after, is),
      h("td", {}, signed(after - before)));
  const titles = ["before", "after", "change"].map((title) => h("th", { scope: "col" }, title));
  return [
    h("p", { class: "lg-quiet" }, `Labels of ${effect.query} by cosine; ✓ means that it is predicted.`),
    h("table", { class: "lg-neighbours" },
      h("thead", {}, h("tr", {}, h("th", {}, h("span", { class: "lg-hidden" }, "Label")), titles)),
      h("tbody", {}, effect.predictions.map(row))),
  ];
}

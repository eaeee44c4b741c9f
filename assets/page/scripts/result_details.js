// What the dialog says of one result: how near it is, its captions and labels, and why it matched.
import { h } from "./elements.js";
import { digits } from "./words.js";

// `details` is a card's own; `act.similar` and `act.label` are what its buttons do; `chance` says what a chance is of.
export function detailsOf(details, act, chance) {
  return [
    h("p", { class: "rank" }, `Result ${details.rank}`),
    scoreOf(details, chance),
    ...captionsOf(details),
    ...labelsOf(details, act),
    ...reasonsOf(details),
    fileOf(details),
    h("button", { type: "button", class: "similar", onclick: () => act.similar(details.item) }, "More like this"),
  ];
}

// The picture as it lies in the gallery: what is shown above may be a smaller copy.
function fileOf(details) {
  const open = h("a", { href: details.original, target: "_blank", rel: "noopener" }, "Open the original");
  const save = h("a", { href: details.original, download: details.file.split("/").at(-1) }, "Download it");
  return h("p", { class: "file" }, h("span", {}, details.file), open, save);
}

function scoreOf(details, of) {
  const beats = h("span", { class: "beats" }, details.beats);
  const score = h("span", { class: "number" }, details.score);
  const chance = details.chance
    ? [h("span", { class: "chance" }, details.chance), ` chance ${of} · `]
    : [];
  return h("p", { class: "score" }, ...chance, beats, " of the gallery · score ", score);
}

function captionsOf(details) {
  const captions = details.captions.map((text) => h("li", { class: text === details.found ? "found" : null }, text));
  return captions.length ? [h("h3", {}, "Captions"), h("ul", { class: "captions" }, captions)] : [];
}

// A click on a label narrows the answer to it.
function labelsOf(details, act) {
  if (!details.labels.length) return [];
  const chips = details.labels.map((label) => {
    const matched = details.matched.includes(label) ? "chip match" : "chip";
    const onclick = () => act.label(label);
    return h("button", { class: matched, type: "button", title: `Narrow by ${label}`, onclick }, label);
  });
  const title = details.predicted ? "Labels (predicted)" : "Labels";
  return [h("h3", {}, title), h("div", { class: details.predicted ? "chips predicted" : "chips" }, chips)];
}

// What is written of it, and what the model sees in it, of what was asked for.
function groundsOf(details) {
  const grounds = { "Says so": details.says, "Looks so": details.looks };
  return Object.entries(grounds).filter(([, names]) => names.length).map(([how, names]) =>
    h("p", { class: "grounds" }, h("b", {}, how), ` ${names.join(", ")}`));
}

// How long a bar is beside the longest, 0 to 1: what counts against a result has none.
export const barLength = (share, longest) => (longest > 0 ? Math.min(1, Math.max(0, share / longest)) : 0);

const NUMBER_ROOM = "48px"; // behind the longest bar

// What the score is the sum of, a bar for each part; then the cosines behind it.
function reasonsOf(details) {
  const longest = Math.max(0, ...details.shares.map(([, share]) => share));
  const rows = details.shares.map(([name, share]) =>
    h("li", {},
      h("span", { class: "name" }, name),
      h("span", { class: "bar" },
        h("i", { style: { inlineSize: `calc((100% - ${NUMBER_ROOM}) * ${barLength(share, longest)})` } }),
        h("small", {}, digits(share, 3)))));
  const head = h("tr", {}, ["", "Common space", "Encoder"].map((title) => h(title ? "th" : "td", {}, title)));
  const body = details.cosines.map(([name, ...values]) =>
    h("tr", {}, h("th", {}, name), values.map((value) => h("td", {}, value))));
  const reasons = [h("h3", {}, "Why it matched"), ...groundsOf(details)];
  if (rows.length) {
    const sum = `The score ${details.score} is the sum of`;
    reasons.push(h("p", { class: "key" }, sum), h("ul", { class: "shared" }, rows));
  }
  const table = h("table", { class: "cosines" }, head, body);
  return [...reasons, h("p", { class: "key" }, "Cosines with the query"), table];
}

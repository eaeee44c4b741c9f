// Several results at once: each has a check, and while some are set, a bar says what can be done with them. A selection
// stays from answer to answer, for as long as the same gallery is searched.
import { h } from "./elements.js";
import { counted } from "./words.js";

const THUMBNAILS = 5;
const RESULT = ".hit-card, .hit-row";

// The numbers of the pictures that are selected, in the order in which they were.
export class Picks {
  constructor() {
    this.items = [];
    this.last = null; // the one set last
  }

  // Selects an item, or lets it go; with `range` all of those shown between the one before and this one.
  set(item, on, shown, range) {
    const ends = [shown.indexOf(this.last), shown.indexOf(item)];
    const span = range && !ends.includes(-1) ? shown.slice(Math.min(...ends), Math.max(...ends) + 1) : [item];
    this.items = this.items.filter((other) => !span.includes(other));
    if (on) this.items.push(...new Set(span));
    this.last = item;
  }
}

let picks = new Picks();
let gallery = null; // where its pictures are
let draw = () => {}; // until the bar's place is there

const checks = () => [...document.querySelectorAll("#results .pick")];
const itemOf = (check) => Number(check.dataset.item);

// Sets the checks of an answer that has just come: its elements were those of the one before.
export function showPicked(results) {
  const answer = results.querySelector(".answer");
  if (answer && answer.dataset.pictures !== gallery) {
    gallery = answer.dataset.pictures;
    picks = new Picks();
  }
  draw();
}

function pick(check, on, range) {
  const shown = [...check.closest("ul").querySelectorAll("li:not([hidden]) > .pick")].map(itemOf);
  picks.set(itemOf(check), on, shown, range);
  draw();
}

function clear() {
  picks = new Picks();
  draw();
}

export function mount({ element, trigger, on }) {
  const place = () => element.closest("#selected");
  let drawn = ""; // what the bar shows
  draw = () => {
    for (const check of checks()) check.checked = picks.items.includes(itemOf(check));
    const now = JSON.stringify([gallery, picks.items]);
    if (now === drawn) return;
    drawn = now;
    place().classList.add("stale"); // what was said of another selection
    element.replaceChildren(...(picks.items.length ? [bar(picks.items)] : []));
  };

  const selected = () => ({ items: picks.items, pictures: gallery });
  const ask = (action) => {
    trigger("select", { action, ...selected() });
    clear();
  };
  const make = (event) => {
    place().classList.remove("stale");
    trigger(event, selected());
  };
  const act = {
    like: () => ask("like"),
    unlike: () => ask("unlike"),
    collect: () => make("submit"),
    download: () => make("download"),
    clear,
  };

  on("click", (event) => act[event.target.closest("[data-act]")?.dataset.act]?.());
  document.addEventListener("click", (event) => {
    if (event.target.matches("#results .pick")) pick(event.target, event.target.checked, event.shiftKey);
  });
  // Else the browser selects the text between two clicks with Shift.
  document.addEventListener("mousedown", (event) => {
    if (event.shiftKey && event.target.matches("#results .pick")) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const check = event.target.closest(RESULT)?.parentElement.querySelector(".pick");
    if (event.key.toLowerCase() === "x" && check) pick(check, !check.checked, event.shiftKey);
    const isBusy = event.target.closest("input:not(.pick), textarea, select, dialog");
    if (event.key === "Escape" && !isBusy && picks.items.length) clear();
  });
}

function bar(items) {
  const pictures = items.slice(-THUMBNAILS).map((item) => h("img", { src: `${gallery}/card/${item}`, alt: "" }));
  const button = (act, words) => h("button", { type: "button", "data-act": act }, words);
  return h("div", { class: "selection-bar", role: "region", "aria-label": "Selected results" },
    h("span", { class: "pictures" }, pictures),
    h("b", { role: "status" }, `${counted(items.length, "picture")} selected`),
    button("like", "More like these"),
    button("unlike", "Less like these"),
    button("collect", "Add to my collection"),
    button("download", "Download"),
    button("clear", "Clear"));
}

// What the model gets wrong about a label: its choice, the pictures' dialog, and the address that leads here.
import { MISTAKES_WANTED, askSearch, mistakesOf, withMistakes } from "./address.js";
import { mistakeDetails } from "./mistake_details.js";
import { ResultDialog } from "./result_dialog.js";

export function mount({ element, trigger, watch, on }) {
  const ask = (label) => trigger("select", { action: "label", label });
  const dialog = new ResultDialog(element, ({ action, ...what }) => {
    if (action === "label") ask(what.label);
    else askSearch(new URLSearchParams({ like: what.item }));
  }, mistakeDetails);
  const shown = () => element.querySelector(".mistakes")?.dataset.label;
  let unfolded = null; // the strip that grows

  on("click", ({ target }) => {
    const card = target.closest("[data-details]");
    const button = target.closest("button");
    if (card) dialog.show(card);
    else if (button?.dataset.mistakes) ask(button.dataset.mistakes);
    else if (button?.dataset.more) more(button);
  });
  on("change", ({ target }) => ask(target.value));
  window.addEventListener(MISTAKES_WANTED, follow);

  // An opened tab shows the label of the address; an answer that brings somebody here is what the address says then.
  watch("value", () => {
    const part = element.querySelector(".mistakes");
    if (!part) return;
    // What somebody chose stays chosen, whatever the markup says.
    const choice = part.querySelector("select");
    if (choice) choice.value = shown();
    if (part.dataset.arrival) arrive(part);
    else if (unfolded) goOn();
    else follow();
    unfolded = null;
  });

  function follow() {
    const wanted = mistakesOf(window.location);
    if (wanted !== null && element.querySelector(".mistakes")) ask(wanted);
  }

  function arrive(part) {
    history.replaceState(history.state, "", withMistakes(window.location, shown() ?? null));
    part.scrollIntoView({ block: "start" });
    part.querySelector("[tabindex='-1']").focus({ preventScroll: true });
  }

  function more(button) {
    const count = (kind) => element.querySelectorAll(`[data-strip=${kind}] [data-details]`).length;
    const counts = { missed: count("missed"), taken: count("taken") };
    unfolded = { kind: button.dataset.more, from: counts[button.dataset.more] };
    counts[unfolded.kind] = Number(button.dataset.shown);
    trigger("select", { action: "more", label: shown(), ...counts });
  }

  // Whoever asked for more reads on at the first new picture.
  function goOn() {
    const cards = element.querySelectorAll(`[data-strip=${unfolded.kind}] [data-details]`);
    cards[unfolded.from]?.focus({ preventScroll: true });
  }
}

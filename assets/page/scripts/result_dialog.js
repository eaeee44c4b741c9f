// The dialog that shows one result up close; the arrow keys and two buttons go to its neighbours.
import { h } from "./elements.js";
import { detailsOf } from "./result_details.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

export class ResultDialog {
  // `leave` gets what is asked for next, once the dialog is closed; `describe` makes what it says of a result.
  constructor(element, leave, describe = detailsOf) {
    Object.assign(this, { element, leave, describe });
    this.card = null; // the one that is shown
    this.dialog = null; // made when the first result is opened
  }

  make() {
    this.picture = h("img");
    this.words = h("div", { class: "words" });
    const step = (kind, label, sign, by) => h("button", {
      class: `step ${kind}`, type: "button", "aria-label": label, onclick: () => this.step(by),
    }, sign);
    this.previous = step("previous", "Previous result", "‹", -1);
    this.next = step("next", "Next result", "›", 1);
    const onclick = () => this.dialog.close();
    this.dialog = h("dialog", { class: "details", "aria-label": "Details of a result" },
      h("div", { class: "figure" }, this.picture, this.previous, this.next), this.words,
      h("button", { class: "close", type: "button", "aria-label": "Close", onclick }, "×"));
    // A click on the backdrop lands on the dialog itself.
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("keydown", (event) => {
      if (event.key in STEPS) this.step(STEPS[event.key]);
    });
    // The event comes a moment after the closing: who went on elsewhere by then keeps the focus.
    this.dialog.addEventListener("close", () => {
      const active = document.activeElement;
      if (active === document.body || this.element.contains(active)) this.card?.focus();
    });
    // Beside the content, which every answer replaces, and inside the container, whose rules of style it follows.
    this.element.parentElement.append(this.dialog);
  }

  // The focus stays on what led here, a button of the dialog; on the first result it goes to what can be done with it.
  step(by) {
    const next = neighbour(this.card, by);
    if (next) this.show(next);
  }

  show(card) {
    this.card = card;
    if (!this.dialog) this.make();
    const details = JSON.parse(card.dataset.details);
    this.picture.src = details.picture;
    this.picture.alt = details.captions[0] ?? details.file;
    this.words.replaceChildren(...this.describe(details, {
      similar: (item) => this.close({ action: "similar", item }),
      label: (label) => this.close({ action: "label", label }),
    }, card.closest(".answer")?.dataset.chance));
    this.previous.disabled = !neighbour(card, -1);
    this.next.disabled = !neighbour(card, 1);
    if (!this.dialog.open) this.dialog.showModal();
    const active = document.activeElement;
    const stays = active?.classList.contains("step") && !active.disabled;
    if (!stays) this.words.querySelector(".similar").focus({ preventScroll: true });
  }

  close(next) {
    this.card = null;
    this.dialog.close();
    this.leave(next);
  }
}

function neighbour(card, step) {
  const cards = [...card.closest("ul").querySelectorAll("li:not([hidden]) > [data-details]")];
  return cards[cards.indexOf(card) + step] ?? null;
}

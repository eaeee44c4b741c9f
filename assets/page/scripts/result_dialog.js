// The dialog that shows one result up close; the arrow keys go to its neighbours.
import { h } from "./elements.js";
import { detailsOf } from "./result_details.js";

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
    const onclick = () => this.dialog.close();
    this.dialog = h("dialog", { class: "details", "aria-label": "Details of a result" },
      h("div", { class: "figure" }, this.picture), this.words,
      h("button", { class: "close", type: "button", "aria-label": "Close", onclick }, "×"));
    // A click on the backdrop lands on the dialog itself.
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) this.show(neighbour(this.card, step));
    });
    // The event comes a moment after the closing: who went on elsewhere by then keeps the focus.
    this.dialog.addEventListener("close", () => {
      const active = document.activeElement;
      if (active === document.body || this.element.contains(active)) this.card?.focus();
    });
    // Beside the content, which every answer replaces, and inside the container, whose rules of style it follows.
    this.element.parentElement.append(this.dialog);
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
    if (!this.dialog.open) this.dialog.showModal();
    this.words.querySelector(".similar").focus({ preventScroll: true });
  }

  close(next) {
    this.card = null;
    this.dialog.close();
    this.leave(next);
  }
}

function neighbour(card, step) {
  const cards = [...card.closest("ul").querySelectorAll("li:not([hidden]) > [data-details]")];
  return cards[cards.indexOf(card) + step] ?? card;
}

// The list of models in the masthead, and a place to name one of the Hub: what is chosen goes to Python, and the
// address says what is chosen. Both are made anew with every answer, so whoever chose by keyboard gets the focus
// back.
import { tabOf, withModel } from "./address.js";

export function mountChooser({ element, trigger, watch, on }) {
  let chose = false;
  on("change", (event) => {
    if (!event.target.matches("#model")) return;
    chose = document.activeElement === event.target;
    trigger("select", { model: event.target.value });
  });
  on("submit", (event) => {
    if (!event.target.matches(".hub-form")) return;
    event.preventDefault();
    trigger("select", { model: event.target.elements.reference.value.trim() });
  });
  watch("value", () => {
    const list = element.querySelector("#model");
    const facts = element.querySelector("[data-linked]");
    if (list && chose && !document.activeElement?.matches("input, textarea")) list.focus();
    if (!facts) return;
    chose = false;
    if ("refresh" in facts.dataset) document.getElementById(`refresh-${tabOf(window.location)}`)?.click();
    const changed = withModel(window.location, facts.dataset.linked);
    if (changed) history.replaceState(history.state, "", changed);
  });
}

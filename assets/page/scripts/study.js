// The study's folded sections: the index opens them, and a figure is drawn when its section is first opened.
import { Plot } from "./plots.js";

export function mount({ element, on }) {
  // Not by `on`: a toggle does not bubble, so it is caught on its way down.
  element.addEventListener("toggle", ({ target }) => target.open && draw(target), true);
  on("click", ({ target }) => {
    const name = target.closest("[data-study]")?.dataset.study;
    const section = name && element.querySelector(`[data-section="${CSS.escape(name)}"]`);
    if (!section) return;
    section.open = true;
    section.scrollIntoView({ block: "start" });
    section.querySelector("summary").focus({ preventScroll: true });
  });
}

function draw(section) {
  for (const box of section.querySelectorAll(".study-plot:not([data-mounted])")) {
    box.dataset.mounted = "";
    const value = box.dataset.figure;
    new Plot({ element: box, props: { value }, trigger: () => {}, watch: () => {} }).start();
  }
}

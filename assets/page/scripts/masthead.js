// The masthead: the switch between light and dark, which the browser remembers, and the list of models. It is there for
// as long as the page, so what looks after the whole page starts here.
import { mountChooser } from "./chooser.js";
import { keepFocus } from "./keep_focus.js";
import { mendGradio } from "./mend_gradio.js";

export function mount(place) {
  const remembered = localStorage.getItem("theme");
  if (remembered) document.body.classList.toggle("dark", remembered === "dark");
  place.on("click", (event) => {
    if (!event.target.closest(".theme-switch")) return;
    const dark = document.body.classList.toggle("dark");
    localStorage.setItem("theme", dark ? "dark" : "light");
  });
  mountChooser(place);
  keepFocus();
  mendGradio();
}

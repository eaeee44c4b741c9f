// What is typed is asked while it is typed: each pause asks. Enter asks at once, and keeps the answer in the address
// and the history (results.js). The words themselves are in their boxes, where Python finds them.
export const PAUSE = 250; // milliseconds

const BOXES = "#query-text input, #query-text textarea, #without input, #without textarea";
// What a click here asks is asked at once.
const ASKING = "#search-button, #examples, #recent, #results";

// Calls `ask` a pause after the last keystroke; a word that is still being put together (of Japanese, say) waits.
export class Pauses {
  constructor(ask) {
    this.ask = ask;
    this.timer = null;
  }

  typed({ isComposing = false } = {}) {
    this.stop();
    if (!isComposing) this.timer = setTimeout(this.ask, PAUSE);
  }

  stop() {
    clearTimeout(this.timer);
  }
}

export function mount({ trigger }) {
  const pauses = new Pauses(() => trigger("input", {}));
  // The boxes are gradio's and may be made anew, so the events are caught where they arrive.
  const inBox = (act) => (event) => event.target.matches(BOXES) && act(event);
  document.addEventListener("input", inBox((event) => pauses.typed(event)));
  document.addEventListener("compositionend", inBox(() => pauses.typed()));
  document.addEventListener("keydown", inBox((event) => event.key === "Enter" && pauses.stop()));
  document.addEventListener("click", (event) => event.target.closest(ASKING) && pauses.stop());
}

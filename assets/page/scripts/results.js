// The results: their buttons, the address that says what was asked, and the dialog. Clicks are caught on the box, since
// its content is replaced with every answer.
import { withQuery, withTab } from "./address.js";
import { pace } from "./motion.js";
import { remember } from "./recent.js";
import { ResultDialog } from "./result_dialog.js";
import { showPicked } from "./selection.js";

const COPIED_FOR = 2000; // milliseconds

export function mount({ element, props, trigger, watch, on }) {
  element.dataset.view = "pictures";
  const dialog = new ResultDialog(element, (next) => trigger("select", next));
  let growing = false; // "Show more" was asked for and its answer is not here yet
  let shown = null; // the value that is shown

  on("click", (event) => {
    const target = event.target.closest("[data-action]");
    if (!target) return;
    const action = target.dataset.action;
    const answer = element.querySelector(".answer");
    if (answer.hasAttribute("data-typed")) keep(answer); // it is used
    if (action === "open") dialog.show(target);
    else if (action === "view") element.dataset.view = target.dataset.view;
    else if (action === "unfold") unfold(target);
    else if (action === "copy") copyLink(target);
    else if (action === "label") trigger("select", { action, label: target.dataset.label });
    else if (action === "correct") trigger("select", { action, text: target.dataset.text });
    else {
      growing = action === "more" || action === "export";
      trigger("select", { action });
    }
  });

  // A new answer starts where it can be seen; one that only grew, or follows the typing, stays where the reader is.
  watch("value", () => {
    const answer = element.querySelector(".answer");
    if (shown && isOlder(answer?.dataset.turn, shown.turn)) {
      props.value = shown.value; // before the browser has drawn the older one
      return;
    }
    showPicked(element);
    shown = { value: props.value, turn: answer?.dataset.turn ?? shown?.turn };
    if (answer?.hasAttribute("data-typed")) return;
    if (answer && !growing) bringIntoView(answer.querySelector(".summary"));
    growing = false;
    keep(answer);
  });

  // The way back leads from answer to answer; from another tab, to where the answer can be seen.
  window.addEventListener("popstate", () => {
    trigger("select", { action: "address", address: window.location.search });
    history.replaceState(history.state, "", withTab(window.location, "search"));
    document.getElementById("tab-search-button")?.click();
  });

  document.addEventListener("keydown", goToSearchBox);
}

// Answers come over the network, and may come in another order than Python gave them. A turn is "WHOSE.NUMBER"; of a
// page that was restarted, the numbers are nobody's any more.
export function isOlder(turn = "", shown = "") {
  const [whose, number] = turn.split(".");
  const [before, newest] = shown.split(".");
  return whose !== "" && whose === before && Number(number) < Number(newest);
}

function unfold(button) {
  const open = button.getAttribute("aria-expanded") === "false";
  button.setAttribute("aria-expanded", open);
  let next = button.parentElement.nextElementSibling;
  for (; next?.classList.contains("behind"); next = next.nextElementSibling) next.hidden = !open;
}

async function copyLink(button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(window.location.href);
    button.textContent = "Copied";
  } catch {
    // Without https a browser lets no page write to the clipboard: the address bar has the same link.
    button.textContent = "Copy it from the address bar";
  }
  setTimeout(() => (button.textContent = label), COPIED_FOR);
}

function bringIntoView(summary) {
  const { top } = summary.getBoundingClientRect();
  if (top < 0 || top > window.innerHeight * 0.75) summary.scrollIntoView({ block: "start", behavior: pace() });
}

// The address says what was asked, so that it can be shared and the browser's way back works. What is being typed is
// kept as soon as Enter is pressed, or its answer is used.
function keep(answer) {
  const address = answer && withQuery(window.location, answer.dataset.address);
  if (!address) return;
  history.pushState(null, "", address);
  if (answer.dataset.address) remember(answer.dataset.address);
}

// "/" goes to the search box, as on many a page.
function goToSearchBox(event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = document.querySelector("#query-text input");
  if (!box?.offsetParent || event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  event.preventDefault();
  box.focus();
  box.select();
}

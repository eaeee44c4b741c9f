// What gradio's own controls lack for whoever hears the page, speaks to it, or goes through it by keyboard.
const MENDS = [
  // A drop zone is called one thing and has another written on it: without that name, what is written counts.
  [".upload-container[aria-label]", (zone) => zone.removeAttribute("aria-label")],
  // A list of choices goes away when its box is left, but the browser would stop at it first, as at all that scrolls,
  // and then stand nowhere.
  [".option-list:not([tabindex])", (list) => (list.tabIndex = -1)],
];

export function mendGradio() {
  const mend = () => {
    for (const [selector, change] of MENDS) document.querySelectorAll(selector).forEach(change);
  };
  new MutationObserver(mend).observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["aria-label"],
  });
  mend();
}

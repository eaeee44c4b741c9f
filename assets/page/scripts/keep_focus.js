// Whoever uses the keyboard stays where they are: an answer replaces what it was asked from, and a button that was
// pressed may be switched off, and then a browser forgets the place. The focus goes to what stands there now.
const CAN_HAVE_FOCUS = "a[href], button, input, select, textarea, summary, [tabindex]";
const PLACE = ".html-container, .block, [id]"; // gradio's own boxes, which stay while their content changes
const MOST_PLACES = 5;

export function keepFocus() {
  let last = null;
  let looking = false;
  document.addEventListener("focusin", ({ target }) => (last = remember(target)));
  // Who clicks elsewhere has left; what is clicked gets the focus after this.
  document.addEventListener("pointerdown", () => (last = null), true);
  const look = () => {
    looking = false;
    if (!last || document.activeElement !== document.body || canHaveFocus(last.element)) return;
    const found = next(last);
    last = null;
    found?.focus({ preventScroll: true });
  };
  // After the browser has seen that the element is gone; one look for all that changes at once.
  const soon = () => {
    if (looking || !last) return;
    looking = true;
    requestAnimationFrame(() => setTimeout(look));
  };
  new MutationObserver(soon).observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["class", "disabled", "hidden"],
  });
}

const isSeen = (element) => element.getClientRects().length > 0;

function canHaveFocus(element) {
  return element.isConnected && !element.disabled && element.tabIndex >= 0 && isSeen(element);
}

const within = (place) => [...place.querySelectorAll(CAN_HAVE_FOCUS)];

function remember(element) {
  const places = [];
  for (let place = element.parentElement; place && places.length < MOST_PLACES; place = place.parentElement) {
    if (place.matches(PLACE)) places.push({ place, index: within(place).indexOf(element) });
  }
  return { element, places, name: nameOf(element) };
}

// What an element is by its words and data, wherever it stands: an answer often makes it again.
export function nameOf(element) {
  return JSON.stringify([element.tagName, element.id, element.getAttribute("aria-label"), { ...element.dataset },
    element.textContent.trim()]);
}

// The same element made again; else, in the innermost of its boxes that is still there, what is nearest to it.
function next({ places, name }) {
  for (const { place, index } of places.filter((known) => known.place.isConnected && isSeen(known.place))) {
    const now = within(place).map((element) => (canHaveFocus(element) ? element : null));
    const found = now.find((element) => element && nameOf(element) === name) ?? nearest(now, index);
    if (found) return found;
  }
  return null;
}

// The entry that is not null and nearest to `index`, a later one before an earlier one.
export function nearest(entries, index) {
  const distance = (position) => (position >= index ? 2 * (position - index) : 2 * (index - position) + 1);
  const positions = entries.map((entry, position) => (entry ? position : -1)).filter((position) => position >= 0);
  positions.sort((one, other) => distance(one) - distance(other));
  return positions.length ? entries[positions[0]] : null;
}

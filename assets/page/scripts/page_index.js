// The index of a long tab: a link for each part that has a heading, and a mark at the one that is being read.
import { h } from "./elements.js";
import { pace } from "./motion.js";

const FEWEST = 3; // fewer parts need no index
const READ_FROM = 0.3; // a part is being read once its heading is in the upper third of the window

export function mount({ element }) {
  new PageIndex(element).start();
}

// Which of the headings is being read, by how far each is from the top of the window, in order; -1 where there is none.
export function current(tops, height, isAtTheEnd) {
  if (isAtTheEnd) return tops.length - 1;
  return Math.max(Math.min(0, tops.length - 1), tops.findLastIndex((top) => top <= height * READ_FROM));
}

class PageIndex {
  constructor(element) {
    this.tab = element.closest("[role=tabpanel]");
    this.list = element.querySelector("ol");
    this.nav = element.querySelector("nav");
    this.headings = [];
    this.links = [];
    this.marked = null;
  }

  start() {
    let waiting = false;
    const soon = () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        this.listParts();
        this.mark();
      });
    };
    new MutationObserver(soon).observe(this.tab, {
      subtree: true,
      childList: true,
      attributes: true,
      attributeFilter: ["class", "style", "hidden"],
    });
    document.addEventListener("scroll", soon, { passive: true, capture: true });
    window.addEventListener("resize", soon);
    soon();
  }

  listParts() {
    const found = [...this.tab.querySelectorAll("section h2")].filter((heading) => heading.offsetParent);
    const same = found.length === this.headings.length
      && found.every((heading, place) => heading === this.headings[place]);
    if (same) return;
    this.headings = found;
    this.nav.hidden = found.length < FEWEST;
    this.marked = null;
    this.links = found.map((heading) => h("button", { type: "button", onclick: () => this.go(heading) },
      heading.dataset.short ?? heading.textContent.trim()));
    this.list.replaceChildren(...this.links.map((link) => h("li", {}, link)));
  }

  // The heading gets the focus too, so that the keyboard goes on from there.
  go(heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    heading.scrollIntoView({ block: "start", behavior: pace() });
  }

  mark() {
    if (this.nav.hidden || !this.tab.offsetParent) return;
    const { scrollTop, scrollHeight, clientHeight } = document.scrollingElement;
    const tops = this.headings.map((heading) => heading.getBoundingClientRect().top);
    const isAtTheEnd = scrollTop > 0 && scrollTop + clientHeight >= scrollHeight - 2;
    const link = this.links[current(tops, window.innerHeight, isAtTheEnd)];
    if (!link || link === this.marked) return;
    this.marked?.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    this.marked = link;
    // Sideways only, where the index is a strip.
    const { left, width } = link.getBoundingClientRect();
    const box = this.list.getBoundingClientRect();
    this.list.scrollBy({ left: left - box.left - (box.width - width) / 2, behavior: pace() });
  }
}

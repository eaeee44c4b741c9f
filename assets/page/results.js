// Runs once for the results component: `element` is its box, `trigger` tells Python. Clicks are caught on the box,
// since its content is replaced with every answer. Whatever comes from a gallery is set as text, never as markup.
element.dataset.view = "pictures";
// The names that a query has in the address (app/link.py); all others belong to somebody else.
const NAMES = ["q", "not", "like", "weight", "label", "match", "cut", "beside"];
const COPIED_FOR = 2000; // milliseconds

function make(tag, className, ...content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...content);
  return node;
}

// The dialog

function makeDialog() {
  const dialog = make("dialog", "details");
  dialog.setAttribute("aria-label", "Details of a result");
  const close = make("button", "close", "×");
  close.type = "button";
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => dialog.close());
  const picture = make("img");
  const words = make("div", "words");
  dialog.append(make("div", "figure", picture), words, close);
  // A click on the backdrop lands on the dialog itself.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) show(neighbour(step));
  });
  // The event comes a moment after the closing: who went on elsewhere by then keeps the focus.
  dialog.addEventListener("close", () => {
    if (document.activeElement === document.body || element.contains(document.activeElement)) current?.focus();
  });
  // Beside the content, which every answer replaces, and inside the container, whose rules of style it follows.
  element.parentElement.append(dialog);
  return { dialog, picture, words };
}

let current = null; // the card that the dialog shows
let parts = null;
let growing = false; // "Show more" was asked for and its answer is not here yet

function neighbour(step) {
  const cards = [...current.closest("ul").querySelectorAll("li:not([hidden]) > [data-details]")];
  return cards[cards.indexOf(current) + step] ?? current;
}

function leave(message) {
  current = null;
  parts.dialog.close();
  trigger("select", message);
}

function scoreOf(details) {
  const score = make("p", "score");
  if (details.chance) score.append(make("span", "chance", details.chance), " chance of a shared label · ");
  score.append(make("span", "beats", details.beats), " of the gallery · cosine ", make("span", "cosine", details.cosine));
  return score;
}

function captionsOf(details) {
  const captions = details.captions.map((text) => make("li", text === details.found ? "found" : "", text));
  return captions.length ? [make("h3", "", "Captions"), make("ul", "captions", ...captions)] : [];
}

// A click on a label narrows the answer to it.
function labelsOf(details) {
  if (!details.labels.length) return [];
  const chips = details.labels.map((label) => {
    const chip = make("button", details.matched.includes(label) ? "chip match" : "chip", label);
    chip.type = "button";
    chip.title = `Narrow by ${label}`;
    chip.addEventListener("click", () => leave({ action: "label", label }));
    return chip;
  });
  const title = details.predicted ? "Labels (predicted)" : "Labels";
  return [make("h3", "", title), make("div", details.predicted ? "chips predicted" : "chips", ...chips)];
}

// The labels that both lean to, a bar for each side; then the cosines that the score is made of.
function reasonsOf(details) {
  const rows = details.shared.map(([name, query, result]) => {
    const bars = [["query", query], ["result", result]].map(([kind, value]) => {
      const bar = make("i", kind);
      bar.style.inlineSize = `${Math.min(1, Math.max(0, value)) * 100}%`;
      return make("span", "bar", bar, make("small", "", value.toFixed(2)));
    });
    return make("li", "", make("span", "name", name), make("span", "bars", ...bars));
  });
  const head = make("tr", "", ...["", "Common space", "Encoder"].map((title) => make("th", "", title)));
  const body = details.cosines.map(([name, ...values]) =>
    make("tr", "", make("th", "", name), ...values.map((value) => make("td", "", value))),
  );
  const table = make("table", "cosines", head, ...body);
  const reasons = [make("h3", "", "Why it matched")];
  if (rows.length) {
    const sides = [make("i", "query"), "the query and ", make("i", "result"), "this result lean to"];
    const key = make("p", "key", "Labels that ", ...sides);
    reasons.push(key, make("ul", "shared", ...rows));
  }
  return [...reasons, make("p", "key", "Cosines with the query"), table];
}

function show(card) {
  current = card;
  parts ??= makeDialog();
  const details = JSON.parse(card.dataset.details);
  const { dialog, picture, words } = parts;
  picture.src = details.picture;
  picture.alt = details.captions[0] ?? details.file;
  const similar = make("button", "similar", "More like this");
  similar.type = "button";
  similar.addEventListener("click", () => leave({ action: "similar", item: details.item }));
  words.replaceChildren(
    make("p", "rank", `Result ${details.rank}`),
    scoreOf(details),
    ...captionsOf(details),
    ...labelsOf(details),
    ...reasonsOf(details),
    make("p", "file", details.file),
    similar,
  );
  if (!dialog.open) dialog.showModal();
  similar.focus({ preventScroll: true });
}

// The results

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

element.addEventListener("click", (event) => {
  const target = event.target.closest("[data-action]");
  if (!target) return;
  const action = target.dataset.action;
  if (action === "open") show(target);
  else if (action === "view") element.dataset.view = target.dataset.view;
  else if (action === "unfold") unfold(target);
  else if (action === "copy") copyLink(target);
  else if (action === "label") trigger("select", { action, label: target.dataset.label });
  else {
    growing = action === "more" || action === "export";
    trigger("select", { action });
  }
});

// The address says what was asked, so that it can be shared and the browser's way back works.
function writeAddress() {
  const answer = element.querySelector(".answer");
  if (!answer) return;
  const address = new URL(window.location);
  const names = new URLSearchParams(answer.dataset.address);
  const before = NAMES.map((name) => address.searchParams.getAll(name).join("\n")).join("\t");
  if (before === NAMES.map((name) => names.getAll(name).join("\n")).join("\t")) return;
  NAMES.forEach((name) => address.searchParams.delete(name));
  names.forEach((value, name) => address.searchParams.append(name, value));
  history.pushState(null, "", address);
}

// The way back leads from answer to answer; from another tab, to where the answer can be seen.
window.addEventListener("popstate", () => {
  trigger("select", { action: "address", address: window.location.search });
  const address = new URL(window.location);
  address.searchParams.delete("tab");
  history.replaceState(history.state, "", address);
  document.getElementById("tab-search-button")?.click();
});

// A new answer starts where it can be seen; one that only grew stays where the reader is.
watch("value", () => {
  const summary = element.querySelector(".summary");
  if (summary && !growing) {
    const { top } = summary.getBoundingClientRect();
    if (top < 0 || top > window.innerHeight * 0.75) summary.scrollIntoView({ block: "start", behavior: "smooth" });
  }
  growing = false;
  writeAddress();
});

// "/" goes to the search box, as on many a page.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = document.querySelector("#query-text input");
  if (!box?.offsetParent || event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  event.preventDefault();
  box.focus();
  box.select();
});

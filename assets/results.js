// Runs once for the results component: `element` is its box, `trigger` tells Python. Clicks are caught on the box,
// since its content is replaced with every answer. Whatever comes from a gallery is set as text, never as markup.
const narrowView = "pictures";
element.dataset.view = narrowView;

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function makeDialog() {
  const dialog = make("dialog", "details");
  dialog.setAttribute("aria-label", "Details of a result");
  const close = make("button", "close", "×");
  close.type = "button";
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => dialog.close());
  const picture = make("img");
  const figure = make("div", "figure");
  figure.append(picture);
  const words = make("div", "words");
  dialog.append(figure, words, close);
  // A click on the backdrop lands on the dialog itself.
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) show(neighbour(step));
  });
  dialog.addEventListener("close", () => current?.focus());
  // Beside the content, which every answer replaces, and inside the container, whose rules of style it follows.
  element.parentElement.append(dialog);
  return { dialog, picture, words };
}

let current = null; // the card that the dialog shows
let parts = null;
let growing = false; // "Show more" was asked for and its answer is not here yet

function neighbour(step) {
  const cards = [...current.closest("ul").querySelectorAll("[data-details]")];
  return cards[cards.indexOf(current) + step] ?? current;
}

function show(card) {
  current = card;
  parts ??= makeDialog();
  const details = JSON.parse(card.dataset.details);
  const { dialog, picture, words } = parts;
  picture.src = details.picture;
  picture.alt = details.captions[0] ?? details.file;
  const score = make("p", "score");
  score.append(make("span", "beats", details.beats), " of the gallery · cosine ", make("span", "cosine", details.cosine));
  const captions = make("ul", "captions");
  for (const text of details.captions) {
    captions.append(make("li", text === details.found ? "found" : "", text));
  }
  const chips = make("div", details.predicted ? "chips predicted" : "chips");
  for (const label of details.labels) {
    chips.append(make("span", details.matched.includes(label) ? "chip match" : "chip", label));
  }
  const labelsTitle = details.predicted ? "Labels (predicted)" : "Labels";
  const similar = make("button", "similar", "More like this");
  similar.type = "button";
  similar.addEventListener("click", () => {
    current = null;
    dialog.close();
    trigger("select", { action: "similar", item: details.item });
  });
  words.replaceChildren(make("p", "rank", `Result ${details.rank}`), score);
  if (details.captions.length) words.append(make("h3", "", "Captions"), captions);
  if (details.labels.length) words.append(make("h3", "", labelsTitle), chips);
  words.append(make("p", "file", details.file), similar);
  if (!dialog.open) dialog.showModal();
  similar.focus({ preventScroll: true });
}

element.addEventListener("click", (event) => {
  const target = event.target.closest("[data-action]");
  if (!target) return;
  const action = target.dataset.action;
  if (action === "open") show(target);
  else if (action === "view") element.dataset.view = target.dataset.view;
  else if (action === "more") {
    growing = true;
    trigger("select", { action });
  }
});

// A new answer starts where it can be seen; one that only grew stays where the reader is.
watch("value", () => {
  const summary = element.querySelector(".summary");
  if (summary && !growing) {
    const { top } = summary.getBoundingClientRect();
    if (top < 0 || top > window.innerHeight * 0.75) summary.scrollIntoView({ block: "start", behavior: "smooth" });
  }
  growing = false;
});

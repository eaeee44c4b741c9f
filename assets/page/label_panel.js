// The side panel: one label (neighbours, pictures, texts, nearest classifiers) or one edge (its weights, and editing).
// Everything that a bundle or a gallery says goes in as text, never as markup.
const NEIGHBOURS_SHOWN = 6;

function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(made.style, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return made;
}

const dot = (graph, label) => h("i", { class: "lg-dot", style: { background: graph.colours[graph.groups[label]] } });

function labelButton(graph, label, act) {
  return h("button", { type: "button", class: "lg-name", onclick: () => act.label(label) }, dot(graph, label), graph.names[label]);
}

// Before anything is chosen: how to begin.
function emptyPanel(graph, view, act) {
  const { up, down } = extremes(graph, view);
  const receivers = edgesOf(graph, weightsOf(graph, "adaptive", view.epoch, view.edits), 0.1);
  const starts = [up?.target, down?.target, busiest(graph, receivers, "target")?.label, busiest(graph, receivers, "source")?.label];
  const labels = [...new Set([...starts, ...graph.order].filter((label) => label !== undefined))].slice(0, 4);
  return h(
    "div",
    { class: "lg-empty" },
    h("h3", {}, "Choose a label"),
    h("p", {}, "Click a dot, or type a name above and press Enter: what the label sends and receives, the pictures its classifier finds, and how well it does."),
    h("p", { class: "lg-starts" }, labels.map((label) => labelButton(graph, label, act))),
  );
}

function neighbourTable(graph, view, end, act) {
  const other = end === "target" ? "source" : "target";
  const { size, prior } = graph;
  const adaptive = weightsOf(graph, "adaptive", view.epoch, view.edits);
  const change = weightsOf(graph, "learned_change", view.epoch, view.edits);
  const shares = weightsOf(graph, "cooccurrence", view.epoch, view.edits);
  const normalised = weightsOf(graph, "normalised", view.epoch, view.edits);
  const rows = graph.names
    .map((_, label) => ({ label, i: end === "target" ? label * size + view.label : view.label * size + label }))
    .filter(({ label, i }) => label !== view.label && (prior[i] > 0 || adaptive[i] > 0.02))
    .sort((one, two) => Math.max(adaptive[two.i], prior[two.i]) - Math.max(adaptive[one.i], prior[one.i]) || adaptive[two.i] - adaptive[one.i]);
  const name = graph.names[view.label];
  const title = end === "target" ? `${name} receives from` : `${name} sends to`;
  if (!rows.length) return h("section", {}, h("h4", {}, title), h("p", { class: "lg-quiet" }, "No other label."));
  const most = largest(graph, "adaptive");
  const all = view.unfolded[end];
  const shown = all ? rows : rows.slice(0, NEIGHBOURS_SHOWN);
  const bar = (i) =>
    h("span", { class: "lg-bar", "aria-hidden": "true" },
      h("i", { class: "lg-prior", style: { left: `${Math.min(100, (100 * prior[i]) / most)}%` } }),
      h("i", { class: "lg-learned", style: { width: `${Math.min(100, (100 * adaptive[i]) / most)}%` } }));
  const cells = ({ label, i }) => {
    const pair = end === "target" ? [label, view.label] : [view.label, label];
    const words = `${graph.names[pair[0]]} sends to ${graph.names[pair[1]]}: prior ${digits(prior[i])}, learned ${digits(adaptive[i])}`;
    return h("tr", {},
      h("th", { scope: "row" }, labelButton(graph, label, act)),
      h("td", {}, graph.pictures ? `${Math.round(100 * shares[i])} %` : "–"),
      h("td", {}, digits(prior[i])),
      h("td", {}, signed(change[i])),
      h("td", { class: "lg-strong" }, digits(adaptive[i]), bar(i)),
      h("td", {}, digits(normalised[i])),
      h("td", {}, h("button", { type: "button", class: "lg-edge", title: `${words}. Look at this edge.`, "aria-label": `${words}. Look at this edge.`, onclick: () => act.pair(...pair) }, "›")),
    );
  };
  return h("section", {},
    h("h4", {}, title),
    h("table", { class: "lg-neighbours" },
      h("thead", {}, h("tr", {},
        h("th", { scope: "col" }, h("span", { class: "lg-hidden" }, "Label")),
        h("th", { scope: "col", title: `Co-occurrence in this gallery: of the receiver's pictures, the share that also shows the sender` }, "shown"),
        h("th", { scope: "col", title: "Prior C" }, "C"),
        h("th", { scope: "col", title: "Learned change γD" }, "γD"),
        h("th", { scope: "col", title: "Adaptive A; the mark is the prior" }, "A"),
        h("th", { scope: "col", title: "Normalised Â" }, "Â"),
        h("th", { scope: "col" }, h("span", { class: "lg-hidden" }, "Edge")))),
      h("tbody", {}, shown.map(cells))),
    rows.length > NEIGHBOURS_SHOWN
      ? h("button", { type: "button", class: "lg-more", "aria-expanded": String(all), onclick: () => act.unfold(end) }, all ? "Fewer" : `All ${rows.length}`)
      : null,
  );
}

function facts(graph, view, details) {
  const support = graph.supports[view.label];
  const keeps = view.label * (graph.size + 1);
  const adaptive = weightsOf(graph, "adaptive", view.epoch, view.edits);
  const found = details?.average_precision;
  const where = { test: "test", test_by_all_labels: "test, relevance by all labels", validation: "validation" };
  return h("dl", { class: "lg-facts" },
    h("div", {}, h("dt", {}, "In this gallery"), h("dd", {}, graph.pictures ? counted(support, "picture") : "no labels given")),
    h("div", {}, h("dt", {}, "Keeps of itself"), h("dd", {}, digits(adaptive[keeps]), h("small", {}, ` prior ${digits(graph.prior[keeps])}`))),
    h("div", { class: "lg-wide" }, h("dt", {}, "Average precision"),
      found
        ? h("dd", {}, digits((found.image_to_text + found.text_to_image) / 2, 3),
            h("small", {}, ` image → text ${digits(found.image_to_text, 3)}, text → image ${digits(found.text_to_image, 3)} (${where[found.report]})`))
        : h("dd", { class: "lg-quiet" }, details ? "not measured in this bundle" : "…")),
  );
}

function findings(graph, view, details, act) {
  if (!details) return [h("p", { class: "lg-loading", role: "status" }, "Looking through the gallery…")];
  const name = graph.names[view.label];
  const known = details.pictures.filter(([, , has]) => has !== null);
  const right = known.filter(([, , has]) => has).length;
  const picture = ([item, cosine, has]) =>
    h("li", { class: has === false ? "lg-wrong" : null },
      h("img", { src: `${graph.pictures_prefix}/card/${item}`, alt: `Picture ${item}, cosine ${digits(cosine)}${has === false ? `, not labelled ${name}` : ""}`, loading: "lazy", decoding: "async" }),
      h("small", {}, digits(cosine)));
  return [
    h("section", {},
      h("h4", {}, `Pictures its classifier finds${details.edited ? ", with your edits" : ""}`),
      known.length ? h("p", { class: "lg-quiet" }, `${right} of these ${known.length} are labelled ${name}; number: cosine.`) : null,
      h("ol", { class: "lg-pictures" }, details.pictures.map(picture))),
    details.texts.length
      ? h("section", {}, h("h4", {}, "Texts its classifier finds"),
          h("ol", { class: "lg-texts" }, details.texts.map(([text, , cosine]) => h("li", {}, h("span", {}, text), h("small", {}, digits(cosine))))))
      : details.reads_words
        ? ""
        : h("section", {}, h("h4", {}, "Texts its classifier finds"),
            h("p", { class: "lg-quiet" }, "None: this model reads pictures only. The texts it was trained with are bags of tags.")),
    h("section", {}, h("h4", {}, "Nearest classifiers"),
      h("p", { class: "lg-starts" }, details.nearest.map(([label, cosine]) => {
        const button = labelButton(graph, label, act);
        button.append(h("small", {}, digits(cosine)));
        return button;
      }))),
  ];
}

function labelPanel(graph, view, details, act) {
  if (view.label === null) return emptyPanel(graph, view, act);
  return h("div", { class: "lg-label" },
    h("header", {},
      dot(graph, view.label), h("h3", {}, graph.names[view.label]),
      h("span", { class: "lg-quiet" }, graph.groups[view.label]),
      h("button", { type: "button", class: "lg-close", "aria-label": "Choose no label", onclick: () => act.label(null) }, "×")),
    h("div", { class: "lg-numbers" }, labelNumbers(graph, view, details, act)),
    h("div", { class: "lg-findings" }, findings(graph, view, details, act)),
  );
}

// What follows the epochs; pictures stay as they are.
function labelNumbers(graph, view, details, act) {
  return [facts(graph, view, details), neighbourTable(graph, view, "target", act), neighbourTable(graph, view, "source", act)];
}

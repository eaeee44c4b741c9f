// One edge up close: its weight in every stage and through the epochs, another weight for it, and what that changes.

const isEdge = (pair) => pair.every((label) => label !== null) && pair[0] !== pair[1];

// The adaptive weight of an edge after every epoch, and the prior it started from.
function sparkline(graph, view, [source, target]) {
  const i = source * graph.size + target;
  const values = [...graph.epochs.keys()].map((epoch) => weightsOf(graph, "adaptive", epoch, [])[i]);
  if (values.length < 2) return null;
  const most = Math.max(...values, graph.prior[i], 0.05);
  const [width, height] = [280, 56];
  const at = (epoch, value) => [4 + (epoch / (values.length - 1)) * (width - 8), height - 6 - (value / most) * (height - 14)];
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const shape = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    drawing.append(made);
  };
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  drawing.setAttribute("class", "lg-spark");
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-label", `Adaptive weight by epoch, from ${digits(values[0])} to ${digits(values.at(-1))}; prior ${digits(graph.prior[i])}`);
  const [, level] = at(0, graph.prior[i]);
  shape("line", { x1: 4, x2: width - 4, y1: level, y2: level, class: "lg-level" });
  shape("polyline", { points: values.map((value, epoch) => at(epoch, value).join(",")).join(" ") });
  const [x, y] = at(view.epoch, values[view.epoch]);
  shape("circle", { cx: x, cy: y, r: 4 });
  return h("figure", {}, drawing, h("figcaption", { class: "lg-quiet" }, `Adaptive weight by epoch; the dashed line is the prior, ${digits(graph.prior[i])}.`));
}

function labelSelect(graph, view, end, act) {
  const at = end === "From" ? 0 : 1;
  const select = h("select", { "data-key": end, "aria-label": `${end} label`, onchange: (event) => act.end(at, event.target.value === "" ? null : Number(event.target.value)) },
    h("option", { value: "" }, "choose…"),
    [...graph.names.keys()].sort((one, other) => graph.names[one].localeCompare(graph.names[other])).map((label) => h("option", { value: label, selected: view.pair[at] === label }, graph.names[label])));
  return h("label", {}, h("span", {}, end), select);
}

function edgeFacts(graph, view, [source, target]) {
  const i = source * graph.size + target;
  const all = graph.counts[target * (graph.size + 1)];
  const value = (stage) => weightsOf(graph, stage, view.epoch, view.edits)[i];
  const row = (term, words, wide) => h("div", { class: wide ? "lg-wide" : null }, h("dt", {}, term), h("dd", {}, words));
  return h("dl", { class: "lg-facts lg-four" },
    row("Shown together", graph.pictures ? `${graph.counts[i]} of ${counted(all, "picture")} with ${graph.names[target]} in this gallery` : "no labels given", true),
    row("Prior C", digits(graph.prior[i])),
    row("Change γD", signed(value("learned_change"))),
    row("Adaptive A", digits(value("adaptive"))),
    row("Normalised Â", digits(value("normalised"))));
}

function weightForm(graph, view, pair, act) {
  const [source, target] = pair.map((label) => graph.names[label]);
  const now = weightsOf(graph, "adaptive", graph.model_epoch, view.edits)[pair[0] * graph.size + pair[1]];
  const value = view.draft ?? now;
  const shown = h("output", {}, digits(value));
  const slider = h("input", { type: "range", min: 0, max: graph.max_weight, step: 0.01, value, "data-key": "weight", "aria-label": `What ${source} sends to ${target}`, oninput: () => (shown.textContent = digits(Number(slider.value))) });
  return h("form", { class: "lg-weight", onsubmit: (event) => { event.preventDefault(); act.edit(...pair, Number(slider.value)); } },
    h("label", {}, h("span", {}, `What if ${source} sent`), shown, h("span", {}, `to ${target}?`)),
    slider,
    h("button", { type: "submit", class: "lg-primary", "data-key": "submit", "aria-disabled": view.busy ? "true" : null }, view.busy ? "Recomputing…" : "Recompute the classifiers"));
}

function editList(graph, view, act) {
  if (!view.edits.length) return null;
  const words = ([source, target, weight]) =>
    h("li", {}, `${graph.names[source]} sends ${digits(weight)} to ${graph.names[target]}`, h("small", {}, ` learned ${digits(weightsOf(graph, "adaptive", graph.model_epoch, [])[source * graph.size + target])}`));
  return h("section", { class: "lg-edits" },
    h("h4", {}, `Your ${view.edits.length === 1 ? "edit" : "edits"}`),
    h("ol", {}, view.edits.map(words)),
    h("p", { class: "lg-starts" },
      h("button", { type: "button", "data-key": "undo", onclick: () => view.busy || act.ask("undo") }, "Undo the last"),
      h("button", { type: "button", "data-key": "reset", onclick: () => view.busy || act.ask("reset") }, "Start over")),
    h("p", { class: "lg-quiet" }, "Edits are yours alone and stay in this tab: every search goes on with the model as it was trained."));
}

function predictions(graph, effect, act) {
  if (!effect.predictions) return h("p", { class: "lg-quiet" }, "Search for something in the Search tab and come back: its predicted labels, before and after, will stand here.");
  const cell = (value, is) => h("td", { class: is ? "lg-strong" : null }, digits(value), is ? " ✓" : "");
  return [
    h("p", { class: "lg-quiet" }, `Labels of ${effect.query}, by cosine; ✓ is predicted.`),
    h("table", { class: "lg-neighbours" },
      h("thead", {}, h("tr", {}, h("th", {}, h("span", { class: "lg-hidden" }, "Label")), h("th", { scope: "col" }, "before"), h("th", { scope: "col" }, "after"), h("th", { scope: "col" }, "change"))),
      h("tbody", {}, effect.predictions.map(([label, before, after, was, is]) => h("tr", {}, h("th", { scope: "row" }, labelButton(graph, label, act)), cell(before, was), cell(after, is), h("td", {}, signed(after - before)))))),
  ];
}

function effects(graph, view, act) {
  const effect = view.effect;
  if (!view.edits.length || !effect) return null;
  const names = (labels) => labels.map((label) => graph.names[label]).join(", ");
  const changed = ([label, before, after]) => {
    const [gone, come] = [before.filter((other) => !after.includes(other)), after.filter((other) => !before.includes(other))];
    return h("li", {}, labelButton(graph, label, act), h("span", {}, ` gains ${names(come)}, loses ${names(gone)}`));
  };
  return h("section", { class: "lg-effects", role: "status" },
    h("h4", {}, "Classifiers that moved most"),
    effect.moved.length
      ? [h("p", { class: "lg-quiet" }, `${counted(effect.moved_count, "classifier")} moved. Cosine with what it was:`),
         h("ol", { class: "lg-moved" }, effect.moved.map(([label, cosine]) => h("li", {}, labelButton(graph, label, act),
           h("span", { class: "lg-bar", "aria-hidden": "true" }, h("i", { class: "lg-learned", style: { width: `${Math.max(0, Math.min(100, 100 * cosine))}%` } })),
           h("small", {}, digits(cosine, 3)))))]
      : h("p", { class: "lg-quiet" }, "None moved."),
    h("h4", {}, "Among the three nearest classifiers"),
    effect.neighbourhoods.length
      ? h("ul", { class: "lg-changed" }, effect.neighbourhoods.slice(0, view.unfolded.changed ? undefined : NEIGHBOURS_SHOWN).map(changed))
      : h("p", { class: "lg-quiet" }, "Every label keeps its own."),
    effect.neighbourhoods.length > NEIGHBOURS_SHOWN
      ? h("button", { type: "button", class: "lg-more", onclick: () => act.unfold("changed") }, view.unfolded.changed ? "Fewer" : `All ${effect.neighbourhoods.length}`)
      : null,
    h("h4", {}, "Your last search"),
    predictions(graph, effect, act),
  );
}

// What follows the epochs; the form stays as the visitor left it.
function edgeNumbers(graph, view) {
  if (!isEdge(view.pair)) return [];
  return [edgeFacts(graph, view, view.pair), sparkline(graph, view, view.pair)].filter((part) => part !== null);
}

function edgePanel(graph, view, act) {
  const pair = view.pair;
  const whole = isEdge(pair);
  const words = whole ? `${graph.names[pair[0]]} sends to ${graph.names[pair[1]]}` : "Choose an edge";
  return h("div", { class: "lg-label" },
    h("header", {}, h("h3", {}, words)),
    whole ? null : h("p", { class: "lg-quiet" }, "Click the label that sends, then the one that receives; or a cell of the matrix; or choose both here. Then give the edge another weight, and see what becomes of the classifiers."),
    h("div", { class: "lg-ends" },
      labelSelect(graph, view, "From", act), labelSelect(graph, view, "To", act),
      whole ? h("button", { type: "button", class: "lg-turn", "data-key": "turn", title: "The other direction", "aria-label": "Turn the edge around", onclick: () => act.pair(pair[1], pair[0]) }, "⇄") : null),
    h("div", { class: "lg-numbers" }, edgeNumbers(graph, view)),
    whole ? [graph.has_gcn ? weightForm(graph, view, pair, act) : h("p", { class: "lg-quiet" }, "This model was trained without a label graph: there is nothing to recompute.")] : null,
    view.error ? h("p", { class: "notice error", role: "alert" }, view.error) : null,
    editList(graph, view, act),
    effects(graph, view, act),
  );
}

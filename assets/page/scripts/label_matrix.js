// The label graph as a heat map, rows sending to columns, in an order that puts related labels side by side.
// Names are buttons beside it: as ticks of an axis they would take most of the time that a new epoch takes.
import { h } from "./elements.js";
import { chosenLabels, edgeId, isEdge, matches } from "./label_choice.js";
import { scaleOf } from "./label_colours.js";
import { STAGES, isOfSign, largest, weightsOf } from "./label_data.js";
import { NARROW, edgeWords } from "./label_graph.js";
import { dot } from "./label_parts.js";
import { counted, digits } from "./words.js";

const SMALLEST_NAME = 8; // pixels of a row or a column below which names would be mush
const EDGE = 8; // pixels around the cells where no names stand

export function matrixOrder(graph, view) {
  return view.order === "similar" ? graph.order : graph.names.map((_, label) => label);
}

export function matrixHeight(graph, width) {
  return width < NARROW ? Math.round(width * 1.02) : Math.min(1000, Math.max(440, graph.size * 12.5 + 120));
}

function selfWords(graph, view, label, adaptive) {
  const i = label * (graph.size + 1);
  const name = `<b>${graph.plain[label]}</b>`;
  if (view.stage === "cooccurrence") return `${counted(graph.counts[i], "picture")} with ${name}`;
  if (view.stage === "directed") return `${name} says nothing about itself`;
  return `Own weight of ${name}: ${digits(adaptive[i])}<br>${digits(graph.prior[i])} before training`;
}

// Where the cells are inside the plot, in pixels.
function cellsOf(graph, plot) {
  const [width, height] = [plot.clientWidth || 900, plot.clientHeight || 900];
  const side = width < NARROW ? 74 : 112;
  const [across, down] = [(width - side - EDGE) / graph.size, (height - side - EDGE) / graph.size];
  return { side, across, down, roomy: Math.min(across, down) >= SMALLEST_NAME };
}

// `look` is how the page looks (page_look.js); `plot` is where the figure will be.
export function matrixFigure(graph, view, plot, look) {
  const order = matrixOrder(graph, view);
  const stage = STAGES[view.stage];
  const most = largest(graph, view.stage);
  const { side, roomy } = cellsOf(graph, plot);
  const range = [-0.5, graph.size - 0.5];
  const axis = { showgrid: false, zeroline: false, showticklabels: false, ticks: "", fixedrange: true };
  const gap = roomy ? 1 : 0;
  return {
    data: [
      {
        type: "heatmap",
        ...cells(graph, view, order),
        hovertemplate: "%{text}<extra></extra>",
        showscale: false,
        xgap: gap,
        ygap: gap,
        colorscale: scaleOf(graph, stage, look),
        zmin: stage.signed ? -most : 0,
        zmax: most,
      },
    ],
    layout: {
      xaxis: { ...axis, range },
      yaxis: { ...axis, range: [range[1], range[0]] },
      margin: { l: side, r: EDGE, t: side, b: EDGE },
      shapes: marks(graph, view, order, look),
      dragmode: false,
      meta: { keep: `matrix ${graph.serial} ${view.order}` },
    },
  };
}

// A row for each label that sends: weights (null where none is shown), words, and what a click on them means.
function cells(graph, view, order) {
  const weights = weightsOf(graph, view.stage, view.epoch, view.edits);
  const adaptive = weightsOf(graph, "adaptive", view.epoch, view.edits);
  const [z, text, customdata] = [[], [], []];
  for (const source of order) {
    const [values, words, ids] = [[], [], []];
    for (const target of order) {
      const weight = weights[source * graph.size + target];
      const isSelf = source === target;
      const small = weight === 0 || Math.abs(weight) < view.threshold - 1e-6;
      const hidden = isSelf || small || !isOfSign(view, weight);
      values.push(hidden ? null : weight);
      words.push(
        isSelf
          ? selfWords(graph, view, source, adaptive)
          : edgeWords(graph, view, { source, target, weight }, adaptive),
      );
      ids.push(edgeId(graph, source, target));
    }
    z.push(values);
    text.push(words);
    customdata.push(ids);
  }
  return { z, text, customdata };
}

// The row and the column of a label, or the cell of an edge.
function marks(graph, view, order, look) {
  const frame = (x0, y0, x1, y1, color, width) => ({
    type: "rect",
    x0: x0 - 0.5,
    y0: y0 - 0.5,
    x1: x1 + 0.5,
    y1: y1 + 0.5,
    line: { color, width },
    fillcolor: "rgba(0,0,0,0)",
  });
  const end = graph.size - 1;
  if (view.panel === "label" && view.label !== null) {
    const at = order.indexOf(view.label);
    return [frame(0, at, end, at, look.accent, 1), frame(at, 0, at, end, look.accent, 1)];
  }
  if (view.panel === "edge" && isEdge(view.pair)) {
    const [row, column] = view.pair.map((label) => order.indexOf(label));
    return [frame(column, row, column, row, look.ink, 2.5)];
  }
  return [];
}

// Names of rows and columns, those that have room or are looked at, put into `place`.
export function showMatrixNames(graph, view, plot, place, act) {
  const { side, across, down, roomy } = cellsOf(graph, plot);
  const looked = chosenLabels(view);
  const order = matrixOrder(graph, view);
  const says = view.stage === "directed";
  const chosen = [[...looked], view.search, view.group, says];
  const state = JSON.stringify([graph.serial, view.order, side, across, down, ...chosen]);
  if (place.dataset.state === state) return;
  place.dataset.state = state;
  const fontSize = `${Math.max(8.5, Math.min(11.5, Math.min(across, down) - 1.5))}px`;
  const width = `${side - 4}px`;
  const name = (label, where, kind) => {
    const classes = [`lg-${kind}`, looked.has(label) && "lg-chosen-name", !matches(graph, view, label) && "lg-other"];
    const attributes = {
      type: "button",
      class: classes.filter(Boolean).join(" "),
      style: { ...where, width, fontSize },
      tabindex: kind === "row" ? 0 : -1,
      onclick: () => act.label(label),
    };
    return h("button", attributes, h("span", {}, graph.names[label]), dot(graph, label));
  };
  const shown = [...order.entries()].filter(([, label]) => roomy || looked.has(label));
  const corner = { class: "lg-corner", style: { width: `${side}px`, height: `${side}px` } };
  place.replaceChildren(
    h("span", corner, h("b", {}, says ? "row says" : "row sends"), h("b", {}, says ? "of column" : "to column")),
    ...shown.map(([at, label]) => name(label, { top: `${side + (at + 0.5) * down}px` }, "row")),
    ...shown.map(([at, label]) =>
      name(label, { left: `${side + (at + 0.5) * across}px`, top: width }, "column")),
  );
}

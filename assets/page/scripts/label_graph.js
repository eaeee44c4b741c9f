// The label graph as a Plotly figure: curved arrows that fade and thicken with their weight, dots that never move.
import { isEdited } from "./label_columns.js";
import { chosenLabels, edgeId, isEdge, matches } from "./label_choice.js";
import { edgeColour } from "./label_colours.js";
import { SAMPLES, arrowHead, curve } from "./label_curve.js";
import { STAGES, edgesShown, largest, weightsOf } from "./label_data.js";
import { chooseNames, radius } from "./label_names.js";
import { ownTraces } from "./label_own.js";
import { sayingWords } from "./label_sayings.js";
import { counted, digits, plainText, signed } from "./words.js";

export const NARROW = 560; // pixels
const CLASSES = 6; // widths and colours of edges
const FAINT = 0.1;

export function graphHeight(width) {
  if (width < NARROW) return Math.round(width * 1.3);
  return Math.round(Math.min(860, Math.max(480, width * 0.64)));
}

// `look` is how the page looks (page_look.js); `plot` is where the figure will be, and may hold the one before.
export function graphFigure(graph, view, plot, look) {
  const box = { width: plot.clientWidth || 900, height: plot.clientHeight || 600 };
  graph.small = box.width < NARROW ? 0.75 : 1;
  const { points, ownPoints, width, height } = place(graph, box);
  // How many units of the drawing a pixel is.
  const whole = Math.max(width / box.width, height / box.height);
  const zoomed = zoomOf(graph, plot);
  const unit = zoomed ? whole * zoomed.share : whole;
  // From where to where, in pixels across, names can be read.
  const centre = (zoomed ? zoomed.centre : width / 2) / unit;
  const area = { left: centre - box.width / 2 + 4, right: centre + box.width / 2 - 4 };
  const edges = edgesShown(graph, view);
  const drawing = { graph, view, look, edges, points, ownPoints, unit, area };
  const axis = { visible: false, zeroline: false, showgrid: false };
  return {
    data: [
      ...edgeTraces(drawing), ...chosenEdge(drawing), ...editMarks(drawing), nodeTrace(drawing), ...ownTraces(drawing),
    ],
    layout: {
      xaxis: { ...axis, range: [0, width] },
      yaxis: { ...axis, range: [0, height], scaleanchor: "x", scaleratio: 1 },
      margin: { l: 4, r: 4, t: 4, b: 4 },
      showlegend: false,
      hoverdistance: 14,
      dragmode: box.width < NARROW ? false : "pan",
      meta: { keep: `graph ${graph.serial} ${box.width < box.height}` },
    },
  };
}

// Where dots are on this screen: the drawing lies down on a wide one and stands up on a narrow one.
function place(graph, box) {
  const upright = box.height > box.width;
  const [width, height] = upright ? [graph.drawing[1], graph.drawing[0]] : graph.drawing;
  const turned = ([x, y]) => (upright ? [y, x] : [x, y]);
  const ownPoints = graph.own.map(({ position }) => turned(position));
  return { points: graph.positions.map(turned), ownPoints, width, height };
}

// What the visitor sees after zooming: its centre, and what share of the whole it is. The picture may have had another
// size when it was drawn.
function zoomOf(graph, plot) {
  const { xaxis, width: across, height: down } = plot._fullLayout ?? {};
  if (plot.dataset.figure !== "graph" || !xaxis?.range) return null;
  const { width, height } = place(graph, { width: across, height: down });
  const [from, to] = xaxis.range;
  return { centre: (from + to) / 2, share: Math.abs(to - from) / across / Math.max(width / across, height / down) };
}

// A line with a gap after it, so that one trace holds many.
function push(path, points) {
  for (const [x, y] of points) {
    path.x.push(x);
    path.y.push(y);
  }
  path.x.push(null);
  path.y.push(null);
}

// One pair of traces, curves and heads, for each width and colour.
function edgeTraces({ graph, view, look, edges, points, unit }) {
  const stage = STAGES[view.stage];
  const most = largest(graph, view.stage);
  const chosen = chosenLabels(view);
  const adaptive = weightsOf(graph, "adaptive", view.epoch, view.edits);
  const classes = new Map();
  for (const edge of edges) {
    const { source, target, weight } = edge;
    const near = !chosen.size || chosen.has(source) || chosen.has(target);
    const clear = near && (matches(graph, view, source) || matches(graph, view, target));
    const rank = Math.min(CLASSES - 1, Math.floor((Math.abs(weight) / most) * CLASSES));
    const key = clear ? `${Math.sign(weight)} ${rank}` : "faint";
    if (!classes.has(key)) {
      const share = (Math.sign(weight) * (rank + 0.5)) / CLASSES;
      const color = clear ? edgeColour(graph, stage, share, look) : look.quiet;
      const empty = () => ({ x: [], y: [] });
      const dashed = clear && share < 0;
      classes.set(key, { rank, clear, color, dashed, line: empty(), heads: empty(), text: [], ids: [] });
    }
    const { line, heads, text, ids } = classes.get(key);
    const rims = [radius(graph, source), radius(graph, target) + 5];
    const arrow = curve(points[source], points[target], rims, unit);
    push(line, arrow.points);
    push(heads, arrowHead(arrow, unit * graph.small * (clear ? 7 + rank : 6)));
    // Every point of a curve answers, and the gap after it does not.
    const words = clear ? edgeWords(graph, view, edge, adaptive) : null;
    for (let i = 0; i < SAMPLES; i++) {
      text.push(words);
      ids.push(edgeId(graph, source, target));
    }
    text.push(null);
    ids.push(null);
  }
  const drawn = [...classes.values()].sort((one, other) => one.clear - other.clear || one.rank - other.rank);
  return drawn.flatMap(({ rank, clear, color, dashed, line, heads, text, ids }) => [
    {
      type: "scatter",
      mode: "lines",
      ...line,
      text,
      customdata: ids,
      ...(clear ? { hovertemplate: "%{text}<extra></extra>" } : { hoverinfo: "skip" }),
      opacity: clear ? 0.45 + (0.5 * rank) / (CLASSES - 1) : FAINT,
      line: { width: clear ? 1 + 0.6 * rank : 1, color, dash: dashed ? "9px,4px" : "solid" },
    },
    {
      type: "scatter",
      mode: "lines",
      ...heads,
      fill: "toself",
      fillcolor: color,
      hoverinfo: "skip",
      line: { width: 0 },
      opacity: clear ? 0.95 : FAINT,
    },
  ]);
}

// The edge that is looked at, dotted, whether there is any weight on it or not.
function chosenEdge({ graph, view, look, points, unit }) {
  if (view.panel !== "edge" || !isEdge(view.pair)) return [];
  const [source, target] = view.pair;
  const rims = [radius(graph, source), radius(graph, target) + 4];
  const path = curve(points[source], points[target], rims, unit).points;
  const line = { color: look.ink, width: 2, dash: "1px,4px" };
  const [x, y] = [path.map((point) => point[0]), path.map((point) => point[1])];
  return [{ type: "scatter", mode: "lines", x, y, hoverinfo: "skip", line }];
}

// A pencil on each edge that the visitor edited, also where nothing is left of it; only in the stage they edited.
function editMarks({ graph, view, look, points, unit }) {
  const { size } = graph;
  const edited = view.edits.filter(([source, target]) => isEdited(graph, view, view.stage, source * size + target));
  if (!edited.length) return [];
  const weights = weightsOf(graph, view.stage, view.epoch, view.edits);
  const middles = edited.map(([source, target]) => {
    const path = curve(points[source], points[target], [radius(graph, source), radius(graph, target)], unit).points;
    return path[Math.floor(path.length / 2)];
  });
  const words = ([source, target]) =>
    edgeWords(graph, view, { source, target, weight: weights[source * size + target] }, weights);
  return [{
    type: "scatter",
    mode: "markers+text",
    x: middles.map(([x]) => x),
    y: middles.map(([, y]) => y),
    text: edited.map(() => "✎"),
    textfont: { size: 13, color: look.accent },
    hovertext: edited.map(words),
    hovertemplate: "%{hovertext}<extra></extra>",
    customdata: edited.map(([source, target]) => edgeId(graph, source, target)),
    marker: { size: 17, color: look.sheet, line: { width: 1.5, color: look.accent } },
  }];
}

// An edge in words; `adaptive` is that stage at the epoch shown.
export function edgeWords(graph, view, { source, target, weight }, adaptive) {
  if (view.stage === "directed") return sayingWords(graph, view, { source, target, weight });
  const [from, to] = [graph.plain[source], graph.plain[target]];
  const i = source * graph.size + target;
  if (view.stage === "cooccurrence") {
    const all = graph.counts[target * (graph.size + 1)];
    const pictures = `${graph.counts[i]} of the ${counted(all, "picture")} with <b>${to}</b>`;
    return `${pictures}<br>also show <b>${from}</b> (${Math.round(100 * weight)} %)`;
  }
  const after = isEdited(graph, view, "adaptive", i) ? "edited by you to" : "after";
  return (
    `<b>${from}</b> sends to <b>${to}</b>: ${STAGES[view.stage].signed ? signed(weight) : digits(weight)}` +
    `<br>${digits(graph.prior[i])} before training, ${after} ${digits(adaptive[i])}`
  );
}

function nodeTrace(drawing) {
  const { graph, view, look, edges, points } = drawing;
  const looked = chosenLabels(view);
  const neighbours = new Set();
  const [received, sent] = [new Array(graph.size).fill(0), new Array(graph.size).fill(0)];
  for (const { source, target } of edges) {
    received[target]++;
    sent[source]++;
    if (looked.has(source)) neighbours.add(target);
    if (looked.has(target)) neighbours.add(source);
  }
  const { positions, shown, size } = chooseNames(drawing, looked, neighbours);
  const traffic = (label) => `${counted(received[label], "edge")} to it, ${sent[label]} from it`;
  const labels = graph.names.map((_, label) => label);
  const chosen = (label) => looked.has(label);
  const clear = (label) => matches(graph, view, label) && (!looked.size || chosen(label) || neighbours.has(label));
  return {
    type: "scatter",
    mode: "markers+text",
    x: points.map(([x]) => x),
    y: points.map(([, y]) => y),
    customdata: labels,
    text: shown,
    textposition: positions,
    textfont: { size, color: labels.map((label) => (clear(label) ? look.ink : look.quiet)) },
    hovertext: labels.map(
      (label) =>
        `<b>${graph.plain[label]}</b>${graph.groups[label] ? ` · ${plainText(graph.groups[label])}` : ""}` +
        `<br>${counted(graph.supports[label], "picture")} here<br>${traffic(label)}`,
    ),
    hovertemplate: "%{hovertext}<extra></extra>",
    marker: {
      size: labels.map((label) => 2 * radius(graph, label)),
      color: labels.map((label) => graph.colours[graph.groups[label]]),
      opacity: labels.map((label) => (clear(label) ? 1 : 0.25)),
      line: {
        width: labels.map((label) => (chosen(label) ? 3 : 1.5)),
        color: labels.map((label) => (chosen(label) ? look.ink : look.sheet)),
      },
    },
  };
}

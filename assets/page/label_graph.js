// The label graph as a Plotly figure: curved arrows that fade and thicken with their weight, dots that never move.
const CLASSES = 6; // widths and colours of edges
const SAMPLES = 14; // points of a curve
const BEND = 0.13; // how far a curve leaves the straight line, as a share of its length; opposite edges bend apart
const FAINT = 0.1;
const NARROW = 560; // pixels
const FEW_NAMES = 14; // of a narrow screen

const isDark = () => document.body.classList.contains("dark");

function mix(scale, share) {
  const at = Math.min(1, Math.max(0, share));
  const after = Math.max(1, scale.findIndex(([stop]) => stop >= at));
  const [[low, from], [high, to]] = [scale[after - 1], scale[after]];
  const part = (at - low) / (high - low);
  const channel = (colour, i) => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
  return `rgb(${[0, 1, 2].map((i) => Math.round(channel(from, i) + part * (channel(to, i) - channel(from, i)))).join(",")})`;
}

// A weight's colour; the lightest third of a scale would vanish on paper.
function edgeColour(graph, signedStage, share) {
  const { sequential, diverging } = graph.scales[isDark() ? "dark" : "light"];
  return signedStage ? mix(diverging, 0.5 + share / 2) : mix(sequential, 0.3 + 0.7 * share);
}

// In pixels; `graph.small` is how much smaller everything is on a narrow screen.
function radius(graph, label) {
  const most = Math.max(1, ...graph.supports);
  return graph.small * (5 + 13 * Math.sqrt(graph.supports[label] / most));
}

// Where dots are on this screen: the drawing lies down on a wide one and stands up on a narrow one.
function place(graph, box) {
  const upright = box.height > box.width;
  const [width, height] = upright ? [graph.drawing[1], graph.drawing[0]] : graph.drawing;
  const points = graph.positions.map(([x, y]) => (upright ? [y, x] : [x, y]));
  return { points, width, height };
}

function matches(graph, view, label) {
  const words = view.search.trim().toLowerCase();
  return (!words || graph.names[label].toLowerCase().includes(words)) && (view.group === null || graph.groups[label] === view.group);
}

// The labels that are looked at: one, or the ends of an edge.
function chosenLabels(view) {
  const chosen = view.panel === "edge" ? view.pair : [view.label];
  return new Set(chosen.filter((label) => label !== null));
}

// A curve from rim to rim, in units of the drawing; `unit` is how many of them a pixel is.
function curve(from, to, rims, unit) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const control = [(from[0] + to[0]) / 2 - dy * BEND, (from[1] + to[1]) / 2 + dx * BEND];
  const length = Math.hypot(dx, dy) || 1;
  const start = Math.min(0.4, (rims[0] * unit) / length);
  const end = 1 - Math.min(0.4, (rims[1] * unit) / length);
  const at = (t) => [0, 1].map((i) => (1 - t) ** 2 * from[i] + 2 * t * (1 - t) * control[i] + t ** 2 * to[i]);
  const points = Array.from({ length: SAMPLES }, (_, i) => at(start + ((end - start) * i) / (SAMPLES - 1)));
  const [before, tip] = [at(end - 0.02), at(end)];
  return { points, tip, angle: Math.atan2(tip[1] - before[1], tip[0] - before[0]) };
}

// A filled triangle: Plotly's own markers would be an element each, and slow when a slider is dragged.
function head({ tip, angle }, size) {
  const corner = (turn, length) => [tip[0] - length * Math.cos(angle + turn), tip[1] - length * Math.sin(angle + turn)];
  return [corner(0, -0.35 * size), corner(0.42, size), corner(-0.42, size)];
}

function push(path, points) {
  for (const [x, y] of points) {
    path.x.push(x);
    path.y.push(y);
  }
  path.x.push(null);
  path.y.push(null);
}

function edgeTraces(graph, view, edges, points, unit) {
  const stage = STAGES[view.stage];
  const most = largest(graph, view.stage);
  const chosen = chosenLabels(view);
  const adaptive = weightsOf(graph, "adaptive", view.epoch, view.edits);
  const classes = new Map();
  for (const edge of edges) {
    const near = !chosen.size || chosen.has(edge.source) || chosen.has(edge.target);
    const clear = near && (matches(graph, view, edge.source) || matches(graph, view, edge.target));
    const size = Math.abs(edge.weight) / most;
    const rank = Math.min(CLASSES - 1, Math.floor(size * CLASSES));
    const key = clear ? `${Math.sign(edge.weight)} ${rank}` : "faint";
    if (!classes.has(key)) {
      const empty = () => ({ x: [], y: [] });
      const share = (Math.sign(edge.weight) * (rank + 0.5)) / CLASSES;
      const color = clear ? edgeColour(graph, stage.signed, share) : colours().quiet;
      classes.set(key, { rank, clear, color, dashed: clear && share < 0, line: empty(), heads: empty(), text: [], ids: [] });
    }
    const { line, heads, text, ids } = classes.get(key);
    const arrow = curve(
      points[edge.source], points[edge.target], [radius(graph, edge.source), radius(graph, edge.target) + 5], unit,
    );
    push(line, arrow.points);
    push(heads, head(arrow, unit * graph.small * (clear ? 7 + rank : 6)));
    // Every point of a curve answers, and the gap after it does not.
    const words = clear ? edgeWords(graph, view, edge, adaptive) : null;
    for (let i = 0; i < SAMPLES; i++) {
      text.push(words);
      ids.push(graph.size * (1 + edge.source) + edge.target);
    }
    text.push(null);
    ids.push(null);
  }
  const drawn = [...classes.values()].sort((one, other) => one.clear - other.clear || one.rank - other.rank);
  return drawn.flatMap(({ rank, clear, color, dashed, line, heads, text, ids }) => [
    {
      type: "scatter", mode: "lines", ...line, text, customdata: ids,
      ...(clear ? { hovertemplate: "%{text}<extra></extra>" } : { hoverinfo: "skip" }),
      opacity: clear ? 0.45 + (0.5 * rank) / (CLASSES - 1) : FAINT,
      line: { width: clear ? 1 + 0.6 * rank : 1, color, dash: dashed ? "9px,4px" : "solid" },
    },
    {
      type: "scatter", mode: "lines", ...heads, fill: "toself", fillcolor: color, hoverinfo: "skip",
      line: { width: 0 }, opacity: clear ? 0.95 : FAINT,
    },
  ]);
}

// The edge that is looked at, dotted, whether there is any weight on it or not.
function chosenEdge(graph, view, points, unit) {
  if (view.panel !== "edge" || !isEdge(view.pair)) return [];
  const [source, target] = view.pair;
  const { points: path } = curve(points[source], points[target], [radius(graph, source), radius(graph, target) + 4], unit);
  const line = { color: colours().ink, width: 2, dash: "1px,4px" };
  return [{ type: "scatter", mode: "lines", x: path.map(([x]) => x), y: path.map(([, y]) => y), hoverinfo: "skip", line }];
}

// An edge in words; `adaptive` is that stage at the epoch shown.
function edgeWords(graph, view, { source, target, weight }, adaptive) {
  const [from, to] = [graph.plain[source], graph.plain[target]];
  const i = source * graph.size + target;
  if (view.stage === "cooccurrence") {
    const all = graph.counts[target * (graph.size + 1)];
    return `${graph.counts[i]} of the ${counted(all, "picture")} with <b>${to}</b><br>also show <b>${from}</b> (${Math.round(100 * weight)} %)`;
  }
  return (
    `<b>${from}</b> sends to <b>${to}</b>: ${STAGES[view.stage].signed ? signed(weight) : digits(weight)}` +
    `<br>prior ${digits(graph.prior[i])} → learned ${digits(adaptive[i])}`
  );
}

const ruler = document.createElement("canvas").getContext("2d");

// Which names fit, the important ones first: beside, above or below their dots, never on another name or dot.
function chooseNames(graph, view, points, unit, area, looked, neighbours) {
  const narrow = graph.small < 1;
  const size = narrow ? 11 : 12.5;
  ruler.font = `${size}px "IBM Plex Sans", sans-serif`;
  const order = graph.names.map((_, label) => label).sort((one, other) => weight(other) - weight(one) || one - other);
  function weight(label) {
    if (looked.has(label)) return 3e9;
    if (neighbours.has(label)) return 2e9 + graph.supports[label];
    const searched = (view.search.trim() || view.group !== null) && matches(graph, view, label);
    return (searched ? 1e9 : 0) + graph.supports[label];
  }
  const pixel = ([x, y]) => [x / unit, -y / unit];
  const taken = points.map((point, label) => {
    const [x, y] = pixel(point);
    const r = radius(graph, label);
    return [x - r, y - r, x + r, y + r];
  });
  const positions = new Array(graph.size).fill("middle right");
  const shown = new Array(graph.size).fill("");
  let few = 0;
  for (const label of order) {
    if (narrow && weight(label) < 1e9 && ++few > FEW_NAMES) continue;
    const [x, y] = pixel(points[label]);
    const r = radius(graph, label) + 3;
    const [w, h] = [ruler.measureText(graph.names[label]).width, size * 1.15];
    const places = {
      "middle right": [x + r, y - h / 2, x + r + w, y + h / 2],
      "middle left": [x - r - w, y - h / 2, x - r, y + h / 2],
      "bottom center": [x - w / 2, y + r, x + w / 2, y + r + h],
      "top center": [x - w / 2, y - r - h, x + w / 2, y - r],
    };
    const free = ([left, top, right, bottom]) =>
      left > area.left && right < area.right &&
      taken.every((other, owner) => owner === label || left > other[2] || right < other[0] || top > other[3] || bottom < other[1]);
    const found = Object.entries(places).find(([, area]) => free(area));
    const chosen = found ?? (weight(label) >= 3e9 ? Object.entries(places)[0] : null);
    if (!chosen) continue;
    positions[label] = chosen[0];
    shown[label] = graph.plain[label];
    taken.push(chosen[1]);
  }
  return { positions, shown, size };
}

function nodeTrace(graph, view, edges, points, unit, area) {
  const page = colours();
  const looked = chosenLabels(view);
  const neighbours = new Set();
  const [received, sent] = [new Array(graph.size).fill(0), new Array(graph.size).fill(0)];
  for (const { source, target } of edges) {
    received[target]++;
    sent[source]++;
    if (looked.has(source)) neighbours.add(target);
    if (looked.has(target)) neighbours.add(source);
  }
  const { positions, shown, size } = chooseNames(graph, view, points, unit, area, looked, neighbours);
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
    textfont: { size, color: labels.map((label) => (clear(label) ? page.ink : page.quiet)) },
    hovertext: labels.map(
      (label) =>
        `<b>${graph.plain[label]}</b>${graph.groups[label] ? ` · ${plainText(graph.groups[label])}` : ""}` +
        `<br>${counted(graph.supports[label], "picture")} here<br>receives ${received[label]}, sends ${sent[label]}`,
    ),
    hovertemplate: "%{hovertext}<extra></extra>",
    marker: {
      size: labels.map((label) => 2 * radius(graph, label)),
      color: labels.map((label) => graph.colours[graph.groups[label]]),
      opacity: labels.map((label) => (clear(label) ? 1 : 0.25)),
      line: {
        width: labels.map((label) => (chosen(label) ? 3 : 1.5)),
        color: labels.map((label) => (chosen(label) ? page.ink : page.sheet)),
      },
    },
  };
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

function graphFigure(graph, view, plot) {
  const box = { width: plot.clientWidth || 900, height: plot.clientHeight || 600 };
  graph.small = box.width < NARROW ? 0.75 : 1;
  const { points, width, height } = place(graph, box);
  // How many units of the drawing a pixel is.
  const whole = Math.max(width / box.width, height / box.height);
  const zoomed = zoomOf(graph, plot);
  const unit = zoomed ? whole * zoomed.share : whole;
  // From where to where, in pixels across, names can be read.
  const centre = (zoomed ? zoomed.centre : width / 2) / unit;
  const area = { left: centre - box.width / 2 + 4, right: centre + box.width / 2 - 4 };
  const edges = edgesOf(graph, weightsOf(graph, view.stage, view.epoch, view.edits), view.threshold);
  const axis = { visible: false, zeroline: false, showgrid: false };
  return {
    data: [...edgeTraces(graph, view, edges, points, unit), ...chosenEdge(graph, view, points, unit), nodeTrace(graph, view, edges, points, unit, area)],
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

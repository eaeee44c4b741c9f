// The label graph as a Plotly figure: curved arrows that fade and thicken with their weight, dots that never move.
const CLASSES = 6; // widths and colours of edges
const SAMPLES = 14; // points of a curve
const BEND = 0.13; // how far a curve leaves the straight line, as a share of its length; opposite edges bend apart
const FAINT = 0.1;
const FEW_NAMES = 14; // of a narrow screen

// Plotly reads <b> and the like in a text as markup.
const plainText = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
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

function radius(graph, label) {
  const most = Math.max(1, ...graph.supports);
  return 5 + 13 * Math.sqrt(graph.supports[label] / most);
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

// A curve from rim to rim, in units of the drawing; `unit` is how many of them a pixel is.
function curve(from, to, rims, unit) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const control = [(from[0] + to[0]) / 2 - dy * BEND, (from[1] + to[1]) / 2 + dx * BEND];
  const length = Math.hypot(dx, dy) || 1;
  const start = Math.min(0.4, (rims[0] * unit) / length);
  const end = 1 - Math.min(0.4, (rims[1] * unit) / length);
  const at = (t) => [0, 1].map((i) => (1 - t) ** 2 * from[i] + 2 * t * (1 - t) * control[i] + t ** 2 * to[i]);
  const points = Array.from({ length: SAMPLES }, (_, i) => at(start + ((end - start) * i) / (SAMPLES - 1)));
  const [before, last] = [at(end - 0.02), at(end)];
  // Plotly turns a marker clockwise from up.
  const angle = (Math.atan2(last[0] - before[0], last[1] - before[1]) * 180) / Math.PI;
  return { points, middle: at(0.5), tip: last, angle };
}

function edgeTraces(graph, view, edges, points, unit) {
  const stage = STAGES[view.stage];
  const most = largest(graph, view.stage);
  const lines = new Map();
  const heads = { x: [], y: [], angle: [], size: [], color: [], opacity: [] };
  const spots = { x: [], y: [], text: [], customdata: [] };
  for (const edge of edges) {
    const near = view.label === null || edge.source === view.label || edge.target === view.label;
    const found = matches(graph, view, edge.source) || matches(graph, view, edge.target);
    const clear = near && found;
    const share = edge.weight / most;
    const rank = Math.min(CLASSES - 1, Math.floor(Math.abs(share) * CLASSES));
    const middleShare = (Math.sign(share) * (rank + 0.5)) / CLASSES;
    const key = clear ? `${Math.sign(share)} ${rank}` : "faint";
    const { points: path, middle, tip, angle } = curve(
      points[edge.source], points[edge.target], [radius(graph, edge.source), radius(graph, edge.target) + 4], unit,
    );
    const line = lines.get(key) ?? { x: [], y: [], rank, clear, share: middleShare };
    for (const [x, y] of path) {
      line.x.push(x);
      line.y.push(y);
    }
    line.x.push(null);
    line.y.push(null);
    lines.set(key, line);
    heads.x.push(tip[0]);
    heads.y.push(tip[1]);
    heads.angle.push(angle);
    heads.size.push(clear ? 8 + 1.2 * rank : 6);
    heads.color.push(clear ? edgeColour(graph, stage.signed, middleShare) : colours().quiet);
    heads.opacity.push(clear ? 0.95 : FAINT);
    if (!clear) continue;
    spots.x.push(middle[0]);
    spots.y.push(middle[1]);
    spots.text.push(edgeWords(graph, view, edge));
    spots.customdata.push(graph.size * (1 + edge.source) + edge.target);
  }
  const drawn = [...lines.values()].sort((one, other) => one.clear - other.clear || one.rank - other.rank);
  return [
    ...drawn.map((line) => ({
      type: "scatter", mode: "lines", x: line.x, y: line.y, hoverinfo: "skip",
      opacity: line.clear ? 0.45 + (0.5 * line.rank) / (CLASSES - 1) : FAINT,
      line: {
        width: line.clear ? 1 + 0.8 * line.rank : 1,
        color: line.clear ? edgeColour(graph, stage.signed, line.share) : colours().quiet,
        dash: line.clear && line.share < 0 ? "4px,3px" : "solid",
      },
    })),
    {
      type: "scatter", mode: "markers", x: heads.x, y: heads.y, hoverinfo: "skip",
      marker: { symbol: "arrow", angle: heads.angle, size: heads.size, color: heads.color, opacity: heads.opacity },
    },
    {
      type: "scatter", mode: "markers", ...spots, hovertemplate: "%{text}<extra></extra>",
      marker: { size: 9, opacity: 0 },
    },
  ];
}

function edgeWords(graph, view, { source, target, weight }) {
  const [from, to] = [graph.names[source], graph.names[target]].map(plainText);
  const i = source * graph.size + target;
  if (view.stage === "cooccurrence") {
    const all = graph.counts[target * (graph.size + 1)];
    return `${graph.counts[i]} of the ${counted(all, "picture")} with <b>${to}</b><br>also show <b>${from}</b> (${Math.round(100 * weight)} %)`;
  }
  const adaptive = weightsOf(graph, "adaptive", view.epoch, view.edits)[i];
  return (
    `<b>${from}</b> sends to <b>${to}</b>: ${STAGES[view.stage].signed ? signed(weight) : digits(weight)}` +
    `<br>prior ${digits(graph.prior[i])} → learned ${digits(adaptive)}`
  );
}

const ruler = document.createElement("canvas").getContext("2d");

// Which names fit, the important ones first: beside, above or below their dots, never on another name or dot.
function chooseNames(graph, view, points, unit, box, neighbours) {
  const narrow = box.width < 560;
  const size = narrow ? 11 : 12.5;
  ruler.font = `${size}px "IBM Plex Sans", sans-serif`;
  const order = graph.names.map((_, label) => label).sort((one, other) => weight(other) - weight(one) || one - other);
  function weight(label) {
    if (label === view.label || view.pair?.includes(label)) return 3e9;
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
      taken.every((other, owner) => owner === label || left > other[2] || right < other[0] || top > other[3] || bottom < other[1]);
    const found = Object.entries(places).find(([, area]) => free(area));
    const chosen = found ?? (weight(label) >= 3e9 ? Object.entries(places)[0] : null);
    if (!chosen) continue;
    positions[label] = chosen[0];
    shown[label] = plainText(graph.names[label]);
    taken.push(chosen[1]);
  }
  return { positions, shown, size };
}

function nodeTrace(graph, view, edges, points, unit, box) {
  const page = colours();
  const neighbours = new Set();
  const [received, sent] = [new Array(graph.size).fill(0), new Array(graph.size).fill(0)];
  for (const { source, target } of edges) {
    received[target]++;
    sent[source]++;
    if (source === view.label) neighbours.add(target);
    if (target === view.label) neighbours.add(source);
  }
  const { positions, shown, size } = chooseNames(graph, view, points, unit, box, neighbours);
  const labels = graph.names.map((_, label) => label);
  const chosen = (label) => label === view.label || (view.panel === "edge" && view.pair?.includes(label));
  const clear = (label) => matches(graph, view, label) && (view.label === null || chosen(label) || neighbours.has(label));
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
        `<b>${plainText(graph.names[label])}</b>${graph.groups[label] ? ` · ${plainText(graph.groups[label])}` : ""}` +
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

function graphFigure(graph, view, plot) {
  const box = { width: plot.clientWidth || 900, height: plot.clientHeight || 600 };
  const { points, width, height } = place(graph, box);
  // How many units of the drawing a pixel is, now that the visitor may have zoomed.
  const zoomed = plot.dataset.figure === "graph" && plot._fullLayout?.xaxis?.range;
  const unit = zoomed ? Math.abs(zoomed[1] - zoomed[0]) / box.width : Math.max(width / box.width, height / box.height);
  const edges = edgesOf(graph, weightsOf(graph, view.stage, view.epoch, view.edits), view.threshold);
  const axis = { visible: false, zeroline: false, showgrid: false };
  return {
    data: [...edgeTraces(graph, view, edges, points, unit), nodeTrace(graph, view, edges, points, unit, box)],
    layout: {
      xaxis: { ...axis, range: [0, width] },
      yaxis: { ...axis, range: [0, height], scaleanchor: "x", scaleratio: 1 },
      margin: { l: 4, r: 4, t: 4, b: 4 },
      showlegend: false,
      hoverdistance: 14,
      dragmode: box.width < 560 ? false : "pan",
      meta: { keep: `graph ${graph.serial} ${box.width < box.height}` },
    },
  };
}

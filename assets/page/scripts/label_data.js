// What the browser knows of a label graph: every stage at every epoch, from the matrices it was sent once.
// All matrices are flat, L × L, "row sends to column"; app/labels/graph.py is the same in Python.
import { plainText } from "./words.js";

export const STAGES = {
  cooccurrence: {
    name: "Co-occurrence",
    says: (g) =>
      `Counted in this gallery (${g.pictures.toLocaleString("en")} labelled pictures): an arrow from A to B is the ` +
      "share of B's pictures that also show A. The pictures that the model was trained on are not here.",
  },
  prior: {
    name: "Prior",
    symbol: "C",
    says: (g) =>
      "What training started from: A sends 0.50 to B where at least " +
      `${g.prior_threshold === null ? "a set share" : `${Math.round(g.prior_threshold * 100)} %`} ` +
      "of the training pictures with B also had A.",
  },
  learned_change: {
    name: "Learned change",
    symbol: "γD",
    signed: true,
    learned: true,
    says: () =>
      "What training added to the prior (teal) or took from it (brown, dashed). It may take more than there was.",
  },
  adaptive: {
    name: "Adaptive",
    symbol: "A",
    learned: true,
    says: (g) =>
      `The graph that the model ${g.is_beside ? "of mode paper " : ""}uses: prior plus learned change, never below ` +
      "0. An arrow from A to B says how much of A goes into the classifier of B.",
  },
  normalised: {
    name: "Normalised",
    symbol: "Â",
    learned: true,
    says: () =>
      "The adaptive weights, made smaller for labels that send a lot, so that none drowns the others: B takes this " +
      "much of A in each graph convolution.",
  },
  difference: {
    name: "Learned − prior",
    signed: true,
    learned: true,
    says: () => "What is different in the end: adaptive minus prior. Teal grew; brown and dashed shrank.",
  },
  directed: {
    name: "What one label says about another",
    symbol: "G",
    signed: true,
    says: () =>
      "If A is known to be in a picture, how much likelier is B? +1 makes the odds of B 2.7 times as high (teal), −1 " +
      "makes them 2.7 times as low (brown, dashed). It is used for every picture of which labels are known.",
  },
};

function unpack({ data, scale, bits }) {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const whole = bits === 32 ? new Int32Array(bytes.buffer) : new Int16Array(bytes.buffer);
  return Float32Array.from(whole, (value) => value * scale);
}

export function readGraph(sent) {
  const size = sent.names.length;
  return {
    ...sent,
    size,
    plain: sent.names.map(plainText),
    own: sent.own ?? [],
    counts: unpack(sent.counts),
    prior: unpack(sent.prior),
    change: unpack(sent.change),
    directed: sent.directed && { counted: unpack(sent.directed.counted), change: unpack(sent.directed.change) },
    cache: new Map(),
  };
}

// Edits are of the one stage that the model depends on.
function withEdits(graph, stage, weights, edits) {
  if (graph.edited !== stage) return weights;
  for (const [source, target, weight] of edits) weights[source * graph.size + target] = weight;
  return weights;
}

// Edits belong to the model as it is, so they show at its own epoch only.
function adaptiveAt(graph, epoch, edits) {
  const { size, prior, change } = graph;
  const start = epoch * size * size;
  const weights = new Float32Array(size * size);
  for (let i = 0; i < weights.length; i++) weights[i] = Math.max(0, prior[i] + change[start + i]);
  return epoch === graph.model_epoch ? withEdits(graph, "adaptive", weights, edits) : weights;
}

function directedOf(graph, edits) {
  const { counted, change } = graph.directed;
  return withEdits(graph, "directed", counted.map((weight, i) => weight + change[i]), edits);
}

function normalisedOf(graph, adaptive) {
  const { size } = graph;
  const scale = new Float64Array(size);
  for (let source = 0; source < size; source++) {
    let total = 0;
    for (let target = 0; target < size; target++) total += adaptive[source * size + target];
    scale[source] = total > 0 ? 1 / Math.sqrt(total) : 0;
  }
  return adaptive.map((weight, i) => weight * scale[Math.floor(i / size)] * scale[i % size]);
}

function compute(graph, stage, epoch, edits) {
  const { size, counts, prior, change } = graph;
  if (stage === "cooccurrence") return counts.map((count, i) => count / Math.max(1, counts[(i % size) * (size + 1)]));
  if (stage === "prior") return prior;
  if (stage === "directed") return directedOf(graph, edits);
  if (stage === "learned_change") return change.slice(epoch * size * size, (epoch + 1) * size * size);
  const adaptive = adaptiveAt(graph, epoch, edits);
  if (stage === "adaptive") return adaptive;
  if (stage === "normalised") return normalisedOf(graph, adaptive);
  return adaptive.map((weight, i) => weight - Math.max(0, prior[i]));
}

export function weightsOf(graph, stage, epoch, edits) {
  const at = STAGES[stage].learned ? epoch : graph.model_epoch;
  const key = `${stage} ${at} ${JSON.stringify(at === graph.model_epoch ? edits : [])}`;
  if (!graph.cache.has(key)) {
    if (graph.cache.size > 64) graph.cache.clear();
    graph.cache.set(key, compute(graph, stage, at, edits));
  }
  return graph.cache.get(key);
}

// Edges between different labels, of at least `threshold` by magnitude; the strongest last, so that it is drawn on top.
export function edgesOf(graph, weights, threshold) {
  const edges = [];
  for (let i = 0; i < weights.length; i++) {
    const source = Math.floor(i / graph.size);
    const target = i % graph.size;
    const weight = weights[i];
    if (source === target || weight === 0 || Math.abs(weight) < threshold - 1e-6) continue;
    edges.push({ source, target, weight });
  }
  return edges.sort((one, other) => Math.abs(one.weight) - Math.abs(other.weight));
}

// Whether a weight is of the sign that the visitor looks at: of the directed graph most are negative.
export function isOfSign({ stage, signs }, weight) {
  if (stage !== "directed" || signs === "both") return true;
  return signs === "down" ? weight < 0 : weight > 0;
}

// The edges that the visitor sees, the strongest last.
export function edgesShown(graph, view) {
  const edges = edgesOf(graph, weightsOf(graph, view.stage, view.epoch, view.edits), view.threshold);
  return edges.filter(({ weight }) => isOfSign(view, weight));
}

// The largest magnitude off the diagonal over all epochs, so that scales stand still while the epochs play.
export function largest(graph, stage) {
  const key = `largest ${stage}`;
  if (!graph.cache.has(key)) {
    let best = 0;
    const all = STAGES[stage].learned ? graph.epochs.keys() : [graph.model_epoch];
    for (const epoch of all) {
      const weights = compute(graph, stage, epoch, []);
      for (let i = 0; i < weights.length; i++) if (i % (graph.size + 1)) best = Math.max(best, Math.abs(weights[i]));
    }
    graph.cache.set(key, best || 1);
  }
  return graph.cache.get(key);
}

// The stage to begin with: that which the model depends on, or the last that there is.
export function firstStage(graph) {
  if (graph.edited === "directed") return "directed";
  if (graph.has_gcn) return graph.learns ? "adaptive" : "prior";
  return graph.stages[0];
}

export function busiest(graph, edges, end) {
  const counts = new Array(graph.size).fill(0);
  for (const edge of edges) counts[edge[end]]++;
  const count = Math.max(...counts);
  return count ? { label: counts.indexOf(count), count } : null;
}

// Where training, not the visitor, took the weights farthest above and below the prior, at the epoch shown.
export function extremes(graph, view) {
  const difference = weightsOf(graph, "difference", view.epoch, []);
  const adaptive = weightsOf(graph, "adaptive", view.epoch, []);
  const found = { up: null, down: null };
  const edge = (i) => ({
    source: Math.floor(i / graph.size),
    target: i % graph.size,
    before: graph.prior[i],
    after: adaptive[i],
    by: difference[i],
  });
  for (let i = 0; i < difference.length; i++) {
    if (i % (graph.size + 1) === 0) continue;
    if (difference[i] > (found.up?.by ?? 1e-6)) found.up = edge(i);
    if (difference[i] < (found.down?.by ?? -1e-6)) found.down = edge(i);
  }
  return found;
}

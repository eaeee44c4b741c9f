// A label graph as Python sends it (app/components/label_graph.py), small enough to check by hand.
const SCALE = 1e-4;

function packed(values, bits = 16) {
  const scale = bits === 32 ? 1 : SCALE;
  const whole = values.flat(Infinity).map((value) => Math.round(value / scale));
  const numbers = bits === 32 ? Int32Array.from(whole) : Int16Array.from(whole);
  return { data: Buffer.from(numbers.buffer).toString("base64"), scale, bits };
}

// Three labels. "boat" has 4 pictures, "sea" 8, "dog" 2; every boat is at sea. Two epochs, the second the model's.
export function sentGraph(changes = {}) {
  return {
    kind: "graph",
    names: ["boat", "sea", "dog <wild>"],
    groups: ["things", "places", ""],
    colours: { things: "#111111", places: "#222222", "": "#333333" },
    supports: [4, 8, 2],
    pictures: 10,
    counts: packed([[4, 4, 0], [4, 8, 1], [0, 1, 2]], 32),
    prior: packed([[0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 0.5]]),
    change: packed([
      [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
      [[0.1, -0.2, 0], [0.3, 0, -0.6], [0, 0.05, 0]],
    ]),
    epochs: [0, 7],
    model_epoch: 1,
    prior_threshold: 0.4,
    has_gcn: true,
    learns: true,
    positions: [[100, 100], [300, 100], [200, 300]],
    order: [1, 0, 2],
    drawing: [400, 400],
    thresholds: { adaptive: 0.1, directed: 0.5 },
    stages: ["cooccurrence", "prior", "learned_change", "adaptive", "normalised", "difference"],
    is_beside: false,
    directed: null,
    edited: "adaptive",
    weights: [0, 2],
    scales: {
      light: {
        sequential: [[0, "#ffffff"], [1, "#000000"]],
        diverging: [[0, "#ff0000"], [0.5, "#ffffff"], [1, "#0000ff"]],
      },
      dark: {
        sequential: [[0, "#000000"], [1, "#ffffff"]],
        diverging: [[0, "#00ff00"], [0.5, "#000000"], [1, "#0000ff"]],
      },
    },
    pictures_prefix: "picture/key",
    serial: 1,
    ...changes,
  };
}

// What one label says about another: a boat makes the sea likelier, the sea a boat, and the dog less so.
export const directed = {
  counted: packed([[0, 1.2, -0.1], [0.6, 0, 0], [-0.3, 0, 0]]),
  change: packed([[0, 0.45, 0.12], [-0.2, 0, 0], [-1, 0.01, 0]]),
};

// The same labels with a model of mode plus, which has that graph; that of mode paper may stand beside it.
export const plusGraph = (changes = {}) =>
  sentGraph({ directed, edited: "directed", weights: [-4, 4], is_beside: true,
    stages: [...sentGraph().stages, "directed"], ...changes });

// What the visitor chose: the model's adaptive graph, nothing searched, nothing edited.
export const viewOf = (changes = {}) => ({
  stage: "adaptive", shape: "graph", order: "similar", signs: "up", panel: "label", epoch: 1, threshold: 0.1,
  search: "", group: null, label: null, pair: [null, null], edits: [], ...changes,
});

// How the page looks where no page is; a letter is 7 pixels wide.
export const LOOK = {
  dark: false, ink: "ink", quiet: "quiet", line: "line", sheet: "sheet", tint: "tint", accent: "accent",
  widthOf: (text) => 7 * text.length,
};

// The place of a plot of that size, with nothing drawn yet.
export const plotOf = (width, height) => ({ clientWidth: width, clientHeight: height, dataset: {} });

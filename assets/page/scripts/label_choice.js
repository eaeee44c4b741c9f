// What the visitor looks at: the labels that a search or a group means, one label, or the two ends of an edge.
export function matches(graph, view, label) {
  const words = view.search.trim().toLowerCase();
  const isNamed = !words || graph.names[label].toLowerCase().includes(words);
  return isNamed && (view.group === null || graph.groups[label] === view.group);
}

// The labels that are looked at: one, or the ends of an edge.
export function chosenLabels(view) {
  const chosen = view.panel === "edge" ? view.pair : [view.label];
  return new Set(chosen.filter((label) => label !== null));
}

export const isEdge = (pair) => pair.every((label) => label !== null) && pair[0] !== pair[1];

// The label that a search means: the one of that name, or the first that has it in its name. Null where there is none.
export function labelNamed(graph, words) {
  const wanted = words.trim().toLowerCase();
  if (!wanted) return null;
  const names = graph.names.map((name) => name.toLowerCase());
  const exact = names.indexOf(wanted);
  const found = exact >= 0 ? exact : names.findIndex((name) => name.includes(wanted));
  return found < 0 ? null : found;
}

// Clicks in the picture carry whole numbers: labels are numbered from 0, and after them the edges.
export const edgeId = (graph, source, target) => graph.size * (1 + source) + target;

export function clickedOn(graph, id) {
  if (id >= graph.size * (graph.size + 1)) return { own: id - graph.size * (graph.size + 1) };
  const [source, target] = [Math.floor(id / graph.size) - 1, id % graph.size];
  return id >= graph.size && source !== target ? { source, target } : { label: target };
}

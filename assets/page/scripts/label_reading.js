// The picture of the label graph in two or three sentences.
import { STAGES, busiest, edgesOf, extremes, weightsOf } from "./label_data.js";
import { counted, digits, signed } from "./words.js";

export function reading(graph, view) {
  const { names, size } = graph;
  const weights = weightsOf(graph, view.stage, view.epoch, view.edits);
  const edges = edgesOf(graph, weights, view.threshold);
  const places = view.threshold < 0.01 ? 4 : 2;
  const said = [`${counted(edges.length, "edge")} of at least ${digits(view.threshold, places)}.`];
  const strongest = edges.at(-1);
  if (view.edits.length && STAGES[view.stage].learned && view.stage !== "learned_change") {
    if (view.epoch === graph.model_epoch) said.push(`This is with your ${counted(view.edits.length, "edit")}.`);
  }
  if (view.stage === "cooccurrence" && strongest) {
    const best = edges.filter((edge) => edge.weight === strongest.weight);
    const shown = (edge) => graph.counts[edge.source * size + edge.target];
    const top = best.reduce((one, other) => (shown(other) > shown(one) ? other : one));
    const of = graph.counts[top.target * size + top.target];
    const pictures = `${shown(top)} of the ${counted(of, "picture")} with ${names[top.target]}`;
    said.push(`Strongest: ${pictures} also show ${names[top.source]}.`);
  } else if (view.stage === "prior") {
    const hub = busiest(graph, edges, "source");
    if (hub) said.push(`${names[hub.label]} sends to the most labels: ${hub.count}.`);
  } else if (graph.learns) {
    if (STAGES[view.stage].signed) {
      const up = edges.filter(({ weight }) => weight > 0).length;
      const least = digits(view.threshold, places);
      said[0] = `${counted(up, "edge")} up and ${edges.length - up} down by at least ${least}.`;
    }
    const grown = extremes(graph, view);
    const tell = ({ source, target, before, after }) => {
      const by = `${signed(after - before)} (${digits(before)} to ${digits(after)})`;
      return `what ${names[source]} sends to ${names[target]}: ${by}`;
    };
    if (grown.up) said.push(`Training strengthened most ${tell(grown.up)}.`);
    if (grown.down) said.push(`It weakened most ${tell(grown.down)}.`);
  } else {
    said.push("Nothing was learned here: the graph is its prior.");
  }
  if (view.panel === "label" && view.label !== null) {
    const here = (end) => edges.filter((edge) => edge[end] === view.label).length;
    said.push(`Of these, ${names[view.label]} receives ${here("target")} and sends ${here("source")}.`);
  }
  return said.join(" ");
}

// The picture of the label graph in two or three sentences.
import { STAGES, busiest, edgesShown, extremes } from "./label_data.js";
import { isSilent, oddsOf } from "./label_sayings.js";
import { counted, digits, signed } from "./words.js";

export function reading(graph, view) {
  const { names, size } = graph;
  const edges = edgesShown(graph, view);
  const places = view.threshold < 0.01 ? 4 : 2;
  const said = [`${counted(edges.length, "edge")} of at least ${digits(view.threshold, places)}.`];
  const strongest = edges.at(-1);
  if (view.edits.length && showsEdits(graph, view)) {
    said.push(view.edits.length === 1 ? "Your edit is in it." : `Your ${view.edits.length} edits are in it.`);
  }
  if (view.stage === "directed") {
    const likelier = edges.filter(({ weight }) => weight > 0).length;
    const told = {
      up: "each makes another label likelier",
      down: "each makes another label less likely",
      both: `${likelier} for likelier, ${edges.length - likelier} for less likely`,
    };
    if (edges.length) said[0] = `${said[0].slice(0, -1)}: ${told[view.signs]}.`;
    if (isSilent(graph)) said.push("This model sees so well that known labels add nothing to what it says of others.");
    if (strongest) {
      const { source, target, weight } = strongest;
      said.push(`Strongest: ${names[source]} → ${names[target]}, ${signed(weight)} (odds ${oddsOf(weight)}).`);
    }
  } else if (view.stage === "cooccurrence" && strongest) {
    const best = edges.filter((edge) => edge.weight === strongest.weight);
    const shown = (edge) => graph.counts[edge.source * size + edge.target];
    const top = best.reduce((one, other) => (shown(other) > shown(one) ? other : one));
    const of = graph.counts[top.target * size + top.target];
    const pictures = `${shown(top)} of the ${counted(of, "picture")} with ${names[top.target]}`;
    said.push(`Strongest: ${pictures} also show ${names[top.source]}.`);
  } else if (view.stage === "prior") {
    const hub = busiest(graph, edges, "source");
    if (hub) said.push(`Most of them start from ${names[hub.label]}: ${hub.count}.`);
  } else if (graph.learns) {
    if (STAGES[view.stage].signed) {
      const up = edges.filter(({ weight }) => weight > 0).length;
      const least = digits(view.threshold, places);
      said[0] = `${counted(up, "edge")} up and ${edges.length - up} down by at least ${least}.`;
    }
    const grown = extremes(graph, view);
    const tell = ({ source, target, before, after }) =>
      `${names[source]} → ${names[target]}, ${signed(after - before)} (${digits(before)} to ${digits(after)})`;
    if (grown.up) said.push(`Strongest gain: ${tell(grown.up)}.`);
    if (grown.down) said.push(`Strongest loss: ${tell(grown.down)}.`);
  } else {
    said.push("Nothing was learned here: the graph is its prior.");
  }
  if (view.panel === "label" && view.label !== null) {
    const here = (end) => edges.filter((edge) => edge[end] === view.label).length;
    const [arriving, leaving] = [here("target"), here("source")];
    const name = names[view.label];
    said.push(`Of these, ${name} has ${arriving} coming in and ${leaving} going out.`);
  }
  return said.join(" ");
}

// Whether the visitor's edits are in what is shown: in the stage they are of and what follows from it, at the model's
// own epoch.
function showsEdits(graph, { stage, epoch }) {
  if (graph.edited === "directed") return stage === "directed";
  return STAGES[stage].learned && stage !== "learned_change" && epoch === graph.model_epoch;
}

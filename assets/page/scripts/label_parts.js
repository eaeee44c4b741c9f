// Small parts that several views of a label share.
import { h } from "./elements.js";

export const dot = (graph, label) =>
  h("i", { class: "lg-dot", style: { background: graph.colours[graph.groups[label]] } });

export function labelButton(graph, label, act) {
  const onclick = () => act.label(label);
  return h("button", { type: "button", class: "lg-name", onclick }, dot(graph, label), graph.names[label]);
}

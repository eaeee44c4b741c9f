// Which names of the label graph fit on the screen, and how large its dots are.
import { matches } from "./label_choice.js";

export const OWN_RADIUS = 9; // in pixels, of labels that the visitor made
const FEW_NAMES = 24; // of a narrow screen

// In pixels; `graph.small` is how much smaller everything is on a narrow screen.
export function radius(graph, label) {
  const most = Math.max(1, ...graph.supports);
  return graph.small * (5 + 13 * Math.sqrt(graph.supports[label] / most));
}

export const sizeOfNames = (graph) => (graph.small < 1 ? 11 : 12.5);

// The important names first: beside, above or below their dots, never on another name or dot. What is `looked` at is
// always named, its `neighbours` before all others.
export function chooseNames({ graph, view, look, points, ownPoints, unit, area }, looked, neighbours) {
  const narrow = graph.small < 1;
  const size = sizeOfNames(graph);
  const weights = graph.names.map((_, label) => importance(graph, view, label, looked, neighbours));
  const order = [...graph.names.keys()].sort((one, other) => weights[other] - weights[one] || one - other);
  const pixel = ([x, y]) => [x / unit, -y / unit];
  const taken = points.map((point, label) => {
    const [x, y] = pixel(point);
    const r = radius(graph, label);
    return [x - r, y - r, x + r, y + r];
  });
  taken.push(...ownBoxes({ graph, look, ownPoints, unit }));
  const positions = new Array(graph.size).fill("middle right");
  const shown = new Array(graph.size).fill("");
  let few = 0;
  for (const label of order) {
    const isExtra = weights[label] < 1e9;
    if (narrow && isExtra && few >= FEW_NAMES) continue;
    const places = placesBeside(pixel(points[label]), radius(graph, label) + 3, {
      width: look.widthOf(graph.names[label], size),
      height: size * 1.15,
    });
    const found = places.find(([, box]) => isFree(box, label, taken, area));
    const chosen = found ?? (looked.has(label) ? places[0] : null);
    if (!chosen) continue;
    if (isExtra) few++;
    positions[label] = chosen[0];
    shown[label] = graph.plain[label];
    taken.push(chosen[1]);
  }
  return { positions, shown, size };
}

// The dots and names of the visitor's own labels, always named: other names keep clear of them.
function ownBoxes({ graph, look, ownPoints, unit }) {
  const size = sizeOfNames(graph);
  return ownPoints.flatMap(([x, y], own) => {
    const [left, top, r] = [x / unit, -y / unit, OWN_RADIUS * graph.small];
    const half = look.widthOf(graph.own[own].name, size) / 2;
    return [[left - r, top - r, left + r, top + r], [left - half, top - r - 4 - size * 1.15, left + half, top - r]];
  });
}

function importance(graph, view, label, looked, neighbours) {
  if (looked.has(label)) return 3e9;
  if (neighbours.has(label)) return 2e9 + graph.supports[label];
  const searched = (view.search.trim() || view.group !== null) && matches(graph, view, label);
  return (searched ? 1e9 : 0) + graph.supports[label];
}

// Where a name can stand, best first, as Plotly calls it, with its left, top, right and bottom.
function placesBeside([x, y], r, { width: w, height: h }) {
  return [
    ["middle right", [x + r, y - h / 2, x + r + w, y + h / 2]],
    ["middle left", [x - r - w, y - h / 2, x - r, y + h / 2]],
    ["bottom center", [x - w / 2, y + r, x + w / 2, y + r + h]],
    ["top center", [x - w / 2, y - r - h, x + w / 2, y - r]],
  ];
}

// The first of `taken` are the dots, in the order of their labels: a name may stand on its own.
function isFree([left, top, right, bottom], label, taken, area) {
  const apart = (other) => left > other[2] || right < other[0] || top > other[3] || bottom < other[1];
  return left > area.left && right < area.right && taken.every((other, owner) => owner === label || apart(other));
}

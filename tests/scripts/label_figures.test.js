// Both pictures of a label graph, as Plotly gets them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { clickedOn, edgeId } from "../../assets/page/scripts/label_choice.js";
import { edgeColour } from "../../assets/page/scripts/label_colours.js";
import { STAGES, readGraph } from "../../assets/page/scripts/label_data.js";
import { edgeWords, graphFigure, graphHeight } from "../../assets/page/scripts/label_graph.js";
import { matrixFigure, matrixHeight, matrixOrder } from "../../assets/page/scripts/label_matrix.js";
import { LOOK, plotOf, sentGraph, viewOf } from "./graphs.js";

const graph = readGraph(sentGraph());
const lines = (figure) => figure.data.filter(({ mode, customdata }) => mode === "lines" && customdata);
const ids = (figure) => lines(figure).flatMap(({ customdata }) => customdata.filter((id) => id !== null));
const drawn = (figure) => [...new Set(ids(figure))];

test("the graph draws the edges of the threshold, each with the number of its ends", () => {
  const figure = graphFigure(graph, viewOf(), plotOf(900, 600), LOOK);
  assert.deepEqual(drawn(figure).sort(), [edgeId(graph, 0, 1), edgeId(graph, 1, 0)].sort());
  assert.deepEqual(figure.data.at(-1).customdata, [0, 1, 2]);
});

test("gaps between arrows answer no click", () => {
  for (const { x, customdata } of lines(graphFigure(graph, viewOf(), plotOf(900, 600), LOOK))) {
    assert.equal(x.length, customdata.length);
    x.forEach((value, i) => assert.equal(value === null, customdata[i] === null));
  }
});

test("what shrank is dashed", () => {
  const figure = graphFigure(graph, viewOf({ stage: "difference" }), plotOf(900, 600), LOOK);
  const dashes = Object.fromEntries(
    lines(figure).flatMap(({ line, customdata }) => customdata.filter(Boolean).map((id) => [id, line.dash])),
  );
  assert.equal(dashes[edgeId(graph, 1, 0)], "solid");
  assert.equal(dashes[edgeId(graph, 1, 2)], "9px,4px");
});

test("labels that no search means fade, with the edges between them", () => {
  const figure = graphFigure(graph, viewOf({ search: "dog" }), plotOf(900, 600), LOOK);
  assert.deepEqual(figure.data.at(-1).marker.opacity, [0.25, 0.25, 1]);
  for (const { hoverinfo, line } of lines(figure)) assert.deepEqual([hoverinfo, line.color], ["skip", "quiet"]);
});

test("a chosen label keeps its neighbours clear", () => {
  const { marker } = graphFigure(graph, viewOf({ label: 0 }), plotOf(900, 600), LOOK).data.at(-1);
  assert.deepEqual(marker.opacity, [1, 1, 0.25]);
  assert.deepEqual(marker.line.color, ["ink", "sheet", "sheet"]);
});

test("an edge that is looked at is dotted, whatever its weight", () => {
  const view = viewOf({ panel: "edge", pair: [0, 2] });
  const dotted = graphFigure(graph, view, plotOf(900, 600), LOOK).data.filter(({ line }) => line?.dash === "1px,4px");
  assert.equal(dotted.length, 1);
});

test("the drawing stands up on a narrow screen", () => {
  const wide = { drawing: [400, 300] };
  const tall = graphFigure(readGraph(sentGraph(wide)), viewOf(), plotOf(400, 520), LOOK);
  assert.deepEqual(tall.layout.xaxis.range, [0, 300]);
  assert.deepEqual(tall.data.at(-1).x, [100, 100, 300]);
  assert.equal(tall.layout.dragmode, false, "a finger scrolls the page");
});

test("hovering says the weight with what it started from, and co-occurrence in pictures", () => {
  const words = (stage, edge) => edgeWords(graph, viewOf({ stage }), edge, [0, 0.3, 0]);
  const edge = { source: 0, target: 1, weight: 0.3 };
  assert.equal(words("adaptive", edge), "<b>boat</b> sends to <b>sea</b>: 0.30<br>0.50 before training, after 0.30");
  assert.equal(words("cooccurrence", { ...edge, weight: 0.5 }),
    "4 of the 8 pictures with <b>sea</b><br>also show <b>boat</b> (50 %)");
});

test("an edited edge has a pencil in its own stage, where a click looks at it, and says that it is edited", () => {
  const pencils = (changes) => graphFigure(graph, viewOf(changes), plotOf(900, 600), LOOK).data
    .filter(({ text }) => text?.[0] === "✎");
  const edits = [[0, 1, 0]];
  const [marks] = pencils({ edits });
  assert.deepEqual(clickedOn(graph, marks.customdata[0]), { source: 0, target: 1 });
  assert.match(marks.hovertext[0], /0\.00<br>0\.50 before training, edited by you to 0\.00/);
  for (const other of [{}, { edits, epoch: 0 }, { edits, stage: "prior" }]) assert.deepEqual(pencils(other), []);
});

test("the colour of a weight follows the page and the sign", () => {
  const dark = { ...LOOK, dark: true };
  assert.equal(edgeColour(graph, STAGES.adaptive, 1, LOOK), "rgb(0,0,0)");
  assert.equal(edgeColour(graph, STAGES.adaptive, 1, dark), "rgb(255,255,255)");
  assert.equal(edgeColour(graph, STAGES.difference, -1, LOOK), "rgb(255,0,0)");
  assert.equal(edgeColour(graph, STAGES.difference, 1, LOOK), "rgb(0,0,255)");
  assert.notEqual(edgeColour(graph, STAGES.adaptive, 0, LOOK), "rgb(255,255,255)", "the weakest is seen on paper");
});

test("the matrix puts related labels side by side, or lists them", () => {
  assert.deepEqual(matrixOrder(graph, viewOf()), [1, 0, 2]);
  assert.deepEqual(matrixOrder(graph, viewOf({ order: "listed" })), [0, 1, 2]);
});

test("a cell of the matrix is what its row sends to its column", () => {
  const [heat] = matrixFigure(graph, viewOf(), plotOf(900, 900), LOOK).data;
  assert.ok(Math.abs(heat.z[0][1] - 0.3) < 1e-6, "sea to boat");
  assert.deepEqual(clickedOn(graph, heat.customdata[0][1]), { source: 1, target: 0 });
  assert.deepEqual(heat.z.map((row) => row.filter((value) => value !== null).length), [1, 1, 0]);
  assert.equal(heat.text[2][2], "Own weight of <b>dog &lt;wild&gt;</b>: 0.50<br>0.50 before training");
  assert.deepEqual([heat.zmin, heat.zmax > 0], [0, true]);
});

test("signed stages have their zero in the middle of the colours", () => {
  const [heat] = matrixFigure(graph, viewOf({ stage: "difference" }), plotOf(900, 900), LOOK).data;
  assert.equal(heat.zmin, -heat.zmax);
});

test("the first row of the matrix is at its top, and marks are where the order puts them", () => {
  const label = matrixFigure(graph, viewOf({ label: 0 }), plotOf(900, 900), LOOK).layout;
  assert.deepEqual(label.yaxis.range, [2.5, -0.5]);
  const frames = label.shapes.map(({ x0, x1, y0, y1 }) => [x0, x1, y0, y1]);
  assert.deepEqual(frames, [[-0.5, 2.5, 0.5, 1.5], [0.5, 1.5, -0.5, 2.5]]);
  const edge = viewOf({ panel: "edge", pair: [2, 1] });
  const [{ x0, y0 }] = matrixFigure(graph, edge, plotOf(900, 900), LOOK).layout.shapes;
  assert.deepEqual([x0, y0], [-0.5, 1.5], "row of the sender, column of the receiver");
});

test("both pictures keep a readable height", () => {
  assert.deepEqual([400, 700, 1000, 2000].map(graphHeight), [520, 480, 640, 860]);
  assert.equal(matrixHeight({ size: 24 }, 900), 440);
  assert.equal(matrixHeight({ size: 200 }, 900), 1000);
  assert.equal(matrixHeight({ size: 200 }, 400), 408);
});

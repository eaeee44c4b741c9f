// What the side panel works out before it is put on the page.
import assert from "node:assert/strict";
import { test } from "node:test";

import { readGraph } from "../../assets/page/scripts/label_data.js";
import { sparkPoints } from "../../assets/page/scripts/label_edge.js";
import { gainsAndLosses } from "../../assets/page/scripts/label_effects.js";
import { firstLabels, neighboursOf } from "../../assets/page/scripts/label_panel.js";
import { sentGraph, viewOf } from "./graphs.js";

const graph = readGraph(sentGraph());

test("the first labels offered are those that training changed most, each once", () => {
  assert.deepEqual(firstLabels(graph, viewOf()), [0, 2, 1]);
});

test("neighbours are those with a prior or a weight now, the strongest first", () => {
  const labels = (label, end) => neighboursOf(graph, viewOf({ label }), end).map((row) => row.label);
  assert.deepEqual(labels(1, "target"), [0, 2], "boat by its prior, dog by what it learned");
  assert.deepEqual(labels(1, "source"), [2, 0], "dog's prior of 0.5 is above boat's 0.3");
  assert.deepEqual(labels(0, "target"), [1]);
  assert.deepEqual(labels(2, "source"), [1]);
});

test("an edit makes a neighbour", () => {
  const view = viewOf({ label: 0, edits: [[2, 0, 1]] });
  assert.deepEqual(neighboursOf(graph, view, "target").map((row) => row.label), [2, 1]);
});

test("a neighbour says where its weight stands", () => {
  assert.equal(neighboursOf(graph, viewOf({ label: 1 }), "target")[0].i, 1, "row boat, column sea");
  assert.equal(neighboursOf(graph, viewOf({ label: 1 }), "source")[0].i, 5, "row sea, column dog");
});

test("a spark line fills its width, and higher is more", () => {
  const { points, level } = sparkPoints([0, 0.5, 1], 0.5);
  assert.deepEqual(points.map(([x]) => x), [4, 140, 276]);
  assert.deepEqual(points.map(([, y]) => y), [50, 29, 8]);
  assert.equal(level, 29);
  assert.ok(sparkPoints([0, 0], 0).points.flat().every(Number.isFinite), "nothing at all is a line at the bottom");
});

test("gains are new, losses are gone", () => {
  assert.deepEqual(gainsAndLosses([1, 2, 3], [3, 4, 1]), { gains: [4], losses: [2] });
});

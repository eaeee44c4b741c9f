import assert from "node:assert/strict";
import { test } from "node:test";

import { busiest, edgesOf, extremes, largest, readGraph, weightsOf } from "../../assets/page/scripts/label_data.js";
import { sentGraph, viewOf } from "./graphs.js";

const graph = readGraph(sentGraph());

function assertNear(found, wanted) {
  assert.equal(found.length, wanted.length);
  wanted.forEach((value, i) => assert.ok(Math.abs(found[i] - value) < 1e-6, `${i}: ${found[i]}, not ${value}`));
}

test("the matrices come out of their packing", () => {
  assertNear(graph.counts, [4, 4, 0, 4, 8, 1, 0, 1, 2]);
  assertNear(graph.prior, [0.5, 0.5, 0, 0, 0.5, 0.5, 0, 0, 0.5]);
  assert.equal(graph.size, 3);
});

test("names are markup for nobody", () => assert.equal(graph.plain[2], "dog &lt;wild&gt;"));

test("the adaptive graph is prior plus change, never below 0", () => {
  assertNear(weightsOf(graph, "adaptive", 0, []), graph.prior);
  assertNear(weightsOf(graph, "adaptive", 1, []), [0.6, 0.3, 0, 0.3, 0.5, 0, 0, 0.05, 0.5]);
});

test("the learned change is that of its epoch, also where nothing was left to take", () => {
  assertNear(weightsOf(graph, "learned_change", 0, []), new Array(9).fill(0));
  assertNear(weightsOf(graph, "learned_change", 1, []), [0.1, -0.2, 0, 0.3, 0, -0.6, 0, 0.05, 0]);
});

test("the difference takes no more than there was", () => {
  assertNear(weightsOf(graph, "difference", 1, []), [0.1, -0.2, 0, 0.3, 0, -0.5, 0, 0.05, 0]);
});

test("co-occurrence is the share of the receiver's pictures, whatever the epoch", () => {
  const shares = [1, 4 / 8, 0, 1, 1, 1 / 2, 0, 1 / 8, 1];
  assertNear(weightsOf(graph, "cooccurrence", 0, []), shares);
  assert.equal(weightsOf(graph, "cooccurrence", 1, []), weightsOf(graph, "cooccurrence", 0, []));
});

test("a label without pictures is shown with none", () => {
  const none = { data: Buffer.from(new Int32Array(9).buffer).toString("base64"), scale: 1, bits: 32 };
  assertNear(weightsOf(readGraph(sentGraph({ counts: none })), "cooccurrence", 0, []), new Array(9).fill(0));
});

test("normalised weights are shared out by the sums of both rows", () => {
  const sums = [0.9, 0.8, 0.55];
  const adaptive = weightsOf(graph, "adaptive", 1, []);
  const wanted = [...adaptive].map((weight, i) => weight / Math.sqrt(sums[Math.floor(i / 3)] * sums[i % 3]));
  assertNear(weightsOf(graph, "normalised", 1, []), wanted);
});

test("a label that sends nothing is normalised to nothing", () => {
  const edits = [[2, 1, 0], [2, 2, 0]];
  const normalised = weightsOf(graph, "normalised", 1, edits);
  assertNear(normalised.slice(6), [0, 0, 0]);
});

test("edits show at the model's epoch only, and in what follows from them", () => {
  const edits = [[2, 0, 1.5]];
  assert.equal(weightsOf(graph, "adaptive", 1, edits)[6], 1.5);
  assert.equal(weightsOf(graph, "adaptive", 0, edits)[6], 0);
  assert.equal(weightsOf(graph, "difference", 1, edits)[6], 1.5);
  assert.equal(weightsOf(graph, "learned_change", 1, edits)[6], 0);
  assert.equal(weightsOf(graph, "adaptive", 1, [])[6], 0, "without edits it is as before");
});

test("edges are between different labels, at the threshold or above, the strongest last", () => {
  const adaptive = weightsOf(graph, "adaptive", 1, []);
  const pairs = (threshold) => edgesOf(graph, adaptive, threshold).map(({ source, target }) => `${source}${target}`);
  assert.deepEqual(pairs(0.01).sort(), ["01", "10", "21"]);
  assert.deepEqual(pairs(0.3).sort(), ["01", "10"], "a weight at the threshold is an edge");
  assert.deepEqual(pairs(0.31), []);
  const change = edgesOf(graph, weightsOf(graph, "learned_change", 1, []), 0.1);
  assert.deepEqual(change.map(({ source, target }) => `${source}${target}`), ["01", "10", "12"]);
  assert.ok(change.at(-1).weight < 0, "magnitude counts, not sign");
});

test("the largest weight is that of all epochs and of no edit", () => {
  assert.ok(Math.abs(largest(graph, "adaptive") - 0.5) < 1e-6, "the prior's, at the first epoch");
  assert.ok(Math.abs(largest(graph, "learned_change") - 0.6) < 1e-6);
  const empty = readGraph(sentGraph({ counts: { ...sentGraph().counts, scale: 0 } }));
  assert.equal(largest(empty, "cooccurrence"), 1, "a scale needs a length");
});

test("the busiest label has the most edges at that end", () => {
  const edges = edgesOf(graph, weightsOf(graph, "adaptive", 1, []), 0.01);
  assert.deepEqual(busiest(graph, edges, "target"), { label: 1, count: 2 });
  assert.equal(busiest(graph, [], "source"), null);
});

test("what training changed most is found off the diagonal, without the visitor's edits", () => {
  const { up, down } = extremes(graph, viewOf({ edits: [[2, 0, 2]] }));
  assert.deepEqual([up.source, up.target], [1, 0]);
  assert.deepEqual([down.source, down.target], [1, 2]);
  assert.ok(Math.abs(down.before - 0.5) < 1e-6 && down.after === 0);
  assert.deepEqual(extremes(graph, viewOf({ epoch: 0 })), { up: null, down: null });
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { readGraph } from "../../assets/page/scripts/label_data.js";
import { reading } from "../../assets/page/scripts/label_reading.js";
import { sentGraph, viewOf } from "./graphs.js";

const graph = readGraph(sentGraph());

test("the adaptive graph tells what training did", () => {
  const words = reading(graph, viewOf());
  assert.ok(words.startsWith("2 edges of at least 0.10. "), words);
  assert.match(words, /Strongest gain: sea → boat, \+0\.30 \(0\.00 to 0\.30\)\./);
  assert.match(words, /Strongest loss: sea → dog <wild>, −0\.50 \(0\.50 to 0\.00\)\./);
});

test("signed stages count up and down", () => {
  assert.ok(reading(graph, viewOf({ stage: "difference" })).startsWith("1 edge up and 2 down by at least 0.10. "));
});

test("co-occurrence names the pair that most pictures show", () => {
  const words = reading(graph, viewOf({ stage: "cooccurrence" }));
  assert.match(words, /Strongest: 4 of the 4 pictures with boat also show sea\./);
});

test("the prior names its hub, and none where there are no edges", () => {
  assert.match(reading(graph, viewOf({ stage: "prior" })), /Most of them start from boat: 1\./);
  assert.equal(reading(graph, viewOf({ stage: "prior", threshold: 0.6 })), "0 edges of at least 0.60.");
});

test("small thresholds are told with more places", () => {
  assert.match(reading(graph, viewOf({ threshold: 0.0012 })), /at least 0\.0012\./);
});

test("edits and the chosen label are told", () => {
  const words = reading(graph, viewOf({ edits: [[2, 0, 1]], label: 0 }));
  assert.match(words, /Your edit is in it\./);
  assert.match(words, /Of these, boat has 2 coming in and 1 going out\.$/);
  assert.doesNotMatch(reading(graph, viewOf({ edits: [[2, 0, 1]], epoch: 0 })), /edit/);
});

test("a model that learned no graph says so", () => {
  assert.match(reading(readGraph(sentGraph({ learns: false })), viewOf()), /the graph is its prior\.$/);
});

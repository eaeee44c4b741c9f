import assert from "node:assert/strict";
import { test } from "node:test";

import {
  chosenLabels, clickedOn, edgeId, isEdge, labelNamed, matches,
} from "../../assets/page/scripts/label_choice.js";
import { viewOf } from "./graphs.js";

const graph = { size: 3, names: ["sea lion", "Sea", "dog"], groups: ["animals", "places", "animals"] };

test("a search means the label of that name, else the first that has it in its name", () => {
  assert.equal(labelNamed(graph, " SEA "), 1);
  assert.equal(labelNamed(graph, "lio"), 0);
  assert.equal(labelNamed(graph, "o"), 0);
  assert.equal(labelNamed(graph, "cat"), null);
  assert.equal(labelNamed(graph, "  "), null, "nothing was typed");
});

test("search and group both narrow", () => {
  const found = (changes) => graph.names.filter((_, label) => matches(graph, viewOf(changes), label));
  assert.deepEqual(found({}), graph.names);
  assert.deepEqual(found({ search: "sea" }), ["sea lion", "Sea"]);
  assert.deepEqual(found({ search: "sea", group: "animals" }), ["sea lion"]);
});

test("what is looked at is a label, or the ends of an edge, 0 among them", () => {
  assert.deepEqual(chosenLabels(viewOf({ label: 0, pair: [1, 2] })), new Set([0]));
  assert.deepEqual(chosenLabels(viewOf({ label: 0, panel: "edge", pair: [null, 2] })), new Set([2]));
  assert.deepEqual(chosenLabels(viewOf()), new Set());
});

test("an edge has two different ends", () => {
  assert.ok(isEdge([0, 1]));
  assert.ok(!isEdge([1, 1]) && !isEdge([0, null]) && !isEdge([null, null]));
});

test("a click is on the label or the edge whose number it carries", () => {
  for (const label of [0, 1, 2]) assert.deepEqual(clickedOn(graph, label), { label });
  for (const source of [0, 1, 2]) {
    for (const target of [0, 1, 2]) {
      const wanted = source === target ? { label: target } : { source, target };
      assert.deepEqual(clickedOn(graph, edgeId(graph, source, target)), wanted);
    }
  }
});

// Labels of the visitor's own in the graph: rings and arrows that are no part of the model's, and where they come from.
import assert from "node:assert/strict";
import { test } from "node:test";

import { clickedOn, edgeId } from "../../assets/page/scripts/label_choice.js";
import { readGraph } from "../../assets/page/scripts/label_data.js";
import { graphFigure } from "../../assets/page/scripts/label_graph.js";
import { ownId, ownNamed, whereFrom } from "../../assets/page/scripts/label_own.js";
import { LOOK, plotOf, sentGraph, viewOf } from "./graphs.js";

const mine = (changes = {}) => ({
  name: "<b>lighthouse", position: [200, 200], edges: [[0, 0.4], [1, 0.2], [2, -0.3]], examples: 0,
  has_probabilities: true, pictures: [], nearest: [], ...changes,
});
const graph = readGraph(sentGraph({ own: [mine(), mine({ name: "buoy", position: [250, 240] })] }));

test("a click on one is none on a label or an edge", () => {
  assert.deepEqual([0, 1].map((own) => clickedOn(graph, ownId(graph, own))), [{ own: 0 }, { own: 1 }]);
  assert.deepEqual(clickedOn(graph, edgeId(graph, 2, 1)), { source: 2, target: 1 });
  assert.deepEqual(clickedOn(graph, 2), { label: 2 });
});

test("they are drawn beside the model's, with dashed arrows from what speaks for them", () => {
  const without = graphFigure(readGraph(sentGraph()), viewOf(), plotOf(900, 900), LOOK).data;
  const { data } = graphFigure(graph, viewOf(), plotOf(900, 900), LOOK);
  assert.deepEqual(data.slice(0, without.length - 1), without.slice(0, -1));
  const added = data.slice(without.length);
  const dots = added.at(-1);
  assert.deepEqual(dots.customdata, [ownId(graph, 0), ownId(graph, 1)]);
  assert.deepEqual([dots.x, dots.y], [[200, 250], [200, 240]]);
  assert.deepEqual(dots.text, ["&lt;b&gt;lighthouse", "buoy"], "a name is no markup");
  const arrows = added.filter(({ line }) => line?.dash);
  assert.equal(arrows.length, 2);
  for (const { x, text } of arrows) {
    assert.equal(x.filter((value) => value === null).length, 2, "the label that speaks against it sends no arrow");
    assert.equal(text.length, x.length);
  }
  assert.match(arrows[0].text[0], /^<b>boat<\/b> says about <b>&lt;b&gt;lighthouse<\/b>: \+0\.40$/);
});

test("they stand up with the drawing on a narrow screen", () => {
  const dots = graphFigure(graph, viewOf(), plotOf(300, 600), LOOK).data.at(-1);
  assert.deepEqual([dots.x, dots.y], [[200, 240], [200, 250]]);
});

test("one is found by its whole name", () => {
  assert.equal(ownNamed(graph, " BUOY "), 1);
  assert.equal(ownNamed(graph, "bu"), null);
});

test("the panel says where the edges come from", () => {
  assert.match(whereFrom(mine()), /^Guessed: no picture .* nearest to its own\. The number is added/);
  assert.match(whereFrom(mine({ examples: 2 })), /^Counted: .* in 2 examples of /);
  assert.match(whereFrom(mine({ has_probabilities: false })), /They only place it here/);
  assert.match(whereFrom(mine({ edges: [] })), /^No label of the model has much to do/);
});

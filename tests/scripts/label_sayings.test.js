// What one label says about another: the directed graph, and edits of it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { STAGES, edgesShown, firstStage, largest, readGraph, weightsOf } from "../../assets/page/scripts/label_data.js";
import { edgeWords, graphFigure } from "../../assets/page/scripts/label_graph.js";
import { matrixFigure } from "../../assets/page/scripts/label_matrix.js";
import { firstLabels } from "../../assets/page/scripts/label_panel.js";
import { reading } from "../../assets/page/scripts/label_reading.js";
import { moveWords, oddsOf, saidOf, sayingFacts } from "../../assets/page/scripts/label_sayings.js";
import { LOOK, directed, plotOf, plusGraph, sentGraph, viewOf } from "./graphs.js";

const graph = readGraph(plusGraph());
const alone = readGraph(plusGraph({ has_gcn: false, learns: false, is_beside: false, stages: ["directed"] }));
const seen = (changes = {}) => viewOf({ stage: "directed", threshold: 0.5, ...changes });

function assertNear(found, wanted) {
  wanted.forEach((value, i) => assert.ok(Math.abs(found[i] - value) < 1e-4, `${i}: ${found[i]}, not ${value}`));
}

test("G is the counted share plus what was learned, the same at every epoch", () => {
  const wanted = [0, 1.65, 0.02, 0.4, 0, 0, -1.3, 0.01, 0];
  assertNear(weightsOf(graph, "directed", 0, []), wanted);
  assertNear(weightsOf(graph, "directed", 1, []), wanted);
  assert.ok(Math.abs(largest(graph, "directed") - 1.65) < 1e-4);
});

test("an edit is of the one stage that the model depends on", () => {
  const edits = [[2, 1, -3]];
  assert.equal(weightsOf(graph, "directed", 1, edits)[7], -3);
  assert.equal(weightsOf(graph, "directed", 0, edits)[7], -3, "it has no epochs");
  assertNear(weightsOf(graph, "adaptive", 1, edits), weightsOf(graph, "adaptive", 1, []));
  const paper = readGraph(sentGraph({ directed, stages: [...sentGraph().stages, "directed"] }));
  assertNear(weightsOf(paper, "directed", 1, edits), weightsOf(paper, "directed", 1, []));
  assert.equal(weightsOf(paper, "adaptive", 1, edits)[7], -3);
});

test("the page begins with what the model depends on", () => {
  assert.deepEqual([graph, alone, readGraph(sentGraph())].map(firstStage), ["directed", "directed", "adaptive"]);
  const bare = { edited: null, has_gcn: false, learns: false, stages: ["cooccurrence"] };
  assert.equal(firstStage(readGraph(sentGraph(bare))), "cooccurrence");
});

test("what makes likelier is shown first, and what makes less likely where it is wanted", () => {
  const pairs = (signs) => edgesShown(graph, seen({ signs })).map(({ source, target }) => `${source}${target}`);
  assert.deepEqual([pairs("up"), pairs("down"), pairs("both")], [["01"], ["20"], ["20", "01"]]);
  const [heat] = matrixFigure(graph, seen({ order: "listed" }), plotOf(900, 900), LOOK).data;
  assert.deepEqual(heat.z[2], [null, null, null], "dog says only that a boat is less likely");
  assert.equal(heat.text[0][0], "<b>boat</b> says nothing about itself");
  assert.equal(heat.zmin, -heat.zmax);
});

test("an edge that makes less likely is dashed, and of the other end of the colours", () => {
  const figure = graphFigure(graph, seen({ signs: "both" }), plotOf(900, 600), LOOK);
  const dashes = figure.data.filter(({ customdata, line }) => customdata && line).map(({ line }) => line.dash);
  assert.deepEqual(dashes.sort(), ["9px,4px", "solid"]);
  assert.equal(STAGES.directed.signed, true);
});

test("odds are times as high, or as low", () => {
  assert.deepEqual([1, -1, 0, 2.5, 7].map(oddsOf), ["× 2.7", "÷ 2.7", "× 1.0", "× 12", "× 1,097"]);
});

test("an edge in words has its parts, and its names are no markup", () => {
  const edge = { source: 0, target: 1, weight: weightsOf(graph, "directed", 1, [])[1] };
  assert.equal(edgeWords(graph, seen(), edge, []),
    "<b>boat</b> says about <b>sea</b>: +1.65 (odds × 5.2)<br>counted +1.20, learned +0.45");
  const edited = edgeWords(graph, seen({ edits: [[0, 1, -2]] }), { ...edge, weight: -2 }, []);
  assert.match(edited, /−2\.00 \(odds ÷ 7\.4\)<br>edited by you; it was \+1\.65$/);
  assert.match(edgeWords(graph, seen(), { source: 2, target: 0, weight: -1.3 }, []), /dog &lt;wild&gt;/);
  const facts = sayingFacts(graph, seen({ edits: [[0, 1, -2]] }), 1);
  assert.deepEqual(facts, ["+1.20", "+0.45", "−2.00", "÷ 7.4"]);
});

test("a label hears from those that say more than next to nothing, the likeliest first", () => {
  const labels = (label, end, edits = []) => saidOf(graph, seen({ label, edits }), end).map((row) => row.label);
  assert.deepEqual(labels(0, "target"), [1, 2]);
  assert.deepEqual(labels(0, "source"), [1], "0.02 about the dog is next to nothing");
  assert.deepEqual(labels(0, "target", [[2, 0, 3]]), [2, 1]);
});

test("the picture is told in words", () => {
  assert.equal(reading(graph, seen()),
    "1 edge of at least 0.50: each makes another label likelier. Strongest: boat → sea, +1.65 (odds × 5.2).");
  const words = reading(graph, seen({ signs: "both", edits: [[2, 0, -2]], label: 0 }));
  assert.match(words, /^2 edges of at least 0\.50: 1 for likelier, 1 for less likely\. Your edit is in it\./);
  assert.match(words, /Strongest: dog <wild> → boat, −2\.00 \(odds ÷ 7\.4\)\./);
  assert.match(words, /Of these, boat has 1 coming in and 1 going out\.$/);
  assert.doesNotMatch(reading(graph, viewOf({ edits: [[2, 0, -2]] })), /edit/, "the adaptive graph is as it was");
});

test("a graph that has nothing to say says so", () => {
  const none = (part) => ({ ...part, scale: 0 });
  const silent = { counted: none(directed.counted), change: none(directed.change) };
  const words = reading(readGraph(plusGraph({ directed: silent })), seen());
  assert.equal(words,
    "0 edges of at least 0.50. This model sees so well that known labels add nothing to what it says of others.");
});

test("a model with this graph alone has labels to begin with", () => {
  assert.deepEqual(firstLabels(alone, seen()), [0, 1, 2]);
});

test("a picture's way is its ranks", () => {
  assert.deepEqual([moveWords(4, 1), moveWords(3, 3)], ["4 → 1", "3, as before"]);
});

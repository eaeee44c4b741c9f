// What the numbers of an edge are called, and which of them the visitor gave.
import assert from "node:assert/strict";
import { test } from "node:test";

import { SAID, SENT, editedNote, isEdited } from "../../assets/page/scripts/label_columns.js";
import { readGraph } from "../../assets/page/scripts/label_data.js";
import { plusGraph, sentGraph, viewOf } from "./graphs.js";

const EDITS = [[0, 1, 2]];

test("every number has a word of its own and a sentence that explains it", () => {
  for (const columns of [SENT, SAID]) {
    assert.equal(new Set(columns.map(({ word }) => word)).size, columns.length);
    for (const { says } of columns) assert.match(says, /^[A-Z].*\.$/);
    assert.equal(columns.filter(({ whole }) => whole).length, 1, "one of them is what an edit replaces");
  }
});

test("an edit is of one edge, of one stage and of the model's own epoch", () => {
  const paper = readGraph(sentGraph());
  const edited = (stage, i, changes) => isEdited(paper, viewOf({ edits: EDITS, ...changes }), stage, i);
  assert.equal(edited("adaptive", 1), true);
  assert.equal(edited("adaptive", 3), false, "the other direction is another edge");
  assert.equal(edited("directed", 1), false);
  assert.equal(edited("adaptive", 1, { epoch: 0 }), false, "the epochs before are as they were");
  const plus = readGraph(plusGraph());
  assert.equal(isEdited(plus, viewOf({ edits: EDITS, epoch: 0 }), "directed", 1), true, "that graph has no epochs");
  assert.equal(isEdited(plus, viewOf({ edits: EDITS }), "adaptive", 1), false);
});

test("what does not add up is said, with the numbers that it is about", () => {
  assert.match(editedNote("adaptive"), /before and change do not add up/);
  assert.match(editedNote("directed"), /counted and learned do not add up/);
  assert.match(editedNote("adaptive", 1.1), /Before and change add up to the learned one, 1\.10\.$/);
  assert.match(editedNote("directed", -0.5), /Counted and learned add up to the learned one, −0\.50\.$/);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  allOf, clicked, countsOf, moved, nextRow, noChoice, steppedTo, toggled,
} from "../../assets/page/scripts/labelling_choice.js";
import {
  acceptWords, chosenWords, gridChips, labelledWords, madeWords, nextWords, percentWords,
} from "../../assets/page/scripts/labelling_words.js";

test("a click chooses one picture, and a second one lets it go", () => {
  const one = clicked(noChoice(), 3);
  assert.deepEqual(one, { rows: [3], focus: 3, anchor: 3 });
  assert.deepEqual(clicked(one, 5).rows, [5]);
  assert.deepEqual(clicked(one, 3).rows, []);
});

test("with Ctrl a picture comes or goes, with Shift all up to it are chosen", () => {
  const two = clicked(clicked(noChoice(), 6), 2, { toggle: true });
  assert.deepEqual(two.rows, [2, 6]);
  assert.deepEqual(clicked(two, 6, { toggle: true }).rows, [2]);
  assert.deepEqual(clicked(two, 4, { shift: true }), { rows: [2, 3, 4], focus: 4, anchor: 2 });
  const back = clicked(clicked(two, 4, { shift: true }), 0, { shift: true });
  assert.deepEqual(back.rows, [0, 1, 2], "from where it began");
});

test("arrows go through the grid and stay in it", () => {
  const to = (focus, key) => steppedTo(focus, key, 4, 10);
  assert.deepEqual(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => to(5, key)), [4, 6, 1, 9]);
  assert.deepEqual([to(0, "ArrowLeft"), to(2, "ArrowUp"), to(9, "ArrowRight"), to(7, "ArrowDown")], [0, 2, 9, 7]);
  assert.deepEqual([to(5, "Home"), to(5, "End"), to(5, "x")], [0, 9, null]);
});

test("an arrow moves the focus, with Shift it chooses, Space toggles", () => {
  const start = clicked(noChoice(), 2);
  assert.deepEqual(moved(start, 3, false), { rows: [2], focus: 3, anchor: 3 });
  assert.deepEqual(moved(start, 4, true), { rows: [2, 3, 4], focus: 4, anchor: 2 });
  assert.deepEqual(toggled(moved(start, 3, false), 3).rows, [2, 3]);
  assert.deepEqual(allOf(start, 3).rows, [0, 1, 2]);
});

test("labels of the chosen pictures are counted, those of all first", () => {
  const given = [[1, 4], [4], [], [2, 4]];
  assert.deepEqual(countsOf(given, [0, 1, 3]), [[4, 3], [1, 1], [2, 1]]);
  assert.deepEqual(countsOf(given, []), []);
  assert.deepEqual(countsOf(given, [2]), []);
});

test("below a picture stand given labels, or else predicted ones, never both", () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const state = { names, given: [[0], [], []], predicted: [[1], [0, 1, 2, 3, 4, 5], []] };
  assert.deepEqual(gridChips(state, 0), { labels: ["a"], rest: 0, predicted: false });
  assert.deepEqual(gridChips(state, 1), { labels: ["a", "b", "c", "d"], rest: 2, predicted: true });
  assert.deepEqual(gridChips(state, 2), { labels: [], rest: 0, predicted: false });
});

test("what the board says of numbers", () => {
  assert.deepEqual([0.004, 0.5, 0.804, 0.9996, null].map(percentWords), ["1 %", "50 %", "80 %", "99 %", ""]);
  assert.deepEqual([0, 1, 12].map(acceptWords), ["Nothing to accept", "Accept 1 label", "Accept 12 labels"]);
  assert.deepEqual([0, 1, 2].map(chosenWords), ["Label your pictures", "1 picture chosen", "2 pictures chosen"]);
  assert.equal(labelledWords([[], [1], [2, 3]]), ", 2 with labels of yours");
  assert.equal(labelledWords([[], []]), "");
});

test("the next picture is one that nobody labelled, from here on and then from the start", () => {
  const given = [[], [1], [], [2], []];
  assert.deepEqual([0, 1, 2, 4].map((row) => nextRow(given, row)), [2, 2, 4, 0]);
  assert.equal(nextRow([[1], [], [2]], 1), null, "this one is dealt with now");
});

test("a button says what it does, and a label what it is made from", () => {
  assert.deepEqual([nextWords(0), nextWords(3)], ["Next picture", "Accept 3, next picture"]);
  assert.deepEqual([undefined, 0, 1].map(madeWords), ["needs five pictures", "by its name", "1 example"]);
});

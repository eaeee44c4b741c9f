// What is selected: one by one, a whole range with Shift, and each picture once, however often it is shown.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Picks } from "../../assets/page/scripts/selection.js";

const SHOWN = [7, 3, 9, 1, 5];

test("items are selected and let go one by one, in their order", () => {
  const picks = new Picks();
  picks.set(9, true, SHOWN, false);
  picks.set(7, true, SHOWN, false);
  assert.deepEqual(picks.items, [9, 7]);
  picks.set(9, false, SHOWN, false);
  assert.deepEqual(picks.items, [7]);
});

test("Shift selects all between, in either direction, and lets them go", () => {
  const picks = new Picks();
  picks.set(1, true, SHOWN, false);
  picks.set(3, true, SHOWN, true);
  assert.deepEqual(picks.items, [3, 9, 1]);
  picks.set(5, false, SHOWN, true);
  assert.deepEqual(picks.items, [], "from 3 on, all were let go");
});

test("Shift without an item before, or with one that is not shown any more, is a click", () => {
  const picks = new Picks();
  picks.set(9, true, SHOWN, true);
  assert.deepEqual(picks.items, [9]);
  picks.set(4, true, [4, 2], true);
  assert.deepEqual(picks.items, [9, 4]);
});

test("captions of one picture select it once", () => {
  const picks = new Picks();
  picks.set(3, true, [3, 3, 9], false);
  picks.set(9, true, [3, 3, 9], true);
  assert.deepEqual(picks.items, [3, 9]);
});

// The focus goes to what is nearest to where it was, a later element before an earlier one.
import assert from "node:assert/strict";
import { test } from "node:test";

import { nearest } from "../../assets/page/scripts/keep_focus.js";

for (const [entries, index, found] of [
  [["a", "b", "c"], 1, "b"],
  [["a", null, "c"], 1, "c"],
  [["a", null, null], 1, "a"],
  [["a", null, null, "d"], 2, "d"],
  [["a", null, null, null, "e"], 1, "a"],
  [["a", "b"], 5, "b"],
  [[null, null], 0, null],
  [[], 0, null],
]) {
  test(`of ${JSON.stringify(entries)} from ${index}: ${found}`, () => assert.equal(nearest(entries, index), found));
}

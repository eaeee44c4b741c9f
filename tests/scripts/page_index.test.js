// The part that is being read: the last one whose heading has come into the upper third of the window.
import assert from "node:assert/strict";
import { test } from "node:test";

import { current } from "../../assets/page/scripts/page_index.js";

for (const [said, tops, isAtTheEnd, found] of [
  ["above them all is the first", [400, 900, 1500], false, 0],
  ["a heading that has come up", [-600, 200, 800], false, 1],
  ["a heading that is still low", [-600, 400, 800], false, 0],
  ["far down", [-2000, -1500, -900], false, 2],
  ["the last one may be too short to come up", [-900, -100, 600], true, 2],
  ["nothing", [], false, -1],
]) {
  test(said, () => assert.equal(current(tops, 1000, isAtTheEnd), found));
}

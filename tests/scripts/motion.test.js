// Nothing glides for who asked the system for stillness.
import assert from "node:assert/strict";
import { test } from "node:test";

import { pace } from "../../assets/page/scripts/motion.js";

for (const [matches, expected] of [[true, "auto"], [false, "smooth"]]) {
  test(`reduced motion ${matches}: ${expected}`, () => {
    globalThis.window = { matchMedia: (query) => ({ matches: matches && query.includes("reduce") }) };
    assert.equal(pace(), expected);
  });
}

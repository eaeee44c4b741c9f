// Mistakes in the address: named, changed and taken away without touching what else is asked.
import assert from "node:assert/strict";
import { test } from "node:test";

import { mistakesOf, withMistakes, withQuery, withTab } from "../../assets/page/scripts/address.js";

const HERE = "http://here/page/?tab=benchmark&q=a+dog";

test("the address names a label whatever its letters", () => {
  for (const label of ["dog", "fire hydrant", "<b>&mistakes=x", "ü", ""]) {
    const named = withMistakes(HERE, label);
    assert.equal(mistakesOf(named), label);
    assert.equal(named.searchParams.get("q"), "a dog");
    assert.equal(String(withMistakes(named, null)), HERE);
  }
  assert.equal(mistakesOf(HERE), null);
});

test("another query and another tab leave it", () => {
  const named = withMistakes(HERE, "dog");
  assert.equal(mistakesOf(withQuery(named, "q=cat")), "dog");
  assert.equal(mistakesOf(withTab(named, "search")), "dog");
});

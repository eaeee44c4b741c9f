import assert from "node:assert/strict";
import { test } from "node:test";

import { tabOf, withModel, withQuery, withTab } from "../../assets/page/scripts/address.js";

const PAGE = "https://host/prefix/?theirs=1";

test("the tab is named, except the first one", () => {
  const there = withTab(PAGE, "labels");
  assert.equal(there.href, `${PAGE}&tab=labels`);
  assert.equal(tabOf(there), "labels");
  assert.equal(withTab(there, "search").href, PAGE);
  assert.equal(tabOf(PAGE), "search");
});

test("the model is named, except the program's own, and nothing changes where it is named already", () => {
  const there = withModel(PAGE, "a b&c");
  assert.equal(there.searchParams.get("model"), "a b&c");
  assert.equal(withModel(there, "a b&c"), null);
  assert.equal(withModel(there, "").href, PAGE);
  assert.equal(withModel(PAGE, ""), null);
});

test("a query replaces the one before, and leaves tab, model and what is theirs", () => {
  const before = `${PAGE}&q=dog&label=a&label=b&tab=labels&model=m`;
  const after = withQuery(before, "q=a+boat&not=snow");
  assert.deepEqual(Object.fromEntries(after.searchParams), {
    theirs: "1", tab: "labels", model: "m", q: "a boat", not: "snow",
  });
});

test("the same query is no new address, in whatever order it comes", () => {
  assert.equal(withQuery(`${PAGE}&label=a&label=b&q=dog`, "q=dog&label=a&label=b"), null);
  assert.equal(withQuery(PAGE, ""), null);
  assert.ok(withQuery(`${PAGE}&label=a&label=b`, "label=b&label=a"), "the order of labels is part of it");
});

test("the address that was given stays as it is", () => {
  const given = new URL(PAGE);
  withQuery(given, "q=dog");
  withTab(given, "map");
  assert.equal(given.href, PAGE);
});

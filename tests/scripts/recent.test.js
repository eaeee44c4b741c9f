// The searches made last: a refined one takes the place of itself, and each has words of its own.
import assert from "node:assert/strict";
import { test } from "node:test";

import { titleOf, withSearch } from "../../assets/page/scripts/recent.js";

test("the newest is first, a refined search is the same one, and there are few", () => {
  let list = withSearch([], "q=dog");
  list = withSearch(list, "q=cat");
  list = withSearch(list, "q=dog&label=beach&cut=60");
  assert.deepEqual(list, ["q=dog&label=beach&cut=60", "q=cat"]);
  list = withSearch(list, "q=dog&like=a.webp");
  assert.equal(list.length, 3, "with a picture it is another search");
  for (let number = 0; number < 20; number += 1) list = withSearch(list, `q=${number}`);
  assert.equal(list.length, 8);
  assert.equal(list[0], "q=19");
});

for (const [address, title] of [
  ["q=a+dog+on+the+beach&label=dog", "a dog on the beach"],
  ["q=%3Cb%3Edog%3C%2Fb%3E&not=snow", "<b>dog</b>, not snow"],
  ["like=images/0123.webp", "like 0123.webp"],
  ["q=dog&like=a.webp&like=b.webp&unlike=c.webp", "dog, like 2 pictures, unlike 1"],
  ["photo=china.jpg", "china.jpg"],
]) {
  test(`a button says ${title}`, () => assert.equal(titleOf(address), title));
}

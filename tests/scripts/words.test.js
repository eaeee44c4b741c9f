import assert from "node:assert/strict";
import { test } from "node:test";

import { csvBlob } from "../../assets/page/scripts/download.js";
import { barLength } from "../../assets/page/scripts/result_details.js";
import { counted, digits, plainText, signed } from "../../assets/page/scripts/words.js";

test("numbers have a true minus, and a plus where the sign is the point", () => {
  assert.deepEqual([digits(0.126), digits(-0.126), digits(-1, 0)], ["0.13", "−0.13", "−1"]);
  assert.deepEqual([signed(0.5), signed(0), signed(-0.5)], ["+0.50", "0.00", "−0.50"]);
  assert.equal(signed(12.34, 1), "+12.3");
});

test("what is written as zero has no sign", () => {
  for (const value of [0, -0, 1e-9, -1e-9, -0.004]) {
    assert.deepEqual([digits(value), signed(value), digits(value, 0)], ["0.00", "0.00", "0"]);
  }
});

test("one is singular, and thousands are told apart", () => {
  const edges = [1, 0, 1234].map((count) => counted(count, "edge"));
  assert.deepEqual(edges, ["1 edge", "0 edges", "1,234 edges"]);
});

test("text for Plotly holds no markup", () => assert.equal(plainText("<b>&</b>"), "&lt;b&gt;&amp;&lt;/b&gt;"));

test("a bar is never longer than its place, nor shorter than nothing", () => {
  assert.deepEqual([-0.2, 0, 0.25, 1.3].map((share) => barLength(share, 1)), [0, 0, 0.25, 1]);
  assert.equal(barLength(0.25, 0.5), 0.5);
  assert.equal(barLength(-0.1, 0), 0);
});

test("a spreadsheet can tell that a CSV is UTF-8", async () => {
  const blob = csvBlob("é");
  assert.deepEqual([...new Uint8Array(await blob.arrayBuffer())], [0xef, 0xbb, 0xbf, 0xc3, 0xa9]);
  assert.equal(blob.type, "text/csv;charset=utf-8");
});

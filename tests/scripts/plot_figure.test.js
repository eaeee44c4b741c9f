import assert from "node:assert/strict";
import { test } from "node:test";

import { idsOf, lasting, themed, thinned, toolsOf } from "../../assets/page/scripts/plot_figure.js";
import { LOOK } from "./graphs.js";

test("axes and text take the page's colours; what a figure says itself wins", () => {
  const layout = themed({ layout: { xaxis: { color: "red" }, yaxis2: {}, scene: { zaxis: { range: [0, 1] } } } }, LOOK);
  assert.deepEqual([layout.xaxis.color, layout.xaxis.gridcolor], ["red", "line"]);
  assert.deepEqual([layout.yaxis.color, layout.yaxis2.color], ["quiet", "quiet"]);
  assert.deepEqual(layout.scene.zaxis.range, [0, 1]);
  assert.equal(layout.scene.xaxis.gridcolor, "line");
  assert.equal(layout.font.color, "ink");
  assert.equal(themed({ layout: { font: { color: "blue" } } }, LOOK).font.color, "blue");
});

test("the figure that was sent stays as it is", () => {
  const figure = { layout: { scene: { xaxis: {} }, xaxis: {} } };
  themed(figure, LOOK);
  assert.deepEqual(figure, { layout: { scene: { xaxis: {} }, xaxis: {} } });
});

test("a lasso is offered only where it is answered, and the picture is never uploaded", () => {
  const lasso = { layout: { meta: { lasso: true } } };
  assert.equal(themed(lasso, LOOK).dragmode, "lasso");
  assert.equal(themed({}, LOOK).dragmode, "pan");
  assert.ok(toolsOf(lasso).modeBarButtons[0].includes("lasso2d"));
  assert.equal(toolsOf(lasso).displayModeBar, true);
  assert.equal(toolsOf({}).displayModeBar, false);
  for (const figure of [lasso, {}]) assert.equal(toolsOf(figure).showSendToCloud, false);
});

test("ids are whole numbers, each once; other points do not answer", () => {
  const points = [3, [7, "seven"], 3, null, 1.5, "4", undefined].map((customdata) => ({ customdata }));
  assert.deepEqual(idsOf(points), [3, 7]);
});

test("an empty text is a blank one, for Plotly makes no other when it has words again", () => {
  const data = lasting([{ mode: "markers+text", text: ["a", "", null] }, { mode: "lines", text: [null, "b"] }, {}]);
  assert.deepEqual(data.map(({ text }) => text), [["a", " ", " "], [null, "b"], undefined]);
});

test("of names that touch the first stays, and none leaves the frame or stands on what is there", () => {
  const box = (left, top, right, bottom) => ({ left, top, right, bottom });
  const frame = box(0, 0, 100, 100);
  const boxes = [box(10, 10, 30, 20), box(25, 15, 45, 25), box(40, 15, 60, 25), box(90, 50, 110, 60)];
  assert.deepEqual(thinned(boxes, frame), [true, false, true, false]);
  assert.deepEqual(thinned(boxes, frame, [box(50, 20, 70, 40)]), [true, false, false, false]);
});

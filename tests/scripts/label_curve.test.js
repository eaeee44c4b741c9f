import assert from "node:assert/strict";
import { test } from "node:test";

import { SAMPLES, arrowHead, curve } from "../../assets/page/scripts/label_curve.js";

const distance = ([x, y], [a, b]) => Math.hypot(x - a, y - b);

test("an arrow goes from rim to rim, not from centre to centre", () => {
  const { points, tip } = curve([0, 0], [100, 0], [10, 20], 1);
  assert.equal(points.length, SAMPLES);
  assert.ok(Math.abs(distance(points[0], [0, 0]) - 10) < 1.5);
  assert.ok(Math.abs(distance(tip, [100, 0]) - 20) < 3);
  assert.deepEqual(points.at(-1), tip);
});

test("opposite arrows bend apart", () => {
  const there = curve([0, 0], [100, 0], [5, 5], 1).points[7];
  const back = curve([100, 0], [0, 0], [5, 5], 1).points[7];
  assert.ok(there[1] > 3 && back[1] < -3);
});

test("rims are pixels: zoomed in, they are a smaller part of the way", () => {
  const gap = (unit) => curve([0, 0], [100, 0], [10, 10], unit).points[0][0];
  assert.ok(gap(0.5) < gap(1) && gap(1) < gap(2));
});

test("dots that touch, or are at one place, leave an arrow that is finite", () => {
  const short = curve([0, 0], [4, 0], [10, 10], 1);
  assert.ok(short.points[0][0] < short.tip[0]);
  for (const number of curve([3, 3], [3, 3], [10, 10], 1).points.flat()) assert.ok(Number.isFinite(number));
});

test("a head points where the arrow goes", () => {
  const [front, ...back] = arrowHead({ tip: [10, 0], angle: 0 }, 2);
  assert.ok(front[0] > 10 && Math.abs(front[1]) < 1e-9);
  for (const [x] of back) assert.ok(x < 10);
  assert.ok(Math.abs(back[0][1] + back[1][1]) < 1e-9, "both sides are alike");
});

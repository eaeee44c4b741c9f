import assert from "node:assert/strict";
import { test } from "node:test";

import { chooseNames, radius } from "../../assets/page/scripts/label_names.js";
import { LOOK, viewOf } from "./graphs.js";

const NOBODY = new Set();

function drawing(points, { names, supports, small = 1, view = viewOf(), width = 900, own = [] } = {}) {
  const size = points.length;
  const graph = {
    size, small,
    names: names ?? points.map((_, label) => `label ${label}`),
    plain: names ?? points.map((_, label) => `label ${label}`),
    groups: new Array(size).fill(""),
    supports: supports ?? new Array(size).fill(1),
    own: own.map(({ name }) => ({ name })),
  };
  const ownPoints = own.map(({ point }) => point);
  return { graph, view, look: LOOK, points, ownPoints, unit: 1, area: { left: 0, right: width } };
}

test("a dot grows with its pictures, by area, and shrinks on a narrow screen", () => {
  const graph = { small: 1, supports: [0, 25, 100] };
  assert.deepEqual([0, 1, 2].map((label) => radius(graph, label)), [5, 11.5, 18]);
  assert.equal(radius({ ...graph, small: 0.75 }, 2), 13.5);
});

test("a label alone is named to the right, and to the left where the picture ends", () => {
  assert.deepEqual(chooseNames(drawing([[100, 0]]), NOBODY, NOBODY).positions, ["middle right"]);
  assert.deepEqual(chooseNames(drawing([[880, 0]]), NOBODY, NOBODY).positions, ["middle left"]);
});

test("a name stands on no other dot and no other name", () => {
  const { positions, shown } = chooseNames(drawing([[100, 0], [140, 0]], { supports: [2, 1] }), NOBODY, NOBODY);
  assert.deepEqual(positions, ["middle left", "middle right"]);
  assert.deepEqual(shown, ["label 0", "label 1"]);
});

test("where names have no room, the label with more pictures has one, and what is looked at always", () => {
  const crowd = Array.from({ length: 60 }, (_, i) => [400 + (i % 8) * 12, Math.floor(i / 8) * 12]);
  const supports = crowd.map((_, label) => label);
  const free = chooseNames(drawing(crowd, { supports }), NOBODY, NOBODY).shown;
  assert.equal(free[59], "label 59");
  assert.equal(free[27], "");
  assert.equal(chooseNames(drawing(crowd, { supports }), new Set([27]), NOBODY).shown[27], "label 27");
});

test("a narrow screen names a few, and besides what was searched", () => {
  const line = Array.from({ length: 30 }, (_, i) => [200, -60 * i]);
  const named = (view) => chooseNames(drawing(line, { small: 0.75, view }), NOBODY, NOBODY).shown.filter(Boolean);
  assert.equal(named(viewOf()).length, 24);
  const searched = named(viewOf({ search: "label 29" }));
  assert.equal(searched.length, 25);
  assert.ok(searched.includes("label 29"));
});

test("a name stands on no label of the visitor's own", () => {
  const own = [{ name: "mine", point: [130, 0] }];
  assert.deepEqual(chooseNames(drawing([[100, 0]], { own }), NOBODY, NOBODY).positions, ["middle left"]);
});

// A script may come later than the first click or the first value: neither is lost, and neither is told twice.
import assert from "node:assert/strict";
import { test } from "node:test";

import { mount } from "../../assets/page/scripts/mount.js";

// A click on a button with that data.
const click = (dataset) => ({ type: "click", target: { closest: () => ({ dataset }) } });

function place(early = []) {
  const told = [];
  const watched = [];
  const element = new EventTarget();
  element.onclick = element.onchange = () => assert.fail("the first listener stays on");
  const given = {
    element,
    props: {},
    trigger: (...event) => told.push(event),
    watch: (name, callback) => watched.push([name, callback]),
    early: new Set(early),
  };
  return { given, told, watched, element };
}

test("what was clicked before the script was there is told once, in its order", async () => {
  const first = click({ kind: "text", index: "2" });
  const second = click({ kind: "picture", index: "0" });
  const { given, told } = place([first, second]);
  await mount("examples", given);
  assert.deepEqual(told, [
    ["select", { kind: "text", index: 2 }],
    ["select", { kind: "picture", index: 0 }],
  ]);
});

test("without an early click nothing is told, and the first listeners are gone", async () => {
  const { given, told, element } = place();
  await mount("panel", given);
  assert.deepEqual(told, []);
  assert.deepEqual([element.onclick, element.onchange], [null, null]);
});

test("a change is no click", async () => {
  const target = { closest: () => assert.fail("taken for a click") };
  const { given, told } = place([{ type: "change", target }]);
  await mount("panel", given);
  assert.deepEqual(told, []);
});

test("a value that came before the script is worked on once, one that was there from the start is not", async () => {
  const clicks = [];
  globalThis.requestAnimationFrame = (frame) => frame();
  for (const [early, wanted] of [[[], 0], [[undefined], 1]]) {
    clicks.length = 0;
    const { given, watched, element } = place(early);
    element.querySelector = () => ({ click: () => clicks.push("followed") });
    await mount("file_link", given);
    assert.equal(clicks.length, wanted);
    assert.deepEqual(watched.map(([name]) => name), ["value"]);
    watched[0][1]();
    assert.equal(clicks.length, wanted + 1, "and the next one as ever");
  }
  delete globalThis.requestAnimationFrame;
});

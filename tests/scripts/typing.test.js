// Typing asks after a pause, once, and not at all where Enter came first or a word is still being put together.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { isOlder } from "../../assets/page/scripts/results.js";
import { PAUSE, Pauses } from "../../assets/page/scripts/typing.js";

function typing() {
  mock.timers.enable({ apis: ["setTimeout"] });
  const told = { asked: 0 };
  return { told, pauses: new Pauses(() => (told.asked += 1)) };
}

test("each pause asks once, and keystrokes in a row are one", (context) => {
  const { told, pauses } = typing();
  context.after(() => mock.timers.reset());
  for (let letter = 0; letter < 5; letter += 1) {
    pauses.typed();
    mock.timers.tick(PAUSE - 1);
  }
  assert.equal(told.asked, 0);
  mock.timers.tick(1);
  assert.equal(told.asked, 1);
  mock.timers.tick(10 * PAUSE);
  assert.equal(told.asked, 1);
});

test("what was asked otherwise is not asked again, nor half a word of Japanese", (context) => {
  const { told, pauses } = typing();
  context.after(() => mock.timers.reset());
  pauses.typed();
  pauses.stop();
  pauses.typed({ isComposing: true });
  mock.timers.tick(10 * PAUSE);
  assert.equal(told.asked, 0);
});

test("an answer is older by its number, of the same visitor alone", () => {
  assert.ok(isOlder("ab.9", "ab.10"));
  assert.ok(!isOlder("ab.10", "ab.9"));
  assert.ok(!isOlder("ab.9", "ab.9"));
  assert.ok(!isOlder("cd.1", "ab.10"), "the page was restarted");
  assert.ok(!isOlder(undefined, "ab.10"), "nothing is searched any more");
  assert.ok(!isOlder("ab.1", undefined));
});

// Which pictures of a grid are chosen: by clicks, with Shift and Ctrl, and by keyboard. Positions are whole numbers; a
// choice is `{ rows, focus, anchor }`, its rows in order, and is never changed in place.
const sorted = (rows) => [...new Set(rows)].sort((a, b) => a - b);
const between = (a, b) => Array.from({ length: Math.abs(a - b) + 1 }, (_, step) => Math.min(a, b) + step);

export const noChoice = () => ({ rows: [], focus: 0, anchor: 0 });
export const allOf = (choice, count) => ({ ...choice, rows: [...Array(count).keys()] });

// A click alone chooses one picture, or none where it was the only one; with Shift all up to it, with Ctrl it as well.
export function clicked({ rows, anchor }, at, { shift = false, toggle = false } = {}) {
  if (shift) return { rows: between(anchor, at), focus: at, anchor };
  if (toggle) return toggled({ rows }, at);
  return { rows: rows.length === 1 && rows[0] === at ? [] : [at], focus: at, anchor: at };
}

export function toggled({ rows }, at) {
  const left = rows.filter((row) => row !== at);
  return { rows: left.length < rows.length ? left : sorted([...rows, at]), focus: at, anchor: at };
}

// Where a key leads in a grid of so many columns; null for a key that leads nowhere.
export function steppedTo(focus, key, columns, count) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (!(key in steps)) return null;
  const to = focus + steps[key];
  return to < 0 || to >= count ? focus : to;
}

// Shift and an arrow choose all from the anchor on; an arrow alone moves the focus.
export function moved(choice, to, shift) {
  if (shift) return { rows: between(choice.anchor, to), focus: to, anchor: choice.anchor };
  return { ...choice, focus: to, anchor: to };
}

// The next picture that nobody labelled, after this one or else from the start; null where there is none.
export function nextRow(given, row) {
  const others = [...given.keys()].filter((other) => other !== row && !given[other].length);
  return others.find((other) => other > row) ?? others[0] ?? null;
}

// Of the chosen pictures, how many have each label: `[[label, count]]`, those that all have first.
export function countsOf(labels, rows) {
  const counts = new Map();
  for (const row of rows) for (const label of labels[row] ?? []) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort(([a, many], [b, few]) => few - many || a - b);
}

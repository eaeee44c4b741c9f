// Starts a script for a component of the page; app/components/script.py holds the line that calls this.
// A script comes over the network, so a value or a click may be there before it: `early` has kept them, the events
// themselves, and `undefined` for a new value. They are handed on as soon as the script has said what it listens to.
export async function mount(name, { element, props, trigger, watch, early }) {
  const script = await import(`./${name}.js`);
  element.onclick = element.onchange = null;
  const missed = [];
  script.mount({
    element,
    props,
    trigger,
    watch(names, callback) {
      watch(names, callback);
      if (early.has(undefined)) missed.push(callback);
    },
    on(type, handler) {
      element.addEventListener(type, handler);
      for (const event of early) if (event?.type === type) missed.push(() => handler(event));
    },
  });
  for (const again of missed) again();
}

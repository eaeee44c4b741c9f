// What the address of the page says: the tab, the model and the query, each changed without touching the others.

// The names that a query has in the address (app/search/link.py); all others belong to somebody else.
const QUERY = [
  "q", "not", "away", "like", "unlike", "photo", "weight", "label", "match", "cut", "subjects", "written", "beside",
];

export function withTab(address, name) {
  const changed = new URL(address);
  if (name === "search") changed.searchParams.delete("tab");
  else changed.searchParams.set("tab", name);
  return changed;
}

export const tabOf = (address) => new URL(address).searchParams.get("tab") ?? "search";

// The address of the model called `name`; "" is the program's own, which no address names. Null where nothing changes.
export function withModel(address, name) {
  const changed = new URL(address);
  if ((changed.searchParams.get("model") ?? "") === name) return null;
  if (name) changed.searchParams.set("model", name);
  else changed.searchParams.delete("model");
  return changed;
}

// The address of another query, given as the end of an address. Null where it is the same query.
export function withQuery(address, query) {
  const changed = new URL(address);
  const asked = new URLSearchParams(query);
  const same = (name) => changed.searchParams.getAll(name).join("\n") === asked.getAll(name).join("\n");
  if (QUERY.every(same)) return null;
  QUERY.forEach((name) => changed.searchParams.delete(name));
  asked.forEach((value, name) => changed.searchParams.append(name, value));
  return changed;
}

export const MISTAKES_WANTED = "mistakes-wanted"; // by another tab, of the label in the address

// The label whose mistakes the address names; null for none.
export const mistakesOf = (address) => new URL(address).searchParams.get("mistakes");

export function withMistakes(address, label) {
  const changed = new URL(address);
  if (label === null) changed.searchParams.delete("mistakes");
  else changed.searchParams.set("mistakes", label);
  return changed;
}

// Have the Search tab answer a query, as if somebody had come by an address with it.
export function askSearch(query) {
  history.pushState(null, "", withQuery(window.location, query) ?? window.location);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

// Have the Benchmark tab show the mistakes about a label.
export function askMistakes(label) {
  history.replaceState(history.state, "", withMistakes(window.location, label));
  document.getElementById("tab-benchmark-button")?.click();
  window.dispatchEvent(new Event(MISTAKES_WANTED));
}

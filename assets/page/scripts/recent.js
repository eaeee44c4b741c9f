// The searches that were made last, as buttons; they are kept in this browser alone, and can be cleared.
import { h } from "./elements.js";

const KEY = "recent-searches";
const KEPT = 8;
// A query with another label, cut-off or the like is the same search, refined.
const SUBJECT = ["q", "like", "unlike", "photo"];

// The list with one more address of a query at its start.
export function withSearch(list, address) {
  const subject = (query) => {
    const fields = new URLSearchParams(query);
    return JSON.stringify(SUBJECT.map((name) => fields.getAll(name)));
  };
  return [address, ...list.filter((other) => subject(other) !== subject(address))].slice(0, KEPT);
}

// What a button says of the query at an address.
export function titleOf(address) {
  const fields = new URLSearchParams(address);
  const likes = fields.getAll("like");
  const unlike = fields.getAll("unlike").length;
  const words = [fields.get("q"), fields.get("photo")].filter(Boolean);
  if (likes.length === 1) words.push(`like ${likes[0].split("/").at(-1)}`);
  else if (likes.length) words.push(`like ${likes.length} pictures`);
  if (unlike) words.push(`unlike ${unlike}`);
  if (fields.get("not")) words.push(`not ${fields.get("not")}`);
  return words.join(", ");
}

const read = () => (localStorage.getItem(KEY) ?? "").split("\n").filter(Boolean);

let draw = () => {}; // until the place is there

export function remember(address) {
  localStorage.setItem(KEY, withSearch(read(), address).join("\n"));
  draw();
}

export function mount({ element, trigger, on }) {
  draw = () => {
    const list = read();
    const button = (address) => h("li", {}, h("button", { type: "button", "data-address": address }, titleOf(address)));
    const clear = h("button", { type: "button", class: "clear" }, "Clear");
    const row = h("div", { class: "try" }, h("span", {}, "Recent"), h("ul", { class: "try-words" }, list.map(button)),
      clear);
    element.replaceChildren(...(list.length ? [row] : []));
  };
  draw();
  window.addEventListener("storage", draw); // another tab of this browser
  on("click", (event) => {
    const target = event.target.closest("button");
    if (!target) return;
    if (target.dataset.address) return trigger("select", { action: "address", address: target.dataset.address });
    localStorage.removeItem(KEY);
    draw();
    document.querySelector("#query-text input, #query-text textarea")?.focus();
  });
}

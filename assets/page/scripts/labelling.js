// The board on which a visitor labels pictures. Python does what is asked and answers with all labels of all pictures,
// so an answer that overtakes another does no harm: the newer version of the labels stays.
import { h } from "./elements.js";
import { allOf, clicked, countsOf, moved, nextRow, noChoice, steppedTo, toggled } from "./labelling_choice.js";
import {
  acceptWords, chosenWords, gridChips, labelledWords, madeWords, nextWords, percentWords,
} from "./labelling_words.js";

export function mount(place) {
  new Labelling(place).start();
}

class Labelling {
  constructor({ element, props, trigger, watch, on }) {
    Object.assign(this, { element, props, trigger, watch, on });
    this.state = null;
    this.asked = 0;
    this.choice = noChoice();
  }

  start() {
    this.watch("value", () => this.receive());
    this.on("click", (event) => this.click(event));
    this.on("keydown", (event) => this.key(event));
    this.on("submit", (event) => this.submit(event));
    this.on("input", (event) => event.target.type === "range" && this.showAccept());
    this.on("change", (event) => event.target.type === "file" && this.load(event.target));
    this.receive();
  }

  at(selector) {
    return this.element.querySelector(selector);
  }

  get cells() {
    return [...this.element.querySelectorAll(".mine-grid > li")];
  }

  receive() {
    const value = this.props.value ? JSON.parse(this.props.value) : null;
    this.goesOn = false;
    if (!value) {
      this.state = null;
      this.at(".mine-place")?.replaceChildren();
      return;
    }
    if (value.error) {
      if (this.state) this.tell(value.error, true);
      return;
    }
    if (value.page !== undefined && value.key !== this.state?.key) this.open(value);
    if (value.key !== this.state?.key) {
      this.ask("open");
      return;
    }
    const isNewer = value.version >= this.state.version;
    if (isNewer) Object.assign(this.state, value);
    if (!isNewer || `${value.chosen}` !== `${this.choice.rows}`) this.state.suggestions = this.state.counts = [];
    this.show();
    if (value.told) this.tell(value.told);
    if (value.file) this.follow(value.file);
    if (!value.serial && this.choice.rows.length) this.ask("choose"); // nobody asked: another model was opened
  }

  // Other pictures than before, or more of them.
  open(value) {
    this.at(".mine-place").innerHTML = value.page;
    this.state = { key: value.key, version: -1 };
    this.choice = noChoice();
  }

  ask(action, more = {}) {
    this.trigger("select", { action, rows: this.choice.rows, serial: ++this.asked, ...more });
  }

  choose(choice, { focus = true } = {}) {
    const before = `${this.choice.rows}`;
    this.choice = choice;
    this.showChoice();
    if (focus) this.cells[choice.focus]?.focus();
    if (`${choice.rows}` === before) return;
    this.tell("");
    this.state.suggestions = this.state.counts = [];
    this.showPanel();
    this.ask("choose");
  }

  click(event) {
    const cell = event.target.closest(".mine-grid > li");
    if (cell) {
      const toggle = event.ctrlKey || event.metaKey || event.pointerType === "touch";
      this.choose(clicked(this.choice, Number(cell.dataset.row), { shift: event.shiftKey, toggle }));
      return;
    }
    const { act, label } = event.target.closest("button")?.dataset ?? {};
    if (act === "all") {
      const { length } = this.cells;
      this.choose(this.choice.rows.length === length ? noChoice() : allOf(this.choice, length), { focus: false });
    } else if (act === "accept") this.ask("accept", { percent: Number(this.at(".mine-accept input").value) });
    else if (act === "next") this.acceptAndGoOn();
    else if (act) this.ask(act, label === undefined ? {} : { label: this.state.names[label] });
  }

  // One click for each picture: what is probable is accepted, and the next picture without labels is chosen.
  acceptAndGoOn() {
    if (this.goesOn) return; // a second click is not for a picture that nobody has seen yet
    this.goesOn = true;
    const { rows } = this.choice;
    const next = nextRow(this.state.given, rows.at(-1));
    const percent = Number(this.at(".mine-accept input").value);
    this.choice = next === null ? noChoice() : { rows: [next], focus: next, anchor: next };
    this.state.suggestions = this.state.counts = [];
    this.ask("accept", { rows, then: this.choice.rows, percent });
    this.showChoice();
    this.cells[next]?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const command = event.ctrlKey || event.metaKey;
    if (!this.state) return;
    if (command && event.key === "z" && !event.target.value) {
      event.preventDefault();
      this.ask("undo");
      return;
    }
    if (event.key === "Escape" && this.at(".mine-panel").contains(event.target)) {
      this.cells[this.choice.focus]?.focus();
      return;
    }
    if (!event.target.matches(".mine-grid > li")) return;
    const cells = this.cells;
    const row = Number(event.target.dataset.row);
    const columns = cells.filter((cell) => cell.offsetTop === cells[0].offsetTop).length;
    const to = steppedTo(row, event.key, columns, cells.length);
    if (to !== null) this.choose(moved({ ...this.choice, focus: row }, to, event.shiftKey));
    else if (event.key === " ") this.choose(toggled(this.choice, row));
    else if (command && event.key === "a") this.choose(allOf(this.choice, cells.length));
    else if (event.key === "Escape") this.choose({ ...this.choice, rows: [] });
    else if (event.key === "Enter") {
      if (!this.choice.rows.includes(row)) this.choose({ rows: [row], focus: row, anchor: row });
      this.at(".mine-add input").focus();
    } else return;
    event.preventDefault();
  }

  submit(event) {
    event.preventDefault();
    const input = this.at(".mine-add input");
    if (input.value.trim()) this.ask("on", { label: input.value });
    input.value = "";
  }

  // A label of one's own comes back from a file; Python says what is wrong with another.
  load(input) {
    const [file] = input.files;
    const reader = new FileReader();
    reader.onload = () => this.ask("load", { file: reader.result.slice(reader.result.indexOf(",") + 1) });
    if (file) reader.readAsDataURL(file);
    input.value = "";
  }

  // And leaves as one: the link is followed at once.
  follow({ address, name }) {
    const link = h("a", { href: address, download: name });
    this.element.append(link);
    link.click();
    link.remove();
  }

  tell(sentence, isError = false) {
    const told = this.at(".mine-told");
    told.textContent = sentence;
    told.classList.toggle("error", isError);
  }

  show() {
    const { state } = this;
    this.cells.forEach((cell, row) => {
      const { labels, rest, predicted } = gridChips(state, row);
      const chips = cell.querySelector(".chips");
      chips.classList.toggle("predicted", predicted);
      chips.replaceChildren(
        ...labels.map((name) => h("span", { class: "chip", title: name }, name)),
        ...(rest ? [h("span", { class: "chip rest" }, `+${rest}`)] : []),
      );
    });
    this.at(".mine-labelled").textContent = labelledWords(state.given);
    const showsPredicted = state.predicted.some((labels, row) => labels.length && !state.given[row].length);
    this.at(".mine-facts .key").hidden = !showsPredicted;
    this.at("#mine-names").replaceChildren(...state.names.map((name) => h("option", { value: name })));
    this.showChoice();
    this.showPanel();
  }

  showChoice() {
    const { rows, focus } = this.choice;
    const chosen = new Set(rows);
    this.cells.forEach((cell, row) => {
      cell.setAttribute("aria-selected", chosen.has(row));
      cell.tabIndex = row === focus ? 0 : -1;
    });
  }

  // All of the panel; the focus stays on the label that it was on, or on the one that took its place.
  showPanel() {
    const { state } = this;
    const { rows } = this.choice;
    const before = this.focused();
    this.at(".mine-panel h3").textContent = chosenWords(rows.length);
    this.at("[data-act=all]").textContent = rows.length === this.cells.length ? "Choose none" : "Choose all";
    this.at(".mine-panel [data-act=undo]").disabled = !state.steps;
    this.at(".mine-how").hidden = rows.length > 0;
    this.at(".mine-panel").classList.toggle("at-work", rows.length > 0);
    this.fill(".mine-given", countsOf(state.given, rows).map(([label, count]) => this.given(label, count)));
    const refused = countsOf(state.refused, rows).map(([label]) => this.chip("on", label, "is there after all"));
    this.fill(".mine-refused", refused);
    this.fill(".mine-new", state.new.map((label) => this.own(label)));
    this.fill(".mine-suggested", state.suggestions.map((suggestion) => this.suggestion(suggestion)));
    this.at(".mine-suggestions").hidden = !state.suggestions.length;
    this.at(".mine-refused-part").hidden = !refused.length;
    this.at(".mine-new-how").hidden = state.new.length > 0;
    this.at(".mine-note").textContent = state.note ?? "";
    this.showAccept();
    this.focusAgain(before);
  }

  fill(selector, children) {
    this.at(selector).replaceChildren(...children);
  }

  given(label, count) {
    const all = count === this.choice.rows.length;
    const name = this.state.names[label];
    return h("button", {
      type: "button", class: all ? "chip given" : "chip given some", "data-act": all ? "off" : "on",
      "data-label": label, "aria-pressed": all ? "true" : "mixed",
      title: all ? `${name}: take it away` : `${name}: give it to all that are chosen`,
    }, h("span", {}, name), all ? null : h("small", {}, `${count}`));
  }

  chip(act, label, what, sign = "") {
    const name = this.state.names[label];
    return h("button", {
      type: "button", class: "chip", "data-act": act, "data-label": label, title: `${name}: ${what}`,
      "aria-label": `${name}: ${what}`,
    }, h("span", {}, name), sign ? h("small", { "aria-hidden": "true" }, sign) : null);
  }

  // A label of the visitor's own: what it is made from, and where it can go.
  own(label) {
    const name = this.state.names[label];
    const made = new Map(this.state.own).get(label);
    const button = (act, sign, title) =>
      h("button", { type: "button", class: "mine-no", "data-act": act, "data-label": label, title,
        "aria-label": `${name}: ${title}` }, sign);
    return h("li", {},
      h("span", { class: "chip" }, h("span", {}, name)),
      h("span", { class: "mine-why" }, madeWords(made)),
      made === undefined ? null : button("download", "↓", "download this label"),
      button("forget", "×", "forget this label"));
  }

  suggestion({ label, probability, why }) {
    const name = this.state.names[label];
    const percent = percentWords(probability);
    return h("li", {},
      h("button", { type: "button", class: "mine-take", "data-act": "on", "data-label": label, title: name },
        h("span", { class: "chip" }, h("span", {}, name)),
        percent ? h("span", { class: "mine-percent" }, percent) : null,
        h("span", { class: "mine-why" }, why),
        percent ? h("span", { class: "mine-bar", style: { width: `${100 * probability}%` } }) : null),
      h("button", {
        type: "button", class: "mine-no", "data-act": "off", "data-label": label, "aria-label": `${name} is not there`,
        title: "It is not there",
      }, "×"));
  }

  showAccept() {
    const { state } = this;
    const slider = this.at(".mine-accept input");
    const percent = Number(slider.value);
    const count = state.counts[percent - state.first_percent] ?? 0;
    this.at(".mine-accept").hidden = !state.accepts;
    this.at(".mine-accept label").hidden = !state.percents;
    this.at(".mine-accept output").textContent = `${percent} %`;
    const button = this.at("[data-act=accept]");
    button.textContent = acceptWords(count);
    button.disabled = !count;
    const next = this.at("[data-act=next]");
    next.hidden = this.choice.rows.length !== 1;
    next.textContent = nextWords(count);
  }

  focused() {
    const active = document.activeElement;
    const list = active?.dataset?.label !== undefined && active.closest(".chips, .mine-suggested");
    if (!list || !this.element.contains(list)) return null;
    const buttons = [...list.querySelectorAll(`[data-act="${active.dataset.act}"]`)];
    return { list, act: active.dataset.act, label: active.dataset.label, place: buttons.indexOf(active) };
  }

  focusAgain(before) {
    if (!before) return;
    const { list, act, label, place } = before;
    const buttons = [...list.querySelectorAll(`[data-act="${act}"]`)];
    const same = list.querySelector(`[data-label="${label}"]`);
    (same ?? buttons[Math.min(place, buttons.length - 1)] ?? this.at(".mine-add input")).focus();
  }
}

// A plot whose clicks and lassos are answered: `element` is its box, `props.value` the figure as a text.
// Plotly (4.8 MB) is loaded when the first plot of the page is drawn, never before.
import { lookOf } from "./page_look.js";
import { idOf, idsOf, lasting, themed, thinned, toolsOf } from "./plot_figure.js";

const PLOTLY = "plotly.js"; // app/components/clickable_plot.py says the same
// After a tap the browser also sends what a mouse would have done there: one tap would be two clicks.
const TAP_MILLISECONDS = 1000;

export function mount(place) {
  new Plot(place).start();
}

let plotly = null;

function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = PLOTLY;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("Plotly could not be loaded"));
    document.head.append(script);
  });
  return plotly;
}

export class Plot {
  // A view with controls of its own makes the figure of a value with `compose`, and gets the clicks as `respond`.
  constructor({ element, props, trigger, watch }, { compose, respond } = {}) {
    Object.assign(this, { element, props, watch });
    this.canvas = element.querySelector(".plot");
    this.wait = element.querySelector(".plot-wait");
    this.compose = compose ?? ((value) => value);
    this.respond = respond ?? ((event) => trigger("select", event));
    this.sent = { text: null, value: null };
    this.tapped = -TAP_MILLISECONDS;
    this.listening = false;
    this.drawnSize = "";
    this.thumbnail = document.createElement("img");
    this.thumbnail.className = "plot-thumbnail";
    this.thumbnail.alt = "";
    this.thumbnail.hidden = true;
    element.append(this.thumbnail);
  }

  // Draws what there is, and again with every value, size and colour of the page.
  start() {
    const draw = () => this.draw();
    this.watch("value", draw);
    // Drawn anew: Plotly's own way to resize keeps the ranges that it widened for the old shape, and widens them again.
    new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = this.canvas;
      if (this.listening && width && this.drawnSize !== `${width} ${height}`) draw();
    }).observe(this.canvas);
    new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    draw();
  }

  // What Python sent: the same object for as long as the text is the same.
  get value() {
    const text = this.props.value;
    if (text !== this.sent.text) this.sent = { text, value: text ? JSON.parse(text) : null };
    return this.sent.value;
  }

  async draw() {
    const { canvas } = this;
    const figure = this.compose(this.value);
    if (!figure?.data) {
      if (this.listening) window.Plotly.purge(canvas);
      this.listening = false;
      return;
    }
    if (!this.listening) this.wait.hidden = false;
    const late = !window.Plotly;
    const Plotly = await loadPlotly();
    // A figure that came while Plotly was loading is the one to draw.
    const latest = late ? this.compose(this.value) : figure;
    if (!latest?.data) return;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    this.drawnSize = `${width} ${height}`;
    const layout = themed(latest, lookOf(this.element));
    const sized = width ? { ...layout, width, height } : layout;
    await Plotly.react(canvas, lasting(structuredClone(latest.data)), sized, toolsOf(latest));
    this.wait.hidden = true;
    if (!this.listening) this.listen();
    this.listening = true;
    this.thin();
    canvas.dataset.drawn = String(Number(canvas.dataset.drawn ?? 0) + 1);
  }

  listen() {
    const { canvas } = this;
    canvas.on("plotly_click", (data) => {
      if (this.isEcho(data.event)) return;
      const ids = idsOf(data.points.slice(0, 1));
      if (ids.length) this.respond({ action: "click", ids });
    });
    canvas.on("plotly_selected", (data) => {
      if (data) this.respond({ action: "lasso", ids: idsOf(data.points) });
    });
    canvas.on("plotly_deselect", () => this.respond({ action: "clear", ids: [] }));
    canvas.on("plotly_afterplot", () => this.thin());
    canvas.on("plotly_hover", (data) => this.hover(data));
    canvas.on("plotly_unhover", () => (this.thumbnail.hidden = true));
  }

  // Of names that overlap on this screen, at this zoom, the first one stays; those of points come before all.
  thin() {
    if (!this.canvas._fullLayout?.meta?.thin) return;
    const names = [...this.canvas.querySelectorAll(".annotation")];
    const boxes = names.map((name) => name.querySelector(".annotation-text").getBoundingClientRect());
    const texts = [...this.canvas.querySelectorAll(".textpoint text")].map((text) => text.getBoundingClientRect());
    const shown = thinned(boxes, this.canvas.getBoundingClientRect(), texts);
    names.forEach((name, i) => (name.style.visibility = shown[i] ? "" : "hidden"));
  }

  isEcho(event) {
    if (event.type.startsWith("touch")) this.tapped = event.timeStamp;
    return !event.type.startsWith("touch") && event.timeStamp - this.tapped < TAP_MILLISECONDS;
  }

  hover(data) {
    const prefix = this.value?.layout?.meta?.pictures;
    const point = data.points[0];
    const id = idOf(point);
    if (!prefix || id === null || point.data.meta?.pictures === false) return;
    const { clientX, clientY } = data.event;
    this.thumbnail.src = `${prefix}/card/${id}`;
    const left = clientX > window.innerWidth / 2 ? clientX - 176 : clientX + 16;
    const top = Math.min(Math.max(8, clientY - 60), window.innerHeight - 170);
    Object.assign(this.thumbnail.style, { left: `${left}px`, top: `${top}px` });
    this.thumbnail.hidden = false;
  }
}

// Runs once for each plot: `element` is its box, `props.value` the figure as a text, `trigger` tells Python.
// Plotly (4.8 MB) is loaded when the first plot of the page is drawn, never before.
const canvas = element.querySelector(".plot");
const address = "plotly.js";
const FONT = '"IBM Plex Sans", system-ui, sans-serif';
// A script before this one may make the figure itself, and answer clicks.
const figureOf = typeof compose === "function" ? compose : (value) => value;
const answer = typeof respond === "function" ? respond : (event) => trigger("select", event);

const came = { text: null, value: null };

// What Python sent: the same object for as long as the text is the same.
function sentValue() {
  if (props.value !== came.text) Object.assign(came, { text: props.value, value: props.value ? JSON.parse(props.value) : null });
  return came.value;
}

function loadPlotly() {
  window.plotlyLoaded ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("Plotly could not be loaded"));
    document.head.append(script);
  });
  return window.plotlyLoaded;
}

// The page's colours, as they are now: light or dark.
function colours() {
  const style = getComputedStyle(element);
  const value = (name) => style.getPropertyValue(name).trim();
  return {
    ink: value("--ink"), quiet: value("--quiet"), line: value("--line"), sheet: value("--sheet"),
    tint: value("--tint"), accent: value("--accent"),
  };
}

function axis(given, page) {
  return { gridcolor: page.line, zerolinecolor: page.line, linecolor: page.line, color: page.quiet, ...given };
}

// A figure with what every figure of this page has in common; what the figure says itself wins.
function themed(figure) {
  const page = colours();
  const layout = { ...figure.layout };
  for (const name of Object.keys(layout)) {
    if (/^[xy]axis\d*$/.test(name)) layout[name] = axis(layout[name], page);
    if (/^scene\d*$/.test(name)) {
      layout[name] = { ...layout[name] };
      for (const side of ["xaxis", "yaxis", "zaxis"]) layout[name][side] = axis(layout[name][side], page);
    }
  }
  layout.xaxis ??= axis({}, page);
  layout.yaxis ??= axis({}, page);
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 48, r: 16, t: 16, b: 40 },
    hovermode: "closest",
    dragmode: layout.meta?.lasso ? "lasso" : "pan",
    uirevision: layout.meta?.keep,
    ...layout,
    font: { family: FONT, size: 13, color: page.ink, ...layout.font },
    hoverlabel: { bgcolor: page.sheet, bordercolor: page.line, font: { family: FONT, color: page.ink }, align: "left", ...layout.hoverlabel },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: page.quiet, activecolor: page.accent, ...layout.modebar },
    legend: { bgcolor: "rgba(0,0,0,0)", font: { color: page.ink }, ...layout.legend },
  };
}

const thumbnail = document.createElement("img");
thumbnail.className = "plot-thumbnail";
thumbnail.alt = "";
thumbnail.hidden = true;
element.append(thumbnail);

function idOf(point) {
  const id = Array.isArray(point.customdata) ? point.customdata[0] : point.customdata;
  return Number.isInteger(id) ? id : null;
}

function hover(data) {
  const prefix = sentValue()?.layout?.meta?.pictures;
  const point = data.points[0];
  const id = idOf(point);
  if (!prefix || id === null || point.data.meta?.pictures === false) return;
  const { clientX, clientY } = data.event;
  thumbnail.src = `${prefix}/card/${id}`;
  const left = clientX > window.innerWidth / 2 ? clientX - 176 : clientX + 16;
  const top = Math.min(Math.max(8, clientY - 60), window.innerHeight - 170);
  Object.assign(thumbnail.style, { left: `${left}px`, top: `${top}px` });
  thumbnail.hidden = false;
}

function idsOf(points) {
  return [...new Set(points.map(idOf).filter((id) => id !== null))];
}

// After a tap the browser also sends what a mouse would have done there: one tap would be two clicks.
const TAP_MILLISECONDS = 1000;
let tapped = -TAP_MILLISECONDS;

function isEcho(event) {
  if (event.type.startsWith("touch")) tapped = event.timeStamp;
  return !event.type.startsWith("touch") && event.timeStamp - tapped < TAP_MILLISECONDS;
}

function listen() {
  canvas.on("plotly_click", (data) => {
    if (isEcho(data.event)) return;
    const ids = idsOf(data.points.slice(0, 1));
    if (ids.length) answer({ action: "click", ids });
  });
  canvas.on("plotly_selected", (data) => {
    if (data) answer({ action: "lasso", ids: idsOf(data.points) });
  });
  canvas.on("plotly_deselect", () => answer({ action: "clear", ids: [] }));
  canvas.on("plotly_hover", hover);
  canvas.on("plotly_unhover", () => (thumbnail.hidden = true));
}

let listening = false;
let drawnSize = "";

async function draw() {
  const figure = figureOf(sentValue());
  if (!figure?.data) {
    if (listening) window.Plotly.purge(canvas);
    listening = false;
    return;
  }
  const late = !window.Plotly;
  const Plotly = await loadPlotly();
  // A figure that came while Plotly was loading is the one to draw.
  const latest = late ? figureOf(sentValue()) : figure;
  if (!latest?.data) return;
  const config = {
    displaylogo: false,
    showSendToCloud: false, // that button would upload the figure
    scrollZoom: latest.layout?.meta?.zoom ?? false,
    displayModeBar: latest.layout?.meta?.tools ?? Boolean(latest.layout?.meta?.lasso),
    ...(latest.layout?.meta?.lasso
      ? { modeBarButtons: [["lasso2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]] }
      : { modeBarButtonsToRemove: ["toImage", "sendDataToCloud", "autoScale2d"] }),
    doubleClick: "reset",
  };
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  drawnSize = `${width} ${height}`;
  const layout = width ? { ...themed(latest), width, height } : themed(latest);
  await Plotly.react(canvas, structuredClone(latest.data), layout, config);
  if (!listening) listen();
  listening = true;
  canvas.dataset.drawn = String(Number(canvas.dataset.drawn ?? 0) + 1);
}

watch("value", draw);
// Drawn anew: Plotly's own way to resize keeps the ranges that it widened for the old shape, and widens them again.
new ResizeObserver(() => {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (listening && width && drawnSize !== `${width} ${height}`) draw();
}).observe(canvas);
new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
draw();

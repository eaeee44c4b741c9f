// What every figure of the page has in common: colours, fonts, tools, and which points were meant by a click.
import { TEXT_FONT } from "./page_look.js";

function axis(given, look) {
  return { gridcolor: look.line, zerolinecolor: look.line, linecolor: look.line, color: look.quiet, ...given };
}

// The layout of a figure in the page's colours; what the figure says itself wins.
export function themed(figure, look) {
  const layout = { ...figure.layout };
  for (const name of Object.keys(layout)) {
    if (/^[xy]axis\d*$/.test(name)) layout[name] = axis(layout[name], look);
    if (/^scene\d*$/.test(name)) {
      layout[name] = { ...layout[name] };
      for (const side of ["xaxis", "yaxis", "zaxis"]) layout[name][side] = axis(layout[name][side], look);
    }
  }
  layout.xaxis ??= axis({}, look);
  layout.yaxis ??= axis({}, look);
  const hoverlabel = { bgcolor: look.sheet, bordercolor: look.line, font: { family: TEXT_FONT, color: look.ink } };
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 48, r: 16, t: 16, b: 40 },
    hovermode: "closest",
    dragmode: layout.meta?.lasso ? "lasso" : "pan",
    uirevision: layout.meta?.keep,
    ...layout,
    font: { family: TEXT_FONT, size: 13, color: look.ink, ...layout.font },
    hoverlabel: { ...hoverlabel, align: "left", ...layout.hoverlabel },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: look.quiet, activecolor: look.accent, ...layout.modebar },
    legend: { bgcolor: "rgba(0,0,0,0)", font: { color: look.ink }, ...layout.legend },
  };
}

// Which of Plotly's tools a figure offers.
export function toolsOf(figure) {
  const meta = figure.layout?.meta ?? {};
  const buttons = meta.lasso
    ? { modeBarButtons: [["lasso2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]] }
    : { modeBarButtonsToRemove: ["toImage", "sendDataToCloud", "autoScale2d"] };
  return {
    displaylogo: false,
    showSendToCloud: false, // that button would upload the figure
    scrollZoom: meta.zoom ?? false,
    displayModeBar: meta.tools ?? Boolean(meta.lasso),
    ...buttons,
    doubleClick: "reset",
  };
}

export function idOf(point) {
  const id = Array.isArray(point.customdata) ? point.customdata[0] : point.customdata;
  return Number.isInteger(id) ? id : null;
}

export function idsOf(points) {
  return [...new Set(points.map(idOf).filter((id) => id !== null))];
}

// Plotly takes the element of an empty text away and, when the point has a text again, does not make another: a blank
// one stays. `data` is the caller's own.
export function lasting(data) {
  for (const trace of data) {
    if (trace.mode?.includes("text") && Array.isArray(trace.text)) trace.text = trace.text.map((text) => text || " ");
  }
  return data;
}

// Which of some boxes to show, so that none touches one before it, or one that is `there`, or leaves the `frame`.
export function thinned(boxes, frame, there = []) {
  const inside = ({ left, right, top, bottom }) =>
    left >= frame.left && right <= frame.right && top >= frame.top && bottom <= frame.bottom;
  const apart = (one, other) =>
    one.left > other.right || one.right < other.left || one.top > other.bottom || one.bottom < other.top;
  const shown = [...there];
  return boxes.map((box) => {
    const fits = inside(box) && shown.every((other) => apart(box, other));
    if (fits) shown.push(box);
    return fits;
  });
}

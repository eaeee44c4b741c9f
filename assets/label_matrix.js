// The label graph as a heat map, rows sending to columns, in an order that puts related labels side by side.
const SMALLEST_NAME = 8; // pixels of a row or a column below which names would be mush

function matrixOrder(graph, view) {
  return view.order === "similar" ? graph.order : graph.names.map((_, label) => label);
}

function matrixHeight(graph, width) {
  return width < 560 ? Math.round(width * 1.02) : Math.min(1000, Math.max(440, graph.size * 12.5 + 120));
}

function tick(graph, label, strong) {
  const name = graph.names[label];
  const shown = plainText(name.length > 18 ? `${name.slice(0, 17)}…` : name);
  const colour = graph.colours[graph.groups[label]];
  return `${strong ? `<b>${shown}</b>` : shown} <span style="color:${colour}">●</span>`;
}

function selfWords(graph, view, label) {
  const i = label * (graph.size + 1);
  const name = `<b>${plainText(graph.names[label])}</b>`;
  if (view.stage === "cooccurrence") return `${counted(graph.counts[i], "picture")} with ${name}`;
  const adaptive = weightsOf(graph, "adaptive", view.epoch, view.edits)[i];
  return `What ${name} keeps of itself:<br>prior ${digits(graph.prior[i])} → learned ${digits(adaptive)}`;
}

function matrixFigure(graph, view, plot) {
  const order = matrixOrder(graph, view);
  const stage = STAGES[view.stage];
  const weights = weightsOf(graph, view.stage, view.epoch, view.edits);
  const most = largest(graph, view.stage);
  const { sequential, diverging } = graph.scales[isDark() ? "dark" : "light"];
  const [width, height] = [plot.clientWidth || 900, plot.clientHeight || 900];
  const narrow = width < 560;
  const z = [], text = [], customdata = [];
  for (const source of order) {
    const [values, words, ids] = [[], [], []];
    for (const target of order) {
      const weight = weights[source * graph.size + target];
      const hidden = source === target || weight === 0 || Math.abs(weight) < view.threshold - 1e-6;
      values.push(hidden ? null : weight);
      words.push(source === target ? selfWords(graph, view, source) : edgeWords(graph, view, { source, target, weight }));
      ids.push(graph.size * (1 + source) + target);
    }
    z.push(values);
    text.push(words);
    customdata.push(ids);
  }
  const marked = new Set([view.label, ...(view.pair ?? [])].filter((label) => label !== null));
  const roomy = Math.min(width - 100, height - 110) / graph.size >= SMALLEST_NAME;
  const ticks = [...order.keys()].filter((at) => roomy || marked.has(order[at]));
  const axis = {
    tickvals: ticks,
    ticktext: ticks.map((at) => tick(graph, order[at], marked.has(order[at]))),
    range: [-0.5, graph.size - 0.5],
    showgrid: false,
    zeroline: false,
    ticks: "",
    tickfont: { size: narrow ? 10 : 10.5 },
    fixedrange: narrow,
  };
  const page = colours();
  const square = (x0, y0, x1, y1, width) => ({ type: "rect", x0, y0, x1, y1, line: { color: page.ink, width }, fillcolor: "rgba(0,0,0,0)" });
  const shapes = [];
  if (view.label !== null) {
    const at = order.indexOf(view.label);
    shapes.push(square(-0.5, at - 0.5, graph.size - 0.5, at + 0.5, 1), square(at - 0.5, -0.5, at + 0.5, graph.size - 0.5, 1));
  }
  if (view.pair?.every((label) => label !== null)) {
    const [row, column] = view.pair.map((label) => order.indexOf(label));
    shapes.push(square(column - 0.5, row - 0.5, column + 0.5, row + 0.5, 2.5));
  }
  return {
    data: [
      {
        type: "heatmap", z, text, customdata,
        hovertemplate: "%{text}<extra></extra>",
        colorscale: stage.signed ? diverging : sequential,
        zmin: stage.signed ? -most : 0,
        zmax: most,
        xgap: roomy ? 1 : 0,
        ygap: roomy ? 1 : 0,
        showscale: !narrow,
        colorbar: { thickness: 10, outlinewidth: 0, len: 0.4, y: 1, yanchor: "top", tickfont: { color: page.quiet } },
      },
    ],
    layout: {
      xaxis: { ...axis, side: "top", tickangle: -90, title: { text: "receives", standoff: 6 } },
      yaxis: { ...axis, range: [graph.size - 0.5, -0.5], title: { text: "sends", standoff: 6 } },
      margin: { l: narrow && !roomy ? 66 : 116, r: 8, t: narrow && !roomy ? 66 : 120, b: 8 },
      plot_bgcolor: page.paper,
      shapes,
      dragmode: narrow ? false : "pan",
      meta: { keep: `matrix ${graph.serial} ${view.order}` },
    },
  };
}

// The colours of weights: a scale for each kind of stage, in light and in dark.
function mix(scale, share) {
  const at = Math.min(1, Math.max(0, share));
  const after = Math.max(1, scale.findIndex(([stop]) => stop >= at));
  const [[low, from], [high, to]] = [scale[after - 1], scale[after]];
  const part = (at - low) / (high - low);
  const channel = (colour, i) => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
  const mixed = [0, 1, 2].map((i) => Math.round(channel(from, i) + part * (channel(to, i) - channel(from, i))));
  return `rgb(${mixed.join(",")})`;
}

// The scale of a stage, as pairs of a place from 0 to 1 and a colour.
export function scaleOf(graph, stage, look) {
  return graph.scales[look.dark ? "dark" : "light"][stage.signed ? "diverging" : "sequential"];
}

// The colour of a share of the largest weight; the lightest third of a scale would vanish on paper.
export function edgeColour(graph, stage, share, look) {
  return mix(scaleOf(graph, stage, look), stage.signed ? 0.5 + share / 2 : 0.3 + 0.7 * share);
}

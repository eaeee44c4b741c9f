// The geometry of an arrow between two dots, in units of the drawing.
export const SAMPLES = 14; // points of a curve
const BEND = 0.13; // how far a curve leaves the straight line, as a share of its length; opposite edges bend apart

// A curve from rim to rim; `rims` are in pixels, and `unit` is how many units of the drawing a pixel is.
export function curve(from, to, rims, unit) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const control = [(from[0] + to[0]) / 2 - dy * BEND, (from[1] + to[1]) / 2 + dx * BEND];
  const length = Math.hypot(dx, dy) || 1;
  const start = Math.min(0.4, (rims[0] * unit) / length);
  const end = 1 - Math.min(0.4, (rims[1] * unit) / length);
  const at = (t) => [0, 1].map((i) => (1 - t) ** 2 * from[i] + 2 * t * (1 - t) * control[i] + t ** 2 * to[i]);
  const points = Array.from({ length: SAMPLES }, (_, i) => at(start + ((end - start) * i) / (SAMPLES - 1)));
  const [before, tip] = [at(end - 0.02), at(end)];
  return { points, tip, angle: Math.atan2(tip[1] - before[1], tip[0] - before[0]) };
}

// A filled triangle: Plotly's own markers would be an element each, and slow when a slider is dragged.
export function arrowHead({ tip, angle }, size) {
  const corner = (turn, length) => [tip[0] - length * Math.cos(angle + turn), tip[1] - length * Math.sin(angle + turn)];
  return [corner(0, -0.35 * size), corner(0.42, size), corner(-0.42, size)];
}

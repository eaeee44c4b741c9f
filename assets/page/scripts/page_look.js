// How the page looks now: light or dark, its colours, how wide a text is.
export const TEXT_FONT = '"IBM Plex Sans", system-ui, sans-serif';

export function lookOf(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(name).trim();
  return {
    dark: document.body.classList.contains("dark"),
    ink: colour("--ink"),
    quiet: colour("--quiet"),
    line: colour("--line"),
    sheet: colour("--sheet"),
    tint: colour("--tint"),
    accent: colour("--accent"),
    widthOf,
  };
}

let ruler = null;

// In pixels, of a text of `size` pixels.
function widthOf(text, size) {
  ruler ??= document.createElement("canvas").getContext("2d");
  ruler.font = `${size}px "IBM Plex Sans", sans-serif`;
  return ruler.measureText(text).width;
}

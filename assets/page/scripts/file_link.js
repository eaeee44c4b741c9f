// A file that was made because somebody asked for it: its link is followed as soon as it is there.
export function mount({ element, watch }) {
  watch("value", () => requestAnimationFrame(() => element.querySelector("a.file-link")?.click()));
}

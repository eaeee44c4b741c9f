// Numbers in words and figures, as the page writes them.
// A true minus, and none before a zero; app/kit/numbers.py is the same in Python.
export const digits = (value, places = 2) => {
  const text = value.toFixed(places);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
};
export const signed = (value, places = 2) => (Number(value.toFixed(places)) > 0 ? "+" : "") + digits(value, places);
export const counted = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

// Plotly reads <b> and the like in a text as markup.
export const plainText = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

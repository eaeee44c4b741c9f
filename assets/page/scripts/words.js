// Numbers in words and figures, as the page writes them.
export const digits = (value, places = 2) => value.toFixed(places).replace(/^-/, "−");
export const signed = (value) => (value >= 0 ? "+" : "") + digits(value);
export const counted = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

// Plotly reads <b> and the like in a text as markup.
export const plainText = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

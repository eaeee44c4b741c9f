// Whether things may move: a visitor can ask the system for stillness.
export const pace = () => (window.matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

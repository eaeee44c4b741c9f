// What the board says of pictures and labels.
import { counted } from "./words.js";

const CHIPS = 4; // below a picture

export const chosenWords = (count) => (count ? `${counted(count, "picture")} chosen` : "Label your pictures");
export const acceptWords = (count) => (count ? `Accept ${counted(count, "label")}` : "Nothing to accept");
// What a label of the visitor's own is made from; undefined where there are too few pictures to make it.
export const madeWords = (examples) => {
  if (examples === undefined) return "needs five pictures";
  return examples ? counted(examples, "example") : "by its name";
};
export const nextWords = (count) => (count ? `Accept ${count}, next picture` : "Next picture");
export const percentWords = (probability) => {
  if (probability === null || probability === undefined) return "";
  return `${Math.min(99, Math.max(1, Math.round(100 * probability)))} %`; // nothing is certain before somebody says it
};

export function labelledWords(given) {
  const count = given.filter((labels) => labels.length).length;
  return count ? `, ${count.toLocaleString("en")} with labels of yours` : "";
}

// The labels below a picture: those that were given, or else those that are predicted.
export function gridChips({ names, given, predicted }, row) {
  const isPredicted = !given[row].length && predicted[row].length > 0;
  const labels = (isPredicted ? predicted : given)[row].map((label) => names[label]);
  return { labels: labels.slice(0, CHIPS), rest: Math.max(0, labels.length - CHIPS), predicted: isPredicted };
}

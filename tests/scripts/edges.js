// The edges that the page finds in a graph, for tests/test_scripts.py to compare with Python's own.
// Reads {"graph", "asked": [[stage, epoch, edits], …]} and writes the [source, target, weight] of all edges of each.
import { readFileSync } from "node:fs";

import { edgesOf, readGraph, weightsOf } from "../../assets/page/scripts/label_data.js";

const { graph: sent, asked } = JSON.parse(readFileSync(0, "utf8"));
const graph = readGraph(sent);
const triple = ({ source, target, weight }) => [source, target, weight];
const found = asked.map(([stage, epoch, edits]) =>
  edgesOf(graph, weightsOf(graph, stage, epoch, edits), 0).map(triple),
);
process.stdout.write(JSON.stringify(found));

// What the graph answers to what can be asked of it.

import type { ModelRead } from "../wire/types/model-reads.ts";
import type { Graph } from "./graph.ts";
import { readDiff, readGraph, readNode } from "./reads.ts";

/** The document that is asked for. Throws `model-node-not-found`. */
export function answerRead(graph: Graph, read: ModelRead): object {
  switch (read.what) {
    case "graph":
      return readGraph(graph, read);
    case "node":
      return readNode(graph, read.id, read);
    case "diff":
      return readDiff(graph, read);
  }
}

// What the Model page reads: the graph around a node, one node with its past, what suffers with it, and what differs.

import { queryOptions } from "@tanstack/react-query";
import type { NodeKind } from "../../wire/types/model.ts";
import type {
  ModelDiffView,
  ModelGraphView,
  ModelImpactView,
  ModelNodeHistoryView,
  ModelNodeView,
} from "../../wire/types/model-views.ts";
import { queryText, readDocument, write } from "./api-client.ts";

const PAGE = 2_000;
const SEARCHED_PAGES_MAX = 5;
/** The graph moves with each window of telemetry, and no event tells of it. */
const LIVE_MS = 15_000;

/** What a graph is drawn of; operations only around one of them, for each service has many. */
const PARTS: readonly NodeKind[] = [
  "service",
  "datastore",
  "queue",
  "node",
  "namespace",
  "environment",
  "trust-zone",
  "config-key",
  "library",
];

type NodeList = { readonly nodes: readonly ModelNodeView[]; readonly isWhole: boolean };

/** All nodes but operations and happenings, for the search and for where to begin. */
export const nodesQuery = queryOptions({
  queryKey: ["model", "nodes"],
  queryFn: async ({ signal }): Promise<NodeList> => {
    const nodes: ModelNodeView[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < SEARCHED_PAGES_MAX; page++) {
      const query = queryText({ kind: PARTS.join(","), limit: PAGE, cursor });
      const found = await readDocument<ModelGraphView>(`/v1/model${query}`, signal);
      nodes.push(...found.nodes);
      if (found.cursor === null) return { nodes, isWhole: true };
      cursor = found.cursor;
    }
    return { nodes, isWhole: false };
  },
  staleTime: 60_000,
});

/** `at` undefined: now. */
type At = { readonly at: number | undefined };

export const aroundQuery = ({ node, depth, at }: At & { readonly node: string; readonly depth: number }) => {
  const own = node.split(":", 1)[0] ?? "";
  const kinds = new Set<string>([...PARTS, own]);
  if (own === "operation") kinds.add("operation");
  return queryOptions({
    queryKey: ["model", "around", node, depth, at],
    queryFn: ({ signal }) => {
      const query = queryText({ around: node, depth, at, kind: [...kinds].join(","), limit: PAGE });
      return readDocument<ModelGraphView>(`/v1/model${query}`, signal);
    },
    refetchInterval: at === undefined ? LIVE_MS : false,
    // While it is of the same surroundings, what was shown stays until the other moment is there.
    placeholderData: (before) => (before?.nodes.some(({ id }) => id === node) === true ? before : undefined),
  });
};

export const nodeQuery = ({ node, at }: At & { readonly node: string }) =>
  queryOptions({
    queryKey: ["model", "node", node, at],
    queryFn: ({ signal }) =>
      readDocument<ModelNodeHistoryView>(`/v1/model/nodes/${encodeURIComponent(node)}${queryText({ at })}`, signal),
    refetchInterval: at === undefined ? LIVE_MS : false,
    placeholderData: (before) => (before?.id === node ? before : undefined),
  });

/** A question that is posted: nothing is recorded by it. */
export const impactQuery = ({ node, at }: At & { readonly node: string }) =>
  queryOptions({
    queryKey: ["model", "impact", node, at],
    queryFn: () =>
      write<ModelImpactView>({
        method: "POST",
        path: "/v1/model/predict",
        body: { target: node, ...(at === undefined ? {} : { at: String(at) }) },
      }),
  });

export const diffQuery = ({ from, at, environment }: At & { readonly from: number; readonly environment: string }) =>
  queryOptions({
    queryKey: ["model", "diff", from, at, environment],
    queryFn: ({ signal }) =>
      readDocument<ModelDiffView>(`/v1/model/diff${queryText({ from, to: at, environment })}`, signal),
  });

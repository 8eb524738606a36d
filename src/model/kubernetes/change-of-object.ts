// An object that was made different, as a change of what it is: of a service, or of the keys of a configuration.

import { nodeText } from "../../wire/schemas/model.ts";
import type { ClusterObject } from "../../wire/types/cluster-object.ts";
import type { Change } from "../../wire/types/model.ts";
import type { Declared } from "../declare.ts";
import type { Graph } from "../graph.ts";
import { subjectOfNode } from "../names.ts";
import { configKeysOf, isWorkload, serviceOf, type ClusterTerms } from "./graph-of-objects.ts";

const ID_CHARS_MAX = 128;
const TARGETS_MAX = 64;

export type ObjectMoved = {
  readonly object: ClusterObject;
  readonly version: string;
  readonly at: number;
  readonly keys: readonly string[];
};

/** Null for an object that is no part of the graph. */
export function changeOfObject({ object, version, at, keys }: ObjectMoved, terms: ClusterTerms): Change | null {
  const service = isWorkload(object) ? serviceOf(object, terms) : undefined;
  const targets = service === undefined ? configKeysOf(object, terms, keys).slice(0, TARGETS_MAX) : [service];
  if (targets.length === 0 || (service === undefined && object.kind !== "ConfigMap")) return null;
  // Instances alone are no deploy.
  const isDeploy = service !== undefined && keys.some((key) => key !== "replicas");
  const id = idOf(`${object.kind.toLowerCase()}/${object.namespace}/${object.name}`, version);
  return { id, kind: isDeploy ? "deploy" : "configuration", at, targets, settings: [] };
}

function idOf(place: string, version: string): string {
  const end = `@${version.replaceAll(/[^A-Za-z0-9]/g, "-")}`.slice(0, ID_CHARS_MAX / 2);
  return `${place.replaceAll(/[^A-Za-z0-9._/-]/g, "-").slice(0, ID_CHARS_MAX - end.length)}${end}`;
}

/** What says that something is no more what it was: of a service its template, of a configuration key its value. */
const DIGESTS = ["template", "digest"] as const;

/** Changes that happened while nobody looked: what is declared now has another digest than what is known. */
export function missedChanges(graph: Graph, { nodes, at }: Pick<Declared, "nodes" | "at">): Change[] {
  return nodes.flatMap(({ node, attributes }): Change[] => {
    const known = graph.names.findNode(nodeText(node));
    if (known === undefined) return [];
    const moment = { at: Math.floor(at / 1000), seqEnd: graph.size };
    const declared = graph.holding(subjectOfNode(known), moment)?.declared;
    const before = declared == null ? {} : (graph.declarations[declared.declaration - 1]?.attributes ?? {});
    const moved = DIGESTS.find(
      (name) => before[name] !== undefined && attributes[name] !== undefined && before[name] !== attributes[name],
    );
    if (moved === undefined) return [];
    const kind = moved === "template" ? "deploy" : "configuration";
    return [
      { id: idOf(`${node.kind}/${node.name}`, attributes[moved] ?? ""), kind, at, targets: [node], settings: [] },
    ];
  });
}

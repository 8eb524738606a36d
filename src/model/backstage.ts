// A Backstage catalog read as declarations: components, resources, and what each says it depends on.

import { plainName } from "../core/names.ts";
import { nodeText } from "../wire/schemas/model.ts";
import type { EdgeKind, NodeKind } from "../wire/types/model.ts";

interface SaidNode {
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface SaidEdge {
  readonly kind: EdgeKind;
  readonly from: string;
  readonly to: string;
}

/** What `PUT /v1/model/declared/{feed}` takes, and what was passed over. */
export interface CatalogDeclaration {
  readonly nodes: readonly SaidNode[];
  readonly edges: readonly SaidEdge[];
  readonly skipped: readonly string[];
}

type Members = Readonly<Record<string, unknown>>;
type Entity = { readonly kind: string; readonly name: string; readonly spec: Members; readonly annotations: Members };

/** Whether a document is one of Backstage's entities. */
export function isCatalogEntity(document: unknown): boolean {
  return textOf(membersOf(document)["apiVersion"]).startsWith("backstage.io/");
}

/** An annotation: the trust zone that an entity stands in. */
const TRUST_ZONE = "holdpoint.dev/trust-zone";
const QUEUES = /queue|topic|stream|broker/i;

/**
 * Components become services, and libraries those of type `library`; resources datastores, or queues by their type. A
 * component that consumes an API calls the components that provide it. Nodes are of `environment`: a catalog names none.
 */
export function readCatalog(documents: readonly unknown[], environment: string | null): CatalogDeclaration {
  const skipped: string[] = [];
  const entities: Entity[] = [];
  for (const document of documents) {
    const entity = entityOf(document);
    if (entity !== null) entities.push(entity);
    else skipped.push(textOf(membersOf(membersOf(document)["metadata"])["name"]) || "a document without a name");
  }
  const nodes = new Map<string, SaidNode & { readonly entity: Entity; readonly node: NodeKind }>();
  for (const entity of entities) {
    const kind = nodeKindOf(entity);
    if (kind === null) continue;
    const id = nodeText({ kind, environment: kind === "library" ? null : environment, name: entity.name });
    nodes.set(`${entity.kind}:${entity.name}`, { id, attributes: attributesOf(entity), entity, node: kind });
  }
  const edges = [...nodes.values()].flatMap(({ id, entity }) => edgesOf(id, entity, { nodes, entities, skipped }));
  return {
    nodes: [...nodes.values()].map(({ id, attributes }) => ({ id, attributes })),
    edges: unique(edges),
    skipped,
  };
}

function entityOf(document: unknown): Entity | null {
  const { kind, metadata, spec } = membersOf(document);
  const name = plainName(textOf(membersOf(metadata)["name"]));
  if (!isCatalogEntity(document) || name === undefined) return null;
  const annotations = membersOf(membersOf(metadata)["annotations"]);
  return { kind: textOf(kind).toLowerCase(), name, spec: membersOf(spec), annotations };
}

function nodeKindOf({ kind, spec }: Entity): NodeKind | null {
  const type = textOf(spec["type"]);
  if (kind === "component") return type === "library" ? "library" : "service";
  if (kind === "resource") return QUEUES.test(type) ? "queue" : "datastore";
  return null; // APIs join components; systems, domains, users and groups are not parts of production
}

function attributesOf({ spec, annotations }: Entity): Record<string, string> {
  const attributes: Record<string, string> = {};
  const zone = plainName(textOf(annotations[TRUST_ZONE]));
  if (zone !== undefined) attributes["zone"] = zone;
  for (const name of ["owner", "lifecycle", "system", "type"]) {
    const value = plainName(referred(textOf(spec[name])).name);
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}

type Catalog = {
  readonly nodes: ReadonlyMap<string, { readonly id: string; readonly node: NodeKind }>;
  readonly entities: readonly Entity[];
  readonly skipped: string[];
};

function edgesOf(from: string, { kind, name, spec }: Entity, { nodes, entities, skipped }: Catalog): SaidEdge[] {
  const edges: SaidEdge[] = [];
  for (const reference of textsOf(spec["dependsOn"])) {
    const { kind: of, name: other } = referred(reference);
    const target = nodes.get(`${of || "component"}:${other}`);
    if (target === undefined) skipped.push(`${kind}:${name} depends on ${reference}, which is not in the catalog`);
    else edges.push({ kind: EDGE_OF[target.node] ?? "calls", from, to: target.id });
  }
  for (const api of textsOf(spec["consumesApis"]).map((text) => referred(text).name)) {
    for (const provider of entities) {
      const provides = textsOf(provider.spec["providesApis"]).some((text) => referred(text).name === api);
      const target = nodes.get(`component:${provider.name}`);
      if (provider.kind === "component" && provides && target !== undefined && target.id !== from) {
        edges.push({ kind: "calls", from, to: target.id });
      }
    }
  }
  return edges;
}

const EDGE_OF: Readonly<Partial<Record<NodeKind, EdgeKind>>> = {
  library: "embeds",
  datastore: "reads",
  queue: "writes",
};

/** `component:default/cart`, `default/cart` or `cart`. */
function referred(text: string): { readonly kind: string; readonly name: string } {
  const [, kind = "", name = ""] = /^(?:([A-Za-z]+):)?(?:[^/:]+\/)?([^/:]+)$/.exec(text) ?? [];
  return { kind: kind.toLowerCase(), name: name.toLowerCase() };
}

function unique(edges: readonly SaidEdge[]): SaidEdge[] {
  return [...new Map(edges.map((edge) => [`${edge.kind} ${edge.from} ${edge.to}`, edge])).values()];
}

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

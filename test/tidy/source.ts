// A source file with its syntax tree, as the tidy checks read it.

import { parseSync, visitorKeys } from "oxc-parser";

export interface SyntaxNode {
  readonly type: string;
  /** Offsets into the text, in UTF-16 code units; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface Source {
  /** Relative to the project, with forward slashes: `src/core/ids.ts`. */
  readonly path: string;
  readonly text: string;
  /** Every node of the tree, parents before their children. */
  readonly nodes: readonly Placed[];
  /** Every other file or package it names: imports, exports from, dynamic and type imports, `new URL("./x.ts", …)`. */
  readonly links: readonly Link[];
}

export interface Placed {
  readonly node: SyntaxNode;
  readonly parent: SyntaxNode | undefined;
  /** Under which property of the parent it stands. */
  readonly key: string;
}

export interface Link {
  readonly specifier: string;
  readonly start: number;
  readonly typeOnly: boolean;
  /** Names taken from it, as exported there; `*` for all of them, `default` for the default. */
  readonly names: readonly string[];
}

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Throws when `text` is not TypeScript. */
export function parseSource(path: string, text: string): Source {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`);
  const nodes: Placed[] = [];
  collect(program as unknown as SyntaxNode, undefined, "", nodes);
  return { path, text, nodes, links: nodes.flatMap(({ node }) => findLink(node)) };
}

export function finding(source: Source, offset: number, message: string): Finding {
  return { path: source.path, line: lineOf(source.text, offset), message };
}

/** The line of an offset, from 1. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** The value of a string literal (or a template without holes), undefined for every other node. */
export function literalText(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"];
  if (node.type !== "TemplateLiteral") return undefined;
  const quasis = node["quasis"] as readonly { readonly value: { readonly cooked: string } }[];
  return quasis.length === 1 ? quasis[0]?.value.cooked : undefined;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && typeof (value as SyntaxNode).type === "string";
}

/** `Math.random` for a plain member access on a name, undefined for everything else. */
export function memberPath(node: unknown): string | undefined {
  if (!isNode(node) || node.type !== "MemberExpression") return undefined;
  const { object, property, computed } = node as unknown as {
    object: SyntaxNode;
    property: SyntaxNode;
    computed: boolean;
  };
  if (object.type !== "Identifier") return undefined;
  const name = computed ? literalText(property) : (property["name"] as string);
  return name === undefined ? undefined : `${object["name"] as string}.${name}`;
}

function collect(node: SyntaxNode, parent: SyntaxNode | undefined, key: string, into: Placed[]): void {
  into.push({ node, parent, key });
  for (const childKey of visitorKeys[node.type] ?? []) {
    const child = node[childKey];
    if (Array.isArray(child)) {
      for (const item of child) if (isNode(item)) collect(item, node, childKey, into);
    } else if (isNode(child)) {
      collect(child, node, childKey, into);
    }
  }
}

function findLink(node: SyntaxNode): readonly Link[] {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      return link(node, node["source"], (node["importKind"] ?? node["exportKind"]) === "type", specifierNames(node));
    case "ImportExpression":
      return link(node, node["source"], false, ["*"]);
    case "TSImportType":
      return link(node, node["source"], true, ["*"]);
    case "NewExpression":
      return findUrlLink(node);
    default:
      return [];
  }
}

/** Workers are started from `new URL("./worker.ts", import.meta.url)`: an import in all but name. */
function findUrlLink(node: SyntaxNode): readonly Link[] {
  const [first, second] = node["arguments"] as readonly SyntaxNode[];
  const callee = node["callee"] as SyntaxNode;
  if (callee["name"] !== "URL" || second?.type !== "MemberExpression") return [];
  if ((second["object"] as SyntaxNode).type !== "MetaProperty") return [];
  return /\.[mc]?[jt]sx?$/.test(literalText(first) ?? "") ? link(node, first, false, ["*"]) : [];
}

function link(node: SyntaxNode, target: unknown, typeOnly: boolean, names: readonly string[]): readonly Link[] {
  if (!isNode(target)) return []; // `export const x = 1` has no source
  return [{ specifier: literalText(target) ?? "(computed)", start: node.start, typeOnly, names }];
}

function specifierNames(node: SyntaxNode): readonly string[] {
  if (node.type === "ExportAllDeclaration") return ["*"];
  const specifiers = node["specifiers"] as readonly SyntaxNode[];
  return specifiers.map((specifier) => {
    if (specifier.type === "ImportDefaultSpecifier") return "default";
    if (specifier.type === "ImportNamespaceSpecifier") return "*";
    const exported = (specifier["imported"] ?? specifier["local"]) as SyntaxNode;
    return (exported["name"] ?? exported["value"]) as string;
  });
}

// Words that pure rooms may not use: whatever makes one run differ from the next comes in as an argument.

import { roomOf } from "./layers.ts";
import {
  finding,
  isNode,
  memberPath,
  type Finding,
  type Link,
  type Placed,
  type Source,
  type SyntaxNode,
} from "./source.ts";

const PURE = new Set(["core", "ledger", "model", "policy", "trust", "approvals", "signals", "kernel"]);

const ENTROPY = "take core/random's Random as an argument";
const TIME = "take the instant as an argument, in milliseconds";
const TIMER = "make it a deadline in state, or take core/clock's Timers";
const WORLD = "pure rooms do no I/O: take the value as an argument, or do it in effects or an adapter";

const GLOBALS: ReadonlyMap<string, string> = new Map([
  ["Date", TIME],
  ["performance", TIME],
  ["Intl", "its answers change with the machine: time-zone and language rules are pinned data"],
  ["crypto", ENTROPY],
  ["setTimeout", TIMER],
  ["setInterval", TIMER],
  ["setImmediate", TIMER],
  ["queueMicrotask", TIMER],
  ["process", WORLD],
  ["fetch", WORLD],
  ["console", WORLD],
  ["globalThis", WORLD],
  ["WebSocket", WORLD],
  ["Worker", WORLD],
]);

// ECMAScript leaves the last digit of these to the implementation.
const INEXACT =
  "acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 hypot log log10 log1p log2 pow sin sinh sqrt tan tanh".split(
    " ",
  );

const MEMBERS: ReadonlyMap<string, string> = new Map([
  ["Math.random", ENTROPY],
  ...INEXACT.map(
    (name) =>
      [`Math.${name}`, "its last digit differs between engines: quantise it outside and record it as input"] as const,
  ),
]);

const METHODS: ReadonlyMap<string, string> = new Map(
  [
    "localeCompare",
    "toLocaleString",
    "toLocaleLowerCase",
    "toLocaleUpperCase",
    "toLocaleDateString",
    "toLocaleTimeString",
  ].map((name) => [name, "its answer changes with the machine's language: compare with < and >"]),
);

/** Built-in modules that compute and do nothing else. */
const BUILTINS: ReadonlySet<string> = new Set(["node:crypto", "node:buffer"]);
/** Packages that compute and do nothing else; of some, data alone. */
const PACKAGES: ReadonlySet<string> = new Set(["@bufbuild/cel", "@bufbuild/protobuf", "yaml", "zod"]);
const DATA: ReadonlySet<string> = new Set(["moment-timezone/data/packed/latest.json"]);
const RANDOM_EXPORTS = /^(random|generateKey|getRandomValues|webcrypto|subtle|generatePrime|\*$|default$)/;

/** What a file of a pure room may not use, and what to use instead. */
export function checkPureWords(source: Source): readonly Finding[] {
  if (!PURE.has(roomOf(source.path) ?? "")) return [];
  const declared = declaredNames(source);
  return [
    ...source.nodes.flatMap((placed) => {
      const problem = wordProblem(placed, declared);
      return problem === undefined ? [] : [finding(source, placed.node.start, problem)];
    }),
    ...source.links.flatMap((link) => packageProblems(link).map((problem) => finding(source, link.start, problem))),
  ];
}

/** Settings reach a room as arguments; only src/main reads the environment. */
export function checkEnvironment(source: Source): readonly Finding[] {
  if (!source.path.startsWith("src/") || roomOf(source.path) === "main") return [];
  const message = "only src/main reads the environment: take the setting as an argument";
  const imports = source.links.filter(
    (link) =>
      /^(node:)?process$/.test(link.specifier) && link.names.some((name) => ["env", "default", "*"].includes(name)),
  );
  const reads = source.nodes.filter(
    ({ node, parent, key }) => memberPath(node) === "process.env" || isProcessTaken(node, parent, key),
  );
  return [...imports, ...reads.map(({ node }) => node)].map(({ start }) => finding(source, start, message));
}

/** `const { env } = process` and `const p = process`: another way to the same. */
function isProcessTaken(node: SyntaxNode, parent: SyntaxNode | undefined, key: string): boolean {
  return (
    node.type === "Identifier" && node["name"] === "process" && parent?.type === "VariableDeclarator" && key === "init"
  );
}

function wordProblem({ node, parent, key }: Placed, declared: ReadonlySet<string>): string | undefined {
  const path = memberPath(node);
  if (path !== undefined && MEMBERS.has(path)) return `${path}: ${MEMBERS.get(path)}`;
  if (node.type === "BinaryExpression" || node.type === "AssignmentExpression") return powerProblem(node);
  if (node.type !== "Identifier") return undefined;
  const name = node["name"] as string;
  if (key === "property" && parent?.["computed"] === false)
    return METHODS.has(name) ? `${name}: ${METHODS.get(name)}` : undefined;
  if (isNamePosition(parent, key) || declared.has(name)) return undefined;
  if (name === "Math" && key !== "object") return "Math: use its functions by name, so that each can be checked";
  return GLOBALS.has(name) ? `${name}: ${GLOBALS.get(name)}` : undefined;
}

/** Exact in every engine: constants, whole numbers of any size, and powers of two. */
function powerProblem(node: SyntaxNode): string | undefined {
  const operator = node["operator"] as string;
  if (operator !== "**" && operator !== "**=") return undefined;
  const [base, exponent] = [numberOf(node["left"]), numberOf(node["right"])];
  if (typeof base === "bigint" || typeof exponent === "bigint" || base === 2) return undefined;
  if (base !== undefined && exponent !== undefined) return undefined;
  return "**: its last digit differs between engines: multiply, or write a power of two as `2 ** n`";
}

function numberOf(node: unknown): number | bigint | undefined {
  if (!isNode(node) || node.type !== "Literal") return undefined;
  const { value } = node;
  return typeof value === "number" || typeof value === "bigint" ? value : undefined;
}

/** A key of an object, a type member or a class member: a name of our own, not a use of the global. */
export function isNamePosition(parent: SyntaxNode | undefined, key: string): boolean {
  return key === "key" && parent?.["computed"] === false && parent["shorthand"] !== true;
}

/** Names that the file itself declares or imports, wherever in it: those are not the globals. */
export function declaredNames(source: Source): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { node, parent, key } of source.nodes) {
    if (node.type !== "Identifier") continue;
    const declares = key === "params" || key === "local" || (key === "id" && parent?.type !== "TSTypeAnnotation");
    if (declares) names.add(node["name"] as string);
  }
  return names;
}

function packageProblems({ specifier, typeOnly, names }: Link): readonly string[] {
  if (specifier.startsWith(".") || typeOnly) return [];
  const name = specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : (specifier.split("/")[0] ?? "");
  if (!BUILTINS.has(specifier) && !PACKAGES.has(name) && !DATA.has(specifier)) return [`${specifier}: ${WORLD}`];
  if (specifier !== "node:crypto") return [];
  const random = names.filter((exported) => RANDOM_EXPORTS.test(exported));
  return random.map((exported) => `node:crypto ${exported}: import what is deterministic by its name, else ${ENTROPY}`);
}

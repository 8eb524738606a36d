// Which room may import which: only a lower layer, never sideways; type imports count (docs/architecture.md).

import { posix } from "node:path";
import { finding, type Finding, type Link, type Source } from "./source.ts";

/** Rooms by layer, lowest first. A room that is not named here does not exist. */
export const LAYERS: readonly (readonly string[])[] = [
  ["core"],
  ["wire"],
  ["ledger", "model", "policy", "trust", "approvals", "signals"],
  ["kernel"],
  ["history"],
  ["effects"],
  ["egress", "stores", "executors", "classifiers", "health", "images", "identity", "feeds", "exports", "notifiers"].map(
    (name) => `adapters/${name}`,
  ),
  ["http", "gateways", "cli", "sdk", "console"],
  ["main"],
];

/** Rooms that may look less far down than their layer allows. */
const NARROW: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ...(LAYERS[6] ?? []).map((room) => [room, ["core", "wire"]] as const),
  ["adapters/stores", ["core", "wire", "ledger"]],
  ["sdk", ["wire/types"]],
  ["console", ["wire/types"]],
]);

const NAMELESS = /(^|\/)(utils?|helpers?|common|shared|misc|lib|types)(\/|$)/;

/** The room of a file below src: `adapters/stores` or `core`; undefined for a file in none. */
export function roomOf(path: string): string | undefined {
  const [top, first, second, third] = path.split("/");
  if (top !== "src" || first === undefined || second === undefined) return undefined;
  if (first !== "adapters") return first;
  return third === undefined ? undefined : `${first}/${second}`;
}

function layerOf(room: string): number {
  return LAYERS.findIndex((rooms) => rooms.includes(room));
}

/** What is wrong with where a file of src stands and with what it imports. */
export function checkLayers(source: Source): readonly Finding[] {
  return [...checkPlace(source), ...source.links.flatMap((link) => checkLink(source, link))];
}

function checkPlace(source: Source): readonly Finding[] {
  const room = roomOf(source.path);
  const folder = posix.dirname(source.path).replace(/^src\/wire\/types$/, "src/wire");
  if (room === undefined || layerOf(room) < 0) {
    return [finding(source, 0, "stands in no room; the rooms are listed in docs/architecture.md")];
  }
  if (!NAMELESS.test(folder)) return [];
  return [
    finding(source, 0, "a room or folder is a domain noun: find the noun instead of utils, helpers, common or lib"),
  ];
}

function checkLink(source: Source, link: Link): readonly Finding[] {
  const from = roomOf(source.path) ?? "";
  const problem = link.specifier.startsWith(".")
    ? fileProblem(source.path, from, link)
    : packageProblem(source.path, from, link);
  return problem === undefined ? [] : [finding(source, link.start, `${link.specifier}: ${problem}`)];
}

function fileProblem(path: string, from: string, link: Link): string | undefined {
  const target = posix.join(posix.dirname(path), link.specifier);
  const to = roomOf(target);
  if (to === undefined) return "an import of src stays inside src and names a file in a room";
  if (to === from) return wireTypesProblem(path, target);
  const allowed = NARROW.get(from);
  if (allowed !== undefined && !allowed.some((prefix) => target.startsWith(`src/${prefix}/`))) {
    return `${from} sees only ${allowed.join(", ")}: put the contract into src/wire, or wire the two together in src/main`;
  }
  if (layerOf(to) < layerOf(from)) return wireTypesProblem(path, target);
  if (layerOf(to) > layerOf(from)) {
    return `${from} (layer ${layerOf(from)}) may not see ${to} (layer ${layerOf(to)}): take what you need as an argument, or through a contract in src/wire`;
  }
  return `${from} and ${to} are of one layer and never meet: pass plain facts (src/wire/types), and let a higher layer join them`;
}

function wireTypesProblem(path: string, target: string): string | undefined {
  if (!path.startsWith("src/wire/types/") || /^src\/(core|wire\/types)\//.test(target)) return undefined;
  return "src/wire/types stands alone on src/core: plain types and constants only";
}

function packageProblem(path: string, from: string, link: Link): string | undefined {
  if (link.specifier === "(computed)") return "the import of a computed name cannot be checked: name the file";
  if (link.specifier === "zod" && path.startsWith("src/wire/types/"))
    return "src/wire/types is free of zod: put the schema into src/wire/schemas";
  const isBuiltin = link.specifier.startsWith("node:");
  if ((from === "sdk" || from === "core") && !isBuiltin) return `${from} installs nothing: write it, or do without`;
  return undefined;
}

// Who opens connections: src/adapters/egress, where the allow-list stands, and the few that are no part of the pipeline.

import { roomOf } from "./layers.ts";
import { finding, memberPath, type Finding, type Link, type Placed, type Source } from "./source.ts";
import { declaredNames, isNamePosition } from "./words.ts";

/** The command line talks to the server it was pointed at, the console to the one it came from. */
const CLIENTS: ReadonlySet<string> = new Set(["src/cli/api-client.ts", "src/console/api/api-client.ts"]);

const INSTEAD = "take an OutboundCall or OutboundFetch (src/wire/contracts/egress.ts) as an argument";
const GLOBALS = new Set(["fetch", "WebSocket", "EventSource", "XMLHttpRequest", "WebSocketStream"]);
const MEMBERS = new Set([...GLOBALS].flatMap((name) => [`globalThis.${name}`, `global.${name}`]));

/** What of each built-in module neither connects nor looks up a name; everything else of it does. */
const HARMLESS: ReadonlyMap<string, readonly string[]> = new Map([
  ["http", ["createServer", "Server", "IncomingMessage", "ServerResponse", "STATUS_CODES", "METHODS"]],
  ["https", ["createServer", "Server"]],
  ["http2", ["createServer", "createSecureServer", "constants"]],
  ["net", ["createServer", "Server", "isIP", "isIPv4", "isIPv6", "BlockList"]],
  ["tls", ["createServer", "Server", "createSecureContext", "rootCertificates"]],
  ["dgram", []],
  ["dns", []],
  ["dns/promises", []],
  ["undici", []],
]);

/** Packages that connect, and where they are given what they connect with: rooms, or a file. */
const PLACES_OF_PACKAGE: readonly (readonly [package_: RegExp, places: readonly string[]])[] = [
  [/^pg(\/|$)/, ["src/adapters/stores/", "src/adapters/executors/sql-database.ts"]],
  [/^(ai$|@ai-sdk\/)/, ["src/adapters/classifiers/"]],
  [/^openid-client$/, ["src/adapters/identity/"]],
  [/^octokit$/, ["src/adapters/executors/github-wire.ts"]],
  [/^nodemailer(\/|$)/, ["src/adapters/notifiers/"]],
];

/** Every place of a file of src that could open a connection past the allow-list. */
export function checkConnections(source: Source): readonly Finding[] {
  const room = roomOf(source.path);
  if (room === undefined || room === "adapters/egress" || CLIENTS.has(source.path)) return [];
  const declared = declaredNames(source);
  return [
    ...source.nodes
      .filter((placed) => isConnecting(placed, declared))
      .map(({ node }) => finding(source, node.start, `only src/adapters/egress opens connections: ${INSTEAD}`)),
    ...source.links
      .filter((link) => !link.typeOnly && isConnectingImport(link, source.path))
      .map((link) => finding(source, link.start, `${link.specifier} opens connections: ${INSTEAD}`)),
  ];
}

/** Large, and needed by few installations: only `await import(…)` where the first call needs them. */
const LOADED_LATE = /^(ai$|openid-client$|@ai-sdk\/|nodemailer(\/|$)|octokit$|.*\/stores\/postgres\.ts$)/;

/** What a file loads at its start although not every installation uses it. */
export function checkLateLoading(source: Source): readonly Finding[] {
  return source.links
    .filter(({ specifier, typeOnly, names }) => LOADED_LATE.test(specifier) && !typeOnly && names.join() !== "*")
    .map((link) => finding(source, link.start, `${link.specifier} is loaded when it is first needed: await import(…)`));
}

function isConnecting({ node, parent, key }: Placed, declared: ReadonlySet<string>): boolean {
  const path = memberPath(node);
  if (path !== undefined && MEMBERS.has(path)) return true;
  if (node.type !== "Identifier" || !GLOBALS.has(node["name"] as string)) return false;
  if (key === "property" && parent?.["computed"] === false) return false;
  if (parent?.type.startsWith("TS") === true) return false; // a type, not a use
  return !isNamePosition(parent, key) && !declared.has(node["name"] as string);
}

function isConnectingImport({ specifier, names }: Link, path: string): boolean {
  const keeper = PLACES_OF_PACKAGE.find(([package_]) => package_.test(specifier));
  if (keeper !== undefined) return !keeper[1].some((place) => path.startsWith(place));
  const harmless = HARMLESS.get(specifier.replace(/^node:/, ""));
  return harmless !== undefined && !names.every((name) => harmless.includes(name));
}

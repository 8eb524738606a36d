// The first thing that a built server loads, in each of its threads: stacks name the sources and their lines. Node's own way
// reads every map at the start, which takes a third of what a start does; this reads one when an error is looked at.

import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";

const folder = new URL("./", import.meta.url).href;
/** Maps of what was built, by address; null when there is none to read. @type {Map<string, SourceMap | null>} */
const maps = new Map();

Error.prepareStackTrace = (error, /** @type {readonly {toString(): string}[]} */ calls) => {
  return [headOf(error), ...calls.map((call) => `    at ${named(call.toString())}`)].join("\n");
};

/** An error is whatever its maker made of it. @param {Error} error */
function headOf(error) {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}

/** A place as V8 writes it, where it stands in what was built. @param {string} line */
function named(line) {
  const [, address, row, column] = /(file:[^\s()]+):(\d+):(\d+)/.exec(line) ?? [];
  if (address === undefined || !address.startsWith(folder)) return line;
  const entry = mapOf(address)?.findEntry(Number(row) - 1, Number(column) - 1);
  if (entry === undefined || !("originalSource" in entry)) return line;
  const source = new URL(entry.originalSource, address).href;
  return line.replace(`${address}:${row}:${column}`, `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`);
}

/** @param {string} address */
function mapOf(address) {
  const known = maps.get(address);
  if (known !== undefined) return known;
  const map = readMap(address);
  maps.set(address, map);
  return map;
}

/** @param {string} address */
function readMap(address) {
  try {
    const text = readFileSync(fileURLToPath(`${address}.map`), "utf8");
    return new SourceMap(/** @type {import("node:module").SourceMapPayload} */ (JSON.parse(text)));
  } catch {
    return null;
  }
}

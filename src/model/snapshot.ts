// The graph as bytes and back: columns as they lie in memory, everything else as JSON before them.

import { AppError } from "../core/errors.ts";
import { Graph, type GraphParts } from "./graph.ts";

const SNAPSHOT_FORMAT = 1;
const LENGTH_BYTES = 4;
/** Columns lie in the machine's own byte order. */
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A graph's bytes; they are read by machines of the same byte order alone. */
export function serializeGraph(graph: Graph): Uint8Array {
  const { columns, ...rest } = graph.dump();
  const lengths = columns.map(({ length }) => length);
  const head = { format: SNAPSHOT_FORMAT, littleEndian: IS_LITTLE_ENDIAN, lengths, ...rest };
  const text = new TextEncoder().encode(JSON.stringify(head));
  const whole = new Uint8Array(LENGTH_BYTES + text.length + lengths.reduce((sum, one) => sum + one, 0));
  new DataView(whole.buffer).setUint32(0, text.length);
  whole.set(text, LENGTH_BYTES);
  let at = LENGTH_BYTES + text.length;
  for (const column of columns) {
    whole.set(column, at);
    at += column.length;
  }
  return whole;
}

/** Throws `ledger-corrupt` for bytes that are no graph of this format and byte order. */
export function parseGraph(bytes: Uint8Array): Graph {
  try {
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    const text = new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + size));
    const head = JSON.parse(text) as { format: number; littleEndian: boolean; lengths: number[] } & GraphParts;
    if (head.format !== SNAPSHOT_FORMAT || head.littleEndian !== IS_LITTLE_ENDIAN) throw new Error("another format");
    let at = LENGTH_BYTES + size;
    const columns = head.lengths.map((length) => bytes.slice(at, (at += length)));
    if (at !== bytes.length) throw new Error("another length");
    return Graph.from({ ...head, columns });
  } catch (cause) {
    throw new AppError("ledger-corrupt", "a snapshot of the model cannot be read", {}, cause);
  }
}

// How the leaves of one batch lie in its row: CRC-32 of the rest (u32, big-endian), then one Zstandard frame.
//
// Leaves of one batch are much alike: they take a tenth of their bytes, which is written, synced, moved and kept.

import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { AppError } from "../../core/errors.ts";
import { LEAVES_BYTES_MAX } from "./batch-shape.ts";

const CRC_BYTES = 4;
/** A read ends early beyond this: what is stored small may be large. */
const READ_BYTES_MAX = 64 * 1024 * 1024;
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export function packLeaves(leaves: Uint8Array): Buffer {
  const frame = zstdCompressSync(leaves, FAST);
  const packed = Buffer.allocUnsafe(CRC_BYTES + frame.length);
  packed.writeUInt32BE(crc32(frame), 0);
  packed.set(frame, CRC_BYTES);
  return packed;
}

/** Throws `ledger-corrupt` for what is not packed leaves, or too many. */
function unpackLeaves(packed: Uint8Array): string {
  const frame = packed.subarray(CRC_BYTES);
  if (packed.length > CRC_BYTES && crc32(frame) === Buffer.from(packed.subarray(0, CRC_BYTES)).readUInt32BE()) {
    try {
      return zstdDecompressSync(frame, { maxOutputLength: LEAVES_BYTES_MAX }).toString();
    } catch {
      // no frame, or one of too much: refused below
    }
  }
  throw new AppError("ledger-corrupt", "the stored leaves of a batch are not well formed");
}

/** Rows with their leaves unpacked, the first of them in any case. Throws `ledger-corrupt`. */
export function unpackRows<Row extends { readonly leaves: Uint8Array }>(
  rows: readonly Row[],
): (Omit<Row, "leaves"> & { leaves: string })[] {
  const unpacked: (Omit<Row, "leaves"> & { leaves: string })[] = [];
  let chars = 0;
  for (const row of rows) {
    if (chars > READ_BYTES_MAX) break;
    const leaves = unpackLeaves(row.leaves);
    chars += leaves.length;
    unpacked.push({ ...row, leaves });
  }
  return unpacked;
}

// An exporter's position as a file: replaced whole, so that a crash leaves the old one or the new one.

import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { ExportPosition, ExportPositions } from "../../wire/contracts/export.ts";

const positionSchema = z.strictObject({
  version: z.literal(1),
  origin: z.string(),
  seq: z.int().min(0),
  readFrom: z.int().min(0),
  memo: z.string().nullable(),
});

export function positionFile(path: string): ExportPositions {
  return {
    async load() {
      const text = await readFile(path, "utf8").catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw new AppError("store-unavailable", `cannot read ${path}`, {}, error);
      });
      return text === null ? null : parsePosition(text, path);
    },
    async save(position) {
      await replaceFile(path, `${JSON.stringify({ version: 1, ...position })}\n`);
    },
  };
}

/** Begun again from nothing, a receiver would get everything twice: whoever wants that deletes the file. */
function parsePosition(text: string, path: string): ExportPosition {
  try {
    const { version: _version, ...position } = positionSchema.parse(JSON.parse(text));
    if (position.readFrom <= position.seq) return position;
  } catch {
    // said below
  }
  throw new AppError("config-invalid", `${path} is not an exporter's position`);
}

async function replaceFile(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(fresh, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw new AppError("store-unavailable", `cannot keep ${path}`, {}, error);
  }
}

/** Makes names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

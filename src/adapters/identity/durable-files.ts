// Small files written whole or not at all, readable by their owner alone.

import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Creates `path` with mode 0600; false, and nothing written, when it exists. Durable when it returns. */
export function createFile(path: string, text: string | (() => string)): boolean {
  if (existsSync(path)) return false;
  const draft = writeDraft(path, typeof text === "string" ? text : text());
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  syncFolder(path);
  return true;
}

/** Replaces `path`, or creates it, with mode 0600. Durable when it returns. */
export function replaceFile(path: string, text: string): void {
  const draft = writeDraft(path, text);
  renameDurably(draft, path);
}

/** Puts the file `from` in the place of `to`. Durable when it returns. */
export function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  syncFolder(to);
}

function writeDraft(path: string, text: string): string {
  const draft = `${path}.${process.pid}.draft`;
  rmSync(draft, { force: true });
  const file = openSync(draft, "wx", 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

// How long the log is, as its checkpoint says.

/** Null for a text that is no checkpoint. */
export function sizeOfCheckpoint(note: string): number | null {
  const size = Number(note.split("\n")[1]);
  return Number.isSafeInteger(size) && size >= 0 ? size : null;
}

// An instant as people read it; what is none stays the number that it is.

export function instant(timeMs: number): string {
  return Number.isInteger(timeMs) && Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : String(timeMs);
}

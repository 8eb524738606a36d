// The server's clock as its answers tell it: deadlines are its own, and the reader's clock may be wrong.

/** What the `Date` of an answer, whole seconds and some time on the way, cannot tell apart. */
const UNSURE_MS = 2_000;

let offsetMs = 0;

/** `header`: the `Date` of an answer that has just arrived. */
export function noteServerTime(header: string | null): void {
  const time = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(time)) return;
  const difference = time - Date.now();
  offsetMs = Math.abs(difference) <= UNSURE_MS ? 0 : difference;
}

/** Now, by the server's clock. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}

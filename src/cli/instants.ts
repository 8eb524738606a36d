// Instants and durations as people read them: UTC to the second, and how long ago or from now.

import { instantFromRfc3339 } from "../core/rfc3339.ts";

/** `2026-11-20T10:15:00Z`; `-` for what is no instant. */
export function formatInstant(timeMs: number | null): string {
  if (timeMs === null || !Number.isFinite(timeMs) || Math.abs(timeMs) > 8.64e15) return "-";
  return new Date(timeMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** The two largest units: `1d2h`, `4m10s`, `0s`. */
export function formatDuration(durationMs: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const;
  let rest = Math.max(0, durationMs);
  const parts: string[] = [];
  for (const [name, sizeMs] of units) {
    const count = Math.floor(rest / sizeMs);
    rest -= count * sizeMs;
    if (count > 0) parts.push(`${count}${name}`);
  }
  return parts.slice(0, 2).join("") || "0s";
}

/** How long ago, for a column; `-` when absent. */
export function formatAge(timeMs: number | null, nowMs: number): string {
  return timeMs === null ? "-" : formatDuration(nowMs - timeMs);
}

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** An instant of RFC 3339, or how long from now: `90m`, `2h`, `7d`. Null for neither. */
export function parseInstant(text: string, nowMs: number): string | null {
  const [, count = "", unit = ""] = /^([1-9]\d{0,4})([smhd])$/.exec(text) ?? [];
  if (unit !== "") return new Date(nowMs + Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]).toISOString();
  return instantFromRfc3339(text) === undefined ? null : text;
}

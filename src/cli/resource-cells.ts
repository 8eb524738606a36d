// What a cell of a list says where one member of the document is not enough.

import { NONE, type Fields } from "./fields.ts";
import { formatDuration } from "./instants.ts";
import { escapeLine } from "./safe-text.ts";

/** An action that a document names, and how it stands. */
export function referenceText(action: Fields | null): string {
  return action === null ? NONE : `${action.text("id")} ${action.text("status")}`;
}

export function lastedText(storm: Fields, nowMs: number): string {
  const openedAt = storm.number("openedAt");
  return openedAt === null ? NONE : formatDuration((storm.number("endedAt") ?? nowMs) - openedAt);
}

/** Of a hundred at most: rounding never says all of them for fewer. */
export function shareText(share: number | null): string {
  return share === null ? NONE : `${Math.round(share * 100)}%`;
}

/** In seconds to a tenth where that tells: a median of 8 s is news. */
export function waitText(waitMs: number | null): string {
  return waitMs === null ? NONE : waitMs < 60_000 ? `${Math.floor(waitMs / 100) / 10}s` : formatDuration(waitMs);
}

/** Of a bounded grant: how many of its actions, and how much. */
export function usedText(terms: Fields | null): string {
  if (terms === null) return NONE;
  const size = terms.has("size") ? `, ${terms.text("usedSize")}/${terms.text("size")}` : "";
  return `${terms.text("usedCount")}/${terms.text("count")}${size}`;
}

/** A group by its name and issuer, where they are known: its id is a hash. */
export function whoText(fields: Fields): string {
  return fields.exact("name") === "" ? fields.text("id") : `${fields.text("name")} (${fields.text("issuer")})`;
}

/** What gave somebody their rights; nothing did for those who have their groups' alone. */
export function byText(registered: Fields | null): string {
  if (registered === null) return "groups";
  return registered.has("action") ? registered.text("action") : "installation";
}

/** None named is all of them. */
export function placesText(level: Fields, name: "environments" | "services"): string {
  return level.has(name) ? level.texts(name) : "*";
}

export function silenceStatus(silence: Fields, nowMs: number): string {
  const startsAt = silence.number("startsAt");
  if (silence.exact("status") !== "standing" || startsAt === null) return silence.text("status");
  return nowMs < startsAt ? "to come" : "in force";
}

/** The names of what a kind takes, with a question mark where it may be left out. */
export function argumentsText(schema: Fields | null): string {
  const needed = new Set(schema?.strings("required") ?? []);
  const names = Object.keys(schema?.fields("properties")?.value ?? {}).map(escapeLine);
  return names.length === 0 ? NONE : names.map((name) => (needed.has(name) ? name : `${name}?`)).join(" ");
}

// A document from the server, read field by field: every text comes out escaped, every missing field as a dash.

import type { Json } from "../core/json.ts";
import { escapeLine } from "./safe-text.ts";

export const NONE = "-";

/** A server may be older, newer or somebody else's: nothing about a document's shape is taken for granted. */
export class Fields {
  readonly value: Readonly<Record<string, Json>>;

  constructor(value: unknown) {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    this.value = isObject ? (value as Readonly<Record<string, Json>>) : {};
  }

  /** Own members only: `constructor` is no field. */
  raw(name: string): Json {
    return Object.hasOwn(this.value, name) ? (this.value[name] ?? null) : null;
  }

  has(name: string): boolean {
    return this.raw(name) !== null;
  }

  /** For showing: one escaped line, `-` when absent. */
  text(name: string): string {
    return shown(this.raw(name));
  }

  /** For comparing and sending back, not for showing; empty when absent or no text. */
  exact(name: string): string {
    const value = this.raw(name);
    return typeof value === "string" ? value : "";
  }

  number(name: string): number | null {
    const value = this.raw(name);
    return typeof value === "number" ? value : null;
  }

  isTrue(name: string): boolean {
    return this.raw(name) === true;
  }

  fields(name: string): Fields | null {
    const value = this.raw(name);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? new Fields(value) : null;
  }

  list(name: string): readonly Fields[] {
    const value = this.raw(name);
    return Array.isArray(value) ? value.map((item: unknown) => new Fields(item)) : [];
  }

  /** The items of a list, each escaped; none when absent. */
  strings(name: string): readonly string[] {
    const value = this.raw(name);
    return Array.isArray(value) ? value.map((item: Json) => shown(item)) : [];
  }

  /** A list of texts in one escaped line. */
  texts(name: string): string {
    const items = this.strings(name);
    return items.length === 0 ? NONE : items.join(", ");
  }

  /** All members as `name=value`, in their order; hashes are cut to what tells them apart. */
  pairs(): string {
    return Object.keys(this.value)
      .filter((name) => this.raw(name) !== null)
      .map((name) => `${escapeLine(name)}=${shortHashes(this.text(name))}`)
      .join(" ");
  }
}

function shown(value: Json): string {
  if (value === null) return NONE;
  return escapeLine(typeof value === "object" ? JSON.stringify(value) : String(value));
}

/** Twelve digits of each SHA-256, for reading; what is approved or compared is always the whole. */
export function shortHashes(text: string): string {
  return text.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1…");
}

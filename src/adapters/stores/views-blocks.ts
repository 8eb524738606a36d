// Settled documents of the SQLite views, packed: many that are alike take a tenth of the bytes and no index entry each.
//
// The sequences are cut into groups of 256. A block holds documents of one group, one JSON text a line, compressed; a
// group may have several. `terms` says which groups have documents of a field's value: a list opens those alone. A
// document that changes after it was packed gets a row of its own, and the row is the one that counts.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { seqFromId, type IdPrefix } from "../../core/ids.ts";
import { VIEW_FILTERS, type ViewDocuments, type ViewName } from "../../wire/types/views.ts";

const GROUP_SEQS = 256;
/** Fewer than these of one group stay rows: packing them would cost more than it saves. */
const PACKED_MIN = 16;
/** Bounds of one page: groups asked for all of the filters, and groups opened. */
const WALKED_MAX = 2_000;
const OPENED_MAX = 24;
const COMPRESSION = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 17 },
};
/** Ids that say which sequence their document began with. */
const PREFIXES: { readonly [V in ViewName]?: IdPrefix } = { actions: "act", signals: "sig" };
/** The term of every document. */
const ANY = { field: "", value: "" };

type Settled = ViewDocuments["actions"] | ViewDocuments["signals"];
export type Packed = { readonly document: Settled };
export type Term = { readonly field: string; readonly value: string };
export type BlockQuery = { readonly terms: readonly Term[]; readonly before: number; readonly limit: number };
/** Found documents, newest first, and all that there are down to the sequence `end`; null for all. */
export type Found<T> = { readonly items: readonly T[]; readonly end: number | null };

export class ViewBlocks {
  readonly #insert: () => StatementSync;
  readonly #insertTerm: () => StatementSync;
  readonly #ofGroup: StatementSync;
  readonly #groups: StatementSync;
  readonly #hasTerm: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = once(() => database.prepare("INSERT INTO blocks VALUES (?, ?, ?)"));
    this.#insertTerm = once(() => database.prepare("INSERT OR IGNORE INTO terms VALUES (?, ?, ?, ?)"));
    this.#ofGroup = database.prepare("SELECT documents FROM blocks WHERE first BETWEEN ? AND ? AND view = ?");
    this.#groups = database.prepare(
      `SELECT grp FROM terms WHERE view = ? AND field = ? AND value = ? AND grp <= ? ORDER BY grp DESC LIMIT ${WALKED_MAX}`,
    );
    this.#hasTerm = database.prepare("SELECT 1 FROM terms WHERE view = ? AND field = ? AND value = ? AND grp = ?");
  }

  /** Packs documents that are in no block yet; returns those that it leaves, being too few of their group. */
  put(view: ViewName, documents: readonly Packed[]): ReadonlySet<Packed> {
    const groups = new Map<number, Packed[]>();
    for (const packed of documents) {
      const group = groupOf(packed.document.seq);
      const members = groups.get(group);
      if (members === undefined) groups.set(group, [packed]);
      else members.push(packed);
    }
    const left = new Set<Packed>();
    for (const [group, members] of groups) {
      if (members.length >= PACKED_MIN) this.#putBlock(view, group, members);
      else for (const packed of members) left.add(packed);
    }
    return left;
  }

  find(view: ViewName, id: string): Settled | null {
    const prefix = PREFIXES[view];
    const seq = prefix === undefined ? undefined : seqFromId(prefix, id);
    if (seq === undefined) return null;
    const sought = member("id", id);
    for (const line of this.#linesOf(view, groupOf(seq))) {
      if (!line.includes(sought)) continue;
      const document = JSON.parse(line) as Settled;
      if (document.id === id) return document;
    }
    return null;
  }

  /**
   * `limit` or more of those below a sequence that have all the values, where there are as many. `rowsIn` tells the
   * sequences of rows between two: what has one is not looked for here.
   */
  list(view: ViewName, query: BlockQuery, rowsIn: (from: number, to: number) => ReadonlySet<number>): Found<Settled> {
    const [first = ANY, ...others] = query.terms;
    const items: Settled[] = [];
    let walked = 0;
    let opened = 0;
    for (const row of this.#groups.iterate(view, first.field, first.value, groupOf(query.before - 1))) {
      const group = Number(row["grp"]);
      walked++;
      if (others.every(({ field, value }) => this.#hasTerm.get(view, field, value, group) !== undefined)) {
        const rows = rowsIn(group * GROUP_SEQS, (group + 1) * GROUP_SEQS - 1);
        items.push(...this.#matching(view, group, query).filter(({ seq }) => !rows.has(seq)));
        opened++;
      }
      if (items.length >= query.limit || opened >= OPENED_MAX || walked >= WALKED_MAX) {
        return { items, end: group === 0 ? null : group * GROUP_SEQS };
      }
    }
    return { items, end: null };
  }

  #putBlock(view: ViewName, group: number, members: readonly Packed[]): void {
    const lines = members.map(({ document }) => JSON.stringify(document)).join("\n");
    const first = members.reduce((least, { document }) => Math.min(least, document.seq), Number.MAX_SAFE_INTEGER);
    this.#insert().run(first, view, zstdCompressSync(Buffer.from(lines), COMPRESSION));
    this.#insertTerm().run(view, ANY.field, ANY.value, group);
    for (const field of VIEW_FILTERS[view]) {
      const values = new Set(members.map(({ document }) => (document as unknown as Record<string, unknown>)[field]));
      for (const value of values) if (typeof value === "string") this.#insertTerm().run(view, field, value, group);
    }
  }

  #matching(view: ViewName, group: number, { terms, before }: BlockQuery): readonly Settled[] {
    const found: Settled[] = [];
    const sought = terms.map(({ field, value }) => member(field, value));
    for (const line of this.#linesOf(view, group)) {
      if (!sought.every((text) => line.includes(text))) continue; // cheaper than parsing what cannot match
      const document = JSON.parse(line) as Settled;
      if (document.seq >= before) continue;
      const fields = document as unknown as Record<string, unknown>;
      if (terms.every(({ field, value }) => fields[field] === value)) found.push(document);
    }
    return found.sort((a, b) => b.seq - a.seq);
  }

  #linesOf(view: ViewName, group: number): readonly string[] {
    const rows = this.#ofGroup.all(group * GROUP_SEQS, (group + 1) * GROUP_SEQS - 1, view);
    return rows.flatMap((row) =>
      zstdDecompressSync(row["documents"] as Uint8Array)
        .toString("utf8")
        .split("\n"),
    );
  }
}

function groupOf(seq: number): number {
  return Math.floor(seq / GROUP_SEQS);
}

/** A member as JSON.stringify writes it. */
function member(field: string, value: string): string {
  return `${JSON.stringify(field)}:${JSON.stringify(value)}`;
}

/** Made at its first use: a reader has no right to prepare what writes. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

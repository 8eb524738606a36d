// The compiled statements of the SQLite views: one set for each view, made from the filters it declares.

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { AppError } from "../../core/errors.ts";
import { VIEW_PAGE_MAX, type ViewChange, type ViewPage, type ViewQuery } from "../../wire/contracts/views.ts";
import { SETTLED, VIEW_FILTERS, type CountedView, type ViewDocuments, type ViewName } from "../../wire/types/views.ts";
import { ViewBlocks, type Found, type Packed, type Term } from "./views-blocks.ts";

/** Documents that one page of several filters looks at: bounds the time that a read takes on the main thread. */
const SCANNED_MAX = 5_000;
const LISTS_MAX = 256;
const CURSOR = /^[1-9][0-9]{0,14}$/;
/** Filter fields that change after a document is made. The others are written once, and their indexes with them. */
const CHANGING: ReadonlySet<string> = new Set(["status", "verdict", "run", "owner"]);

/** A document that was stored before: the status that it was counted under, and where it lies (in both, the row counts). */
type Stored = { readonly status: string | null; readonly hasRow: boolean; readonly isPacked: boolean };
type Settled = Packed & { readonly hasRow: boolean };
type ListStatements = { readonly page: StatementSync; readonly edge: StatementSync };

export class ViewStatements {
  readonly #database: DatabaseSync;
  readonly #blocks: ViewBlocks;
  readonly #kept = new Map<string, StatementSync>();
  readonly #finds = new Map<ViewName, StatementSync>();
  readonly #lists = new Map<string, ListStatements>();
  readonly #meta: StatementSync;
  readonly #counts: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#blocks = new ViewBlocks(database);
    this.#meta = database.prepare("SELECT value FROM meta WHERE name = ?");
    this.#counts = database.prepare("SELECT status, documents FROM counts WHERE view = ? AND documents > 0");
    for (const view of Object.keys(VIEW_FILTERS) as ViewName[]) {
      this.#finds.set(view, database.prepare(`SELECT document FROM ${view} WHERE id = ?`));
    }
  }

  readPosition(): number {
    return Number(this.#meta.get("position")?.["value"] ?? 0);
  }

  writeMeta(name: string, value: string): void {
    this.#statement("INSERT OR REPLACE INTO meta VALUES (?, ?)").run(name, value);
  }

  counts(view: CountedView): Readonly<Record<string, number>> {
    const rows = this.#counts.all(view);
    return Object.fromEntries(rows.map((row) => [String(row["status"]), Number(row["documents"])]));
  }

  find<V extends ViewName>(view: V, id: string): ViewDocuments[V] | null {
    const row = this.#finds.get(view)?.get(id);
    return row === undefined ? (this.#blocks.find(view, id) as ViewDocuments[V] | null) : parse<V>(row);
  }

  /** Stores documents, new or changed, and counts them under their statuses. */
  put(changes: readonly ViewChange[]): void {
    const position = this.readPosition();
    const counted = new Counted();
    const settled = new Map<ViewName, Settled[]>();
    for (const { view, document } of changes) {
      const before = document.seq < position ? this.#stored(view, document) : null;
      const status = "status" in document ? document.status : null;
      if (status !== before?.status) {
        counted.add(view, status, 1);
        counted.add(view, before?.status ?? null, -1);
      }
      if (status === null || SETTLED[view]?.has(status) !== true || before?.isPacked === true) {
        this.#putRow(view, document);
        if (before?.isPacked === true && !before.hasRow) this.#markPacked(view, document.seq);
        continue;
      }
      let members = settled.get(view);
      if (members === undefined) settled.set(view, (members = []));
      members.push({ document: document as Packed["document"], hasRow: before !== null });
    }
    for (const [view, members] of settled) this.#putSettled(view, members);
    for (const [view, statuses] of counted.byView) {
      for (const [status, by] of statuses) if (by !== 0) this.#statement(COUNT).run(view, status, by);
    }
  }

  #stored(view: ViewName, { seq, id }: { seq: number; id: string }): Stored | null {
    const filters: readonly string[] = VIEW_FILTERS[view];
    const status = filters.includes("status") ? "status" : "NULL AS status";
    const packed = SETTLED[view] === undefined ? "0 AS packed" : "packed";
    const row = this.#statement(`SELECT ${status}, ${packed} FROM ${view} WHERE seq = ?`).get(seq);
    if (row !== undefined) {
      return { status: row["status"] as string | null, hasRow: true, isPacked: row["packed"] === 1 };
    }
    const document = this.#blocks.find(view, id);
    return document === null ? null : { status: document.status, hasRow: false, isPacked: true };
  }

  #markPacked(view: ViewName, seq: number): void {
    this.#statement(`UPDATE ${view} SET packed = 1 WHERE seq = ?`).run(seq);
  }

  #putSettled(view: ViewName, members: readonly Settled[]): void {
    const left = this.#blocks.put(view, members);
    for (const member of members) {
      if (left.has(member)) this.#putRow(view, member.document);
      else if (member.hasRow) this.#statement(`DELETE FROM ${view} WHERE seq = ?`).run(member.document.seq);
    }
  }

  #putRow(view: ViewName, document: ViewDocuments[ViewName]): void {
    const fields = document as unknown as Record<string, SQLInputValue>;
    const filters = VIEW_FILTERS[view].map((name) => fields[name] ?? null);
    this.#statement(PUTS[view]).run(document.seq, document.id, ...filters, JSON.stringify(document));
  }

  #statement(sql: string): StatementSync {
    let statement = this.#kept.get(sql);
    if (statement === undefined) this.#kept.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }

  /** Throws `query-invalid` for a filter, cursor or limit that the view does not take. */
  list<V extends ViewName>(view: V, { filters, cursor, limit }: ViewQuery): ViewPage<ViewDocuments[V]> {
    const names = checkFilters(view, filters);
    if (!Number.isInteger(limit) || limit < 1 || limit > VIEW_PAGE_MAX) {
      throw new AppError("query-invalid", `a page holds 1 to ${VIEW_PAGE_MAX}`);
    }
    if (cursor !== null && !CURSOR.test(cursor)) throw new AppError("query-invalid", "the cursor is not one we gave");
    const before = cursor === null ? Number.MAX_SAFE_INTEGER : Number(cursor);
    const terms = names.map((field): Term => ({ field, value: filters[field] as string }));
    const rows = this.#listRows(view, { terms, before, limit });
    if (SETTLED[view] === undefined) return pageOf(rows.items, rows.end, limit);
    const packed = this.#blocks.list(view, { terms, before, limit: limit + 1 }, (from, to) => {
      const found = this.#statement(`SELECT seq FROM ${view} WHERE seq BETWEEN ? AND ? AND packed = 1`).all(from, to);
      return new Set(found.map((row) => Number(row["seq"])));
    });
    const both = [...rows.items, ...(packed.items as readonly ViewDocuments[V][])];
    const end = Math.max(rows.end ?? 0, packed.end ?? 0);
    const known = both.filter(({ seq }) => seq >= end).sort((a, b) => b.seq - a.seq);
    return pageOf(known, rows.end === null && packed.end === null ? null : end, limit);
  }

  #listRows<V extends ViewName>(
    view: V,
    { terms, before, limit }: { terms: readonly Term[]; before: number; limit: number },
  ): Found<ViewDocuments[V]> {
    const names = terms.map(({ field }) => field);
    const values = terms.map(({ value }) => value);
    const { page, edge } = this.#listStatements(view, names);
    const items = page.all(before, ...values, limit + 1).map((row) => parse<V>(row));
    if (items.length > limit) return { items, end: items.at(-1)?.seq ?? null };
    // All that there is, at the end of the list or at the edge of what one read looks at.
    const scanned = edge.get(before, ...values.slice(0, 1))?.["seq"];
    return { items, end: scanned === undefined ? null : Number(scanned) };
  }

  #listStatements(view: ViewName, names: readonly string[]): ListStatements {
    const key = `${view} ${names.join(" ")}`;
    let statements = this.#lists.get(key);
    if (statements === undefined) {
      const { page, edge } = listSql(view, names);
      statements = { page: this.#database.prepare(page), edge: this.#database.prepare(edge) };
      // The filters of a view have few subsets; the bound is for the day when they have more.
      if (this.#lists.size >= LISTS_MAX) this.#lists.clear();
      this.#lists.set(key, statements);
    }
    return statements;
  }
}

function putSql(view: ViewName): string {
  const filters: readonly string[] = VIEW_FILTERS[view];
  const columns = ["seq", "id", ...filters, "document"];
  const changing = [...filters.filter((name) => CHANGING.has(name)), "document"];
  const values = columns.map(() => "?").join(", ");
  const updates = changing.map((name) => `${name} = excluded.${name}`).join(", ");
  return `INSERT INTO ${view} (${columns.join(", ")}) VALUES (${values}) ON CONFLICT (seq) DO UPDATE SET ${updates}`;
}

const COUNT =
  "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET documents = documents + excluded.documents";
const PUTS = Object.fromEntries(
  (Object.keys(VIEW_FILTERS) as ViewName[]).map((view) => [view, putSql(view)]),
) as Readonly<Record<ViewName, string>>;

/**
 * The statements of a list. The first filter's index is walked from the newest entry backwards, the other filters
 * choose among the first `SCANNED_MAX` it gives; `edge` finds where such a walk ended when it was cut off.
 */
function listSql(view: ViewName, names: readonly string[]): { page: string; edge: string } {
  const [first, ...others] = names;
  const walk = `FROM ${view} WHERE seq < ?1${first === undefined ? "" : ` AND ${first} = ?2`} ORDER BY seq DESC`;
  if (others.length === 0) {
    const limit = first === undefined ? "?2" : "?3";
    return { page: `SELECT document ${walk} LIMIT ${limit}`, edge: `SELECT seq ${walk} LIMIT 0` };
  }
  const choose = others.map((name, index) => `${name} = ?${index + 3}`).join(" AND ");
  const walked = `SELECT seq, ${others.join(", ")} ${walk} LIMIT ${SCANNED_MAX}`;
  const chosen = `SELECT seq FROM (${walked}) WHERE ${choose} ORDER BY seq DESC LIMIT ?${names.length + 2}`;
  return {
    page: `SELECT document FROM ${view} WHERE seq IN (${chosen}) ORDER BY seq DESC`,
    edge: `SELECT seq ${walk} LIMIT 1 OFFSET ${SCANNED_MAX - 1}`,
  };
}

/** Names of the filters given, in the order that looks at the fewest documents: the most selective field first. */
function checkFilters(view: ViewName, filters: Readonly<Record<string, string>>): readonly string[] {
  const known: readonly string[] = VIEW_FILTERS[view];
  for (const name of Object.keys(filters)) {
    if (!known.includes(name)) throw new AppError("query-invalid", `${view} cannot be filtered by ${name}`);
  }
  return SELECTIVE_FIRST.filter((name) => Object.hasOwn(filters, name));
}

/** A page of what was found down to `end`, where a reader goes on. */
function pageOf<T extends { readonly seq: number }>(
  found: readonly T[],
  end: number | null,
  limit: number,
): ViewPage<T> {
  const items = found.slice(0, limit);
  if (found.length > limit) return { items, next: String(items.at(-1)?.seq) };
  return { items, next: end === null ? null : String(end) };
}

/** By how much one write changes the counts: each is then written once. */
class Counted {
  readonly byView = new Map<ViewName, Map<string, number>>();

  add(view: ViewName, status: string | null, by: number): void {
    if (status === null) return;
    let statuses = this.byView.get(view);
    if (statuses === undefined) this.byView.set(view, (statuses = new Map<string, number>()));
    statuses.set(status, (statuses.get(status) ?? 0) + by);
  }
}

const SELECTIVE_FIRST = ["run", "incident", "service", "agent", "verdict", "status", "kind", "source", "environment"];

function parse<V extends ViewName>(row: Record<string, unknown>): ViewDocuments[V] {
  return JSON.parse(row["document"] as string) as ViewDocuments[V];
}

// The compiled statements of the SQLite views: one set for each view, made from the filters it declares.

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { AppError } from "../../core/errors.ts";
import { VIEW_PAGE_MAX, type ViewPage, type ViewQuery } from "../../wire/contracts/views.ts";
import { VIEW_FILTERS, type CountedView, type ViewDocuments, type ViewName } from "../../wire/types/views.ts";

/** Documents that one page of several filters looks at: bounds the time that a read takes on the main thread. */
const SCANNED_MAX = 5_000;
const LISTS_MAX = 256;
const CURSOR = /^[1-9][0-9]{0,14}$/;
/** Filter fields that change after a document is made. The others are written once, and their indexes with them. */
const CHANGING: ReadonlySet<string> = new Set(["status", "verdict", "run"]);

type ListStatements = { readonly page: StatementSync; readonly edge: StatementSync };

export class ViewStatements {
  readonly #database: DatabaseSync;
  readonly #puts = new Map<ViewName, StatementSync>();
  readonly #finds = new Map<ViewName, StatementSync>();
  readonly #lists = new Map<string, ListStatements>();
  readonly #meta: StatementSync;
  readonly #counts: StatementSync;
  #metaWrite: StatementSync | null = null;

  constructor(database: DatabaseSync) {
    this.#database = database;
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
    this.#metaWrite ??= this.#database.prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)");
    this.#metaWrite.run(name, value);
  }

  counts(view: CountedView): Readonly<Record<string, number>> {
    const rows = this.#counts.all(view);
    return Object.fromEntries(rows.map((row) => [String(row["status"]), Number(row["documents"])]));
  }

  find<V extends ViewName>(view: V, id: string): ViewDocuments[V] | null {
    const row = this.#finds.get(view)?.get(id);
    return row === undefined ? null : parse<V>(row);
  }

  put(view: ViewName, document: ViewDocuments[ViewName]): void {
    let statement = this.#puts.get(view);
    if (statement === undefined) {
      statement = this.#database.prepare(putSql(view));
      this.#puts.set(view, statement);
    }
    const fields = document as unknown as Record<string, SQLInputValue>;
    const filters = VIEW_FILTERS[view].map((name) => fields[name] ?? null);
    statement.run(document.seq, document.id, ...filters, JSON.stringify(document));
  }

  /** Throws `query-invalid` for a filter, cursor or limit that the view does not take. */
  list<V extends ViewName>(view: V, { filters, cursor, limit }: ViewQuery): ViewPage<ViewDocuments[V]> {
    const names = checkFilters(view, filters);
    if (!Number.isInteger(limit) || limit < 1 || limit > VIEW_PAGE_MAX) {
      throw new AppError("query-invalid", `a page holds 1 to ${VIEW_PAGE_MAX}`);
    }
    if (cursor !== null && !CURSOR.test(cursor)) throw new AppError("query-invalid", "the cursor is not one we gave");
    const before = cursor === null ? Number.MAX_SAFE_INTEGER : Number(cursor);
    const { page, edge } = this.#listStatements(view, names);
    const values = names.map((name) => filters[name] as string);
    const rows = page.all(before, ...values, limit + 1);
    const items = rows.slice(0, limit).map((row) => parse<V>(row));
    if (rows.length > limit) return { items, next: String(items.at(-1)?.seq) };
    // All that there is, at the end of the list or at the edge of what one read looks at.
    const scanned = edge.get(before, ...values.slice(0, 1))?.["seq"];
    return { items, next: scanned === undefined ? null : String(Number(scanned)) };
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

const SELECTIVE_FIRST = ["run", "incident", "service", "agent", "verdict", "status", "kind", "source", "environment"];

function parse<V extends ViewName>(row: Record<string, unknown>): ViewDocuments[V] {
  return JSON.parse(row["document"] as string) as ViewDocuments[V];
}

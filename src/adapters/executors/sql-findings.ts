// What is found about one SQL statement: how much harm it can do, to what, and under which lock.

/**
 * From harmless to harmful. `altering` changes or rewrites what exists and loses nothing; `privilege` changes who may do
 * what; `opaque` is whatever cannot be judged from the statement itself.
 */
export const SQL_CLASSES = [
  "reads",
  "additive",
  "bounded-write",
  "altering",
  "privilege",
  "unbounded-write",
  "destructive",
  "opaque",
] as const;
export type SqlClass = (typeof SQL_CLASSES)[number];

/** PostgreSQL's table locks, the weakest first (manual, 13.3.1). */
export const SQL_LOCKS = [
  "ACCESS SHARE",
  "ROW SHARE",
  "ROW EXCLUSIVE",
  "SHARE UPDATE EXCLUSIVE",
  "SHARE",
  "SHARE ROW EXCLUSIVE",
  "EXCLUSIVE",
  "ACCESS EXCLUSIVE",
] as const;
export type SqlLock = (typeof SQL_LOCKS)[number];

export type SqlFinding = {
  readonly class: SqlClass;
  /** `drops`, `no-where`, … : what makes it that. */
  readonly code: string;
  /** `schema.name` or `name`, as written; null where no table is meant. */
  readonly relation: string | null;
  readonly lock: SqlLock | null;
  /** Somebody's code that is run with it: only the catalog knows. */
  readonly runs?: string;
  /** For a write: `i`nserts, `u`pdates, `d`eletes. */
  readonly how?: string;
  /** For an update: the columns that it sets. */
  readonly sets?: readonly string[];
  /** For a write: the columns that equal constants. Only the catalog tells whether they pick few rows. */
  readonly keys?: readonly string[];
  /** For a changed type: only the catalog tells whether it widens. The new type is as `format_type` writes it. */
  readonly change?: { readonly column: string; readonly to: string | null };
};

/** True when only people may let it through, whatever policy says. */
export function needsSignature(of: SqlClass): boolean {
  return of === "privilege" || of === "unbounded-write" || of === "destructive" || of === "opaque";
}

export function worstClass(classes: Iterable<SqlClass>): SqlClass {
  let worst: SqlClass = "reads";
  for (const one of classes) if (SQL_CLASSES.indexOf(one) > SQL_CLASSES.indexOf(worst)) worst = one;
  return worst;
}

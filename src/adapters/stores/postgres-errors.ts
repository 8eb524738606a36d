// Errors of PostgreSQL, fit to be told: the server, or a pool before it, was told the password and may repeat it.

import pg from "pg";
import { AppError, isAppError } from "../../core/errors.ts";
import { hideSecrets } from "../../core/hide-secrets.ts";

/** What an error of a read, or of a transaction before its COMMIT, means; `connectionString` is of where it was met. */
export function readError(error: unknown, connectionString: string): unknown {
  if (isAppError(error) || !(error instanceof Error)) return error;
  const told = withoutPassword(error, connectionString);
  // Unique and check constraints fall only to a wrong batch: a programmer error, not an outage.
  if (told instanceof pg.DatabaseError && told.code?.startsWith("23") === true) return told;
  const corrupt = told instanceof pg.DatabaseError && told.code?.startsWith("XX") === true && told.code !== "XX000";
  return new AppError(corrupt ? "ledger-corrupt" : "store-unavailable", `PostgreSQL: ${messageOf(told)}`, {}, told);
}

/** The same error; nothing that it says has the password in it. */
export function withoutPassword(error: unknown, connectionString: string): unknown {
  if (!(error instanceof Error)) return error;
  const password = passwordIn(connectionString);
  for (const name of Object.getOwnPropertyNames(error)) {
    const said: unknown = Reflect.get(error, name);
    if (typeof said !== "string") continue;
    const clean = hideSecrets(said, [password], "[password]");
    if (clean !== said) Reflect.set(error, name, clean);
  }
  return error;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Also one that stands in the environment (`PGPASSWORD`). Empty where there is none, or the address cannot be read. */
function passwordIn(connectionString: string): string {
  try {
    const { password } = new pg.Client({ connectionString });
    return typeof password === "string" ? password : "";
  } catch {
    return "";
  }
}

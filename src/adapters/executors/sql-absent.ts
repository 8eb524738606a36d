// Tables that a migration needs and that are not there: it could not run, and nobody should be asked about it.

import { AppError } from "../../core/errors.ts";
import type { JudgedMigration } from "./sql-judge.ts";
import type { SqlFinding } from "./sql-findings.ts";

/** After it, what was not in the catalog may be there. */
const MAKES = /^(?:creates|replaces|renames|attaches)(?:-|$)/;

/**
 * Throws `target-not-found` for the first relation that a statement changes and the catalog (`known`) does not have, before
 * anything in the migration may have made it. Whatever is made between plan and run makes another plan anyway.
 */
export function refuseAbsent({ statements }: JudgedMigration, known: ReadonlySet<string>): void {
  for (const { number, findings, isOptional } of statements) {
    if (findings.some(mayMake)) return;
    const absent = findings.find((one) => isChanged(one) && !known.has(one.relation ?? ""));
    if (absent === undefined || isOptional) continue;
    const what = `statement ${number} is about ${absent.relation}, which is not in the database`;
    throw new AppError("target-not-found", what, { statement: number, relation: absent.relation });
  }
}

/** What is only read may be a name of the statement's own: WITH. */
function isChanged({ class: of, relation }: SqlFinding): boolean {
  return of !== "reads" && relation !== null;
}

function mayMake({ class: of, code }: SqlFinding): boolean {
  return of === "opaque" || MAKES.test(code);
}

// One query that can change nothing, in a session of its own: what health checks ask of a database.

import type { SqlRead, SqlReader } from "../../wire/contracts/sql-reader.ts";
import { DatabaseError, withSession, type Connection, type Database } from "./sql-database.ts";

export function createSqlReader(database: Database<Connection>): SqlReader {
  return {
    async read(query, signal): Promise<SqlRead> {
      try {
        return await withSession(database, signal, async (session) => {
          await session.query(`set statement_timeout = ${database.config.statementTimeoutMs}`);
          await session.query("begin transaction isolation level repeatable read read only");
          return { kind: "rows", rows: await session.table(query) };
        });
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        const { problem } = error;
        return { kind: "none", code: problem.kind === "refused" ? problem.sqlState : problem.kind };
      }
    },
  };
}

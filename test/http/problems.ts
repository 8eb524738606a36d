// What a refusal looks like from outside, and under whom it stands in the ledger afterwards.

import assert from "node:assert/strict";
import { ERRORS, type ErrorCode } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import type { Answer, startServer } from "./fixture.ts";

type Server = Awaited<ReturnType<typeof startServer>>;

/** A problem document (RFC 9457) of exactly that code. */
export function assertProblem({ status, headers, json }: Answer, code: ErrorCode, name = ""): void {
  assert.equal(json?.["code"], code, `${name} ${JSON.stringify(json)}`);
  assert.equal(status, ERRORS[code].status, name);
  assert.match(headers.get("content-type") ?? "", /^application\/problem\+json/, name);
  assertDocument(json, code);
}

export function assertDocument(json: JsonObject | null, code: ErrorCode): void {
  assert.equal(json?.["type"], `https://holdpoint.dev/errors/${code}`);
  assert.equal(json["title"], ERRORS[code].title);
  assert.equal(json["status"], ERRORS[code].status);
  assert.equal(typeof json["detail"], "string");
  assert.ok(JSON.stringify(json).length < 2_000, "a problem repeats little of what was sent");
}

/** Refusals as the ledger counts them, by whom and code; all of them are there when the server has stopped. */
export class RefusalRecord {
  readonly #counts = new Map<string, number>();

  constructor({ running }: Pick<Server, "running">) {
    running.kernel.onDurable((events) => {
      for (const event of events) if (event.type === "refusals.counted") this.#add(event);
    });
  }

  #add({ facts }: Pick<LedgerEvent, "facts">): void {
    for (const [code, count] of Object.entries(facts["counts"] as Record<string, number>)) {
      const key = `${facts["source"] as string} ${code}`;
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
    }
  }

  of(who: string, code: ErrorCode): number {
    return this.#counts.get(`${who} ${code}`) ?? 0;
  }
}

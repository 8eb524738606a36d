// Groups of people as their issuers last said: what each sign-in brought, believed for a while.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import { firstProblem, membershipFile } from "../../wire/schemas/identity.ts";
import type { MembershipFile } from "../../wire/schemas/identity.ts";
import { subjectDigest } from "../../wire/schemas/rights.ts";
import type { Client } from "./clients.ts";
import { replaceFile } from "./durable-files.ts";
import { givenByGroups } from "./issuer-claims.ts";
import { RecordFolder, type ProblemReport } from "./record-folder.ts";
import type { Given, GovernedIssuer } from "./rights-in-force.ts";

const HOUR_MS = 3_600_000;
const NOTHING: Given = { roles: [], scopes: [] };

export interface MembershipsOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly onProblem: ProblemReport;
  /** Other issuers, by their address. */
  readonly trusted: ReadonlyMap<string, { readonly config: GovernedIssuer }>;
}

/** One file for each person who ever signed in at another issuer, written by this process alone. */
export class Memberships {
  readonly #options: MembershipsOptions;
  readonly #folder: RecordFolder<MembershipFile>;
  #expiries = 0;
  #nextExpiryMs = -Infinity;

  constructor(options: MembershipsOptions) {
    this.#options = options;
    const parse = (_name: string, value: unknown): MembershipFile => {
      const parsed = membershipFile.safeParse(value);
      if (!parsed.success) throw new Error(firstProblem(parsed.error));
      return parsed.data;
    };
    this.#folder = new RecordFolder({ ...options, parse });
  }

  /** Grows whenever what somebody is given may have changed, by a sign-in or by the time that has passed. */
  get generation(): number {
    this.#folder.refresh();
    const nowMs = this.#options.clock.nowMs();
    if (nowMs >= this.#nextExpiryMs) {
      this.#expiries++;
      const ends = [...this.#folder.records()].map((one) => this.#endOf(one)).filter((endMs) => endMs > nowMs);
      this.#nextExpiryMs = Math.min(...ends, Infinity);
    }
    return this.#folder.generation + this.#expiries;
  }

  /** What the groups of a person give now; nothing where they are not known, or no longer. */
  givenTo({ id, subjects }: Pick<Client, "id" | "subjects">): Given {
    const known = this.#folder.get(id);
    if (known === undefined || this.#endOf(known) <= this.#options.clock.nowMs()) return NOTHING;
    const config = this.#options.trusted.get(known.issuer)?.config;
    const isLinked = subjects.includes(subjectDigest(known));
    return config !== undefined && isLinked ? givenByGroups(config, known.groups) : NOTHING;
  }

  /** What a sign-in brought takes the place of what the one before it did. */
  remember(client: string, { issuer, subject, groups }: Omit<MembershipFile, "at">): void {
    const { dir, clock } = this.#options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const record: MembershipFile = { issuer, subject, groups, at: clock.nowMs() };
    replaceFile(join(dir, `${client}.json`), `${JSON.stringify(record)}\n`);
    this.#folder.reload();
    this.#nextExpiryMs = -Infinity;
  }

  #endOf({ issuer, at }: MembershipFile): number {
    return at + (this.#options.trusted.get(issuer)?.config.groupsHours ?? 0) * HOUR_MS;
  }
}

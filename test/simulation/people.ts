// Who may answer in the simulated world, and who of them is registered at the moment.

import type { Answerer } from "../../src/wire/types/approvals.ts";

const person = (id: string, roles: readonly string[], as = id): Answerer => ({
  id: `person:${id}`,
  kind: "person",
  person: as,
  roles,
  owner: null,
  models: [],
});

/** `ada-phone` is ada; `cid` could take any seat, but only one; the agent may take those that say so. */
export const ANSWERERS: readonly Answerer[] = [
  person("ada", ["on-call", "sre"]),
  person("ada-phone", ["on-call", "dba"], "ada"),
  person("ben", ["owner", "dba"]),
  person("cid", ["on-call", "dba", "sre"]),
  person("eve", ["visitor"]),
  { id: "agent:reviewer", kind: "agent", person: null, roles: ["sre", "reviewer"], owner: "team:sre", models: ["m/1"] },
];

/** Registered but for those who are gone, as the identity files would say. */
export class People {
  readonly #gone = new Set<string>();

  /** Disabled when registered, registered again when disabled. */
  toggle(id: string): void {
    if (!this.#gone.delete(id)) this.#gone.add(id);
  }

  registered(ids: readonly string[]): readonly Answerer[] {
    return ANSWERERS.filter(({ id }) => ids.includes(id) && !this.#gone.has(id));
  }
}

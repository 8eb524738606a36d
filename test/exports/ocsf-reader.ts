// Reads OCSF lines as a receiver would: against the schema, and along the chain.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import canonicalize from "canonicalize";

interface Attestation {
  readonly chain_uid: string;
  readonly fingerprint?: { readonly value: string };
  readonly prev_event?: {
    readonly uid: string;
    readonly type_uid: number;
    readonly fingerprint: { readonly value: string };
  };
}

export interface OcsfEvent {
  readonly activity_id: number;
  readonly type_uid: number;
  readonly severity_id: number;
  readonly status_id: number;
  readonly metadata: { readonly uid: string; readonly correlation_uid: string; readonly sequence: number };
  readonly actor: { readonly user: { readonly uid: string } };
  readonly api: { readonly operation: string };
  readonly ai_model?: { readonly name: string };
  readonly ai_agent?: { readonly uid: string; readonly instance_uid?: string };
  readonly message_context?: Readonly<Record<string, unknown>>;
  readonly delegation?: { readonly uid: string };
  readonly attestation_list: readonly Attestation[];
  readonly unmapped: { readonly holdpoint: { readonly id: string } & Readonly<Record<string, unknown>> };
}

const schema = JSON.parse(readFileSync(new URL("./ocsf-api-activity.schema.json", import.meta.url), "utf8")) as object;
const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);

/** Events of NDJSON text; fails on a line that is no event of the class. */
export function readOcsf(text: string): readonly OcsfEvent[] {
  assert.ok(text === "" || text.endsWith("\n"), "every line is whole");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const event = JSON.parse(line) as OcsfEvent;
      assert.ok(validate(event), JSON.stringify(validate.errors));
      assert.equal(event.type_uid, 600_300 + event.activity_id);
      assert.equal(event.attestation_list[0]?.fingerprint?.value, fingerprintOf(event), "fingerprint of the event");
      return event;
    });
}

/** Over the whole event but fingerprint and signatures, by an implementation of JCS that is not ours. */
function fingerprintOf(event: OcsfEvent): string {
  const bare = event.attestation_list.map(({ fingerprint: _fingerprint, ...rest }) => rest);
  return hash("sha256", canonicalize({ ...event, attestation_list: bare }) ?? "");
}

/** Each event refers to the one before. */
export function assertChained(events: readonly OcsfEvent[]): void {
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    const reference = event.attestation_list[0]?.prev_event;
    if (before === undefined) continue;
    assert.equal(reference?.uid, before.metadata.uid);
    assert.equal(reference.type_uid, before.type_uid);
    assert.equal(reference.fingerprint.value, before.attestation_list[0]?.fingerprint?.value);
  }
}

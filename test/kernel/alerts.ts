// Alerts of many services on a rig: fired, ended, paged about, replayed.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { redecide } from "../../src/history/redecide.ts";
import type { SignalFacts } from "../../src/kernel/signal-facts.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { emptyState } from "../../src/kernel/state.ts";
import { engine, type Rig } from "./rig.ts";

export function named(service: string, failure: string): Partial<SignalFacts> {
  return { service, signature: hash("sha256", `${service} ${failure}`), failure: hash("sha256", failure) };
}

/** The alert `name` fires, or ends. */
export function alert(rig: Rig, name: string, of: Partial<SignalFacts> = {}) {
  return rig.signal({ deliveryKey: `${name}:${of.status ?? "firing"}`, ...of });
}

export async function ends(rig: Rig, name: string, of: Partial<SignalFacts> = {}): Promise<void> {
  await alert(rig, name, { ...of, status: "resolved" });
}

/** Carries the newest page, or its resolve, through to the pager. */
export async function carryOut(rig: Rig, id: string): Promise<void> {
  await rig.begin(id);
  await rig.finish(id, "succeeded");
}

export async function closesPage(rig: Rig): Promise<void> {
  const resolve = rig.live("pagerduty.resolve");
  assert.ok(resolve, "the page is being closed");
  await rig.plan(resolve.id);
  await carryOut(rig, resolve.id);
}

/** From its first alert to its page at the pager. */
export async function paged(rig: Rig, name: string, of: Partial<SignalFacts> = {}): Promise<string> {
  const page = await rig.page({ deliveryKey: `${name}:firing`, ...of });
  await carryOut(rig, page);
  return page;
}

export function joinedBy(rig: Rig): readonly (string | null)[] {
  return rig.all("signal.received").map(({ facts }) => facts.joinedBy);
}

/** Every command decides again to what it decided, and the snapshot is the state. */
export function assertReplays(rig: Rig): void {
  const state = emptyState();
  for (const group of Map.groupBy(rig.writer.kept, ({ command }) => command).values()) {
    assert.equal(redecide({ state, engine, group }), null);
  }
  assert.equal(stateHash(state), stateHash(rig.state));
  const back = parseState(serializeState(rig.state));
  assert.deepEqual(back.joins, rig.state.joins);
  assert.deepEqual(new Map(back.incidentByKey), new Map(rig.state.incidentByKey));
}

// State as bytes and back: what snapshots hold, and the hash by which two folds are compared.

import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { AppError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { addShare } from "./bounded.ts";
import { indexOpen, indexResolved } from "./incident-index.ts";
import { emptyState, incidentOwner, type State } from "./state.ts";

const SNAPSHOT_FORMAT = 2;

type StateField = keyof State;

/** Derived indexes are rebuilt, not stored. */
const DERIVED: ReadonlySet<string> = new Set(["incidentByKey", "joins", "shares"]);

/** Canonical JSON of the state. Maps are written as entries in their own order, which decisions depend on. */
export function serializeState(state: State): string {
  const fields: Record<string, Json> = {};
  for (const name of Object.keys(state) as StateField[]) {
    if (DERIVED.has(name)) continue;
    const value = state[name];
    fields[name] = value instanceof Map ? [...value.entries()] : (value as Json);
  }
  return canonicalJson({ format: SNAPSHOT_FORMAT, state: fields });
}

/** Lower-case hex SHA-256 of the serialised state. */
export function stateHash(state: State): string {
  return hash("sha256", serializeState(state));
}

/** The state that was serialised; throws `ledger-corrupt` for text that is no snapshot of this format. */
export function parseState(text: string): State {
  const parsed = JSON.parse(text) as { format?: unknown; state?: JsonObject };
  if (parsed.format !== SNAPSHOT_FORMAT || parsed.state === undefined) {
    throw new AppError("ledger-corrupt", "the snapshot is of another format");
  }
  const state: Record<string, unknown> = { ...emptyState() };
  for (const [name, empty] of Object.entries(emptyState())) {
    if (DERIVED.has(name)) continue;
    const value = parsed.state[name];
    if (value === undefined) throw new AppError("ledger-corrupt", `the snapshot lacks ${name}`);
    state[name] = empty instanceof Map ? new Map(value as unknown as [string, unknown][]) : value;
  }
  const whole = state as State;
  index(whole);
  return whole;
}

/** The derived indexes, as they were: every one follows the order of what it is derived from. */
function index(state: State): void {
  const { incidents, resolved, deliveries, idempotency, advice, shares } = state;
  for (const incident of incidents.values()) {
    indexOpen(state, incident);
    addShare(shares.incidents, incidentOwner(incident), incident.id);
  }
  for (const one of resolved.values()) indexResolved(state, one.incident);
  for (const [key, { source }] of deliveries) addShare(shares.deliveries, source, key);
  for (const [key, { agent }] of advice) addShare(shares.advice, agent, key);
  for (const [key, { client }] of idempotency) addShare(shares.idempotency, client, key);
}

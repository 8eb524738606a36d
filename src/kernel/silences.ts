// Maintenance silences: which one keeps an alert quiet, and what a wanted one says.

import type { Json, JsonObject } from "../core/json.ts";
import type { SilenceTerms } from "../wire/types/silence.ts";
import { LIMITS } from "./limits.ts";
import type { Incident, Silence, State } from "./state.ts";

/** What a silence is compared with. */
type Failing = { readonly environment: string; readonly service: string; readonly signature: string };

/** In force from its first instant until before its last, unless somebody ended it. */
function isInForce({ startsAt, endsAt, hasEnded }: Silence, now: number): boolean {
  return !hasEnded && now >= startsAt && now < endsAt;
}

/** The silence that keeps this quiet now, of several the oldest. */
export function silenceOver({ silences }: State, failing: Failing, now: number): Silence | undefined {
  for (const silence of silences.values()) if (isInForce(silence, now) && covers(silence, failing)) return silence;
  return undefined;
}

function covers({ environment, service, signature }: SilenceTerms, failing: Failing): boolean {
  return (
    environment === failing.environment &&
    (service === null || service === failing.service) &&
    (signature === null || signature === failing.signature)
  );
}

/** True when silences cover all that the incident holds: nobody is asked about it again while they last. */
export function isQuieted(state: State, { environment, holds }: Incident, now: number): boolean {
  if (state.silences.size === 0) return false;
  return holds.every((held) => {
    const bar = held.indexOf("|");
    const failing = { environment, service: held.slice(0, bar), signature: held.slice(bar + 1) };
    return silenceOver(state, failing, now) !== undefined;
  });
}

/** One that there is no room to remember is triaged at once: a full table loses no alert. */
export function mayBeSilenced({ silenced }: State, key: string): boolean {
  return silenced.size < LIMITS.silencedAlertsMax || silenced.has(key);
}

/** What `silence.create` acts on; undefined for what says no such thing. */
export function readTerms(operand: string): SilenceTerms | undefined {
  const said = parsed(operand);
  if (said === undefined) return undefined;
  const { environment, service, signature, startsAt, endsAt } = said;
  const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
  const isWhole = isText(environment) && Number.isSafeInteger(startsAt) && Number.isSafeInteger(endsAt);
  const isNarrowed = [service, signature].every((value) => value === null || isText(value));
  return isWhole && isNarrowed ? ({ environment, service, signature, startsAt, endsAt } as SilenceTerms) : undefined;
}

function parsed(operand: string): JsonObject | undefined {
  try {
    const said = JSON.parse(operand) as Json;
    return typeof said === "object" && said !== null && !Array.isArray(said) ? (said as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

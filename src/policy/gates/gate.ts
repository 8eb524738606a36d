// What every gate is: parameters read from a rule, then facts and counters in, outcome out.

import type { CounterReader, PolicyFacts } from "../../wire/types/policy-facts.ts";
import type { Reservation } from "../../wire/types/verdict.ts";
import type { Calendars } from "../calendars.ts";
import { readAction } from "../read-action.ts";
import type { Field } from "../yaml-reader.ts";

const AMONG_MAX = 16;
const WAIT_MS_MAX = 24 * 3_600_000;

export interface GateOutcome {
  readonly passed: boolean;
  /** As in Verdict. */
  readonly code: string;
  readonly evidence: Readonly<Record<string, string | number | boolean>>;
  /** Room to take when the action is granted. */
  readonly reservation?: Reservation;
  /** A mark to set when the action is granted. */
  readonly duplicateKey?: string;
  /** The action that this one repeats. */
  readonly duplicateOf?: string;
  /** Not failed, but not to be told: `onUnknown` says what that means. */
  readonly isUnknown?: true;
  /** What has to be asked for before it can be told. */
  readonly awaits?: "prediction";
  /** Passed, and yet not to begin before these have ended; no longer than that. */
  readonly waits?: { readonly forMs: number; readonly behind: readonly string[] };
}

export type CheckGate = (facts: PolicyFacts, counters: CounterReader) => GateOutcome;

/** A gate with its parameters. */
export interface BoundGate {
  /** Tells gates of one rule apart; equal for equal parameters, so that counters survive other edits. */
  readonly label: string;
  readonly onFail: "hold" | "refuse";
  /** Where it cannot be told whether it passes; as `onFail` where it is absent. */
  readonly onUnknown?: "hold" | "refuse";
  /** Route to hold on when it fails, or null for the rule's. */
  readonly route: Field | null;
  readonly check: CheckGate;
}

/**
 * Reads a gate's parameters; reports what is wrong with them and then gives undefined. `rule` is `policy/rule`, for
 * the names of counters, `calendars` those of its bundle.
 */
export type ReadGate = (params: Field, rule: string, calendars: Calendars) => BoundGate | undefined;

/** What a limit or a duplicate is counted by. */
const KEYS = {
  service: (facts: PolicyFacts) => facts.action.service,
  agent: (facts: PolicyFacts) => facts.agent.id,
  environment: (facts: PolicyFacts) => facts.action.environment,
  kind: (facts: PolicyFacts) => facts.action.kind,
  request: (facts: PolicyFacts) => facts.action.requestHash,
  // Without an incident there is no signature, and the empty one would make all such actions the same.
  signature: (facts: PolicyFacts) => (facts.incident.known ? facts.incident.signature : facts.action.requestHash),
  incident: (facts: PolicyFacts) => (facts.incident.known ? facts.incident.id : facts.action.requestHash),
  source: sourceOf,
  // Each has one of its own, and they overlap: what counts is told apart where it is added up.
  neighbourhood: () => "",
  all: () => "",
} as const;

/** Where it comes from: the sources of its incident's signals together, else who proposed it. */
function sourceOf({ signals, agent }: PolicyFacts): string {
  if (signals.length === 0) return agent.id;
  return [...new Set(signals.map(({ source }) => source))].toSorted((a, b) => (a < b ? -1 : 1)).join(",");
}

export type CountedBy = keyof typeof KEYS;

/** Reads `by`: a list of different keys; `all` stands alone. */
export function readCountedBy(field: Field | undefined, known: readonly CountedBy[]): CountedBy[] | undefined {
  const items = field?.items(known.length)?.map((item) => item.oneOf(known));
  if (items === undefined || items.includes(undefined)) return undefined;
  const keys = items as CountedBy[];
  if (new Set(keys).size < keys.length) return field?.fail("names a key twice");
  if (keys.includes("all") && keys.length > 1) return field?.fail("`all` stands alone");
  return keys;
}

/** `service=cart|agent=triage`; separators inside values are escaped, so different values never give one text. */
export function countedText(by: readonly CountedBy[], facts: PolicyFacts): string {
  let text = "";
  for (const key of by) text += `${text === "" ? "" : "|"}${key}=${escape(KEYS[key](facts))}`;
  return text;
}

function escape(value: string): string {
  return /[%|=]/.test(value) ? value.replaceAll(/[%|=]/g, (char) => `%${char.charCodeAt(0).toString(16)}`) : value;
}

const FAILURES = ["hold", "refuse"] as const;

/** Reads `onFail` and `route`, which most gates have; the default is the restrictive one. */
export function readFailure(fields: {
  onFail?: Field;
  onUnknown?: Field;
  route?: Field;
}): Pick<BoundGate, "onFail" | "route"> {
  const onFail = fields.onFail?.oneOf(FAILURES) ?? "refuse";
  const holds = onFail === "hold" || fields.onUnknown?.oneOf(FAILURES) === "hold";
  if (fields.route !== undefined && !holds) fields.route.fail("a route needs `onFail: hold`");
  return { onFail, route: fields.route ?? null };
}

/** Reads `onUnknown`; `onFail` where it is absent. */
export function readUnknown(
  fields: { onUnknown?: Field },
  onFail: BoundGate["onFail"],
): BoundGate["onFail"] | undefined {
  return fields.onUnknown === undefined ? onFail : fields.onUnknown.oneOf(FAILURES);
}

/** Reads `among`: the kinds of action that count, all of them where it is absent. */
export function readAmong(among: Field | undefined): readonly string[] | undefined {
  if (among === undefined) return ["*"];
  const kinds = among.items(AMONG_MAX)?.map(readAction);
  return kinds === undefined || kinds.includes(undefined) ? undefined : (kinds as string[]);
}

/** Reads `wait`, null where it is absent. Waiting instead of failing: what it does when it fails (`other`) says nothing beside it. */
export function readWait(wait: Field | undefined, other: Field | undefined): number | null | undefined {
  if (wait === undefined) return null;
  const waitMs = wait.durationMs();
  if (waitMs !== undefined && waitMs > WAIT_MS_MAX) return wait.fail("is at most 24h");
  return other === undefined ? waitMs : other.fail("says nothing beside `wait`");
}

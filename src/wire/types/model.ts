// The words of the runtime model: what production is made of, how it hangs together, what changed, and how it is known.

/** What a node can be. */
export const NODE_KINDS = [
  "service",
  "operation",
  "datastore",
  "queue",
  "node",
  "namespace",
  "environment",
  "trust-zone",
  "config-key",
  "library",
  "deploy",
  "change",
  "incident",
  "action",
  "policy",
] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

/**
 * What an edge says of its two ends, read from the first to the second: a service `calls` a service. An operation at which
 * requests come in from outside `reaches` whatever they get to.
 */
export const EDGE_KINDS = [
  "calls",
  "reads",
  "writes",
  "runs-on",
  "configured-by",
  "embeds",
  "deployed-by",
  "changed-by",
  "caused",
  "member-of",
  "reaches",
] as const;
export type EdgeKind = (typeof EDGE_KINDS)[number];

/**
 * How a thing is known. `declared`: somebody said so. `observed`: telemetry showed it. `confirmed` and `refuted`: the
 * verified outcome of an action tested it.
 */
export const EVIDENCE_STATES = ["declared", "observed", "confirmed", "refuted"] as const;
export type EvidenceState = (typeof EVIDENCE_STATES)[number];

/**
 * A node by what it is. Written as one text it is `kind:environment:name`, with nothing between the colons where it
 * belongs to no environment: `service:production:cart`, `library::redis-client`. An operation's name begins with its
 * service's and a blank: `operation:production:cart GET /cart/{}`.
 */
export interface NodeRef {
  readonly kind: NodeKind;
  /** Null for what is the same everywhere: a library, a policy. */
  readonly environment: string | null;
  readonly name: string;
}

export interface EdgeRef {
  readonly kind: EdgeKind;
  readonly from: NodeRef;
  readonly to: NodeRef;
}

/** What a declared number is about. `ratio` is of 1. */
export const SETTING_UNITS = ["ms", "bytes", "count", "ratio", "per-second"] as const;
export type SettingUnit = (typeof SETTING_UNITS)[number];

/** Null: the setting was, or is now, not there. */
export type SettingValue = number | boolean | string | null;

/** One setting that a change moved. Numbers are in `unit`, whatever they were written in. */
export interface SettingChange {
  /** As its file or flag names it, with its place: `redis.client.timeout`. */
  readonly key: string;
  readonly before: SettingValue;
  readonly after: SettingValue;
  /** Null for text, switches, and numbers that say nothing of what they count. */
  readonly unit: SettingUnit | null;
}

/** `flag` is turned at run time, `configuration` takes a file or object, `infrastructure` is below the services. */
export const CHANGE_KINDS = ["deploy", "configuration", "flag", "schema", "infrastructure"] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** What changed lines of code do, as far as they tell. */
export const CODE_TRAITS = [
  "inert",
  "written-otherwise",
  "calls-lost",
  "condition-lost",
  "calls-per-element",
  "never-let-go",
  "renamed",
] as const;

/** Of a change's code all that is kept: nothing of its lines. */
export interface CodeChange {
  readonly trait: (typeof CODE_TRAITS)[number];
  /** 0: nothing runs differently; 1: something that ran is gone, or something costly is new. */
  readonly weight: number;
}

/** Something that was made different. */
export interface Change {
  /** The maker's own name of it: a commit, a release, a flag and its version. */
  readonly id: string;
  readonly kind: ChangeKind;
  /** When it took effect, in milliseconds since 1970. */
  readonly at: number;
  /** What it was made to, the first of them above all: services, libraries, configuration keys, datastores, nodes. */
  readonly targets: readonly NodeRef[];
  readonly settings: readonly SettingChange[];
  /** Absent where nobody showed its lines. */
  readonly code?: CodeChange | undefined;
}

/** What a node, or the use of one by another, is promised or allowed. */
export type Contract =
  | { readonly kind: "slo"; readonly indicator: "availability"; readonly objective: number }
  | { readonly kind: "slo"; readonly indicator: "latency"; readonly objective: number; readonly withinMs: number }
  | { readonly kind: "timeout"; readonly timeoutMs: number }
  | { readonly kind: "retry"; readonly attemptsMax: number; readonly backoffMs: number | null }
  | { readonly kind: "pool"; readonly sizeMax: number }
  | { readonly kind: "quota"; readonly limit: number; readonly unit: SettingUnit };

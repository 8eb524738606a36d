// What a step of a route asks for, and who may give it: shared by policies, the kernel and what is shown of a hold.

/** The signature of a plan that nothing takes back: whoever approves it types the name of its target. */
export const IRREVERSIBLE = "irreversible";

/** What is typed: the service, which configuration binds to what is called. A resource is the proposer's own word. */
export function nameToType({ service }: { readonly service: string }): string {
  return service;
}

/** Equal seats of a step, each taken by somebody else. Whoever fits any of the lists may take one. */
export type Seats = {
  readonly roles: readonly string[];
  /** Persons, as identities name them. */
  readonly people: readonly string[];
  /** Whoever is on duty by one of these schedules when the answer is given. */
  readonly schedules: readonly string[];
  /** Agents with one of the roles may take them too; else people alone. */
  readonly agents: boolean;
  readonly count: number;
};

export type Independence = "owner" | "model";

/** All seats have to be taken. */
export type Asks = {
  readonly seats: readonly Seats[];
  /** What agents who answer may have in common neither with the proposer nor with each other. */
  readonly independentOf: readonly Independence[];
};

/** Whoever answers, as their registration says at that moment. */
export type Answerer = {
  /** `person:ada` or `agent:reviewer`. */
  readonly id: string;
  readonly kind: "person" | "agent";
  /** The human it speaks for; two identities with one person are one. Null for an agent that speaks for nobody. */
  readonly person: string | null;
  readonly roles: readonly string[];
  /** Of an agent: who answers for it, and the models it may use; null and none where nobody says. */
  readonly owner: string | null;
  readonly models: readonly string[];
};

/** An approval that was given and not taken back. */
export type Approval = Answerer & {
  /** Schedules by which they were on duty when they gave it. */
  readonly onDuty: readonly string[];
  /** Milliseconds since the epoch. */
  readonly at: number;
};

/** An emergency exit of a route: who may let a held action go at once, and what it costs them. */
export type BreakGlass = {
  readonly roles: readonly string[];
  /** How many different people it takes. */
  readonly people: number;
  /** How long the grant lives. */
  readonly withinMs: number;
  /** Who judges afterwards, and by when. */
  readonly reviewRoles: readonly string[];
  readonly reviewWithinMs: number;
};

export const REVIEW_OUTCOMES = ["justified", "unjustified"] as const;

/** What whoever looked afterwards says: it had to be, or it had not. */
export type ReviewOutcome = (typeof REVIEW_OUTCOMES)[number];

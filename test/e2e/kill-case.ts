// One kind of action that is killed: how it is prepared, where it is stopped, and how often it took effect.

import type { Front } from "./kill-fronts.ts";

export const TOKEN = "stand-in-TOKEN-0123456789";
export const PASSWORD = "stand-in-password";
export const TARGET = { environment: "staging", service: "web" };

/** One action for one round: what is proposed, and how often it took effect, which is asked at the end. */
export interface Prepared {
  /** What has to have happened before, through Holdpoint too. */
  readonly first?: { readonly kind: string; readonly args: object };
  readonly args: Readonly<Record<string, unknown>>;
  effects(): number | Promise<number>;
}

export interface Case {
  readonly kind: string;
  /** `neither`: what nobody can tell is left to people. */
  readonly repeat: "settled" | "neither";
  readonly fronts: readonly Front[];
  /** The message that changes something. */
  readonly write: RegExp;
  /** The message at which nobody can tell, of what is settled everywhere else. */
  readonly unclear?: RegExp;
  prepare(name: string): Prepared | Promise<Prepared>;
}

/** A target with its ways, and the kinds that it takes, one at a time. */
export type Part = {
  /** Configuration by the name of its executor. */
  readonly config: object;
  /** Of a run alone, beside those that all share. */
  readonly secrets?: Readonly<Record<string, string>>;
  readonly fronts: readonly Front[];
  readonly cases: readonly Case[];
  readonly complaints: () => readonly string[];
  close(): Promise<void>;
};

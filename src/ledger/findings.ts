// What verification finds wrong: codes, bounded lists, and which event comes first.

import { AppError } from "../core/errors.ts";

export type FindingCode =
  | "statements-invalid"
  | "unreadable"
  | "sequence-gap"
  | "leaf-malformed"
  | "leaf-altered"
  | "leaf-hash-altered"
  | "time-decreases"
  | "root-mismatch"
  | "checkpoint-altered"
  | "checkpoint-unlinked"
  | "tile-altered"
  | "payload-altered"
  | "payload-missing"
  | "snapshot-altered"
  | "since-invalid"
  | "stage-unsigned"
  | "signature-invalid"
  | "truncated"
  | "forked";

export interface Finding {
  /** The event that is wrong, or the first event that what is wrong stands for; null when no event can be named. */
  readonly seq: number | null;
  readonly code: FindingCode;
  readonly detail: string;
}

const FINDINGS_KEPT = 100;

/** Keeps the first hundred findings, counts all, and knows the one with the lowest sequence. */
export class Findings {
  readonly kept: Finding[] = [];
  total = 0;
  /** Lowest sequence of all; among those without one, the first found. */
  first: Finding | null = null;

  add(seq: number | null, code: FindingCode, detail: string): void {
    const finding = { seq, code, detail };
    this.total += 1;
    if (this.kept.length < FINDINGS_KEPT) this.kept.push(finding);
    if (this.first === null || (seq ?? Infinity) < (this.first.seq ?? Infinity)) this.first = finding;
  }

  /** Adds what `check` throws as `ledger-corrupt`; any other error goes on. True when the check passed. */
  guard(seq: number | null, code: FindingCode, check: () => void): boolean {
    try {
      check();
      return true;
    } catch (error) {
      this.add(seq, code, corruption(error));
      return false;
    }
  }
}

/** What is corrupt, in words; any error but `ledger-corrupt` is thrown again. */
export function corruption(error: unknown): string {
  if (error instanceof AppError && error.code === "ledger-corrupt") return error.message;
  throw error;
}

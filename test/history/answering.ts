// Who answers in the workload, and the commands of breaking the glass and of its review.

import type { Command } from "../../src/kernel/command.ts";
import type { Action } from "../../src/kernel/state.ts";
import type { Answerer, ReviewOutcome } from "../../src/wire/types/approvals.ts";
import type { Label } from "../../src/wire/types/label.ts";

export function personOf(person: string, roles: readonly string[]): Answerer {
  return { id: `person:${person}`, kind: "person", person, roles, owner: null, models: [] };
}

export function mayBreakGlass({ hold }: Action): boolean {
  return hold?.route === "two";
}

export function glassCommand({ id: action, planHash, hold }: Action, person: string): Command {
  const answerer = personOf(person, ["sre"]);
  const given = { present: hold?.breakers ?? [], proposer: { owner: "p-owner", models: [] } };
  const input = { action, answerer, planHash: planHash ?? "", ...given };
  return { type: "break-glass", actor: answerer.id, input };
}

export function reviewCommand(review: string, outcome: ReviewOutcome): Command {
  const answerer = personOf("p-cid", ["admin"]);
  return { type: "give-review", actor: answerer.id, input: { review, outcome, answerer } };
}

export function labelCommand(action: string, label: Label): Command {
  const answerer = personOf("p-cid", ["admin"]);
  const faults = label === "disagree" ? (["data-quality"] as const) : [];
  return { type: "label-action", actor: answerer.id, input: { action, label, faults, answerer } };
}

export function releaseCommand(brake: string, requestHash: string): Command {
  return { type: "release-brake", actor: "person:p-bob", input: { brake, person: "p-bob", requestHash } };
}

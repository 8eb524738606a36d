// Dry runs of inverses in the workload: most would go, some would not, some nobody can tell, now and then one comes late.

import { hash } from "node:crypto";
import type { Command } from "../../src/kernel/command.ts";
import type { InverseDue } from "../../src/kernel/inverse-due.ts";
import type { Draws } from "./draws.ts";
import { command } from "./recorder.ts";

export function inverseCommand(draws: Draws, [action, due]: readonly [string, InverseDue]): Command {
  const tries = draws.chance(10) ? due.tries : due.tries + 1;
  const result = draws.from(["planned", "planned", "refused", "unknown", "unknown"] as const);
  const told = {
    planned: { code: "", planHash: hash("sha256", `inverse of ${action}`) },
    refused: { code: "target-moved", planHash: null },
    unknown: { code: "target-unavailable", planHash: null },
  } as const;
  const asked = command("record-inverse", "system:effects", { action, tries, result, ...told[result] });
  return result === "planned" ? { ...asked, content: { inversePlan: { calls: [action] } } } : asked;
}

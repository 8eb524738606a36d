// What outside says, in a seeded workload, of what an action waits for there.

import type { Command } from "../../src/kernel/command.ts";
import type { State } from "../../src/kernel/state.ts";
import type { Draws } from "./draws.ts";
import { command } from "./recorder.ts";

type At = { readonly state: Readonly<State>; readonly nowMs: number };

/** Of the first that is to be asked about by now; null for none. */
export function awaitedCommand(draws: Draws, { state, nowMs }: At): Command | null {
  const due = [...state.waiting].find(([, { nextAt }]) => nextAt !== undefined && nowMs >= nextAt);
  if (due === undefined) return null;
  const status = draws.from(["pending", "pending", "come", "come", "over"] as const);
  const input = { action: due[0], status, code: status === "come" ? "" : "change-unapproved", afterMs: 0 };
  return command("report-awaited", "system:effects", input);
}

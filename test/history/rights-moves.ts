// What the workload does about rights: one owner at first, people and groups asked for, and taken away.

import type { Command, CommandInputs } from "../../src/kernel/command.ts";
import { groupRights, rightsOf, rightsProposal } from "../kernel/rights-proposal.ts";
import type { Draws } from "./draws.ts";
import { command } from "./recorder.ts";

const HOLDERS = [rightsOf("person:p-bob", { roles: ["owner"] }), groupRights("g0", ["on-call"])];

export const INSTALLED = command("install-rights", "system:kernel", { holders: HOLDERS, recovery: false });

type Log = { submit(command: Command): unknown };

/** Asked for by p-bob, who is alone with it until there is another owner; now and then they lose what they have first. */
export function rightsMove(draws: Draws, log: Log): CommandInputs["propose-action"] {
  const id = `person:p-${draws.below(4)}`;
  if (draws.chance(3)) log.submit(command("revoke-rights", "person:p-ada", { holder: id }));
  const roles = draws.chance(2) ? ["on-call"] : ["on-call", "owner"];
  const rights = draws.chance(4) ? groupRights(`g${draws.below(3)}`, roles) : rightsOf(id, { roles });
  return rightsProposal(rights, "p-bob");
}

// Asking for a level of an agent.

import type { ReactNode } from "react";
import { serverNow } from "../api/server-clock.ts";
import { AskDialog, namesIn, type Drafting } from "../shell/AskDialog.tsx";
import { Choice, TextField } from "../ui/Field.tsx";
import { LEVEL_NAMES } from "./level-names.ts";

const DAY_MS = 24 * 3_600_000;
const LEVELS = LEVEL_NAMES.map((name, level) => [String(level), `${level} · ${name}`] as const);
const DAYS = [
  ["1", "1 day"],
  ["7", "7 days"],
  ["30", "30 days"],
  ["90", "90 days"],
] as const;

const EMPTY = { agent: "", level: "1", kinds: "", environments: "", services: "", days: "30" };

export function GrantLevel(): ReactNode {
  return (
    <AskDialog
      title="Ask for a level"
      description="Somebody else has to approve it. It ends by itself, and can be taken back at any time."
      kind="level.grant"
      empty={EMPTY}
      toArguments={argumentsOf}
      fields={(drafting) => <Fields {...drafting} />}
    />
  );
}

function Fields({ draft, first, set, field }: Drafting<typeof EMPTY>): ReactNode {
  return (
    <>
      <TextField ref={first} label="Agent" placeholder="agent:deployer" {...field("agent")} />
      <Choice label="Level" options={LEVELS} value={draft.level} onChange={(level) => set("level", level)} />
      <TextField label="Kinds" hint="Kinds, prefix.* or *, with spaces between them" {...field("kinds")} />
      <div className="grid grid-cols-2 gap-3">
        <TextField label="Environments" hint="Empty: any" {...field("environments")} />
        <TextField label="Services" hint="Empty: any" {...field("services")} />
      </div>
      <Choice label="For how long" options={DAYS} value={draft.days} onChange={(days) => set("days", days)} />
    </>
  );
}

function argumentsOf({ agent, level, kinds, environments, services, days }: typeof EMPTY): object | null {
  const [ofKinds, inEnvironments, ofServices] = [namesIn(kinds), namesIn(environments), namesIn(services)];
  if (agent.trim() === "" || ofKinds.length === 0) return null;
  return {
    agent: agent.trim(),
    level: Number(level),
    kinds: ofKinds,
    ...(inEnvironments.length === 0 ? {} : { environments: inEnvironments }),
    ...(ofServices.length === 0 ? {} : { services: ofServices }),
    // A minute less than the longest that is allowed: clocks differ.
    expiresAt: new Date(serverNow() + Number(days) * DAY_MS - 60_000).toISOString(),
  };
}

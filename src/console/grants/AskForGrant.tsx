// Asking for a bounded grant: so many actions of an agent that nobody need be asked about one by one.

import type { ReactNode } from "react";
import { serverNow } from "../api/server-clock.ts";
import { AskDialog, namesIn, type Drafting } from "../shell/AskDialog.tsx";
import { Choice, TextField } from "../ui/Field.tsx";

const HOUR_MS = 3_600_000;
const HOURS = [
  ["1", "1 hour"],
  ["8", "8 hours"],
  ["24", "1 day"],
  ["72", "3 days"],
  ["168", "7 days"],
] as const;
const COUNT_MAX = 1_000;
const SIZE_MAX = 1_000_000_000;

const EMPTY = { agent: "", kinds: "", environments: "", services: "", route: "", count: "1", size: "", hours: "8" };

export function AskForGrant(): ReactNode {
  return (
    <AskDialog
      title="Ask for a bounded grant"
      description="The people of the route approve it once, instead of each action. It ends by itself, and can be taken back at any time."
      kind="grant.create"
      empty={EMPTY}
      toArguments={argumentsOf}
      fields={(drafting) => <Fields {...drafting} />}
    />
  );
}

function Fields({ draft, first, set, field }: Drafting<typeof EMPTY>): ReactNode {
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField ref={first} label="Agent" placeholder="agent:deployer" {...field("agent")} />
        <TextField label="Route" hint="Whose people are asked, and for whose holds it stands" {...field("route")} />
      </div>
      <TextField label="Kinds" hint="Kinds, prefix.* or *, with spaces between them" {...field("kinds")} />
      <div className="grid grid-cols-2 gap-3">
        <TextField label="Environments" hint="With spaces between them" {...field("environments")} />
        <TextField label="Services" hint="Empty: any" {...field("services")} />
      </div>
      <div className="grid grid-cols-2 gap-3">
        <TextField label="How many actions" inputMode="numeric" {...field("count")} />
        <TextField
          label="Size of them together"
          hint="Rows, replicas or bytes, as plans count it. Empty: any"
          inputMode="numeric"
          {...field("size")}
        />
      </div>
      <Choice label="For how long" options={HOURS} value={draft.hours} onChange={(hours) => set("hours", hours)} />
    </>
  );
}

function argumentsOf(draft: typeof EMPTY): object | null {
  const [agent, route] = [draft.agent.trim(), draft.route.trim()];
  const [kinds, environments, services] = [draft.kinds, draft.environments, draft.services].map(namesIn);
  const [count, size] = [wholeNumber(draft.count, COUNT_MAX), wholeNumber(draft.size, SIZE_MAX)];
  const isBounded = count !== null && (size !== null || draft.size.trim() === "");
  if (agent === "" || route === "" || kinds?.length === 0 || environments?.length === 0 || !isBounded) return null;
  return {
    agent,
    route,
    kinds,
    environments,
    ...(services?.length === 0 ? {} : { services }),
    count,
    ...(size === null ? {} : { size }),
    // A minute less than the longest that is allowed: clocks differ.
    expiresAt: new Date(serverNow() + Number(draft.hours) * HOUR_MS - 60_000).toISOString(),
  };
}

/** From 1 to `max`; null for anything else. */
function wholeNumber(text: string, max: number): number | null {
  const value = /^\d{1,10}$/.test(text.trim()) ? Number(text) : 0;
  return value >= 1 && value <= max ? value : null;
}

// Whatever makes Holdpoint not enforce, or not act, as its policies say: shown on every page while it lasts.

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { LevelView } from "../../wire/types/grant-views.ts";
import { killswitchQuery, levelsQuery, policiesQuery, stageQuery } from "../api/queries.ts";
import type { Brake, Killswitch, PoliciesDocument, StageDocument } from "../api/documents.ts";
import { plainText } from "../text/visible-text.ts";
import type { Tone } from "../ui/Badge.tsx";

type Mode = { readonly tone: Tone; readonly title: string; readonly text: string };

const LOOK: Readonly<Record<string, string>> = {
  bad: "bg-bad-soft text-bad",
  warn: "bg-warn-soft text-warn",
  info: "bg-info-soft text-info",
};

export function ModeBanner(): ReactNode {
  const { data: killswitch } = useQuery(killswitchQuery);
  const { data: stage } = useQuery(stageQuery);
  const { data: policies } = useQuery(policiesQuery);
  const { data: levels } = useQuery(levelsQuery({ status: "active" }));
  const modes = [
    ...closedModes(killswitch),
    ...brakeModes(killswitch),
    ...stageModes(stage),
    ...levelModes(levels?.items),
    ...policyModes(policies),
  ];
  if (modes.length === 0) return null;
  return (
    <div role="region" aria-label="Modes in force">
      {modes.map(({ tone, title, text }) => (
        <p key={title} className={`border-b border-line px-4 py-1 text-xs ${LOOK[tone] ?? ""}`}>
          <strong className="font-semibold">{title}.</strong>{" "}
          <span className={tone === "info" ? "max-sm:hidden" : ""}>{text}</span>
        </p>
      ))}
    </div>
  );
}

function brakeModes(killswitch: Killswitch | undefined): readonly Mode[] {
  if (killswitch === undefined) return [];
  const parts = killswitch.brakes.filter(({ scope }) => Object.keys(scope).length > 0);
  const commands = parts.filter(({ command }) => command !== null);
  return [
    ...wholeModes(killswitch),
    ...commands.map(commandMode),
    ...partModes(parts.filter(({ command }) => command === null)),
  ];
}

function wholeModes({ flagged, mode }: Killswitch): readonly Mode[] {
  if (flagged)
    return [{ tone: "bad", title: "Stopped by the brake file", text: "Nothing executes until the file is gone." }];
  if (mode === "pause")
    return [
      {
        tone: "bad",
        title: "Paused",
        text: "Nothing executes, and the time of holds stands still. Resuming needs an approval.",
      },
    ];
  if (mode === "run") return [];
  return [{ tone: "warn", title: "Dry run", text: "Everything is decided and recorded; nothing is executed." }];
}

function commandMode({ scope, command }: Brake): Mode {
  const { incident = "", person = "" } = command ?? {};
  const title = `Incident command of ${incident} by ${plainText(person)}`;
  return { tone: "warn", title, text: `Agents wait: ${plainText(scopeText(scope))}.` };
}

function partModes(parts: readonly Brake[]): readonly Mode[] {
  if (parts.length === 0) return [];
  const title = parts.length === 1 ? "A part is stopped" : `${parts.length} parts are stopped`;
  const said = parts.slice(0, 3).map(({ mode, scope }) => `${mode} of ${plainText(scopeText(scope))}`);
  return [{ tone: "warn", title, text: `${said.join("; ")}${parts.length > 3 ? " …" : ""}` }];
}

function closedModes(killswitch: Killswitch | undefined): readonly Mode[] {
  const closed = killswitch?.closed ?? [];
  if (closed.length === 0) return [];
  const names = closed.map(({ environment, service }) =>
    environment === null ? "everything" : `${environment}/${service}`,
  );
  const text = `Nothing more runs on ${names.slice(0, 3).join(", ")} until owners approve domain.release.`;
  return [{ tone: "bad", title: "A revert failed", text }];
}

const PARTS: Readonly<Record<string, string>> = {
  agentKind: "every",
  exceptAgents: "but not agents",
  exceptKinds: "but not kinds",
};

/** `environment production, service cart`; everything for an empty scope. */
export function scopeText(scope: object): string {
  const parts = Object.entries(scope).map(([name, value]) => {
    const what = Array.isArray(value) ? (value as readonly string[]).join(" and ") : String(value);
    return `${PARTS[name] ?? name} ${what}`;
  });
  return parts.length === 0 ? "everything" : parts.join(", ");
}

function stageModes(stage: StageDocument | undefined): readonly Mode[] {
  if (stage?.stage !== "shadow") return [];
  const why = stage.hasEnded ? "its grant has ended" : "nobody granted it more";
  return [
    { tone: "warn", title: "Shadow stage", text: `What the triage agent proposes is recorded and never done: ${why}.` },
  ];
}

function levelModes(levels: readonly LevelView[] | undefined): readonly Mode[] {
  if (levels === undefined || levels.some(({ level }) => level > 0)) return [];
  const text = "What registered agents propose is recorded and never done, until a level is granted to them.";
  return [{ tone: "info", title: "No agent has a level", text }];
}

function policyModes(policies: PoliciesDocument | undefined): readonly Mode[] {
  if (policies === undefined || policies.active.mode !== "file") return [];
  return [
    {
      tone: "info",
      title: "Policies come from files",
      text: "Whoever can write the policy folder changes what is enforced, without an approval (policy.activation: file).",
    },
  ];
}

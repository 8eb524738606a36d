// Who was asked, who has answered, and who else must sign.

import type { ReactNode } from "react";
import type { AnswerView, HoldView, NeedView } from "../../wire/types/approval-views.ts";
import type { ActionDocument } from "../api/documents.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Icon } from "../ui/Icons.tsx";
import { Age, Instant } from "../ui/Instant.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";

export function Signatures({ action }: { readonly action: ActionDocument }): ReactNode {
  const { hold, answers } = action;
  if (hold === null && answers.length === 0) return null;
  return (
    <Panel title="Signatures" aside={hold === null ? undefined : <span>route {hold.route}</span>}>
      {hold !== null && <Asked hold={hold} />}
      {answers.length > 0 && (
        <ul className={hold === null ? "" : "mt-3 border-t border-line pt-2.5"}>
          {answers.map((answer) => (
            <AnswerRow key={answer.seq} answer={answer} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Asked({ hold }: { readonly hold: HoldView }): ReactNode {
  return (
    <Pairs>
      <Pair name="Must sign">
        <ul className="flex flex-col gap-1">
          {hold.needs.map((need) => (
            <NeedRow key={needText(need)} need={need} />
          ))}
        </ul>
      </Pair>
      <Pair name="Until">
        <Instant ms={hold.deadline} />
        <span className="text-muted">, then it expires and nothing runs</span>
      </Pair>
    </Pairs>
  );
}

function NeedRow({ need }: { readonly need: NeedView }): ReactNode {
  const { count, have } = need;
  return (
    <li className="flex items-center gap-2">
      <span className={have < count ? "text-warn" : "text-faint"}>
        <Icon name="holds" />
      </span>
      <span>
        {have} of {count}: <strong className="font-medium">{needText(need)}</strong>
      </span>
    </li>
  );
}

function needText({ roles, people, schedules, agents }: NeedView): string {
  const who = [
    ...roles,
    ...people.map((name) => `${name} in person`),
    ...schedules.map((name) => `on duty in ${name}`),
  ];
  return `${who.join(" or ")}${agents ? " (people or agents)" : ""}`;
}

function AnswerRow({ answer }: { readonly answer: AnswerView }): ReactNode {
  return (
    <li className="flex flex-wrap items-center gap-2 py-0.5">
      <WordBadge word={answer.decision} />
      <span>
        <Foreign text={answer.person ?? answer.actor} /> <span className="text-faint">as</span>{" "}
        <Foreign text={answer.actor} mono />
      </span>
      <span className="text-xs text-faint">
        <Age ms={answer.time} />
      </span>
    </li>
  );
}

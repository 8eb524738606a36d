// Who was asked, who has signed, and who else must: seat by seat.

import type { ReactNode } from "react";
import type { AnswerView, HoldView, NeedView } from "../../wire/types/approval-views.ts";
import type { Approval } from "../../wire/types/approvals.ts";
import type { ActionDocument } from "../api/documents.ts";
import { Badge, WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Icon } from "../ui/Icons.tsx";
import { Age, Instant } from "../ui/Instant.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";
import { WithdrawButton } from "./WithdrawButton.tsx";

export function Signatures({ action }: { readonly action: ActionDocument }): ReactNode {
  const { hold, answers } = action;
  if (hold === null && answers.length === 0) return null;
  return (
    <Panel title="Signatures" aside={hold === null ? undefined : <RouteStep hold={hold} />}>
      {hold !== null && <Asked hold={hold} />}
      {answers.length > 0 && (
        <ul aria-label="Answers" className={hold === null ? "" : "mt-3 border-t border-line pt-2.5"}>
          {answers.map((answer) => (
            <AnswerRow key={answer.seq} answer={answer} />
          ))}
        </ul>
      )}
      {hold !== null && <WithdrawButton action={action} hold={hold} />}
    </Panel>
  );
}

function RouteStep({ hold }: { readonly hold: HoldView }): ReactNode {
  return (
    <span>
      route <Foreign text={hold.route} />, step {hold.step + 1} of {hold.steps}
    </span>
  );
}

function Asked({ hold }: { readonly hold: HoldView }): ReactNode {
  const isLast = hold.step + 1 >= hold.steps;
  return (
    <Pairs>
      <Pair name="Must sign">
        <ul aria-label="Who must sign" className="flex flex-col gap-1">
          {hold.needs.map((need, i) => (
            <NeedRow key={i} need={need} />
          ))}
        </ul>
      </Pair>
      {hold.approvals.length > 0 && (
        <Pair name="Signed">
          <ul aria-label="Who has signed" className="flex flex-col gap-1">
            {hold.approvals.map((approval) => (
              <ApprovalRow key={approval.id} approval={approval} />
            ))}
          </ul>
        </Pair>
      )}
      {hold.independentOf.length > 0 && (
        <Pair name="Apart">
          Agents who sign share no {hold.independentOf.join(" and no ")} with the proposer or with each other
        </Pair>
      )}
      <Pair name="Until">
        <Instant ms={hold.deadline} />
        <span className="text-muted">
          {isLast ? ", then it expires and nothing runs" : ", then the next step is asked"}
        </span>
      </Pair>
    </Pairs>
  );
}

function NeedRow({ need }: { readonly need: NeedView }): ReactNode {
  const isMet = need.have >= need.count;
  return (
    <li className="flex items-start gap-2">
      <span className={isMet ? "text-ok" : "text-warn"}>
        <Icon name={isMet ? "check" : "holds"} />
      </span>
      <span>
        {need.count === 1 ? "one" : `${need.count} different`}{" "}
        {need.agents ? "people or agents" : need.count === 1 ? "person" : "people"}: <Foreign text={seatsText(need)} />{" "}
        <Badge tone={isMet ? "ok" : "warn"}>
          {need.have} of {need.count}
        </Badge>
      </span>
    </li>
  );
}

/** `role on-call, or ada, or on duty by platform`. */
function seatsText({ roles, people, schedules }: Pick<NeedView, "roles" | "people" | "schedules">): string {
  const ways = [
    ...roles.map((role) => `role ${role}`),
    ...people,
    ...schedules.map((schedule) => `on duty by ${schedule}`),
  ];
  return ways.length === 0 ? "nobody" : ways.join(", or ");
}

function ApprovalRow({ approval }: { readonly approval: Approval }): ReactNode {
  return (
    <li className="flex flex-wrap items-center gap-2">
      <span className="text-ok">
        <Icon name="check" />
      </span>
      <Foreign text={approval.person ?? approval.id} />
      <span className="text-xs text-faint">
        <Foreign text={approval.roles.join(", ")} /> · <Age ms={approval.at} />
      </span>
    </li>
  );
}

const WORDS: Readonly<Record<string, string>> = { withdraw: "taken back", lapse: "lapsed" };

function AnswerRow({ answer }: { readonly answer: AnswerView }): ReactNode {
  const word = WORDS[answer.decision];
  return (
    <li className="flex flex-wrap items-center gap-2 py-0.5">
      {word === undefined ? <WordBadge word={answer.decision} /> : <Badge>{word}</Badge>}
      <span>
        {answer.person !== null && (
          <>
            <Foreign text={answer.person} /> <span className="text-faint">as</span>{" "}
          </>
        )}
        <Foreign text={answer.actor} mono />
      </span>
      <span className="text-xs text-faint">
        <Age ms={answer.time} />
      </span>
    </li>
  );
}

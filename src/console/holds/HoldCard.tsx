// One hold as it is decided: what, where, why, what would run, what speaks for and against it, and the answer beside it.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useRouteContext } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { ActionFacts } from "../actions/ActionFacts.tsx";
import { BlastRadius } from "../actions/BlastRadius.tsx";
import { Evidence } from "../actions/Evidence.tsx";
import { Outcome } from "../actions/Outcome.tsx";
import { PlanPanel } from "../actions/PlanPanel.tsx";
import { Signatures } from "../actions/Signatures.tsx";
import { Verdicts } from "../actions/Verdicts.tsx";
import type { ActionDocument, Session } from "../api/documents.ts";
import { actionQuery } from "../api/queries.ts";
import { RightsChange } from "../people/RightsChange.tsx";
import { Badge, WordBadge } from "../ui/Badge.tsx";
import { Button, buttonClass } from "../ui/Button.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Icon } from "../ui/Icons.tsx";
import { Countdown } from "../ui/Instant.tsx";
import { ErrorNote, Loading } from "../ui/Panel.tsx";
import { useKeys } from "../ui/use-keys.ts";
import { AnswerDialog, type AnswerKind } from "./AnswerDialog.tsx";
import { BreakGlass } from "./BreakGlass.tsx";
import { isProtected, whyNotEligible } from "./eligibility.ts";
import { FrozenClock } from "./FrozenClock.tsx";

export function HoldCard(): ReactNode {
  const { id } = useParams({ from: "/holds/$id" });
  const { data, error } = useQuery(actionQuery(id));
  if (error !== null && data === undefined) {
    return (
      <div className="p-6">
        <BackToQueue />
        <ErrorNote error={error} />
      </div>
    );
  }
  if (data === undefined) return <Loading what="the hold" />;
  return <Card key={id} action={data} />;
}

function BackToQueue(): ReactNode {
  return (
    <Link
      to="/holds"
      search={(before) => before}
      className="mb-3 inline-flex items-center gap-1 text-xs text-muted hover:text-ink lg:hidden"
    >
      <Icon name="back" /> Holds
    </Link>
  );
}

function Card({ action }: { readonly action: ActionDocument }): ReactNode {
  const { session } = useRouteContext({ from: "__root__" });
  const navigate = useNavigate();
  const [asked, setAsked] = useState<AnswerKind | null>(null);
  const isHeld = action.status === "held" && action.hold !== null;
  const why = isHeld ? whyNotEligible(action, session) : "it is not held any more";
  const mayAnswer = why === null && action.planHash !== null;
  useKeys({
    a: mayAnswer ? () => setAsked("approve") : undefined,
    d: mayAnswer ? () => setAsked("deny") : undefined,
    o: () => void navigate({ to: "/actions/$id", params: { id: action.id } }),
  });
  return (
    <article aria-label={`Hold ${action.id}`} className="flex h-full flex-col">
      <div className="min-h-0 flex-1 overflow-y-auto px-4 py-4 sm:px-6">
        <div className="mx-auto max-w-4xl 2xl:max-w-6xl">
          <Head action={action} />
          <div className="mt-3.5 grid gap-3.5 2xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
            <div className="flex min-w-0 flex-col gap-3.5">
              <ActionFacts action={action} />
              <RightsChange action={action} />
              <PlanPanel action={action} />
              <Verdicts action={action} />
            </div>
            <div className="flex min-w-0 flex-col gap-3.5">
              <BlastRadius action={action} />
              <Signatures action={action} />
              <Evidence action={action} />
              <Outcome action={action} />
            </div>
          </div>
        </div>
      </div>
      <AnswerBar session={session} why={why} isHeld={isHeld} mayAnswer={mayAnswer} action={action} onAsk={setAsked} />
      <AnswerDialog action={action} kind={asked} onClose={() => setAsked(null)} />
    </article>
  );
}

function Head({ action }: { readonly action: ActionDocument }): ReactNode {
  return (
    <header>
      <BackToQueue />
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
        <h2 className="min-w-0 text-lg font-semibold tracking-tight text-ink">
          <Foreign text={action.kind} /> <span className="font-normal text-muted">on</span>{" "}
          <Foreign text={`${action.environment} / ${action.service}`} />
        </h2>
        <WordBadge word={action.status} />
        {isProtected(action) && (
          <Badge tone="warn">
            <Icon name="lock" /> protected
          </Badge>
        )}
      </div>
      <p className="mt-0.5 font-mono text-xs text-faint">
        <Link to="/actions/$id" params={{ id: action.id }} className="hover:text-ink hover:underline">
          {action.id}
        </Link>
      </p>
    </header>
  );
}

type BarProps = {
  readonly action: ActionDocument;
  readonly session: Session;
  readonly isHeld: boolean;
  readonly mayAnswer: boolean;
  readonly why: string | null;
  readonly onAsk: (kind: AnswerKind) => void;
};

function AnswerBar({ action, session, isHeld, mayAnswer, why, onAsk }: BarProps): ReactNode {
  return (
    <footer className="flex shrink-0 flex-wrap items-center gap-x-4 gap-y-2 border-t border-line bg-surface px-4 py-2.5 sm:px-6">
      {isHeld && action.hold !== null && (
        <p className="text-xs">
          {action.hold.frozen === null ? (
            <Countdown until={action.hold.deadline} />
          ) : (
            <FrozenClock frozen={action.hold.frozen} />
          )}
        </p>
      )}
      <p className="min-w-0 flex-1 text-xs text-muted max-sm:basis-full">
        {why === null ? "Your answer covers exactly this plan." : `You cannot answer: ${why}.`}
      </p>
      {isHeld ? (
        <div className="flex flex-wrap gap-2 max-sm:w-full">
          <BreakGlass action={action} session={session} />
          <Button disabled={!mayAnswer} onClick={() => onAsk("deny")} className="max-sm:flex-1" aria-keyshortcuts="d">
            <Icon name="cross" /> Deny …
          </Button>
          <Button
            disabled={!mayAnswer}
            onClick={() => onAsk("approve")}
            className="max-sm:flex-1"
            aria-keyshortcuts="a"
          >
            <Icon name="check" /> Approve …
          </Button>
        </div>
      ) : (
        <Link to="/actions/$id" params={{ id: action.id }} className={buttonClass("plain")}>
          What became of it
        </Link>
      )}
    </footer>
  );
}

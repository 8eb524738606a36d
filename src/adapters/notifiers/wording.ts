// A notification in words: what people read in a message, whatever carries it.

import type {
  Notification,
  NotificationKind,
  NotifiedAction,
  NotifiedAnswer,
  NotifiedBrake,
  NotifiedDomain,
  NotifiedWait,
} from "../../wire/contracts/notifier.ts";
import { findingsText } from "../../wire/types/risk.ts";

/** Controls, and characters that turn or hide text: what an agent wrote must read as it stands. */
// oxlint-disable-next-line no-control-regex -- exactly these are taken out
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

/** Text with what cannot be seen made visible; line ends and tabs stay. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ""}}`);
}

/** The same for a name, which has no business with line ends. */
export function oneLine(text: string): string {
  return visible(text.replace(/\s+/gu, " "));
}

/** `kubernetes.restart on production/cart (deployment/cart)`. */
function subjectOf({ kind, environment, service, resource }: NotifiedAction): string {
  return oneLine(`${kind} on ${environment}/${service}${resource === null ? "" : ` (${resource})`}`);
}

/** One line: what happened, and to what. */
export function headline(notification: Notification): string {
  const { kind, action, brake, domain, actor } = notification;
  if (action !== null) return `${stateOf(notification)}: ${subjectOf(action)}`;
  if (domain !== null) return domainLine(domain);
  if (brake === null) return kind;
  const verb = kind === "brake.applied" ? "applied" : "released";
  return `Kill switch ${verb} by ${actor}: ${brake.mode} of ${scopeText(brake)}`;
}

function domainLine({ environment, service, because }: NotifiedDomain): string {
  const name = environment === null ? "everything" : oneLine(`${environment}/${service ?? ""}`);
  if (because === null) return `Open again to actions: ${name}`;
  return `CLOSED to actions, ${because} could not be taken back: ${name}`;
}

const STATES: Readonly<Record<string, string>> = {
  expired: "Expired",
  cancelled: "Cancelled",
  suppressed: "Suppressed as a duplicate",
  refused: "Refused",
  succeeded: "Done",
  reverted: "Taken back, it was not well",
  failed: "Failed",
  "needs-attention": "Needs attention",
};

const WAITING: { readonly [Kind in NotificationKind]?: string } = {
  "hold.opened": "Waits for approval",
  "hold.escalated": "Escalated, waits for approval",
  "hold.frozen": "Paused by the kill switch, waits for approval",
  "hold.resumed": "Waits for approval again",
  "hold.reminded": "Still waits for approval",
  "hold.withdrawal": "An approval counts no more, waits for approval",
};

function stateOf({ kind, action }: Notification): string {
  if (action === null) return "";
  const waiting = WAITING[kind];
  if (waiting !== undefined) return waiting;
  const answers = action.hold?.answers ?? [];
  const people = oneLine(standing(answers).join(", "));
  if (kind === "glass.broken") return `GLASS BROKEN by ${people}, goes without approval`;
  if (kind === "hold.approval") return `Approved by ${people}, waits for more`;
  if (action.status === "approved") return `Approved by ${people}`;
  if (action.status === "denied") return `Denied by ${oneLine(answers.at(-1)?.person ?? "")}`;
  if (action.awaited !== null && action.status === "expired") return "Expired, what it waited for outside did not come";
  if (action.code === "hold-timeout") return "Expired, nobody answered";
  return STATES[action.status] ?? action.status;
}

/** Whose approval counts, each once: a later word of the same person takes the place of an earlier one. */
function standing(answers: readonly NotifiedAnswer[]): readonly string[] {
  const last = new Map(answers.map(({ person, decision }) => [person, decision]));
  return [...last]
    .filter(([, decision]) => decision === "approve" || decision === "break-glass")
    .map(([person]) => person);
}

const DONE: { readonly [Decision in NotifiedAnswer["decision"]]: string } = {
  approve: "Approved by",
  deny: "Denied by",
  withdraw: "Approval taken back by",
  lapse: "Approval no longer stands:",
  "break-glass": "Glass broken by",
};

/** `Approved by ada, 2026-11-21 09:24 UTC`. */
export function answerLine({ person, decision, time }: NotifiedAnswer): string {
  return `${DONE[decision]} ${oneLine(person)}, ${instant(time)}`;
}

function scopeText({ scope }: NotifiedBrake): string {
  const parts = Object.entries(scope).map(([name, value]) => `${name} ${value}`);
  return oneLine(parts.length === 0 ? "everything" : parts.join(", "));
}

/** `2026-11-21 09:24 UTC`. */
function instant(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** `change-unapproved (outside), since 2026-11-21 09:24 UTC`. */
function awaitedText({ missing, since }: NotifiedWait): string {
  return `${missing === null ? "something outside" : `${oneLine(missing)} (outside)`}, since ${instant(since)}`;
}

/** The facts that people decide by, as pairs of a name and a value. */
export function factsOf(action: NotifiedAction): readonly (readonly [name: string, value: string])[] {
  const {
    environment,
    service,
    agent,
    person,
    reversible,
    undoneBy,
    findings,
    incident,
    hold,
    awaited,
    verdicts,
    code,
  } = action;
  const telling = verdicts.filter(({ verdict }) => verdict !== "pass");
  return [
    ["Environment", oneLine(environment)],
    ["Service", oneLine(service)],
    ["Proposed by", oneLine(person === null || agent === `person:${person}` ? agent : `${agent}, for ${person}`)],
    ["Can be undone", reversible ? `yes${undoneBy === null ? "" : `, by ${oneLine(undoneBy)}`}` : "no"],
    ...(findings === null ? [] : ([["At risk", findingsText(findings)]] as const)),
    ...(incident === null ? [] : ([["Incident", incident]] as const)),
    ...(hold === null
      ? []
      : ([
          ["Asked", `${hold.asks} (route ${hold.route}, step ${hold.step + 1})`],
          ["Until", instant(hold.deadline)],
        ] as const)),
    ...(awaited === null ? [] : ([["Waited for", awaitedText(awaited)]] as const)),
    ...(telling.length === 0
      ? []
      : ([
          ["Verdicts", telling.map(({ gate, verdict, code: why }) => `${verdict}: ${gate} ${why}`).join("; ")],
        ] as const)),
    ...(code === null ? [] : ([["Code", oneLine(code)]] as const)),
  ];
}

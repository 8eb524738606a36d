// Small labels with a tone: statuses, decisions, verdicts, severities.

import type { ReactNode } from "react";

export type Tone = "ok" | "warn" | "bad" | "info" | "plain";

const TONES: Readonly<Record<Tone, string>> = {
  ok: "bg-ok-soft text-ok",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  info: "bg-info-soft text-info",
  plain: "bg-sunken text-muted",
};

const TONE_OF: Readonly<Record<string, Tone>> = {
  allow: "ok",
  approve: "ok",
  pass: "ok",
  succeeded: "ok",
  granted: "ok",
  active: "ok",
  justified: "ok",
  agree: "ok",
  disagree: "bad",
  unsure: "warn",
  owed: "warn",
  overdue: "bad",
  unjustified: "bad",
  run: "ok",
  hold: "warn",
  held: "warn",
  "needs-attention": "bad",
  reconciling: "warn",
  waiting: "warn",
  retrying: "warn",
  "dry-run": "warn",
  medium: "warn",
  open: "bad",
  resolved: "ok",
  proposed: "warn",
  refuse: "bad",
  refused: "bad",
  deny: "bad",
  denied: "bad",
  failed: "bad",
  fail: "bad",
  unknown: "warn",
  pause: "bad",
  revoked: "bad",
  high: "bad",
  sev1: "bad",
  reverting: "warn",
  reverted: "warn",
  verifying: "info",
  executing: "info",
  evaluating: "info",
};

function toneOf(word: string): Tone {
  return TONE_OF[word] ?? "plain";
}

export function Badge({ tone = "plain", children }: { readonly tone?: Tone; readonly children: ReactNode }): ReactNode {
  return (
    <span
      className={`inline-flex items-center gap-1 rounded px-1.5 py-px text-2xs font-medium whitespace-nowrap ${TONES[tone]}`}
    >
      {children}
    </span>
  );
}

/** A word of our own in the tone that it has everywhere. */
export function WordBadge({ word }: { readonly word: string }): ReactNode {
  return <Badge tone={toneOf(word)}>{word}</Badge>;
}

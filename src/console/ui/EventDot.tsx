// What an event did, as a coloured dot beside its name: went on, waits, or was stopped.

import type { ReactNode } from "react";

const TONES: readonly (readonly [RegExp, string])[] = [
  [/denied|refused|expired|cancelled|revoked|unclassified|quarantined|brake\.applied/, "bg-bad-solid"],
  [/held|suppressed|frozen|escalated/, "bg-warn"],
  [/proposed|received|opened|started|classified|planned/, "bg-accent"],
  [/granted|approved|completed|activated|released|resolved|registered/, "bg-ok-solid"],
];

export function EventDot({ type }: { readonly type: string }): ReactNode {
  const tone = TONES.find(([pattern]) => pattern.test(type))?.[1] ?? "bg-strong";
  return <span aria-hidden="true" className={`block size-2 shrink-0 rounded-full ${tone}`} />;
}

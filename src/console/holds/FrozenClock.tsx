// The clock of a hold that a pause has stopped.

import type { ReactNode } from "react";
import type { HoldView } from "../../wire/types/approval-views.ts";
import { countdownText, localText, utcText } from "../text/instants.ts";

type Frozen = NonNullable<HoldView["frozen"]>;

export function FrozenClock({
  frozen,
  short = false,
}: {
  readonly frozen: Frozen;
  readonly short?: boolean;
}): ReactNode {
  const left = countdownText(frozen.remainingMs);
  return (
    <span
      className="font-medium whitespace-nowrap text-info"
      title={`Stopped at ${utcText(frozen.since)} · ${localText(frozen.since)}`}
    >
      {short ? `paused, ${left}` : `clock stopped by a pause with ${left} left`}
    </span>
  );
}

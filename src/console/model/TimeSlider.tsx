// The moment that is looked at: a slider from the oldest that is known of the node until now, and steps from change to change.

import { useEffect, useId, useState, type ReactNode } from "react";
import { serverNow } from "../api/server-clock.ts";
import { utcText } from "../text/instants.ts";
import { Button } from "../ui/Button.tsx";

type Props = {
  /** Instants at which something began to hold, ascending. */
  readonly moments: readonly number[];
  /** Undefined: now. */
  readonly at: number | undefined;
  readonly onChange: (at: number | undefined) => void;
};

/** While it is dragged the graph is not asked for at every pixel. */
const SETTLE_MS = 200;
const STEPS = 1_000;

export function TimeSlider({ moments, at, onChange }: Props): ReactNode {
  const id = useId();
  const [now] = useState(serverNow);
  const end = Math.max(now, at ?? 0);
  const oldest = Math.min(moments[0] ?? end, at ?? end, end - 1_000);
  const step = Math.max(1, Math.floor((end - oldest) / STEPS));
  const [dragged, setDragged] = useState<number | null>(null);
  useEffect(() => {
    if (dragged === null) return undefined;
    const timer = setTimeout(() => {
      setDragged(null);
      // The last step of the slider need not meet its end.
      onChange(dragged > end - step ? undefined : dragged);
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [dragged, end, step, onChange]);
  const shown = dragged ?? at ?? end;
  const text = shown > end - step ? "now" : utcText(shown);
  const earlier = moments.findLast((moment) => moment < shown);
  const later = moments.find((moment) => moment > shown);
  return (
    <div className="flex flex-wrap items-center gap-2">
      <label htmlFor={id} className="text-xs font-medium text-muted">
        As of
      </label>
      <input
        id={id}
        type="range"
        min={oldest}
        max={end}
        step={step}
        value={shown}
        aria-valuetext={text}
        onChange={(event) => setDragged(Number(event.target.value))}
        className="w-56 max-w-full accent-accent"
      />
      <output htmlFor={id} className="font-mono text-xs text-ink">
        {text}
      </output>
      <Button size="sm" disabled={earlier === undefined} onClick={() => onChange(earlier)}>
        Change before
      </Button>
      <Button size="sm" disabled={later === undefined || shown >= end} onClick={() => onChange(later)}>
        Change after
      </Button>
      <Button size="sm" disabled={at === undefined} onClick={() => onChange(undefined)}>
        Now
      </Button>
    </div>
  );
}

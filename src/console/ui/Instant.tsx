// Instants, ages and countdowns on the page, all by the server's clock.

import { useSyncExternalStore, type ReactNode } from "react";
import { serverNow } from "../api/server-clock.ts";
import { countdownText, localText, spanText, utcClock, utcText } from "../text/instants.ts";

let second = Math.floor(Date.now() / 1000);
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  second = Math.floor(serverNow() / 1000);
  timer ??= setInterval(() => {
    second = Math.floor(serverNow() / 1000);
    for (const one of listeners) one();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  };
}

/** The server's time, anew each second. */
function useNow(): number {
  return useSyncExternalStore(subscribe, () => second) * 1000;
}

/** UTC and the reader's own time. */
export function Instant({ ms }: { readonly ms: number }): ReactNode {
  return (
    <time dateTime={new Date(ms).toISOString()}>
      <span className="whitespace-nowrap">{utcText(ms)}</span>{" "}
      <span className="whitespace-nowrap text-faint">({localText(ms)})</span>
    </time>
  );
}

/** `14:03:22`, the rest on hover and for whoever listens. */
export function Clock({ ms }: { readonly ms: number }): ReactNode {
  return (
    <time
      dateTime={new Date(ms).toISOString()}
      title={`${utcText(ms)} · ${localText(ms)}`}
      className="font-mono text-xs whitespace-nowrap"
    >
      {utcClock(ms)}
    </time>
  );
}

export function Age({ ms }: { readonly ms: number }): ReactNode {
  const now = useNow();
  return (
    <time
      dateTime={new Date(ms).toISOString()}
      title={`${utcText(ms)} · ${localText(ms)}`}
      className="whitespace-nowrap"
    >
      {now - ms < 5_000 ? "just now" : `${spanText(now - ms)} ago`}
    </time>
  );
}

const URGENT_MS = 5 * 60_000;

/** Time left until a deadline. */
export function Countdown({ until }: { readonly until: number }): ReactNode {
  const left = until - useNow();
  const tone = left <= 0 ? "text-bad" : left < URGENT_MS ? "text-warn" : "text-muted";
  return (
    <span
      className={`font-medium whitespace-nowrap ${tone}`}
      role="timer"
      title={`${utcText(until)} · ${localText(until)}`}
    >
      {left <= 0 ? "time is up" : `${countdownText(left)} left`}
    </span>
  );
}

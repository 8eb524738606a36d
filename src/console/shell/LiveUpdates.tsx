// Live updates for all pages: follows the stream, and reads again what an event has changed.

import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, use, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { Told } from "../api/documents.ts";
import { readAgain } from "../api/read-again.ts";
import { followEvents, type StreamListener, type StreamPlace, type StreamState } from "../api/event-stream.ts";
import { serverNow } from "../api/server-clock.ts";

type Live = {
  readonly state: StreamState;
  /** When the pages were last known to be up to date, by the server's clock. */
  readonly since: number;
  /** The last event that was told, or -1. */
  readonly seq: number;
};

const LiveContext = createContext<Live>({ state: "connecting", since: 0, seq: -1 });

export function useLive(): Live {
  return use(LiveContext);
}

/** Which queries an event of a family makes old. */
const OLD: Readonly<Record<string, readonly string[]>> = {
  action: ["actions", "approvers", "grants", "reviews", "incidents"],
  agent: ["agents", "levels"],
  brake: ["killswitch", "actions"],
  domain: ["actions", "killswitch"],
  grant: ["actions", "agents", "grants"],
  health: ["actions"],
  hold: ["actions"],
  incident: ["incidents"],
  level: ["agents", "levels"],
  policy: ["policies", "stage"],
  review: ["reviews", "actions"],
  rights: ["people"],
  run: ["incidents"],
  signal: ["incidents"],
  stage: ["stage"],
  step: ["actions", "grants"],
};
/** Many events of one moment are read again once. */
const GATHER_MS = 150;
/** However much happens, an open page begins to ask no more often than this, and once more for what was on its way. */
const APART_MS = 1_000;
/** Without the stream the pages ask by themselves. */
const FALLBACK_MS = 15_000;

export function LiveUpdates({ children }: { readonly children: ReactNode }): ReactNode {
  const queries = useQueryClient();
  const [live, setLive] = useState<Live>({ state: "connecting", since: serverNow(), seq: -1 });
  const isSeen = useIsSeen();
  const place = useRef<StreamPlace>({ last: null });
  useEffect(() => {
    if (!isSeen) return undefined;
    const refresh = gatherer(queries);
    const listener: StreamListener = {
      onState: (state) =>
        setLive((before) => ({ ...before, state, since: before.state === "live" ? serverNow() : before.since })),
      onEvents: (events) => {
        setLive((before) => ({ ...before, seq: events.at(-1)?.seq ?? before.seq }));
        refresh(events);
      },
      onGap: () => readAgain(queries),
      onSignedOut: () => readAgain(queries, { queryKey: ["session"] }),
    };
    return followEvents(listener, place.current);
  }, [queries, isSeen]);
  useFallback(queries, live.state);
  const value = useMemo(() => live, [live]);
  return <LiveContext value={value}>{children}</LiveContext>;
}

/** A page may be out of sight for this long before it lets its stream go. */
const UNSEEN_MS = 20_000;

/**
 * False while nobody can see the page. Browsers open six connections to one host for all its pages: more pages than that,
 * each with a stream, and none could ask for anything.
 */
function useIsSeen(): boolean {
  const [isSeen, setSeen] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onChange = (): void => {
      clearTimeout(timer);
      if (document.visibilityState === "visible") setSeen(true);
      else timer = setTimeout(() => setSeen(false), UNSEEN_MS);
    };
    document.addEventListener("visibilitychange", onChange);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onChange);
    };
  }, []);
  return isSeen;
}

function gatherer(queries: QueryClient): (events: readonly Told[]) => void {
  const old = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let flushedAt = -Infinity;
  const flush = (): void => {
    timer = null;
    flushedAt = performance.now();
    for (const key of old) readAgain(queries, { queryKey: [key] });
    old.clear();
  };
  return (events) => {
    for (const { type } of events) for (const key of OLD[type.split(".")[0] ?? ""] ?? []) old.add(key);
    const waitMs = Math.max(GATHER_MS, flushedAt + APART_MS - performance.now());
    if (old.size > 0) timer ??= setTimeout(flush, waitMs);
  };
}

function useFallback(queries: QueryClient, state: StreamState): void {
  useEffect(() => {
    if (state === "live") {
      readAgain(queries, { predicate: ({ queryKey }) => queryKey[0] !== "ledger" && queryKey[0] !== "session" });
      return undefined;
    }
    const timer = setInterval(
      () => readAgain(queries, { predicate: ({ queryKey }) => queryKey[0] !== "session" }),
      FALLBACK_MS,
    );
    return () => clearInterval(timer);
  }, [queries, state]);
}

// What is remembered of incidents for longer than policy keeps it: nobody is shown it any more, and here it is erased.

import { setImmediate } from "node:timers/promises";
import type { Logger } from "pino";
import type { ViewService } from "../http/services.ts";
import { isKept, type MemoryTerms } from "../policy/memory-terms.ts";
import { VIEW_PAGE_MAX, type ViewPage } from "../wire/contracts/views.ts";
import type { IncidentView } from "../wire/types/incident-views.ts";
import type { Core } from "./core.ts";
import type { LedgerReads } from "./ledger-reads.ts";

const EVERY_MS = 3_600_000;
const AGAIN_MS = 10_000;

type Needs = {
  readonly core: Core;
  readonly views: ViewService;
  readonly ledger: Pick<LedgerReads, "expire">;
  readonly log: Logger;
};

/** At once and every hour, sooner where it could not be done. Gives what ends it. */
export function keepForgetting(needs: Needs): () => Promise<void> {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let last: Promise<void>;
  const forget = async (): Promise<void> => {
    const isDone = await tryToForget(needs, stopping.signal);
    if (!stopping.signal.aborted) timer = setTimeout(() => void (last = forget()), isDone ? EVERY_MS : AGAIN_MS);
  };
  last = forget();
  return () => {
    stopping.abort();
    clearTimeout(timer);
    return last;
  };
}

async function tryToForget(needs: Needs, signal: AbortSignal): Promise<boolean> {
  try {
    const count = await eraseExpired(needs, signal);
    if (count > 0) needs.log.info({ count }, "what explained incidents is erased: its time is over");
    return true;
  } catch (error) {
    needs.log.warn({ err: error }, "what is over could not be erased, and will be tried again");
    return false;
  }
}

/** Gives of how many incidents it is erased now. */
async function eraseExpired({ core, views, ledger }: Needs, signal: AbortSignal): Promise<number> {
  const { kernel, bundles } = core;
  const { bundleHash } = kernel.state;
  // Erasing cannot be taken back: while the policy in force cannot be read, nothing is over.
  const terms = bundleHash === null ? undefined : bundles.get(bundleHash)?.memory;
  if (terms === undefined) return 0;
  await views.caughtUp();
  let erased = 0;
  for (let cursor: string | null = ""; cursor !== null && !signal.aborted;) {
    const query = { filters: {}, cursor: cursor === "" ? null : cursor, limit: VIEW_PAGE_MAX };
    const page: ViewPage<IncidentView> = views.reader.list("incidents", query);
    // By the ledger's time, which a wall clock that jumped ahead does not move.
    const spans = page.items.flatMap((incident) => expiredIn(incident, terms, kernel.state.time));
    if (spans.length > 0) await ledger.expire(spans);
    erased += spans.length;
    cursor = page.next;
    await setImmediate(); // pages are read in the thread that decides
  }
  return erased;
}

/** Where what explained it stands in the ledger: it may have ended more than once, the last time the newest. */
function expiredIn({ id, seq, explained, erased, resolvedAt }: IncidentView, terms: MemoryTerms, nowMs: number) {
  if (explained === null || erased.includes("evidence") || isKept(terms, { resolvedAt }, nowMs)) return [];
  return [{ subject: id, retention: "evidence", from: seq, to: explained.evidenceSeq + 1 }];
}

// Requests that wait for an action to get somewhere (`Prefer: wait`, RFC 7240), each told of the action's durable events.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { EventHeader } from "../wire/types/event.ts";
import type { ActionView } from "../wire/types/views.ts";
import { readView } from "./listing.ts";
import type { Services } from "./services.ts";

/** Requests that wait at once; one more is answered without waiting. */
const WAITING_MAX = 512;
/** Shorter than what proxies commonly bear. */
const WAIT_S_MAX = 30;

type Wait = { readonly told: Promise<void>; end(): void };

export class ActionWaits {
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;
  #isClosed = false;

  publish(events: readonly Pick<EventHeader, "subject">[]): void {
    if (this.#count === 0) return;
    for (const { subject } of events) for (const wake of this.#waiting.get(subject) ?? []) wake();
  }

  /** Told of the next durable event of `subject`, or when the time is up; null where too many wait. */
  next(subject: string, timeoutMs: number): Wait | null {
    if (this.#isClosed || this.#count >= WAITING_MAX) return null;
    let end = (): void => undefined;
    const told = new Promise<void>((resolve) => {
      const those = this.#waiting.get(subject) ?? new Set();
      const timer = setTimeout(() => end(), timeoutMs);
      end = () => {
        if (!those.delete(end)) return;
        clearTimeout(timer);
        this.#count--;
        if (those.size === 0) this.#waiting.delete(subject);
        resolve();
      };
      this.#waiting.set(subject, those.add(end));
      this.#count++;
    });
    return { told, end };
  }

  /** Everybody is answered now, and nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    for (const those of [...this.#waiting.values()]) for (const end of [...those]) end();
  }
}

type Waited = { readonly id: string; readonly isThere: (action: ActionView) => boolean; readonly waitMs: number };

/** The action as soon as it is where it is waited for, or as it is when the time is up. */
export async function waitFor(services: Services, { id, isThere, waitMs }: Waited): Promise<ActionView> {
  const until = services.nowMs() + waitMs;
  for (;;) {
    const leftMs = until - services.nowMs();
    // Before the look: what happens between the two is told.
    const wait = leftMs > 0 ? services.waits.next(id, leftMs) : null;
    try {
      const action = await readView(services, { view: "actions", id, code: "action-not-found" });
      if (wait === null || isThere(action)) return action;
      await wait.told;
    } finally {
      wait?.end();
    }
  }
}

/** How long `Prefer: wait=N` asks to wait, in milliseconds; 0 where nothing does. Says so in the answer. */
export function waitMsOf(request: FastifyRequest, reply: FastifyReply): number {
  const header = request.headers["prefer"];
  const text = Array.isArray(header) ? header.join() : (header ?? "");
  const [, seconds] = /(?:^|[,;]\s*)wait\s*=\s*"?([0-9]{1,6})"?\s*(?:$|[,;])/i.exec(text) ?? [];
  if (seconds === undefined) return 0;
  const waitS = Math.min(Number(seconds), WAIT_S_MAX);
  reply.header("preference-applied", `wait=${waitS}`);
  return waitS * 1_000;
}

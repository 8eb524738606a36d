// A configured notifier as the exporter drives it: what is of no concern or came too late is passed over, and while the
// notifier fails, another one tells people instead.

import type { Clock } from "../../core/clock.ts";
import type { Batch, Delivery, Transport } from "../../wire/contracts/export.ts";
import type { Notification, NotificationKind, Notifier, Told } from "../../wire/contracts/notifier.ts";
import type { NotifierConfig } from "../../wire/schemas/notifiers-config.ts";

const RECORDS_MAX = 20;
/** While another one stands in for it, a notifier that fails is tried again this often. */
const AGAIN_MS = 30_000;

export interface WayParts {
  readonly config: NotifierConfig;
  readonly notifier: Notifier;
  readonly fallback: Notifier | null;
  readonly clock: Clock;
  /** Told whenever the fallback told people instead. */
  readonly onFallback: (code: string) => void;
}

export function createWay(parts: WayParts): Transport<Notification> {
  const way = new Way(parts);
  return { recordsMax: RECORDS_MAX, deliver: (batch, signal) => way.deliver(batch, signal) };
}

const QUESTIONS: ReadonlySet<NotificationKind> = new Set([
  "hold.opened",
  "hold.escalated",
  "hold.resumed",
  "hold.reminded",
]);

/** What notifier and fallback each want remembered. */
type Memo = { readonly own: string | null; readonly fallback: string | null };

class Way {
  readonly #parts: WayParts;
  #failing: { readonly sinceMs: number; readonly told: Extract<Told, { kind: "failed" }> } | null = null;
  #triedAtMs = 0;

  constructor(parts: WayParts) {
    this.#parts = parts;
  }

  /** One after the other, up to the first that gets through neither way. */
  async deliver({ records, memo: text }: Batch<Notification>, signal: AbortSignal): Promise<Delivery> {
    let memo = parseMemo(text);
    let rejected = 0;
    for (const [accepted, notification] of records.entries()) {
      const told = this.#isPassedOver(notification) ? null : await this.#tell(notification, memo, signal);
      if (told?.kind === "failed") {
        const failure = { code: told.code, retryAfterMs: told.retryAfterMs };
        return { accepted, rejected, memo: JSON.stringify(memo), failure };
      }
      if (told?.kind === "refused") rejected++;
      if (told?.kind === "told") memo = told.memo;
    }
    return { accepted: records.length, rejected, memo: JSON.stringify(memo), failure: null };
  }

  #isPassedOver({ kind, action }: Notification): boolean {
    const { tells, routes, environments } = this.#parts.config;
    if (tells !== undefined && !tells.includes(kind)) return true;
    if (action === null) return false;
    if (routes !== undefined && !routes.includes(action.hold?.route ?? "")) return true;
    if (environments !== undefined && !environments.includes(action.environment)) return true;
    // Nobody can answer it any more: its end is told next.
    return QUESTIONS.has(kind) && action.hold !== null && action.hold.deadline <= this.#parts.clock.nowMs();
  }

  async #tell(notification: Notification, memo: Memo, signal: AbortSignal): Promise<Ended> {
    const { notifier, fallback, clock, config } = this.#parts;
    const nowMs = clock.monotonicMs();
    const failing = this.#failing;
    const isOut = fallback !== null && failing !== null && nowMs - failing.sinceMs >= config.fallbackAfterMs;
    if (isOut && nowMs - this.#triedAtMs < AGAIN_MS) {
      return this.#tellInstead({ notification, memo, before: failing.told }, signal);
    }
    this.#triedAtMs = nowMs;
    const told = await notifier.notify(notification, memo.own, signal);
    if (told.kind === "told") {
      this.#failing = null;
      return { kind: "told", memo: { ...memo, own: told.memo } };
    }
    const leftMs = this.#leftMs(told);
    if (fallback === null) return told;
    if (told.kind === "failed" && leftMs > 0) {
      return { ...told, retryAfterMs: Math.min(told.retryAfterMs ?? 0, leftMs) };
    }
    return this.#tellInstead({ notification, memo, before: told }, signal);
  }

  /** How long it may still fail before the fallback is told. */
  #leftMs(told: NotTold): number {
    if (told.kind === "refused") this.#failing = null;
    if (told.kind === "refused") return 0;
    const nowMs = this.#parts.clock.monotonicMs();
    this.#failing = { sinceMs: this.#failing?.sinceMs ?? nowMs, told };
    return this.#parts.config.fallbackAfterMs - (nowMs - this.#failing.sinceMs);
  }

  /** `before` is what the notifier itself said: it stands where the other cannot tell it either. */
  async #tellInstead(
    {
      notification,
      memo,
      before,
    }: { readonly notification: Notification; readonly memo: Memo; readonly before: NotTold },
    signal: AbortSignal,
  ): Promise<Ended> {
    const told = await this.#parts.fallback?.notify(notification, memo.fallback, signal);
    if (told?.kind !== "told") return before;
    this.#parts.onFallback(before.code);
    return { kind: "told", memo: { ...memo, fallback: told.memo } };
  }
}

type NotTold = Exclude<Told, { kind: "told" }>;
type Ended = NotTold | { readonly kind: "told"; readonly memo: Memo };

/** What is no memo of this shape is forgotten: a notifier may then tell something a second time. */
function parseMemo(text: string | null): Memo {
  try {
    const value: unknown = JSON.parse(text ?? "null");
    const { own, fallback } = (value ?? {}) as Record<string, unknown>;
    return { own: typeof own === "string" ? own : null, fallback: typeof fallback === "string" ? fallback : null };
  } catch {
    return { own: null, fallback: null };
  }
}

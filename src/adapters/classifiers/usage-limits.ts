// What a model may use per hour and day, in requests, tokens and money: reserved before a call, settled after it.

import type { Clock } from "../../core/clock.ts";
import type { TokenUsage } from "../../wire/contracts/classifier.ts";
import type { ModelConfig, ModelLimits } from "../../wire/schemas/classifier-config.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Spend is counted in millionths: tokens times the price of a million of them. */
type Amount = { readonly requests: number; readonly tokens: number; readonly spendMicro: number };

type Period = { readonly lengthMs: number; index: number; used: Amount };

export interface Reservation {
  /** Null when nobody knows what was used: then all that was reserved counts. */
  settle(usage: TokenUsage | null): void;
}

const NOTHING: Amount = { requests: 0, tokens: 0, spendMicro: 0 };

/** Counts from the start of the process. Calls at the same time each hold what they may come to use. */
export class UsageLimits {
  readonly #limits: ModelLimits;
  readonly #price: ModelConfig["price"];
  readonly #clock: Clock;
  readonly #hour: Period = { lengthMs: HOUR_MS, index: -1, used: NOTHING };
  readonly #day: Period = { lengthMs: DAY_MS, index: -1, used: NOTHING };

  constructor({ limits, price }: Pick<ModelConfig, "limits" | "price">, clock: Clock) {
    this.#limits = limits;
    this.#price = price;
    this.#clock = clock;
  }

  /** Null when a limit would be passed if the call used all of `most`. */
  reserve(most: TokenUsage): Reservation | null {
    const held = this.#amountOf(most);
    for (const period of [this.#hour, this.#day]) this.#turn(period);
    if (!this.#fits(held)) return null;
    for (const period of [this.#hour, this.#day]) period.used = replace(period.used, NOTHING, held);
    const indexes = [this.#hour.index, this.#day.index] as const;
    return {
      settle: (usage) => {
        if (usage === null) return;
        const used = this.#amountOf(usage);
        // Only where the period is still the one that holds the reservation.
        if (this.#hour.index === indexes[0]) this.#hour.used = replace(this.#hour.used, held, used);
        if (this.#day.index === indexes[1]) this.#day.used = replace(this.#day.used, held, used);
      },
    };
  }

  #turn(period: Period): void {
    const index = Math.floor(this.#clock.nowMs() / period.lengthMs);
    // A clock that steps back does not open a period again.
    if (index <= period.index) return;
    period.index = index;
    period.used = NOTHING;
  }

  #fits(held: Amount): boolean {
    const { requestsPerHour, tokensPerHour, tokensPerDay, spendPerHour, spendPerDay } = this.#limits;
    const [hour, day] = [this.#hour.used, this.#day.used];
    return (
      hour.requests + held.requests <= (requestsPerHour ?? Infinity) &&
      hour.tokens + held.tokens <= (tokensPerHour ?? Infinity) &&
      day.tokens + held.tokens <= (tokensPerDay ?? Infinity) &&
      hour.spendMicro + held.spendMicro <= (spendPerHour ?? Infinity) * 1_000_000 &&
      day.spendMicro + held.spendMicro <= (spendPerDay ?? Infinity) * 1_000_000
    );
  }

  #amountOf({ inputTokens, outputTokens }: TokenUsage): Amount {
    const spendMicro = inputTokens * this.#price.input + outputTokens * this.#price.output;
    return { requests: 1, tokens: inputTokens + outputTokens, spendMicro };
  }
}

function replace(all: Amount, held: Amount, used: Amount): Amount {
  return {
    requests: all.requests - held.requests + used.requests,
    tokens: all.tokens - held.tokens + used.tokens,
    spendMicro: all.spendMicro - held.spendMicro + used.spendMicro,
  };
}

// What an agent makes of what it sees: by rules of its own, or by asking a model. Either way it only proposes.

import { z } from "zod";

export interface Seen {
  readonly cartMemoryShare: number;
  readonly gatewayErrorShare: number;
  readonly gatewayLatencyMs: number;
}

export interface Thought {
  readonly operation: string;
  readonly service: string;
  readonly body: Readonly<Record<string, number>>;
  readonly reason: string;
}

export interface Mind {
  /** `provider/name@version`, as the agent signs it. */
  readonly model: string;
  readonly prompt: string;
  /** Null where there is nothing to do. */
  think(seen: Seen): Promise<Thought | null>;
}

const PURPOSES = {
  healer:
    "You watch the memory of the shop's cart. Restart it (operation restart-cart, service cart) before it is full.",
  tuner: "You keep the shop fast. You may set catalogTimeoutMs (operation configure-gateway, service gateway).",
} as const;
export type AgentName = keyof typeof PURPOSES;

const FULL = 0.75;
const SLOW_MS = 10;
const WELL = 0.02;

export function rulesMind(name: AgentName): Mind {
  const think = name === "healer" ? heal : tune;
  return { model: "rules/remediation@1", prompt: PURPOSES[name], think: (seen) => Promise.resolve(think(seen)) };
}

function heal({ cartMemoryShare }: Seen): Thought | null {
  if (!(cartMemoryShare > FULL)) return null;
  const reason = `the cart uses ${percent(cartMemoryShare)} of its memory, and it only grows`;
  return { operation: "restart-cart", service: "cart", body: {}, reason };
}

/** A plausible thought, and a wrong one: the catalog takes some 20 ms, so that nearly no page would have its products. */
function tune({ gatewayLatencyMs, gatewayErrorShare }: Seen): Thought | null {
  if (!(gatewayErrorShare < WELL && gatewayLatencyMs > SLOW_MS)) return null;
  const reason = `pages take ${gatewayLatencyMs.toFixed(0)} ms; waiting 5 ms for the catalog at most makes them fast`;
  return { operation: "configure-gateway", service: "gateway", body: { catalogTimeoutMs: 5 }, reason };
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

const answerSchema = z.strictObject({
  propose: z
    .strictObject({
      operation: z.string().max(64),
      service: z.string().max(64),
      body: z.record(z.string().max(64), z.number()),
      reason: z.string().max(500),
    })
    .nullable(),
});
const completionSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});

const FORM =
  'Answer with JSON alone: {"propose": null}, or {"propose": {"operation", "service", "body": {name: number}, "reason"}}.';

export interface ModelPlace {
  /** Of an OpenAI-compatible server: `http://127.0.0.1:11434/v1`. */
  readonly url: string;
  readonly name: string;
  readonly key: string | undefined;
}

/** Whatever the model says, it is a proposal: what it may do is not decided here. An unreadable answer is none. */
export function modelMind(agent: AgentName, { url, name, key }: ModelPlace): Mind {
  const prompt = `${PURPOSES[agent]} ${FORM}`;
  const think = async (seen: Seen): Promise<Thought | null> => {
    const response = await fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({
        model: name,
        temperature: 0,
        messages: [
          { role: "system", content: prompt },
          { role: "user", content: JSON.stringify(seen) },
        ],
      }),
      signal: AbortSignal.timeout(60_000),
    });
    const completion = completionSchema.safeParse(await response.json());
    return completion.success ? readThought(completion.data.choices[0]?.message.content ?? "") : null;
  };
  return { model: `openai-compatible/${name}@1`, prompt, think };
}

function readThought(content: string): Thought | null {
  try {
    return answerSchema.parse(JSON.parse(content)).propose;
  } catch {
    return null;
  }
}

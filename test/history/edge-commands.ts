// What the edge puts on record by itself: a person signs in and out again, some are refused, a heartbeat is asked for.

import type { Command } from "../../src/kernel/command.ts";

export function edgeCommands(n: number, nowMs: number): readonly Command[] {
  const of = { session: `session:${n}`, identity: "person:p-ada" };
  const issuer = n % 2 === 0 ? null : "corp";
  const opened = { ...of, issuer, roles: ["on-call"], expiresAt: nowMs + 1 };
  const counts = { "token-invalid": 3 };
  return [
    { type: "prove-heartbeat", actor: "system:heartbeat", input: {} },
    { type: "open-session", actor: of.identity, input: opened },
    { type: "end-session", actor: "system:http", input: { ...of, code: n % 3 === 0 ? "signed-out" : "idle" } },
    { type: "count-refusals", actor: "system:http", input: { minute: 1, source: "am", counts } },
  ];
}

// kill -9 ten thousand times (SOAK_KILLS), as the end-to-end test does it a hundred times.

import assert from "node:assert/strict";
import { it } from "node:test";
import { runKills, type KillReport } from "../e2e/kill-rounds.ts";

const SECONDS = Number(process.env["SOAK_SECONDS"] ?? 30);
/** A number of kills to reach, whatever time it takes; without it, as many as the seconds allow. */
const KILLS = Number(process.env["SOAK_KILLS"] ?? 0);
const KILLS_OF_SERVER = 25;
/** Servers that are killed side by side. */
const SERVERS = Number(process.env["SOAK_SERVERS"] ?? 2);

it("kills at random moments lose nothing that was accepted and page nobody twice", async (t) => {
  const end = Date.now() + SECONDS * 1_000;
  const reports: KillReport[] = [];
  const sum = (what: keyof KillReport): number => reports.reduce((total, report) => total + report[what], 0);
  let hasFailed = false;
  const isOver = (): boolean => hasFailed || (KILLS > 0 ? sum("kills") >= KILLS : Date.now() >= end);
  const lines = Array.from({ length: SERVERS }, async (_, n) => {
    for (let i = 0; !isOver(); i++) reports.push(await runKills(KILLS_OF_SERVER, `server-${n}-${i}`));
  });
  for (const line of lines) line.catch(() => (hasFailed = true)); // the others end what they began, and no more
  const ends = await Promise.allSettled(lines);
  for (const ended of ends) if (ended.status === "rejected") throw ended.reason;
  const kills = sum("kills");
  const facts = { kills, acknowledged: sum("acknowledged"), unknown: sum("unknown"), pages: sum("pages") };
  t.diagnostic(JSON.stringify({ ...facts, tickets: sum("tickets"), leftToPeople: sum("leftToPeople") }));
  assert.ok(kills >= KILLS && sum("acknowledged") > 0 && sum("unknown") > 0);
});

// kill -9 at random moments under load: no accepted signal is lost, nobody is paged twice, the ledger verifies.

import assert from "node:assert/strict";
import { it } from "node:test";
import { runKills } from "./kill-rounds.ts";

const KILLS = Number(process.env["KILLS"] ?? 100);
const SERVERS = 2;

it(`${KILLS} kills at random moments lose nothing that was accepted and page nobody twice`, async (t) => {
  const each = Math.ceil(KILLS / SERVERS);
  const reports = await Promise.all(Array.from({ length: SERVERS }, (_, n) => runKills(each, `server-${n}`)));
  for (const report of reports) {
    t.diagnostic(JSON.stringify(report));
    // Kills that hit nothing prove nothing.
    assert.ok(report.acknowledged > each / 2, "much was accepted");
    assert.ok(report.unknown > each / 20, "kills cut requests");
    assert.ok(report.pages > 0);
    assert.ok(report.leftToPeople <= report.tickets / 10, "what a crash cut is found out");
  }
});

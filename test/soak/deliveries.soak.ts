// Ten thousand deliveries at once from a source of every kind: all are answered, each failure is triaged once.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { SOURCE_KINDS, type SourceKind } from "../../src/wire/types/source-kinds.ts";
import { metric, startServer, type Answer } from "../http/fixture.ts";
import { CHANGES, FAILURES, openSender, vectorNow, type Sender } from "../http/senders.ts";

const DELIVERIES = Number(process.env["SOAK_DELIVERIES"] ?? 10_000);
const AT_ONCE = 250;
/** So many services; where the vendor's own identity of an alert names none, all of it is one alert. */
const SERVICES = 100;
const KINDS = (Object.keys(SOURCE_KINDS) as SourceKind[]).filter((kind) => kind !== "otlp"); // many records in one request

const senders = new Map<SourceKind, Sender>();
let server: Awaited<ReturnType<typeof startServer>>;

before(async () => {
  server = await startServer({ settings: "limits: { signals: { burst: 100000, perSecond: 100000 } }" });
  for (const kind of KINDS) senders.set(kind, openSender(server, kind));
  await new Promise((resolve) => setTimeout(resolve, 1100)); // sources are looked at again within a second
});
after(() => server.stop());

const results = ({ json }: Answer): unknown[] =>
  ((json?.["signals"] ?? []) as unknown as readonly JsonObject[]).map(({ result }) => result);

for (const kind of KINDS) {
  it(`${DELIVERIES} deliveries of ${kind} are all taken, and none is triaged twice`, async (t) => {
    const sender = senders.get(kind);
    assert.ok(sender);
    const isChange = kind === "github" || kind === "argocd";
    const [name] = isChange ? CHANGES[kind] : FAILURES[kind];
    const bodies = Array.from({ length: SERVICES }, (_, i) => {
      const { payload, headers = {} } = vectorNow(name, { service: `${kind}-many-${i}` });
      return { bytes: sender.bytesOf(payload), headers };
    });
    const from = server.running.kernel.durableSize;
    const counts = new Map<unknown, number>();
    let sent = 0;
    const worker = async (): Promise<void> => {
      for (let i = sent++; i < DELIVERIES; i = sent++) {
        const body = bodies[i % SERVICES];
        assert.ok(body);
        const answer: Answer = await sender.send(body.bytes, { headers: body.headers });
        assert.equal(answer.status, 202, answer.text);
        for (const result of results(answer)) counts.set(result, (counts.get(result) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    const events = server.running.kernel.durableSize - from;
    t.diagnostic(JSON.stringify({ kind, events, ...Object.fromEntries(counts) }));
    const perDelivery = [...counts.values()].reduce((sum, count) => sum + count, 0) / DELIVERIES;
    assert.ok(perDelivery >= 1 && Number.isInteger(perDelivery));
    const news = DELIVERIES * perDelivery - (counts.get("known") ?? 0);
    assert.ok(news > 0 && news <= SERVICES * perDelivery, "what is sent again is known");
    assert.ok((counts.get("triaged") ?? counts.get("recorded") ?? 0) > 0);
    assert.ok(events < 30 * SERVICES * perDelivery, "the log grows by failures, not by deliveries");
    assert.equal(await metric(server, `holdpoint_deliveries_refused_total{source="${kind}",code="overloaded"}`), 0);
  });
}

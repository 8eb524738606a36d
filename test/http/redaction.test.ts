// What the configuration says about IP addresses in signals, on a running server.

import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { after, before, it } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { delivery, startServer } from "./fixture.ts";

let server: Awaited<ReturnType<typeof startServer>>;
before(async () => {
  server = await startServer({ settings: "signals: { redact: { ipAddresses: true } }" });
});
after(() => server.stop());

it("addresses go where signals.redact.ipAddresses says so, from every source whose mapping says nothing else", async () => {
  const alert = {
    labels: { alertname: "CartDown", environment: "production", service: "cart", instance: "10.1.2.3:9100" },
    annotations: { description: "10.1.2.3 and 2001:db8::7 refuse ada@example.com" },
    startsAt: new Date().toISOString(),
  };
  const { json } = await server.ask("/v1/signals/alertmanager", {
    as: `Bearer ${server.secret}`,
    body: delivery(alert),
  });
  const [delivered] = (json?.["signals"] ?? []) as JsonObject[];
  const as = await server.bearer("ada", ["signals:read", "payloads:read"]);
  const read = () => server.ask(`/v1/signals/${delivered?.["id"] as string}`, { as });
  let answer = await read();
  for (let tries = 0; answer.status === 404 && tries < 2_000; tries++) {
    await setTimeout(50);
    answer = await read();
  }
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /\[redacted:ip\] and \[redacted:ip\] refuse \[redacted:email\]/);
  assert.match(answer.text, /"instance":"\[redacted:ip\]:9100"/);
  assert.doesNotMatch(answer.text, /10\.1\.2\.3|2001:db8/);
});

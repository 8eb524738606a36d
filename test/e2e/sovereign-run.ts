// Run inside a network namespace by sovereignty.test.ts: one alert through a whole server, and what left the machine.
// The only way out is an interface that leads nowhere and counts; name servers on loopback are played here.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import type { RunView } from "../../src/wire/types/views.ts";
import { PROVIDERS, SECRETS, startModel, type Provider } from "../classifiers/model-stand-ins.ts";
import { eventually, ROUTING_KEY, TestServer } from "./server.ts";

const OUTSIDE = "out0";
const compatible = PROVIDERS.find(({ name }) => name.startsWith("an OpenAI")) as Provider;

function packetsSent(): number {
  const line = readFileSync("/proc/net/dev", "utf8")
    .split("\n")
    .find((text) => text.trim().startsWith(`${OUTSIDE}:`));
  assert.ok(line !== undefined, `there is no ${OUTSIDE}`);
  // Eight columns of receiving, then bytes and packets sent: proc_net_dev(5).
  return Number(line.split(":")[1]?.trim().split(/\s+/)[9]);
}

/** Questions to name servers that this machine would find on its own loopback. */
async function countQuestions(): Promise<() => number> {
  let questions = 0;
  const servers = [...readFileSync("/etc/resolv.conf", "utf8").matchAll(/^nameserver\s+(127\.[\d.]+)/gm)];
  for (const [, address] of servers) {
    const socket = createSocket("udp4", () => questions++);
    await new Promise<void>((resolve) => socket.bind(53, address, resolve));
    socket.unref();
  }
  return () => questions;
}

/** A call as careless code would make it, to see that it would be seen. */
async function careless(url: string): Promise<void> {
  await fetch(url, { signal: AbortSignal.timeout(1_500) }).catch(() => undefined);
}

async function alertThrough(classifier: object): Promise<{ run: RunView; pages: number }> {
  const pagerduty = await startPagerduty({ routingKeys: [ROUTING_KEY] });
  const server = await TestServer.create({
    executors: { pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] } },
    classifier,
  });
  try {
    server.keepSecret("vllm/api-key", SECRETS["vllm/api-key"] ?? "");
    await server.start();
    assert.equal((await server.send([{ service: "cart", startsAt: new Date().toISOString() }])).status, 202);
    const run = await eventually("a page", async () => {
      const { items } = (await server.call("GET", "/v1/runs")).body as { items: RunView[] };
      return items.find(({ verdict }) => verdict === "paged");
    });
    return { run, pages: pagerduty.incidents.length };
  } finally {
    await server.remove();
    await pagerduty.close();
  }
}

async function report(): Promise<object> {
  const questions = await countQuestions();
  const before = packetsSent();
  const left = (): number => packetsSent() - before + questions();
  const rules = await alertThrough({});
  const afterRules = left();
  const model = await startModel(compatible);
  const named = await alertThrough({ chain: [compatible.config(model.url)] });
  await model.close();
  const afterModel = left();
  await careless("http://192.0.2.1/");
  const afterAddress = left();
  await careless("http://holdpoint-nobody.example/");
  return {
    rules: { provider: rules.run.classifier?.provider, pages: rules.pages, left: afterRules },
    model: {
      provider: named.run.classifier?.provider,
      pages: named.pages,
      asked: model.received.length,
      complaints: model.complaints,
      left: afterModel,
    },
    careless: { address: afterAddress - afterModel, name: left() - afterAddress },
  };
}

// The lookup of a name that nobody answers would keep the process for as long as it is asked again.
process.stdout.write(`${JSON.stringify(await report())}\n`, () => process.exit(0));

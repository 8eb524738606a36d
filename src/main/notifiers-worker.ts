// The notifiers thread: every notifier reads the durable log behind its head and tells people, each at its own pace. A
// backlog of exports does not keep anybody from being asked: those have a thread of their own.

import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { createEgress } from "../adapters/egress/egress.ts";
import { positionFile } from "../adapters/exports/position-file.ts";
import { createNotifierTransport } from "../adapters/notifiers/registry.ts";
import { assert } from "../core/assert.ts";
import { Exporter } from "../history/exporter.ts";
import { positionsFrom, NotificationSource } from "../history/notification-source.ts";
import type { DeliveryReport, DeliveryRequest, NotifiersData } from "./delivery-protocol.ts";
import { loadKeys } from "./keys.ts";
import { openReader } from "./open-store.ts";
import { readRecordedPayload } from "./recorded-payload.ts";
import { openSecrets } from "./secrets.ts";
import { systemClock } from "./system.ts";

/** Runs until it is asked to stop; what opening the store threw ends the thread. */
async function notifyAll(data: NotifiersData, port: MessagePort): Promise<void> {
  const { place, credentials, notifiers, beginAt, allow, publicUrl } = data;
  const stop = new AbortController();
  const report = (what: DeliveryReport): void => port.postMessage(what);
  port.on("message", (_request: DeliveryRequest) => stop.abort());
  const reader = await openReader(place);
  const keys = await loadKeys(reader, place.dataDir);
  const { origin } = keys;
  const shared = {
    notifiers,
    publicUrl,
    egress: createEgress({ allow }),
    credentials: openSecrets({ dataDir: place.dataDir, credentials }),
    clock: systemClock,
  };
  const payload = (seq: number) => readRecordedPayload(reader, keys, seq);
  const runs = Object.entries(notifiers).map(([name, { content }]) => {
    const onFallback = (code: string): void => report({ type: "fallback", name, code });
    const exporter = new Exporter({
      name,
      origin,
      source: new NotificationSource({ reader, origin, payload, content }),
      transport: createNotifierTransport({ ...shared, name, onFallback }),
      positions: positionsFrom(positionFile(join(place.dataDir, "notifiers", `${name}.json`)), { origin, beginAt }),
      sleep,
      onStatus: (status) => report({ type: "status", status }),
    });
    return exporter.run(stop.signal);
  });
  await Promise.all(runs);
  await reader.close();
  report({ type: "stopped" });
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}

assert(parentPort !== null, "notifiers run in a worker thread");
await notifyAll(workerData as NotifiersData, parentPort);

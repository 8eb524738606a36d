// The exports thread: every exporter reads the durable log behind its head and delivers, each at its own pace. It takes
// nothing from the threads that decide but processor time that they leave.

import { randomUUID } from "node:crypto";
import os from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { createEgress } from "../adapters/egress/egress.ts";
import { positionFile } from "../adapters/exports/position-file.ts";
import { createTransport } from "../adapters/exports/registry.ts";
import { assert } from "../core/assert.ts";
import { ExportSource } from "../history/export-source.ts";
import { Exporter } from "../history/exporter.ts";
import type { DeliveryReport, DeliveryRequest, ExportsData } from "./delivery-protocol.ts";
import { loadKeys } from "./keys.ts";
import { openReader } from "./open-store.ts";
import { readRecordedPayload } from "./recorded-payload.ts";
import { openSecrets } from "./secrets.ts";
import { systemClock } from "./system.ts";
import { VERSION } from "./version.ts";

const NICENESS = 19; // on Linux of this thread alone: decisions come first

/** Runs until it is asked to stop; what opening the store threw ends the thread. */
async function exportAll({ place, credentials, exporters, allow }: ExportsData, port: MessagePort): Promise<void> {
  const stop = new AbortController();
  port.on("message", (_request: DeliveryRequest) => stop.abort());
  const reader = await openReader(place);
  const keys = await loadKeys(reader, place.dataDir);
  const shared = {
    dataDir: place.dataDir,
    egress: createEgress({ allow }),
    credentials: openSecrets({ dataDir: place.dataDir, credentials }),
    clock: systemClock,
    sleep,
    version: VERSION,
    channel: randomUUID(),
  };
  const runs = Object.entries(exporters).map(([name, config]) => {
    const payload = (seq: number) => readRecordedPayload(reader, keys, seq);
    const exporter = new Exporter({
      name,
      origin: keys.origin,
      source: new ExportSource({ reader, origin: keys.origin, payload, content: config.content }),
      transport: createTransport({ ...shared, name, config }),
      positions: positionFile(join(place.dataDir, "exports", `${name}.json`)),
      sleep,
      onStatus: (status) => port.postMessage({ type: "status", status } satisfies DeliveryReport),
    });
    return exporter.run(stop.signal);
  });
  await Promise.all(runs);
  await reader.close();
  port.postMessage({ type: "stopped" } satisfies DeliveryReport);
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}

assert(parentPort !== null, "exports run in a worker thread");
if (os.platform() === "linux") os.setPriority(NICENESS);
await exportAll(workerData as ExportsData, parentPort);

// What follows the durable log and delivers it elsewhere: records to other systems, questions and their ends to people.

import type { Logger } from "pino";
import type { Config } from "./config.ts";
import type { ExportsData, NotifiersData } from "./delivery-protocol.ts";
import { DeliveryThread } from "./delivery-thread.ts";
import { allowedOrigins } from "./egress.ts";

export type Delivering = {
  readonly exporting: DeliveryThread;
  readonly notifying: DeliveryThread;
  /** Resolves when nothing is delivered any more. */
  stop(): Promise<void>;
};

/** `beginAt` is the end of the log now. */
export function startDeliveries(config: Config, { log, beginAt }: { log: Logger; beginAt: number }): Delivering {
  const exporting = startExports(config, log);
  const notifying = startNotifiers(config, { log, beginAt });
  return { exporting, notifying, stop: async () => void (await Promise.all([exporting.stop(), notifying.stop()])) };
}

function startExports(config: Config, log: Logger): DeliveryThread {
  const { exports: exporters, credentials } = config;
  const data: ExportsData = { place: placeOf(config), credentials, exporters, allow: allowedOrigins(config) };
  const module = new URL("./exports-worker.ts", import.meta.url);
  return new DeliveryThread(
    { name: "exports", module, data, receivers: Object.keys(exporters) },
    {
      onChange: (exporter, failing) => {
        if (failing === null) log.info({ exporter }, "records are delivered again");
        else log.warn({ exporter, failing }, "records are not delivered");
      },
      onProblem: (error) => log.error({ err: error }, "the exports thread ended"),
    },
  );
}

function startNotifiers(config: Config, { log, beginAt }: { log: Logger; beginAt: number }): DeliveryThread {
  const { notifiers, credentials } = config;
  const shared = { place: placeOf(config), credentials, allow: allowedOrigins(config) };
  const data: NotifiersData = { ...shared, notifiers, beginAt, publicUrl: publicUrlOf(config) };
  const module = new URL("./notifiers-worker.ts", import.meta.url);
  return new DeliveryThread(
    { name: "notifiers", module, data, receivers: Object.keys(notifiers) },
    {
      onChange: (notifier, failing) => {
        if (failing === null) log.info({ notifier }, "people are told again");
        else log.warn({ notifier, failing }, "people are not told");
      },
      onFallback: (notifier, code) => log.warn({ notifier, code }, "people were told by the fallback"),
      onProblem: (error) => log.error({ err: error }, "the notifiers thread ended"),
    },
  );
}

function placeOf({ dataDir, postgresUrl }: Config): ExportsData["place"] {
  return { dataDir, postgresUrl };
}

/** Where people reach the console: as configured, else where it listens, when that is known before. */
function publicUrlOf({ publicUrl, host, port }: Config): string | null {
  if (publicUrl !== null) return publicUrl;
  return port === 0 ? null : `http://${host}:${port}`;
}

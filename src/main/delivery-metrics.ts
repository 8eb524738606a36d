// Metrics of what follows the durable log: one series for each receiver, none where there is none.

import type { Metrics } from "../http/metrics.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Delivering } from "./deliveries.ts";
import type { DeliveryThread } from "./delivery-thread.ts";

type Status = ReturnType<DeliveryThread["statuses"]>[number];
type Family = readonly [name: string, type: "gauge" | "counter", help: string, valueOf: (status: Status) => number];
type Place = { readonly kernel: Kernel; readonly metrics: Metrics };

export function addDeliveryMetrics({ exporting, notifying }: Delivering, place: Place): void {
  const lag = ({ position }: Status): number => Math.max(0, place.kernel.durableSize - position);
  const failing = (status: Status): number => (status.failing === null ? 0 : 1);
  addFamilies(place, { thread: exporting, label: "exporter" }, [
    ["holdpoint_export_lag_events", "gauge", "Durable events that the receiver may still lack.", lag],
    ["holdpoint_export_failing", "gauge", "1 while records cannot be delivered.", failing],
    ["holdpoint_export_failures_total", "counter", "Deliveries that failed.", ({ failures }) => failures],
    [
      "holdpoint_export_rejected_total",
      "counter",
      "Records that the receiver refused for good.",
      ({ rejected }) => rejected,
    ],
  ]);
  addFamilies(place, { thread: notifying, label: "notifier" }, [
    ["holdpoint_notifier_lag_events", "gauge", "Durable events that people may not have been told of.", lag],
    ["holdpoint_notifier_failing", "gauge", "1 while people cannot be told.", failing],
    ["holdpoint_notifier_failures_total", "counter", "Notifications that failed.", ({ failures }) => failures],
    [
      "holdpoint_notifier_rejected_total",
      "counter",
      "Notifications that were refused for good.",
      ({ rejected }) => rejected,
    ],
    [
      "holdpoint_notifier_fallbacks_total",
      "counter",
      "Notifications that the fallback told instead.",
      ({ name }) => notifying.fallbacks(name),
    ],
  ]);
}

function addFamilies(
  { metrics }: Place,
  { thread, label }: { readonly thread: DeliveryThread; readonly label: string },
  families: readonly Family[],
): void {
  for (const [name, type, help, valueOf] of families) {
    const read = () =>
      thread.statuses().map((status) => ({ labels: { [label]: status.name }, value: valueOf(status) }));
    metrics.family({ name, type, help, read });
  }
}

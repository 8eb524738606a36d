// The brake without the API: a file named BRAKE in the data folder, or the signal SIGUSR2, stops everything at once.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { canonicalJson } from "../core/canonical-json.ts";
import type { EmergencyBrake } from "../effects/brake.ts";
import type { KernelEvent } from "../kernel/events.ts";
import type { Kernel } from "../kernel/kernel.ts";

const LOOK_EVERY_MS = 250;

type Needs = {
  readonly dataDir: string;
  readonly brake: EmergencyBrake;
  readonly kernel: Kernel;
  readonly log: Logger;
};

/** Follows the file and the signal; what they stop is recorded as soon as the store takes it. Returns its end. */
export function followBrake({ dataDir, brake, kernel, log }: Needs): () => void {
  const path = join(dataDir, "BRAKE");
  for (const { mode, scope } of kernel.state.brakes.values()) if (mode === "pause") brake.pull(scope);
  releaseWhenApproved(brake, kernel);
  const stopAll = (actor: string): void => {
    brake.pull({});
    log.warn({ actor }, "everything is stopped");
    kernel
      .submit({ type: "apply-brake", actor, input: { mode: "pause", scope: {} } })
      .catch((error: unknown) => log.error({ err: error }, "the brake holds, but is not on record yet"));
  };
  let wasPresent = false;
  const look = (): void => {
    const present = existsSync(path);
    if (present && !wasPresent) stopAll("system:brake-file");
    wasPresent = present;
    brake.setFlag(present);
  };
  look();
  const timer = setInterval(look, LOOK_EVERY_MS);
  const onSignal = (): void => stopAll("system:brake-signal");
  process.on("SIGUSR2", onSignal);
  return () => {
    clearInterval(timer);
    process.off("SIGUSR2", onSignal);
  };
}

/** A release counts once it is durable; the brake of another scope stays. */
function releaseWhenApproved(brake: EmergencyBrake, kernel: Kernel): void {
  const scopes = new Map([...kernel.state.brakes.values()].map(({ id, scope }) => [id, scope]));
  kernel.onDurable((events) => {
    for (const event of events) {
      if (event.type === "brake.applied") {
        const { scope, mode } = (event as unknown as KernelEvent<"brake.applied">).facts;
        scopes.set(event.subject, scope);
        if (mode === "pause") brake.pull(scope);
      } else if (event.type === "brake.released") {
        const scope = scopes.get(event.subject);
        scopes.delete(event.subject);
        const held = [...kernel.state.brakes.values()].some(
          (one) => canonicalJson(one.scope) === canonicalJson(scope ?? {}) && one.mode === "pause",
        );
        if (scope !== undefined && !held) brake.release(scope);
      }
    }
  });
}

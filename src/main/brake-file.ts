// The brake without the API: a file named BRAKE in the data folder, or the signal SIGUSR2, stops everything at once.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { canonicalJson } from "../core/canonical-json.ts";
import type { EmergencyBrake } from "../effects/brake.ts";
import type { BrakeScope, KernelEvent } from "../kernel/events.ts";
import type { Brake } from "../kernel/state.ts";
import type { Kernel } from "../kernel/kernel.ts";

const LOOK_EVERY_MS = 250;
/** Records what was pulled when the ledger did not take it. */
const RECORDER = "system:brake";

type Needs = {
  readonly dataDir: string;
  readonly brake: EmergencyBrake;
  readonly kernel: Kernel;
  readonly log: Logger;
};

export type BrakeFollower = {
  /** The process ends without knowing what the ledger holds: a stop that is not on record has to outlive it. */
  readonly leaveFlag: () => void;
  readonly end: () => void;
};

/** Follows the file and the signal; what they, or the API, stop is recorded as soon as the store takes it. */
export function followBrake({ dataDir, brake, kernel, log }: Needs): BrakeFollower {
  const path = join(dataDir, "BRAKE");
  const onRecord = followLedger({ brake, kernel });
  const record = (actor: string, scope: BrakeScope): void => {
    kernel
      .submit({ type: "apply-brake", actor, input: { mode: "pause", scope } })
      .catch((error: unknown) => log.error({ err: error, scope }, "the brake holds, but is not on record yet"));
  };
  const stopAll = (actor: string): void => {
    brake.pull({});
    log.warn({ actor }, "everything is stopped");
    record(actor, {});
  };
  let wasPresent = false;
  const look = (): void => {
    const present = existsSync(path);
    if (present && !wasPresent) stopAll("system:brake-file");
    wasPresent = present;
    brake.setFlag(present);
    for (const scope of unrecorded({ brake, kernel, onRecord })) record(RECORDER, scope);
  };
  look();
  const timer = setInterval(look, LOOK_EVERY_MS);
  const onSignal = (): void => stopAll("system:brake-signal");
  process.on("SIGUSR2", onSignal);
  return {
    leaveFlag: () => {
      if (!brake.flagged && brake.pulled.every((scope) => onRecord.has(canonicalJson(scope)))) return;
      try {
        writeFileSync(path, "", { flag: "a" });
        log.warn({ path }, "a stop is not on record: the file stops everything from the next start on");
      } catch (error) {
        log.fatal({ err: error, path }, "a stop is not on record and ends with this process");
      }
    },
    end: () => {
      clearInterval(timer);
      process.off("SIGUSR2", onSignal);
    },
  };
}

/** Stops what the ledger says, as it was and as it becomes durable. Gives the scopes that are on record, kept as they are. */
export function followLedger({ brake, kernel }: Pick<Needs, "brake" | "kernel">): ReadonlySet<string> {
  const onRecord = new Set<string>();
  for (const { mode, scope } of kernel.state.brakes.values()) {
    if (mode !== "pause") continue;
    brake.resumePull(scope);
    onRecord.add(canonicalJson(scope));
  }
  releaseWhenApproved({ brake, kernel, onRecord });
  return onRecord;
}

type Known = {
  readonly brake: EmergencyBrake;
  readonly kernel: Kernel;
  /** Scopes whose brake is durable. */
  readonly onRecord: Set<string>;
};

/** What is pulled and neither decided nor durable: the clock was in doubt, or the ledger had too much to do. */
function unrecorded({
  brake,
  kernel,
  onRecord,
}: Omit<Known, "onRecord"> & { readonly onRecord: ReadonlySet<string> }): readonly BrakeScope[] {
  const left = brake.pulled.filter((scope) => !onRecord.has(canonicalJson(scope)));
  if (left.length === 0 || kernel.failure !== null) return [];
  const decided = new Set<string>();
  for (const { mode, scope } of kernel.state.brakes.values()) if (mode === "pause") decided.add(canonicalJson(scope));
  return left.filter((scope) => !decided.has(canonicalJson(scope)));
}

/** A release counts once it is durable; the brake of another scope stays. */
function releaseWhenApproved({ brake, kernel, onRecord }: Known): void {
  const scopes = new Map([...kernel.state.brakes.values()].map(({ id, scope }) => [id, scope]));
  const letGo = (scope: BrakeScope): void => {
    const key = canonicalJson(scope);
    const isHeld = ({ scope: other, mode }: Brake): boolean => mode === "pause" && canonicalJson(other) === key;
    if ([...kernel.state.brakes.values()].some(isHeld)) return;
    brake.release(scope);
    onRecord.delete(key);
  };
  kernel.onDurable((events) => {
    for (const event of events) {
      if (event.type === "brake.applied") {
        const { scope, mode } = (event as unknown as KernelEvent<"brake.applied">).facts;
        scopes.set(event.subject, scope);
        if (mode !== "pause") continue;
        brake.pull(scope);
        onRecord.add(canonicalJson(scope));
      } else if (event.type === "brake.followed") {
        const before = scopes.get(event.subject);
        const { scope } = (event as unknown as KernelEvent<"brake.followed">).facts;
        scopes.set(event.subject, scope);
        onRecord.add(canonicalJson(scope));
        brake.pull(scope); // the wider one first
        if (before !== undefined) letGo(before);
      } else if (event.type === "brake.released") {
        const scope = scopes.get(event.subject);
        scopes.delete(event.subject);
        if (scope !== undefined) letGo(scope);
      }
    }
  });
}

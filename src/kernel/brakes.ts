// Which brake, if any, holds back an action.

import type { BrakeScope } from "./events.ts";
import type { Brake } from "./state.ts";

/** What a scope is compared with. */
export type Braked = {
  readonly agent: string;
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
};

/** True when every part that the scope names is the action's own; an empty scope covers everything. */
export function covers(scope: BrakeScope, action: Braked): boolean {
  return (
    (scope.agent === undefined || scope.agent === action.agent) &&
    (scope.kind === undefined || scope.kind === action.kind) &&
    (scope.environment === undefined || scope.environment === action.environment) &&
    (scope.service === undefined || scope.service === action.service)
  );
}

/** The way out, and the stage of the triage agent: what changes how much may happen has no effect outside. */
const NEVER_BRAKED: ReadonlySet<string> = new Set(["killswitch.resume", "stage.set"]);

/** The strongest brake on an action: pause over dry-run. */
export function brakeOn(brakes: Iterable<Brake>, action: Braked): "run" | "dry-run" | "pause" {
  if (NEVER_BRAKED.has(action.kind)) return "run";
  let mode: "run" | "dry-run" | "pause" = "run";
  for (const brake of brakes) {
    if (!covers(brake.scope, action)) continue;
    if (brake.mode === "pause") return "pause";
    mode = "dry-run";
  }
  return mode;
}

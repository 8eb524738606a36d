// How the impact of a change, or of an action, could be measured.

/**
 * `measured`: against entries that do not get to the target. `no-controls`: there are none, so that it is only before and
 * after. `concurrent`: something else was changed at the time. `no-telemetry`: too few requests on either side.
 */
export type ImpactOutcome = "measured" | "no-controls" | "concurrent" | "no-telemetry";

// What decides: the kernel, its clock, and the policy bundles it evaluates with.

import type { ClockGuard } from "../kernel/clock-guard.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { PolicyBundles } from "./policy-bundles.ts";

export type Core = { readonly kernel: Kernel; readonly clock: ClockGuard; readonly bundles: PolicyBundles };

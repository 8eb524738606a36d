// What can go wrong while a condition runs. A fault is never a false: it refuses.

export type FaultReason =
  | "int-overflow"
  | "uint-overflow"
  | "divide-by-zero"
  | "no-such-key"
  | "index-out-of-range"
  | "duplicate-key"
  | "timestamp-overflow"
  | "duration-overflow"
  | "conversion"
  | "text-too-long";

/** Thrown by compiled conditions and caught by `&&`, `||`, the list macros and the evaluator. */
export class ConditionFault extends Error {
  override name = "ConditionFault";
  readonly reason: FaultReason;

  constructor(reason: FaultReason) {
    super(reason);
    this.reason = reason;
  }
}

// Built once: a fault on the hot path collects no stack.
export const FAULTS: Readonly<Record<FaultReason, ConditionFault>> = {
  "int-overflow": new ConditionFault("int-overflow"),
  "uint-overflow": new ConditionFault("uint-overflow"),
  "divide-by-zero": new ConditionFault("divide-by-zero"),
  "no-such-key": new ConditionFault("no-such-key"),
  "index-out-of-range": new ConditionFault("index-out-of-range"),
  "duplicate-key": new ConditionFault("duplicate-key"),
  "timestamp-overflow": new ConditionFault("timestamp-overflow"),
  "duration-overflow": new ConditionFault("duration-overflow"),
  conversion: new ConditionFault("conversion"),
  "text-too-long": new ConditionFault("text-too-long"),
};

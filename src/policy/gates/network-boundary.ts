// networkBoundary: an action stays within the trust zone of its target, or within those that policy names.

import { isPlainName } from "../../core/names.ts";
import type { Prediction } from "../../wire/types/prediction.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, type GateOutcome, readFailure, readUnknown } from "./gate.ts";
import { unknownOutcome } from "./predicted.ts";

const ZONES_MAX = 64;
const ZONE_CHARS_MAX = 128;

/**
 * `{zones?, onUnknown?, onFail?, route?}`: whatever suffers when the target fails is in the target's own zone, or in one of
 * `zones`; where `zones` are named, the target's own has to be among them too. A target without a declared zone is unknown.
 */
export function readNetworkBoundary(params: Field): BoundGate | undefined {
  const fields = params.fields(["zones", "onUnknown", "onFail", "route"], []);
  if (fields === undefined) return undefined;
  const named = fields.zones?.items(ZONES_MAX)?.map(readZone);
  const failure = readFailure(fields);
  const onUnknown = readUnknown(fields, failure.onFail);
  if (onUnknown === undefined || (fields.zones !== undefined && named === undefined)) return undefined;
  if (named?.includes(undefined) === true) return undefined;
  const zones = named === undefined ? null : new Set(named as readonly string[]);
  if (zones !== null && zones.size < (named?.length ?? 0)) return fields.zones?.fail("names a zone twice");
  return {
    ...failure,
    onUnknown,
    label: zones === null ? "networkBoundary" : `networkBoundary:${[...zones].join(",")}`,
    check: ({ prediction }) => unknownOutcome(prediction) ?? checkZones(prediction as Prediction, zones),
  };
}

/** As declarations write it. */
function readZone(field: Field): string | undefined {
  const name = field.text(ZONE_CHARS_MAX);
  return name === undefined || isPlainName(name) ? name : field.fail("must be a trust zone's name");
}

function checkZones(prediction: Prediction, zones: ReadonlySet<string> | null): GateOutcome {
  const { zone, crosses, crossed, modelVersion } = prediction;
  if (zone === null) return { passed: false, code: "zone-undeclared", evidence: { modelVersion }, isUnknown: true };
  const from = zones === null || zones.has(zone) ? undefined : zone;
  const outside = from ?? crosses.find((one) => zones?.has(one) !== true);
  // Zones beyond those that are listed are not known to be any that policy names.
  const isBeyond = crossed > crosses.length;
  const evidence = { zone, crossed, modelVersion, ...(outside === undefined ? {} : { into: outside }) };
  if (outside !== undefined || isBeyond) return { passed: false, code: "boundary-crossed", evidence };
  return { passed: true, code: "within-boundary", evidence };
}

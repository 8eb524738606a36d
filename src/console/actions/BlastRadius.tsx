// What an action puts at stake by the runtime model, and what it then did: bounds first, and what is not known beside them.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ImpactOutcome } from "../../wire/types/impact-outcome.ts";
import type { ImpactView, PartInterval, PredictionCode, PredictionView } from "../../wire/types/prediction.ts";
import type { ActionDocument } from "../api/documents.ts";
import { intervalText } from "../model/node-text.ts";
import { spanText } from "../text/instants.ts";
import { Foreign } from "../ui/Foreign.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";

const MILLION = 1_000_000;

const WHY_NOTHING: Readonly<Record<PredictionCode, string>> = {
  "model-unavailable": "the runtime model is not there",
  "model-late": "the runtime model did not answer in time",
  "no-answer": "nobody asked the runtime model in time",
  "target-unknown": "the runtime model has never heard of the target",
  unmeasured: "the runtime model has had no telemetry at all",
};

const HOW_MEASURED: Readonly<Record<ImpactOutcome, string>> = {
  measured: "against entries that have nothing to do with it",
  "no-controls": "before and after alone: every entry gets to the target",
  concurrent: "something else was changed at the time: it counts for nothing",
  "no-telemetry": "there was too little telemetry",
};

export function BlastRadius({ action }: { readonly action: ActionDocument }): ReactNode {
  const { prediction, impact } = action;
  if (prediction === null) return null;
  return (
    <Panel title="Blast radius" aside={<span>bounds hold nine times in ten</span>}>
      <Pairs>
        {prediction.code === "" ? (
          <Stated prediction={prediction} />
        ) : (
          <Pair name="Predicted">
            <span className="font-medium text-bad">Nothing: {WHY_NOTHING[prediction.code]}</span>
          </Pair>
        )}
        {impact !== null && <Measured impact={impact} />}
      </Pairs>
    </Panel>
  );
}

function Stated({ prediction }: { readonly prediction: PredictionView }): ReactNode {
  const { share, exposure, entries, services, calibration, crosses, crossed, target, zone } = prediction;
  return (
    <>
      <Pair name="Predicted">
        <span className="font-medium">{shareText(share)}</span> of all requests from outside suffer
      </Pair>
      <Pair name="At stake">
        {shareText(exposure)} if everything that needs it fails: {countText(entries, "entry", "entries")},{" "}
        {countText(services, "service", "services")}
      </Pair>
      {crossed > 0 && (
        <Pair name="Trust zones">
          <span className="font-medium text-bad">
            it reaches beyond <Foreign text={zone ?? "its own"} />: <Foreign text={crosses.join(", ")} />
            {crossed > crosses.length && ` and ${crossed - crosses.length} more`}
          </span>
        </Pair>
      )}
      <Doubts prediction={prediction} />
      <Pair name="Record">
        {calibration.outcomes === 0
          ? "no outcome of its kind was measured yet"
          : `${calibration.within} of the last ${calibration.outcomes} of its kind did what was said`}
      </Pair>
      <Pair name="Model">
        <Link
          to="/model"
          search={{ node: target, at: String(prediction.at), show: "impact" }}
          className="text-accent hover:underline"
        >
          <Foreign mono text={target} />
        </Link>{" "}
        <span className="text-faint">as it was known then</span>
      </Pair>
    </>
  );
}

/** What made the bounds wide. */
function Doubts({ prediction: { unknown, isStale, staleS } }: { readonly prediction: PredictionView }): ReactNode {
  const doubts = [
    ...(isStale ? [staleS === null ? "there was no telemetry" : `telemetry is ${spanText(staleS * 1000)} old`] : []),
    ...(unknown === 0 ? [] : [`${countText(unknown, "use", "uses")} on the way never measured`]),
  ];
  if (doubts.length === 0) return null;
  return (
    <Pair name="Doubts">
      <span className="text-warn">{doubts.join("; ")}: that widens the bounds</span>
    </Pair>
  );
}

function Measured({ impact: { outcome, actual, stated } }: { readonly impact: ImpactView }): ReactNode {
  const isOutside = actual !== null && (actual.mid < stated.low || actual.mid > stated.high);
  return (
    <Pair name="Measured">
      {actual === null ? "nothing" : shareText(actual)}
      {isOutside && <span className="font-medium text-bad"> outside of what was predicted</span>}
      <span className="text-faint"> · {HOW_MEASURED[outcome]}</span>
    </Pair>
  );
}

function shareText({ low, mid, high }: PartInterval): string {
  return intervalText({ low: low / MILLION, mid: mid / MILLION, high: high / MILLION });
}

function countText(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

// How good predictions are, by kind of action: what was said, and what was measured afterwards.

import type { ModelCalibrationView } from "../../wire/types/model-views.ts";
import type { Graph, StoredImpact } from "../graph.ts";

const SHOWN_MAX = 50;
const SECOND_MS = 1000;

/** Of one kind, or of all of them; with the newest outcomes. */
export function readCalibration(graph: Graph, kind: string | null): ModelCalibrationView {
  const kinds = [...graph.calibrations].filter(([name]) => kind === null || name === kind);
  const impacts = graph.impacts.filter((one) => kind === null || one.kind === kind);
  return {
    kinds: kinds.map(([name, calibration]) => calibration.view(name)),
    outcomes: impacts
      .slice(-SHOWN_MAX)
      .toReversed()
      .map((one) => outcomeOf(graph, one)),
  };
}

function outcomeOf(
  graph: Graph,
  { target, at, entries, seq: _seq, ...rest }: StoredImpact,
): ModelCalibrationView["outcomes"][number] {
  const rows = [];
  for (let row = 0; row < entries.length; row += 5) {
    const [node = 0, before = 0, failedBefore = 0, after = 0, failedAfter = 0] = entries.slice(row, row + 5);
    rows.push({ id: graph.names.textOf(node), before, failedBefore, after, failedAfter });
  }
  return { ...rest, target: graph.names.textOf(target), at: at * SECOND_MS, entries: rows };
}

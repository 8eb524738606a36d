// An incident, opened from a question: when it began, what moved with it, what the symptom can be reached by.

import type { CallTimeline, CauseQuestion, Timeline } from "./input.ts";
import { Neighbours } from "./neighbours.ts";
import type { Scene } from "./setting-signatures.ts";
import { findOnset, kindOf, Timelines, type Window } from "./timelines.ts";

/** An incident shows at most this long before its alert. */
const INCIDENT_MS = 3 * 3_600_000;
/** Clocks and samples are this coarse. */
export const SLACK_MS = 120_000;

export interface Incident extends Scene {
  /** Nodes that moved, with when each first did. */
  readonly movedMs: ReadonlyMap<string, number>;
  /** What moved of each node until the alert, in the order in which it did. */
  readonly moves: ReadonlyMap<string, readonly Move[]>;
  readonly reach: ReadonlySet<string>;
  readonly neighbours: Neighbours;
  readonly onsets: Onsets;
  /** How long before its alert it may show. */
  readonly spanMs: number;
}

export interface Move {
  readonly name: string;
  readonly atMs: number;
}

/** When each timeline that moved left its usual range, also after the alert. */
export type Onsets = ReadonlyMap<Timeline, number>;

export function findOnsets(question: CauseQuestion): Onsets {
  const window = { fromMs: (question.symptom?.atMs ?? 0) - spanBefore(question), toMs: Number.POSITIVE_INFINITY };
  return new Map(
    question.timelines.flatMap((timeline) => {
      const onset = findOnset(timeline, window);
      return onset === null ? [] : [[timeline, onset] as const];
    }),
  );
}

export function openIncident(question: CauseQuestion): Incident {
  const timelines = new Timelines(question.timelines);
  const neighbours = new Neighbours(question.edges);
  const at = question.symptom?.atMs ?? 0;
  const span = spanBefore(question);
  const onsets = findOnsets(question);
  const moves = movesOf(onsets, at + SLACK_MS);
  const nodes = [...timelines.nodes, ...question.changes.flatMap(({ targets }) => targets)];
  const names = new Map(nodes.flatMap((node) => [[node, node] as const, [spokenName(node), node] as const]));
  return {
    question,
    timelines,
    names,
    onsetMs: onsetOf(question, { fromMs: at - span, toMs: at + SLACK_MS }),
    movedMs: new Map([...moves].flatMap(([node, [first]]) => (first ? [[node, first.atMs] as const] : []))),
    moves,
    reach: reachOf(question, neighbours),
    neighbours,
    onsets,
    spanMs: span,
    errorCalls: errorCallsOf(question),
  };
}

function movesOf(onsets: Onsets, untilMs: number): Map<string, Move[]> {
  const moves = new Map<string, Move[]>();
  for (const [{ node, name }, atMs] of onsets) {
    if (atMs > untilMs) continue;
    const known = moves.get(node);
    if (known === undefined) moves.set(node, [{ name, atMs }]);
    else known.push({ name, atMs });
  }
  for (const own of moves.values()) own.sort((a, b) => a.atMs - b.atMs);
  return moves;
}

/** `service:production:cart` is called `cart` in settings. */
const spokenName = (node: string): string => node.split(":").at(-1) ?? node;

/** When the symptom itself began: its own metric's onset where it is recorded, else the alert. */
function onsetOf({ symptom, timelines }: CauseQuestion, window: Window): number {
  const own = timelines.find(({ node, name }) => node === symptom?.node && name === symptom.measure);
  return (own && findOnset(own, window)) ?? symptom?.atMs ?? 0;
}

/** How long before the alert anything was measured. */
function spanOf({ timelines, symptom }: CauseQuestion): number {
  const first = Math.min(...timelines.map(({ atMs }) => atMs[0] ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(first) ? Math.max(0, (symptom?.atMs ?? 0) - first) : INCIDENT_MS;
}

/** The symptom's node and all that it calls, over real edges. */
export function reachOf({ symptom, edges }: CauseQuestion, neighbours = new Neighbours(edges)): Set<string> {
  const reach = new Set(symptom ? [symptom.node] : []);
  for (const node of reach) for (const callee of neighbours.calleesOf(node)) reach.add(callee);
  return reach;
}

/** Timelines of failing calls, by who makes them. */
function errorCallsOf({ calls }: CauseQuestion): Map<string, CallTimeline[]> {
  const errorCalls = new Map<string, CallTimeline[]>();
  for (const call of calls) {
    if (kindOf(call.name) !== "errors") continue;
    const known = errorCalls.get(call.caller);
    if (known === undefined) errorCalls.set(call.caller, [call]);
    else known.push(call);
  }
  return errorCalls;
}

/** How long before its alert an incident may show. */
function spanBefore(question: CauseQuestion): number {
  return Math.min(INCIDENT_MS, spanOf(question) / 2);
}

/** From a node to the symptom, by callers that moved with it or after it; the node alone where there is no such way. */
export function wayUp(incident: Incident, carrier: string): string[] {
  const { question, moves, neighbours } = incident;
  const from = new Map<string, string | null>([[carrier, null]]);
  const open = [carrier];
  for (let node = open.shift(); node !== undefined; node = open.shift()) {
    if (node === question.symptom?.node) break;
    for (const caller of neighbours.callersOf(node)) {
      if (from.has(caller) || (!moves.has(caller) && caller !== question.symptom?.node)) continue;
      if (!isInOrder(incident, node, caller)) continue;
      from.set(caller, node);
      open.push(caller);
    }
  }
  const way: string[] = [];
  const end = question.symptom && from.has(question.symptom.node) ? question.symptom.node : carrier;
  for (let node: string | null = end; node !== null; node = from.get(node) ?? null) way.unshift(node);
  return way;
}

/** Whoever suffers from a node moves with it or after it, as exactly as samples tell; what was never measured may have. */
function isInOrder({ moves }: Incident, node: string, caller: string): boolean {
  const [first, last] = [moves.get(node)?.[0], moves.get(caller)?.at(-1)];
  return first === undefined || last === undefined || last.atMs >= first.atMs - SLACK_MS;
}

/** What moved at each node of a way, and when: of a caller what moved with the node before it, or next after it. */
export function movesAlong({ question, moves }: Incident, way: readonly string[]): string[] {
  const alertMs = question.symptom?.atMs ?? 0;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  return way.flatMap((node) => {
    const move = moves.get(node)?.find(({ atMs }) => atMs >= notBeforeMs);
    if (move === undefined) return [];
    notBeforeMs = move.atMs - SLACK_MS;
    return [`${move.name} of ${node} left its usual range ${secondsFrom(alertMs, move.atMs)}`];
  });
}

function secondsFrom(alertMs: number, atMs: number): string {
  const seconds = Math.round((alertMs - atMs) / 1_000);
  return `${Math.abs(seconds)} s ${seconds < 0 ? "after" : "before"} the alert`;
}

// What traces say of each service: where time is spent between two services, and which calls are no longer made.

import { doublingsOf } from "../../core/doublings.ts";
import type { Span } from "./input.ts";
import type { Movement } from "./movements.ts";
import { medianOf, usualOf, type Usual } from "./statistics.ts";

interface Operation {
  count: number;
  /** How many of the operation's runs made each call. */
  calls: Map<string, number>;
  /** The last call of each run, with how many calls it had. */
  ends: { calls: number; last: string }[];
}

interface Summary {
  /** Caller's time less callee's, by caller and callee: the way there and back. */
  waits: Map<string, number[]>;
  callerUs: Map<string, number[]>;
  operations: Map<string, Operation>;
  edges: Set<string>;
}

const push = <V>(map: Map<string, V[]>, key: string, value: V): void => {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
};

function summarise(spans: readonly Span[]): Summary {
  const summary: Summary = { waits: new Map(), callerUs: new Map(), operations: new Map(), edges: new Set() };
  const byId = new Map(spans.map((span) => [span.id, span]));
  const children = new Map<string, Span[]>();
  for (const span of spans) if (span.parent !== "") push(children, span.parent, span);
  for (const span of spans) {
    const parent = byId.get(span.parent);
    if (parent && parent.node !== span.node) {
      const edge = `${parent.node}\t${span.node}`;
      summary.edges.add(edge);
      push(summary.waits, edge, parent.durationUs - span.durationUs);
      push(summary.callerUs, edge, parent.durationUs);
    }
    addOperation(summary, span, children);
  }
  return summary;
}

const ERROR_CALL = /error|exception/i;

/** A call is named by the service that takes it, where it leaves this one. */
function nameCall(child: Span, children: ReadonlyMap<string, Span[]>): string {
  const remote = children.get(child.id)?.find((below) => below.node !== child.node);
  return remote ? `${remote.node}\t${child.operation}` : `${child.node}\t${child.operation}`;
}

function addOperation(summary: Summary, span: Span, children: ReadonlyMap<string, Span[]>): void {
  const key = `${span.node}\t${span.operation}`;
  let operation = summary.operations.get(key);
  if (!operation) summary.operations.set(key, (operation = { count: 0, calls: new Map(), ends: [] }));
  operation.count += 1;
  const names = (children.get(span.id) ?? [])
    .toSorted((a, b) => a.startUs - b.startUs)
    .map((child) => nameCall(child, children))
    .filter((name) => !ERROR_CALL.test(name));
  const calls = new Set(names);
  for (const call of calls) operation.calls.set(call, (operation.calls.get(call) ?? 0) + 1);
  operation.ends.push({ calls: calls.size, last: names.at(-1) ?? "" });
}

export interface SpanFindings {
  movements: Movement[];
  edges: [string, string][];
}

const RUNS_MIN = 3;

/** Spans are kept from before a fault is noticed: the later part of them shows best what it does. */
const LATE_SHARE = 0.4;

export function findSpanMovements({ usual, now }: { usual: readonly Span[]; now: readonly Span[] }): SpanFindings {
  const before = summarise(usual);
  const during = summarise(now);
  const edges = [...new Set([...before.edges, ...during.edges])].map((edge) => edge.split("\t") as [string, string]);
  const starts = now.map(({ startUs }) => startUs).toSorted((a, b) => a - b);
  const from = starts[Math.floor(starts.length * (1 - LATE_SHARE))] ?? 0;
  const late = summarise(now.filter(({ startUs }) => startUs >= from));
  const movements = [during, late].flatMap((one) => [...findWaits(before, one), ...findLostCalls(before, one)]);
  return { movements, edges };
}

/** Waits of a caller for all that it calls but one. */
const waitsOf = ({ waits }: Summary, caller: string, except: string): number[] =>
  [...waits].filter(([edge]) => edge !== except && edge.startsWith(`${caller}\t`)).flatMap(([, values]) => values);

/** What a wait is held against: the same call before, else the caller's other calls before, else those of now. */
function usualWait(before: Summary, during: Summary, edge: string, caller: string): Usual | null {
  const own = before.waits.get(edge) ?? [];
  if (own.length >= RUNS_MIN) return usualOf(own);
  const others = waitsOf(before, caller, edge);
  const pool = usualOf(others.length >= RUNS_MIN ? others : waitsOf(during, caller, edge));
  // Calls to different callees differ: only a wait that is long beside all of them counts.
  return pool && { ...pool, spread: Math.max(pool.spread, pool.median) };
}

interface Wait {
  caller: string;
  callee: string;
  excessUs: number;
  strength: number;
  evidence: string;
}

/** Time between caller and callee that grew: the network or the queue of the one end that all slow pairs share. */
function findWaits(before: Summary, during: Summary): Movement[] {
  const pairs = [...during.waits].flatMap(([edge, waits]): Wait[] => {
    const [caller, callee] = edge.split("\t") as [string, string];
    const usual = usualWait(before, during, edge, caller);
    if (!usual || usual.count < RUNS_MIN || waits.length < RUNS_MIN) return [];
    // A wait matters when it is long beside the calls themselves.
    const spread = Math.max(usual.spread, medianOf(before.callerUs.get(edge) ?? []) || 0);
    const excessUs = medianOf(waits) - usual.median;
    const ranges = excessUs / spread;
    if (!(ranges > 1)) return [];
    const evidence = `${caller} waits ${Math.round(medianOf(waits) / 1000)} ms on the way to ${callee}, usually ${Math.round(usual.median / 1000)} ms`;
    return [{ caller, callee, excessUs, strength: doublingsOf(1 + ranges), evidence }];
  });
  return pairs.map(({ caller, callee, excessUs, strength, evidence }) => {
    const all = [...during.waits.keys()].filter((edge) => edge.startsWith(`${caller}\t`)).length;
    const slow = pairs.filter((pair) => pair.caller === caller).length;
    // Who is waited for as long on the way in has a slow network of its own.
    const isOwn = pairs.some((pair) => pair.callee === caller && pair.excessUs >= excessUs);
    const node = isOwn || (slow >= RUNS_MIN && slow * 2 > all) ? caller : callee;
    return { node, measure: "wait", strength, load: 0, evidence };
  });
}

/** Operations whose runs end before calls that they usually make: cut short by themselves, or by the last call made. */
function findLostCalls(before: Summary, during: Summary): Movement[] {
  return [...during.operations].flatMap(([key, operation]): Movement[] => {
    const usual = before.operations.get(key);
    if (!usual || usual.count < RUNS_MIN * 2 || operation.count < RUNS_MIN) return [];
    const [owner] = key.split("\t");
    let lost = 0;
    for (const [call, runs] of usual.calls) {
      const share = runs / usual.count;
      // Steps inside a service come and go with what it is asked; calls to others hardly do.
      const weight = !call.startsWith(`${owner}\t`) ? 1 : usual.calls.size < RUNS_MIN ? 0 : 0.5;
      if (share > 0.5) lost = Math.max(lost, weight * (share - (operation.calls.get(call) ?? 0) / operation.count));
    }
    if (lost < 0.3) return [];
    const full = medianOf(usual.ends.map(({ calls }) => calls));
    const cut = operation.ends.filter(({ calls }) => calls < full);
    const ends = new Map<string, number>();
    for (const { last } of cut) ends.set(last, (ends.get(last) ?? 0) + 1);
    const [last, times] = [...ends].toSorted((a, b) => b[1] - a[1])[0] ?? ["", 0];
    const [node, name] = key.split("\t") as [string, string];
    const isOwn = last === "" || times * 2 < cut.length;
    const blamed = isOwn ? node : (last.split("\t")[0] ?? node);
    const evidence = `${name} of ${node} stops ${isOwn ? "by itself" : `after ${last.replace("\t", " ")}`} in ${Math.round(lost * 100)} % more of its runs`;
    return [{ node: blamed, measure: "errors", strength: (isOwn ? 4 : 3) * lost, load: 0, evidence }];
  });
}

// The expected signature of a setting's change, looked for where the change took effect: at once, and in the incident.

import { doublingsOf } from "../../core/doublings.ts";
import type { SettingChange } from "../../wire/types/model.ts";
import { harmOf, isAside, roleOf, type SettingRole } from "../diffs/setting-roles.ts";
import type { CallTimeline, CandidateChange, CauseQuestion, Pattern, Timeline } from "./input.ts";
import { findOnset, shareIn, valuesIn, type Timelines, type TimelineKind, type Window } from "./timelines.ts";

/** What log lines say when a setting of each role bites. */
const SAID: Readonly<Partial<Record<SettingRole, RegExp>>> = {
  timeout: /time(d)? ?out|deadline|canceling statement/i,
  pool: /no free connection|pool|acquir|too many connections|exhausted/i,
  memory: /oom|out of memory|heap|memory limit/i,
  logging: /no space|disk|volume/i,
  ttl: /cache|stale|miss/i,
  admission: /reject|limit reached|shed|throttl|too many requests|429/i,
  bound: /oom|out of memory|heap|memory limit|no space/i,
};

/** Which metric, held against traffic, moves at once when a setting of each role is turned the wrong way. */
const MOVES: Readonly<Partial<Record<SettingRole, TimelineKind>>> = {
  timeout: "retries",
  retries: "retries",
  reuse: "connections",
};

export interface Signature {
  /** 0 to 1: what moved with the change itself. */
  readonly atOnce: number;
  /** 0 to 1: what the incident says of this setting. */
  readonly inIncident: number;
  readonly evidence: string[];
}

const NONE: Signature = { atOnce: 0, inIncident: 0, evidence: [] };
const MIB = 1024 ** 2;
/** Doublings from which on a change counts as a whole one. */
const HARM_WHOLE = 0.5;
const LINES_MIN = 5;
/** What grows towards an incident has grown this long before it. */
const EMERGING_MS = 15 * 60_000;
/** A metric that stood still has no ratio: this many per request is the least that counts. */
const SHARE_MIN = 1e-4;

const clamp = (value: number): number => Math.max(0, Math.min(1, value));

export interface Scene {
  readonly question: CauseQuestion;
  readonly timelines: Timelines;
  /** Nodes by what settings and log lines call them. */
  readonly names: ReadonlyMap<string, string>;
  /** Timelines of failing calls, by who makes them. */
  readonly errorCalls: ReadonlyMap<string, readonly CallTimeline[]>;
  /** From when on the incident shows. */
  readonly onsetMs: number;
}

/** The strongest signature among the settings that a change turned the wrong way. */
export function findSignature(scene: Scene, change: CandidateChange): Signature {
  let best = NONE;
  for (const setting of change.settings) {
    if (harmOf(setting) <= 0 || isAside(setting.key, scene.names)) continue;
    const found = signatureOf(scene, change, setting);
    if (found.atOnce + found.inIncident > best.atOnce + best.inIncident) best = found;
  }
  return best;
}

function signatureOf(scene: Scene, change: CandidateChange, setting: SettingChange): Signature {
  const role = roleOf(setting.key);
  const parts = setting.key.split(".");
  const dependency = parts.flatMap((part) => scene.names.get(part) ?? [])[0] ?? null;
  const moved = change.targets.map((target) => movedAtOnce(scene, change, { target, role, dependency, setting }));
  const said = Math.max(0, ...change.targets.map((target) => saidInIncident(scene, { target, role, dependency })));
  const felt = Math.max(0, ...change.targets.map((target) => shownByCalls(scene, { target, role, dependency })));
  const atOnce = Math.max(0, ...moved);
  // What was killed for memory without coming near the limit that was lowered was not killed by that.
  const isFar = role === "memory" && scene.timelines.nodes.length > 0 && atOnce === 0;
  // A tenth less or more is no cause by what others feel too.
  const size = clamp(harmOf(setting) / HARM_WHOLE);
  const inIncident = Math.max(said, felt) * size * (isFar ? 0.3 : 1);
  const evidence = [
    `${setting.key}: ${String(setting.before)} to ${String(setting.after)}${setting.unit ? ` ${setting.unit}` : ""}`,
  ];
  if (atOnce > 0) evidence.push(`what it governs moved when it took effect (${atOnce.toFixed(2)})`);
  if (said > 0) evidence.push(`the incident's own log lines name it (${said.toFixed(2)})`);
  if (felt > 0) evidence.push(`calls of what it was made to fail, and who is called is well (${felt.toFixed(2)})`);
  return { atOnce, inIncident, evidence };
}

interface Place {
  readonly target: string;
  readonly role: SettingRole;
  readonly dependency: string | null;
}

function movedAtOnce(
  scene: Scene,
  change: CandidateChange,
  { target, role, dependency, setting }: Place & { setting: SettingChange },
): number {
  const at = change.atMs ?? scene.onsetMs;
  const before: Window = { fromMs: Number.NEGATIVE_INFINITY, toMs: at };
  const after: Window = { fromMs: at, toMs: scene.onsetMs };
  if (role === "memory") return fillOf(scene, target, at, setting);
  if (role === "replicas") return fullOf(scene, target, at, setting);
  if (role === "logging") return clamp((growthOf(scene.timelines.find(target, "disk"), after) - 0.1) / 0.4);
  if (role === "bound") return clamp((growthOf(scene.timelines.find(target, "memory"), after) - 0.1) / 0.4);
  const traffic = scene.timelines.find(target, "traffic");
  if (!traffic) return 0;
  if (role === "ttl") {
    // What is cached for a shorter time is asked for more often.
    const callees = dependency
      ? [dependency]
      : scene.question.edges.filter(([caller]) => caller === target).map(([, callee]) => callee);
    const steps = callees.map((callee) => stepOf(scene.timelines.find(callee, "traffic"), traffic, before, after));
    return clamp((Math.max(0, ...steps) - 0.3) / 0.7);
  }
  const kind = MOVES[role];
  const governed = kind ? scene.timelines.find(target, kind) : undefined;
  return clamp((stepOf(governed, traffic, before, after) - 0.5) / 1.5);
}

/** Doublings of a metric per request, after against before. */
function stepOf(metric: Timeline | undefined, traffic: Timeline, before: Window, after: Window): number {
  if (!metric) return 0;
  const [was, is] = [shareIn(metric, traffic, before), shareIn(metric, traffic, after)];
  if (!Number.isFinite(was) || !Number.isFinite(is)) return 0;
  return doublingsOf((is + SHARE_MIN) / (was + SHARE_MIN));
}

/** Doublings between the most that was ever used before and the most after; what never grew, or was not measured, is 0. */
function growthOf(timeline: Timeline | undefined, { fromMs, toMs }: Window): number {
  if (!timeline) return 0;
  const before = Math.max(0, ...valuesIn(timeline, { fromMs: Number.NEGATIVE_INFINITY, toMs: fromMs }));
  // What only the incident itself fills up says nothing of how it came to be.
  const after = Math.max(0, ...valuesIn(timeline, { fromMs, toMs: toMs - EMERGING_MS }));
  return before > 0 && after > 0 ? doublingsOf(after / before) : 0;
}

/** 1 where a service stood at its lowered ceiling with its processors full. */
function fullOf(scene: Scene, target: string, atMs: number, { after }: SettingChange): number {
  const window = { fromMs: atMs, toMs: Number.POSITIVE_INFINITY };
  const replicas = scene.timelines.of(target).find(({ name }) => /replicas/.test(name));
  const cpu = scene.timelines.find(target, "cpu");
  if (!replicas || !cpu || typeof after !== "number") return 0;
  const isAtCeiling = Math.max(0, ...valuesIn(replicas, window)) >= after;
  return isAtCeiling ? clamp((Math.max(0, ...valuesIn(cpu, window)) - 0.8) / 0.15) : 0;
}

/** How close use came to a limit that was lowered: nothing below four fifths of it. */
function fillOf(scene: Scene, target: string, atMs: number, { after, unit }: SettingChange): number {
  const memory = scene.timelines.find(target, "memory");
  if (!memory || typeof after !== "number") return 0;
  const limit = unit === "bytes" ? after / MIB : after;
  const most = Math.max(0, ...valuesIn(memory, { fromMs: atMs, toMs: Number.POSITIVE_INFINITY }));
  return limit > 0 ? clamp((most / limit - 0.8) / 0.15) : 0;
}

function saidInIncident(scene: Scene, { target, role, dependency }: Place): number {
  const words = SAID[role];
  if (!words) return 0;
  const patterns = scene.question.patterns.filter(
    ({ node, text, now, usual, bad }) => node === target && bad && now - usual >= LINES_MIN && words.test(text),
  );
  // Few lines count where the whole incident has few.
  const few = scene.question.patterns.filter(
    ({ node, text, bad, now }) => node === target && bad && now > 0 && words.test(text),
  );
  const found = patterns.length > 0 ? patterns : isSparse(scene) ? few : [];
  if (found.length === 0) return 0;
  if (role === "admission") return callsFailing(scene, target) ? 0.2 : 0.7;
  const named = found.filter(({ text }) => namesAny(text, scene.names, target) !== null);
  if (dependency) {
    const own = named.filter(({ text }) => text.includes(dependency));
    if (own.length === 0) return 0;
    return isFailing(scene, dependency) ? 0.3 : 1;
  }
  if (named.length === 0) return 1;
  // Lines that name a callee which fails itself are that callee's.
  return named.some(({ text }) => !isFailing(scene, namesAny(text, scene.names, target) ?? "")) ? 0.8 : 0.3;
}

/** Roles whose bite a caller feels in its own calls, while the callee by itself is well. */
const FELT_IN_CALLS: ReadonlySet<SettingRole> = new Set(["timeout", "pool", "retries", "reuse"]);
const INCIDENT_MS = 3 * 3_600_000;

/** 1 where calls of the target began to fail in the incident and the callee, for its other callers or itself, did not. */
function shownByCalls({ errorCalls, timelines, onsetMs }: Scene, { target, role, dependency }: Place): number {
  if (!FELT_IN_CALLS.has(role)) return 0;
  const window = { fromMs: onsetMs - INCIDENT_MS, toMs: Number.POSITIVE_INFINITY };
  const failing = (errorCalls.get(target) ?? []).filter(
    (call) => findOnset({ ...call, node: target }, window) !== null,
  );
  const meant = dependency ? failing.filter(({ callee }) => callee === dependency) : failing;
  const isWell = (node: string): boolean => {
    const own = timelines.find(node, "errors");
    return !own || findOnset(own, window) === null;
  };
  return meant.some(({ callee }) => isWell(callee)) ? 1 : meant.length > 0 ? 0.3 : 0;
}

/** Who waits for a callee that fails fills up and turns others away too. */
function callsFailing(scene: Scene, target: string): boolean {
  return scene.question.edges.some(([caller, callee]) => caller === target && isFailing(scene, callee));
}

const isSparse = ({ question }: Scene): boolean => Math.max(0, ...question.patterns.map(({ now }) => now)) < 1000;

const namesAny = (text: string, names: ReadonlyMap<string, string>, except: string): string | null =>
  text.split(/[^\w-]+/).find((word) => word !== except && names.has(word)) ?? null;

/** Whether a node says itself that it fails, of its own or by what it calls. */
function isFailing({ question }: Scene, node: string): boolean {
  const lines = (pattern: Pattern): boolean =>
    pattern.node === node && pattern.bad && pattern.now - pattern.usual >= LINES_MIN;
  return question.patterns.some(lines);
}

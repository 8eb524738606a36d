// Reads a case of commits, deploys and flags with the metrics, log patterns and spans around an alert.

import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import type { CandidateChange, CauseQuestion, Pattern, Timeline } from "../causes/input.ts";
import { emptyQuestion } from "../causes/input.ts";
import { parseDiff } from "../diffs/parse-diff.ts";
import { findSettingChanges } from "../diffs/setting-changes.ts";
import { parseDocument } from "yaml";

interface Commit {
  sha: string;
  timestamp: string;
  message: string;
  files_changed: string[];
  diff: string | null;
}

export interface ChangeCase {
  alert: { service: string; metric: string; summary?: string; monitor?: string; detail?: string; fired_at: string };
  commits: Commit[];
  deploys: { timestamp: string; service: string; commit_sha: string }[];
  flags?: { timestamp: string; flag: string; service: string; change: string }[];
  spans?: {
    trace_id: string;
    span_id: string;
    parent_id: string | null;
    service: string;
    name: string;
    status?: string;
  }[];
  patterns?: { signature: string; service: string; count: number; delta_vs_baseline?: string; sentiment?: string }[];
  metrics?: [string, string, string, number][];
}

const at = (text: string): number => instantFromRfc3339(text) ?? 0;

export function readChangeCase(given: ChangeCase): CauseQuestion {
  const timelines = readTimelines(given.metrics ?? []);
  const services = new Set([...timelines.map(({ node }) => node), ...given.deploys.map(({ service }) => service)]);
  const owners = readManifests(given.commits);
  const { alert } = given;
  return {
    ...emptyQuestion("change"),
    symptom: {
      node: alert.service,
      measure: alert.metric,
      text: [alert.metric, alert.summary, alert.monitor, alert.detail].filter(Boolean).join(" "),
      atMs: at(alert.fired_at),
    },
    edges: readEdges(given, services),
    timelines,
    patterns: readPatterns(given),
    changes: given.commits.map((commit) => readCommit(commit, given, owners, services)),
  };
}

function readTimelines(rows: readonly [string, string, string, number][]): Timeline[] {
  const timelines = new Map<string, { node: string; name: string; atMs: number[]; values: number[] }>();
  for (const [time, node, name, value] of rows) {
    const key = `${node}\t${name}`;
    let timeline = timelines.get(key);
    if (!timeline) timelines.set(key, (timeline = { node, name, atMs: [], values: [] }));
    timeline.atMs.push(at(time));
    timeline.values.push(value);
  }
  return [...timelines.values()];
}

/** Calls seen in spans, and those that log lines name: `call to X failed`, `upstream X returned …`. */
function readEdges({ spans = [], patterns = [] }: ChangeCase, services: ReadonlySet<string>): [string, string][] {
  const edges = new Set<string>();
  const byId = new Map<string, string>();
  let trace = "";
  for (const span of spans) {
    // Some exports write `same` for the trace of the span before.
    if (span.trace_id !== "same") trace = span.trace_id;
    byId.set(`${trace} ${span.span_id}`, span.service);
    const parent = span.parent_id === null ? undefined : byId.get(`${trace} ${span.parent_id}`);
    if (parent && parent !== span.service) edges.add(`${parent}\t${span.service}`);
  }
  for (const { signature, service } of patterns) {
    for (const word of signature.split(/[^\w-]+/))
      if (word !== service && services.has(word)) edges.add(`${service}\t${word}`);
  }
  return [...edges].map((edge) => edge.split("\t") as [string, string]);
}

function readPatterns({ patterns = [] }: ChangeCase): Pattern[] {
  return patterns.map(({ signature, service, count, delta_vs_baseline: delta, sentiment }) => {
    const more = Number(delta ?? count) || 0;
    return {
      node: service,
      text: signature,
      usual: Math.max(0, count - more),
      now: count,
      bad: sentiment === "negative",
    };
  });
}

/** What a service is built from: paths of its own, its values, and the libraries it embeds. */
interface Owner {
  service: string;
  paths: string[];
  libraries: string[];
}

const asList = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(String) : typeof value === "string" ? [value] : [];

/** Manifests that say which service is built from what, where one of the commits brought one in. */
function readManifests(commits: readonly Commit[]): Owner[] {
  return commits.flatMap(({ diff, files_changed: files }) => {
    if (!diff || !files.some((file) => /\.ya?ml$/.test(file)) || !/^\+services:/m.test(diff)) return [];
    const text = diff
      .split("\n")
      .filter((line) => line.startsWith("+") && !line.startsWith("+++"))
      .map((line) => line.slice(1))
      .join("\n");
    const services =
      (parseDocument(text).toJS() as { services?: Record<string, Record<string, unknown>> } | null)?.services ?? {};
    return Object.entries(services).map(([service, entry]) => ({
      service,
      paths: [...asList(entry["path"]), ...asList(entry["values"])],
      libraries: asList(entry["embeds"]),
    }));
  });
}

const isBelow = (file: string, path: string): boolean => file === path || file.startsWith(`${path}/`);

function readCommit(
  commit: Commit,
  { deploys }: ChangeCase,
  owners: readonly Owner[],
  services: ReadonlySet<string>,
): CandidateChange {
  const writtenMs = at(commit.timestamp);
  const files = parseDiff(commit.diff ?? "", commit.files_changed);
  const own = deploys.filter(({ commit_sha: sha }) => sha === commit.sha);
  const direct = own.map(({ service }) => service);
  const built = owners
    .filter(({ paths }) => commit.files_changed.some((file) => paths.some((path) => isBelow(file, path))))
    .map(({ service }) => service);
  const embedding = owners
    .filter(({ libraries }) => commit.files_changed.some((file) => libraries.some((path) => isBelow(file, path))))
    .map(({ service }) => service);
  const named = [...services].filter((service) =>
    commit.files_changed.some((file) => file.split(/[/.]/).includes(service)),
  );
  const targets = [...new Set([...direct, ...built, ...embedding, ...named])];
  // It takes effect with the first deploy of each target from then on.
  const later = deploys.filter(({ service, timestamp }) => targets.includes(service) && at(timestamp) >= writtenMs);
  const effective = own.length > 0 ? own : later;
  const lines = (sign: string): string[] =>
    files.flatMap((file) => file.lines.filter((line) => line.sign === sign).map(({ text }) => text));
  return {
    id: commit.sha,
    kind: "commit",
    atMs: effective.length > 0 ? Math.min(...effective.map(({ timestamp }) => at(timestamp))) : writtenMs,
    deployed: effective.length > 0,
    targets,
    settings: findSettingChanges(files),
    title: commit.message,
    removed: lines("-"),
    added: lines("+"),
    files: commit.files_changed,
    newInstances: [],
    oldInstances: [],
  };
}

// Policy tests: cases written as data, evaluated against a bundle, each with what it expected and got.

import { canonicalEnvironment } from "../core/environment.ts";
import { instantFromRfc3339 } from "../core/rfc3339.ts";
import { SEVERITIES } from "../wire/types/classification.ts";
import type {
  Contender,
  CounterReader,
  ImpactReading,
  PolicyFacts,
  SignalFact,
  UnderWay,
} from "../wire/types/policy-facts.ts";
import { IMAGE_CODES, IMAGES_MAX, type ImageFact } from "../wire/types/image.ts";
import { LEVEL_MAX } from "../wire/types/level.ts";
import { nothingPredicted, PAST_MAX, PREDICTION_CODES, ZONES_MAX, type Prediction } from "../wire/types/prediction.ts";
import { PLAN_RISKS, TAG, TAG_CHARS_MAX, TAGS_MAX } from "../wire/types/risk.ts";
import { STAGES } from "../wire/types/stage.ts";
import type { DecisionKind } from "../wire/types/verdict.ts";
import type { Bundle } from "./load.ts";
import { readName } from "./read-policy.ts";
import { type Field, type Problem, readDocuments, type SourceFile } from "./yaml-reader.ts";

const MILLION = 1_000_000;
const CASES_MAX = 1_000;
const CODES_MAX = 32;
const COUNTERS_MAX = 64;
const SIGNALS_MAX = 64;
const UNDER_WAY_MAX = 100;
const ABSORBED_MAX = 64;
const TEXT_CHARS_MAX = 300;
/** 2026-01-01T00:00:00Z, where a case does not say when it is. */
const TIME_MS = 1_767_225_600_000;

export interface CaseResult {
  readonly path: string;
  readonly line: number;
  /** `test name/case name`. */
  readonly name: string;
  readonly passed: boolean;
  /** What differs, in words; empty when it passed. */
  readonly difference: string;
}

interface PolicyCase {
  readonly name: string;
  readonly field: Field;
  readonly facts: PolicyFacts;
  readonly counters: Counters;
  readonly decision: DecisionKind;
  /** Codes that must be among the verdicts; null: not asked. */
  readonly codes: readonly string[] | null;
  readonly route: string | null;
}

/** Runs the PolicyTest documents of `files`. A file with problems gives problems and no results. */
export function runPolicyTests(
  bundle: Bundle,
  files: readonly SourceFile[],
): { results: readonly CaseResult[]; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const results: CaseResult[] = [];
  for (const file of files) {
    const before = problems.length;
    const cases = readDocuments(file, problems).flatMap((document) => readTest(document));
    if (problems.length === before) results.push(...cases.map((one) => runCase(bundle, one)));
  }
  return { results, problems };
}

function runCase(bundle: Bundle, { name, field, facts, counters, ...expected }: PolicyCase): CaseResult {
  const got = bundle.evaluate(facts, counters);
  const codes = got.verdicts.map((verdict) => verdict.code);
  const differences: string[] = [];
  if (got.decision !== expected.decision) differences.push(`expected ${expected.decision}, got ${got.decision}`);
  for (const code of expected.codes ?? []) {
    if (!codes.includes(code)) differences.push(`expected the code ${code}, got ${codes.join(", ")}`);
  }
  if (expected.route !== null && got.route !== expected.route) {
    differences.push(`expected the route ${expected.route}, got ${got.route ?? "none"}`);
  }
  for (const unread of counters.unread()) differences.push(`the counter ${unread} was never read`);
  const difference = differences.join("; ");
  return { path: field.path, line: field.line, name, passed: difference === "", difference };
}

function readTest(document: Field): readonly PolicyCase[] {
  const names = ["apiVersion", "kind", "metadata", "cases"] as const;
  const fields = document.fields(names, names);
  fields?.apiVersion?.oneOf(["holdpoint.dev/v1"] as const);
  fields?.kind?.oneOf(["PolicyTest"] as const);
  const name = readName(fields?.metadata);
  const cases = fields?.cases?.items(CASES_MAX)?.map((field) => readCase(field, name ?? ""));
  return (cases ?? []).filter((one) => one !== undefined);
}

function readCase(field: Field, test: string): PolicyCase | undefined {
  const fields = field.fields(["name", "facts", "counters", "expect"], ["name", "facts", "expect"]);
  const expect = fields?.expect?.fields(["decision", "codes", "route"], ["decision"]);
  const name = fields?.name?.text(TEXT_CHARS_MAX);
  const facts = fields?.facts && readFacts(fields.facts);
  const decision = expect?.decision?.oneOf(["allow", "hold", "refuse"] as const);
  const codes = expect?.codes?.items(CODES_MAX)?.map((code) => code.text(TEXT_CHARS_MAX) ?? "") ?? null;
  const route = expect?.route?.text(TEXT_CHARS_MAX) ?? null;
  const values = readCounters(fields?.counters);
  if (name === undefined || facts === undefined || decision === undefined) return undefined;
  const counters = new Counters(values, facts.action);
  return { name: `${test}/${name}`, field, facts, counters, decision, codes, route };
}

/** `used`: how much of a limit is taken; `passed`: which action a duplicate gate let through before. */
interface CounterValues {
  readonly used: ReadonlyMap<string, number>;
  readonly passed: ReadonlyMap<string, string>;
}

function readCounters(field: Field | undefined): CounterValues {
  const fields = field?.fields(["used", "passed"], []);
  const used = (fields?.used?.entries(COUNTERS_MAX) ?? []).map(([name, value]) => {
    return [name, value.integer(0, Number.MAX_SAFE_INTEGER) ?? 0] as const;
  });
  const passed = (fields?.passed?.entries(COUNTERS_MAX) ?? []).map(([name, value]) => {
    return [name, value.text(TEXT_CHARS_MAX) ?? ""] as const;
  });
  return { used: new Map(used), passed: new Map(passed) };
}

/** Counters as a case gives them: a name stands for every counter or mark that begins with it. */
class Counters implements CounterReader {
  readonly #values: CounterValues;
  readonly #action: PolicyFacts["action"];
  readonly #read = new Set<string>();

  constructor(values: CounterValues, action: PolicyFacts["action"]) {
    this.#values = values;
    this.#action = action;
  }

  used(counter: string): number {
    return this.#find(this.#values.used, counter) ?? 0;
  }

  lastPassed(key: string): string | null {
    return this.#find(this.#values.passed, key) ?? null;
  }

  contenders(): readonly Contender[] {
    const conflict = this.#find(this.#values.passed, "conflict");
    return conflict === undefined ? [] : [{ id: conflict, kind: "case" }];
  }

  /** So many actions of its own kind on the service of the case. */
  underWay(): readonly UnderWay[] {
    const length = Math.min(this.#find(this.#values.used, "concurrency") ?? 0, UNDER_WAY_MAX);
    const { kind, environment, service } = this.#action;
    return Array.from({ length }, (_, i) => ({ id: `act_${i}`, kind, environment, service, neighbourhood: [] }));
  }

  rehearsal(): string | null {
    return this.#find(this.#values.passed, "rehearsed") ?? null;
  }

  /** Of an impact `used` says how much of it is taken, whatever is counted: of shares in millionths. */
  impact(counter: string): ImpactReading {
    const used = this.#find(this.#values.used, counter) ?? 0;
    return { actions: used, size: used, share: used, targets: used, isKnown: false };
  }

  /** Names that no gate asked for: most likely misspelt. */
  unread(): string[] {
    return [...this.#values.used.keys(), ...this.#values.passed.keys()].filter((name) => !this.#read.has(name));
  }

  #find<T>(values: ReadonlyMap<string, T>, name: string): T | undefined {
    for (const [prefix, value] of values) {
      if (!name.startsWith(prefix)) continue;
      this.#read.add(prefix);
      return value;
    }
    return undefined;
  }
}

/** Partial facts on top of: the triage pipeline, production, nothing classified, no incident, no signals, controlled paging. */
function readFacts(field: Field): PolicyFacts | undefined {
  const fields = field.fields(
    [
      "action",
      "agent",
      "classification",
      "incident",
      "stage",
      "evidence",
      "storm",
      "prediction",
      "plan",
      "images",
      "signals",
      "now",
    ],
    ["action"],
  );
  const action = fields?.action && readAction(fields.action);
  const now = fields?.now?.text(TEXT_CHARS_MAX);
  const timeMs = now === undefined ? TIME_MS : instantFromRfc3339(now);
  if (timeMs === undefined) return fields?.now?.fail("must be an RFC 3339 instant");
  if (fields === undefined || action === undefined) return undefined;
  return {
    action,
    agent: readAgent(fields.agent),
    classification: readClassification(fields.classification),
    incident: readIncident(fields.incident),
    stage: readStage(fields.stage),
    evidence: readEvidence(fields.evidence),
    storm: readStorm(fields.storm),
    prediction: readPrediction(fields.prediction),
    plan: readFindings(fields.plan),
    images: (fields.images?.items(IMAGES_MAX) ?? []).map(readImage),
    signals: readSignals(fields.signals),
    timeMs,
  };
}

function readFindings(field: Field | undefined): PolicyFacts["plan"] {
  const fields = field?.fields(["risks", "tags"], []);
  const risks = (fields?.risks?.items(PLAN_RISKS.length) ?? []).map((risk) => risk.oneOf(PLAN_RISKS) ?? "unseen");
  const tags = (fields?.tags?.items(TAGS_MAX) ?? []).map((tag) => tag.textLike(TAG, "a tag", TAG_CHARS_MAX) ?? "");
  return { risks, tags };
}

function readImage(field: Field): ImageFact {
  const fields = field.fields(["code", "signers", "provenance"], ["code"]);
  const namesIn = (names: Field | undefined): readonly string[] =>
    (names?.items(IMAGES_MAX) ?? []).map((name) => name.text(TEXT_CHARS_MAX) ?? "");
  const code = fields?.code?.oneOf(IMAGE_CODES) ?? "unseen";
  return { digest: null, code, signers: namesIn(fields?.signers), provenance: namesIn(fields?.provenance) };
}

function readAction(field: Field): PolicyFacts["action"] | undefined {
  const names = ["id", "kind", "environment", "service", "reversible", "requestHash", "size", "pieces"] as const;
  const fields = field.fields(names, ["kind"]);
  const kind = fields?.kind?.text(TEXT_CHARS_MAX);
  if (fields === undefined || kind === undefined) return undefined;
  return {
    id: fields.id?.text(TEXT_CHARS_MAX) ?? "act_case",
    kind,
    environment: canonicalEnvironment(fields.environment?.text(TEXT_CHARS_MAX) ?? "production"),
    service: fields.service?.text(TEXT_CHARS_MAX) ?? "checkout",
    reversible: fields.reversible?.boolean() ?? false,
    requestHash: fields.requestHash?.text(TEXT_CHARS_MAX) ?? "request",
    target: "case",
    size: fields.size?.integer(0, Number.MAX_SAFE_INTEGER) ?? 1,
    ownSize: fields.size?.integer(0, Number.MAX_SAFE_INTEGER) ?? 1,
    pieces: fields.pieces?.integer(0, Number.MAX_SAFE_INTEGER) ?? 0,
  };
}

function readAgent(field: Field | undefined): PolicyFacts["agent"] {
  const fields = field?.fields(["id", "kind", "registered", "signed", "model", "delegated", "level"], []);
  const kind = fields?.kind?.oneOf(["agent", "person", "system"] as const) ?? "system";
  const model = fields?.model?.fields(["provider", "name", "version"], []);
  return {
    id: fields?.id?.text(TEXT_CHARS_MAX) ?? "system:triage",
    kind,
    // As the kernel has them: no agent proposes unregistered or unsigned.
    registered: fields?.registered?.boolean() ?? kind === "agent",
    signed: fields?.signed?.boolean() ?? kind === "agent",
    model: {
      provider: model?.provider?.text(TEXT_CHARS_MAX) ?? "",
      name: model?.name?.text(TEXT_CHARS_MAX) ?? "",
      version: model?.version?.text(TEXT_CHARS_MAX) ?? "",
    },
    delegated: fields?.delegated?.boolean() ?? false,
    // An agent has the level that it was granted; a case that names none is about one that may do everything.
    level: fields?.level?.integer(0, LEVEL_MAX) ?? LEVEL_MAX,
  };
}

function readClassification(field: Field | undefined): PolicyFacts["classification"] {
  const names = ["severity", "confidence", "requiresTicket", "requiresPaging", "requiresMim", "team"] as const;
  const fields = field?.fields(names, ["severity", "confidence"]);
  const severity = fields?.severity?.oneOf(SEVERITIES);
  return {
    known: fields !== undefined,
    severity: severity === undefined ? 0 : SEVERITIES.indexOf(severity),
    confidence: fields?.confidence?.number(0, 1) ?? 0,
    requiresTicket: fields?.requiresTicket?.boolean() ?? false,
    requiresPaging: fields?.requiresPaging?.boolean() ?? false,
    requiresMim: fields?.requiresMim?.boolean() ?? false,
    team: fields?.team?.text(TEXT_CHARS_MAX) ?? "",
  };
}

function readIncident(field: Field | undefined): PolicyFacts["incident"] {
  const fields = field?.fields(["id", "absorbed", "signature", "pagedSeverity"], ["signature"]);
  const paged = fields?.pagedSeverity?.oneOf(SEVERITIES);
  return {
    known: fields !== undefined,
    id: fields?.id?.text(TEXT_CHARS_MAX) ?? (fields === undefined ? "" : "inc_case"),
    absorbed: (fields?.absorbed?.items(ABSORBED_MAX) ?? []).map((id) => id.text(TEXT_CHARS_MAX) ?? ""),
    signature: fields?.signature?.text(TEXT_CHARS_MAX) ?? "",
    pagedSeverity: paged === undefined ? -1 : SEVERITIES.indexOf(paged),
  };
}

function readStage(field: Field | undefined): PolicyFacts["stage"] {
  const fields = field?.fields(["name", "raises"], []);
  return {
    name: fields?.name?.oneOf(STAGES) ?? "controlled-paging",
    raises: fields?.raises?.boolean() ?? false,
  };
}

/** Shares as parts of 1; a case without it is about an action that the model was not asked about. */
function readPrediction(field: Field | undefined): Prediction | null {
  if (field === undefined) return null;
  const names = ["code", "stale", "low", "expected", "high", "worst", "past", "zone", "crosses"] as const;
  const fields = field.fields(names, []);
  const millionths = (at: Field | undefined): number | undefined => {
    const part = at?.number(0, 1);
    return part === undefined ? undefined : Math.round(part * MILLION);
  };
  const high = millionths(fields?.high) ?? MILLION;
  const share = { low: millionths(fields?.low) ?? 0, mid: millionths(fields?.expected) ?? 0, high };
  const exposure = { ...share, high: millionths(fields?.worst) ?? high };
  const past = (fields?.past?.items(PAST_MAX) ?? []).map((at) => millionths(at) ?? 0).toSorted((a, b) => a - b);
  const crosses = fields?.crosses?.items(ZONES_MAX)?.map((zone) => zone.text(TEXT_CHARS_MAX) ?? "") ?? [];
  const code = fields?.code?.oneOf(PREDICTION_CODES) ?? "";
  const zone = fields?.zone?.text(TEXT_CHARS_MAX) ?? null;
  const isStale = fields?.stale?.boolean() ?? false;
  const nothing = { ...nothingPredicted("unmeasured"), target: "case", modelVersion: 1, staleS: 0 };
  return { ...nothing, code, isStale, share, exposure, past, zone, crosses, crossed: crosses.length };
}

const EVIDENCE_MAX = 32;

function readEvidence(field: Field | undefined): PolicyFacts["evidence"] {
  const fields = field?.fields(["signals", "runs", "incidents", "actions"], []);
  const count = (one: Field | undefined): number => one?.integer(0, EVIDENCE_MAX) ?? 0;
  return {
    signals: count(fields?.signals),
    runs: count(fields?.runs),
    incidents: count(fields?.incidents),
    actions: count(fields?.actions),
  };
}

function readStorm(field: Field | undefined): PolicyFacts["storm"] {
  const fields = field?.fields(["active", "consolidated"], []);
  return {
    active: fields?.active?.boolean() ?? false,
    id: fields === undefined ? "" : "stm_case",
    consolidated: fields?.consolidated?.boolean() ?? false,
  };
}

function readSignals(field: Field | undefined): readonly SignalFact[] {
  return (field?.items(SIGNALS_MAX) ?? []).map((item, i) => {
    const fields = item.fields(["source", "detector", "derived"], ["source", "detector"]);
    return {
      id: `sig_${i}`,
      source: fields?.source?.text(TEXT_CHARS_MAX) ?? "",
      detector: fields?.detector?.text(TEXT_CHARS_MAX) ?? "",
      derived: fields?.derived?.boolean() ?? false,
    };
  });
}

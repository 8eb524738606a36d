// Loads a bundle of policy files: all of it, or nothing and the reasons.

import { createHash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { Calendars } from "./calendars.ts";
import { type MarkedTargets, readCatalog, tagsFor } from "./catalog.ts";
import type { Policy, Route } from "./definitions.ts";
import { type Evaluate, makeEvaluate } from "./evaluate.ts";
import { type Ladder, readLadder } from "./ladder.ts";
import { MEMORY_DEFAULT, type MemoryTerms, readMemory } from "./memory-terms.ts";
import { readName, readPolicy, type RouteUse } from "./read-policy.ts";
import { checkSteps, readRoute, type StepUse } from "./read-route.ts";
import { readSchedule, type Schedule } from "./schedule.ts";
import { findVerification, readVerification, type MatchedVerification } from "./verification.ts";
import { type Field, type Problem, readDocuments, type SourceFile } from "./yaml-reader.ts";

export type { Problem, SourceFile };

const API_VERSION = "holdpoint.dev/v1";
const FILES_MAX = 2_000;
const PATH_CHARS_MAX = 512;
const RULES_MAX = 20_000;
const PROBLEMS_MAX = 100;
const VERIFICATIONS_MAX = 1_000;
const MARKED_MAX = 10_000;
const KINDS = ["Policy", "Route", "Schedule", "Ladder", "Verification", "Catalog", "Calendar", "Memory"] as const;
const NO_TAGS: readonly string[] = [];

/** Policies that are in force together. Immutable; equal files give equal hashes and equal answers. */
export interface Bundle {
  /** Lower-case hex SHA-256 over the canonical JSON of the sorted `[path, text]` pairs. */
  readonly hash: string;
  readonly policies: readonly Policy[];
  readonly routes: ReadonlyMap<string, Route>;
  readonly schedules: ReadonlyMap<string, Schedule>;
  /** Null when no file has one: then the triage agent stays in shadow. */
  readonly ladder: Ladder | null;
  readonly verifications: readonly MatchedVerification[];
  readonly calendars: Pick<Calendars, "unused">;
  /** How long incidents are remembered, and by whom. */
  readonly memory: MemoryTerms;
  /** What must be checked after an action of that kind, target and service. */
  verificationFor(of: { kind: string; environment: string; service: string }): MatchedVerification | undefined;
  /** The regulations that stand over a target. */
  tagsFor(of: { environment: string; service: string }): readonly string[];
  /** Pure but for the counters it reads. An action that no rule allows is refused. */
  readonly evaluate: Evaluate;
}

/**
 * Loads Policy, Route, Schedule, Ladder, Verification, Catalog, Calendar and Memory documents. With any problem there is no bundle; at most 100 problems are told. No files
 * make a bundle that refuses everything.
 */
export function loadBundle(files: readonly SourceFile[]): { bundle: Bundle | null; problems: readonly Problem[] } {
  const loader = new Loader();
  loader.load(sortedByPath(files));
  if (loader.problems.length > 0) return { bundle: null, problems: loader.problems.slice(0, PROBLEMS_MAX) };
  const hash = bundleHash(files);
  const { policies, routes, schedules, ladder, verifications, calendars, marked } = loader;
  const verificationFor: Bundle["verificationFor"] = (of) => findVerification(verifications, of);
  const marks: Bundle["tagsFor"] = (of) => (marked.length === 0 ? NO_TAGS : tagsFor(marked, of));
  const evaluate = makeEvaluate(policies, hash);
  const memory = loader.memory ?? MEMORY_DEFAULT;
  const documents = { policies, routes, schedules, ladder, verifications, calendars, memory };
  return { bundle: { hash, ...documents, verificationFor, tagsFor: marks, evaluate }, problems: [] };
}

/** What a bundle of these files is named by. Their paths and texts must be well-formed. */
export function bundleHash(files: readonly SourceFile[]): string {
  const pairs = sortedByPath(files).map(({ path, text }) => [path, text] as const);
  return createHash("sha256").update(canonicalJson(pairs)).digest("hex");
}

function sortedByPath(files: readonly SourceFile[]): readonly SourceFile[] {
  return files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

class Loader {
  readonly problems: Problem[] = [];
  readonly policies: Policy[] = [];
  readonly routes = new Map<string, Route>();
  readonly schedules = new Map<string, Schedule>();
  ladder: Ladder | null = null;
  readonly verifications: MatchedVerification[] = [];
  memory: MemoryTerms | null = null;
  readonly marked: MarkedTargets[] = [];
  readonly #policyNames = new Set<string>();
  readonly #uses: RouteUse[] = [];
  readonly calendars = new Calendars();
  readonly #steps: StepUse[] = [];

  load(files: readonly SourceFile[]): void {
    if (files.length > FILES_MAX) return this.#failFile("", `more than ${FILES_MAX} files`);
    for (const [i, file] of files.entries()) {
      if (this.problems.length >= PROBLEMS_MAX) return;
      if (this.#isFileSound(file, files[i - 1])) {
        for (const document of readDocuments(file, this.problems)) this.#readDocument(document);
      }
    }
    for (const { name, field } of this.#uses) if (!this.routes.has(name)) field.fail(`unknown route \`${name}\``);
    this.calendars.checkUses();
    checkSteps(this.#steps, this.schedules);
    const rules = this.policies.reduce((count, policy) => count + policy.rules.length, 0);
    if (rules > RULES_MAX) this.#failFile("", `more than ${RULES_MAX} rules`);
  }

  #isFileSound({ path, text }: SourceFile, previous: SourceFile | undefined): boolean {
    if (path.length === 0 || path.length > PATH_CHARS_MAX || !path.isWellFormed()) {
      this.#failFile(path, `the path must have 1 to ${PATH_CHARS_MAX} characters`);
    } else if (previous?.path === path) this.#failFile(path, "two files have this path");
    else if (!text.isWellFormed()) this.#failFile(path, "the file contains a lone surrogate");
    else return true;
    return false;
  }

  #failFile(path: string, message: string): void {
    this.problems.push({ path, line: 1, column: 1, message });
  }

  #readDocument(document: Field): void {
    const fields = document.fields(
      ["apiVersion", "kind", "metadata", "spec"],
      ["apiVersion", "kind", "metadata", "spec"],
    );
    const version = fields?.apiVersion?.oneOf([API_VERSION] as const);
    const kind = fields?.kind?.oneOf(KINDS);
    const name = readName(fields?.metadata);
    if (version === undefined || kind === undefined || name === undefined || fields?.spec === undefined) return;
    if (kind === "Ladder") this.#addLadder(document, fields.spec);
    else if (kind === "Verification") this.#addVerification(name, document, fields.spec);
    else if (kind === "Catalog") this.#addCatalog(document, fields.spec);
    else if (kind === "Calendar") this.calendars.add(name, document, fields.spec);
    else if (kind === "Memory") this.#addMemory(document, fields.spec);
    else if (kind === "Route") this.#addRoute(name, document, fields.spec);
    else if (kind === "Schedule") this.#addSchedule(name, document, fields.spec);
    else this.#addPolicy(name, document, fields.spec);
  }

  #addLadder(document: Field, spec: Field): void {
    const ladder = readLadder(spec, this.#uses);
    if (ladder === undefined) return;
    if (this.ladder !== null) document.fail("a second ladder");
    else this.ladder = ladder;
  }

  #addMemory(document: Field, spec: Field): void {
    const memory = readMemory(spec);
    if (memory === undefined) return;
    if (this.memory !== null) document.fail("a second memory");
    else this.memory = memory;
  }

  #addVerification(name: string, document: Field, spec: Field): void {
    const verification = readVerification(name, spec);
    if (verification === undefined) return;
    if (this.verifications.some((one) => one.name === name)) document.fail(`a second verification named \`${name}\``);
    else if (this.verifications.length >= VERIFICATIONS_MAX)
      document.fail(`more than ${VERIFICATIONS_MAX} verifications`);
    else this.verifications.push(verification);
  }

  #addCatalog(document: Field, spec: Field): void {
    this.marked.push(...readCatalog(spec));
    if (this.marked.length > MARKED_MAX) document.fail(`more than ${MARKED_MAX} targets`);
  }

  #addRoute(name: string, document: Field, spec: Field): void {
    const route = readRoute(name, spec, this.#steps);
    if (route === undefined) return;
    if (this.routes.has(name)) document.fail(`a second route named \`${name}\``);
    else this.routes.set(name, route);
  }

  #addSchedule(name: string, document: Field, spec: Field): void {
    const schedule = readSchedule(name, spec);
    if (schedule === undefined) return;
    if (this.schedules.has(name)) document.fail(`a second schedule named \`${name}\``);
    else this.schedules.set(name, schedule);
  }

  #addPolicy(name: string, document: Field, spec: Field): void {
    const policy = readPolicy(name, spec, { uses: this.#uses, calendars: this.calendars });
    if (policy === undefined) return;
    if (this.#policyNames.has(name)) document.fail(`a second policy named \`${name}\``);
    this.#policyNames.add(name);
    this.policies.push(policy);
  }
}

// What redaction finds of the corpus, by kind, and what it takes that it should leave. Run by itself it prints the table.

import { redactField } from "../../../src/signals/redact.ts";
import { negativeCases, positiveCases, type CorpusCase, type Part } from "./cases.ts";

export type Score = {
  readonly kind: string;
  readonly cases: number;
  /** Values that had to go. */
  readonly values: number;
  /** Of those, the ones of which nothing telling is left. */
  readonly found: number;
  /** Cases in which exactly the values went, and all else stayed. */
  readonly exact: number;
};

export type Measured = {
  readonly scores: readonly Score[];
  readonly negatives: { readonly cases: number; readonly changed: number };
  /** One line for each case that came out wrong: what was put in and what came out. */
  readonly misses: readonly string[];
  readonly inexact: readonly string[];
  readonly falsePositives: readonly string[];
};

export function measureCorpus(seeds: readonly number[], part: Part): Measured {
  const positives = seeds.flatMap((seed) => positiveCases(seed, part)).map(judge);
  const negatives = seeds.flatMap((seed) => negativeCases(seed, part)).map(judge);
  const kinds = [...new Set(positives.map(({ kind }) => kind))];
  const line = ({ kind, value, input, output }: Judged): string =>
    `${kind} ${value}\n  in:  ${input}\n  out: ${output}`;
  return {
    scores: kinds.map((kind) =>
      scoreOf(
        kind,
        positives.filter((one) => one.kind === kind),
      ),
    ),
    negatives: { cases: negatives.length, changed: negatives.filter(({ isExact }) => !isExact).length },
    misses: positives.filter(({ values, found }) => found < values).map(line),
    inexact: positives.filter(({ isExact, values, found }) => !isExact && found === values).map(line),
    falsePositives: negatives.filter(({ isExact }) => !isExact).map(line),
  };
}

type Judged = {
  readonly kind: string;
  readonly value: string;
  readonly input: string;
  readonly output: string;
  readonly values: number;
  readonly found: number;
  readonly isExact: boolean;
};

function judge({ kind, value, field, parts, ipAddresses }: CorpusCase): Judged {
  const input = parts.join("");
  const output = redactField(field, input, { ipAddresses }).text;
  const secrets = parts.filter((_, index) => index % 2 === 1);
  const found = secrets.filter((secret) => !isLeaked(secret, output)).length;
  // Named as sensitive, a field goes as a whole.
  const isExact =
    output === "[redacted:by-name]" && kind === "by-field-name"
      ? true
      : secrets.length === 0
        ? output === input
        : exactly(parts).test(output);
  return { kind, value, input, output, values: secrets.length, found, isExact };
}

/** True when half of a short value is left, or twelve characters of a long one. */
function isLeaked(secret: string, output: string): boolean {
  const telling = Math.min(secret.length, Math.max(6, Math.min(12, Math.floor(secret.length / 2))));
  for (let at = 0; at + telling <= secret.length; at++) {
    if (output.includes(secret.slice(at, at + telling))) return true;
  }
  return false;
}

/** The text with a mark for each value; quotes around a value and the scheme before it may go with it. */
function exactly(parts: readonly string[]): RegExp {
  const pattern = parts.map((part, index) => {
    if (index % 2 === 1) return String.raw`\[redacted:[a-z-]+\]`;
    const [before = ""] = index === 0 ? [] : (/^[\\"'`]+/.exec(part) ?? []);
    const [after = "", ...pieces] = index === parts.length - 1 ? [] : (AROUND.exec(part) ?? []);
    const kept = part.slice(before.length, part.length - after.length);
    return optional(before) + escaped(kept) + pieces.map(optional).join("");
  });
  return new RegExp(`^${pattern.join("")}$`);
}

/** Quotes, a scheme and quotes before a value. */
const AROUND = /([\\"'`]*)((?:Bearer |Basic |Splunk |GenieKey |SSWS |Token token=)?)([\\"'`]*)$/;

function optional(text = ""): string {
  return text === "" ? "" : `(?:${escaped(text)})?`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\^$.*+?()[\]{}|/\\]/g, String.raw`\$&`);
}

function scoreOf(kind: string, judged: readonly Judged[]): Score {
  const sum = (of: (one: Judged) => number): number => judged.reduce((total, one) => total + of(one), 0);
  return {
    kind,
    cases: judged.length,
    values: sum(({ values }) => values),
    found: sum(({ found }) => found),
    exact: sum(({ isExact }) => (isExact ? 1 : 0)),
  };
}

function tableOf({ scores, negatives }: Measured): string {
  const rows = scores.map(
    ({ kind, cases, values, found, exact }) =>
      `| ${kind} | ${cases} | ${values} | ${(found / values).toFixed(4)} | ${(exact / cases).toFixed(4)} |`,
  );
  const { cases, changed } = negatives;
  return [
    "| kind | texts | values | recall | exactly these |",
    "|---|---|---|---|---|",
    ...rows,
    `| nothing to find | ${cases} | 0 | ${changed} changed (${((100 * changed) / cases).toFixed(2)} %) | |`,
  ].join("\n");
}

if (import.meta.main) {
  const seeds = [1, 2, 3, 4, 5];
  for (const part of ["first", "later"] as const) {
    const measured = measureCorpus(seeds, part);
    process.stdout.write(`${part}, seeds ${seeds.join(", ")}\n\n${tableOf(measured)}\n\n`);
    if (!process.argv.includes("--show")) continue;
    for (const list of ["misses", "falsePositives", "inexact"] as const) {
      process.stdout.write(`${list}\n${measured[list].join("\n")}\n`);
    }
  }
}

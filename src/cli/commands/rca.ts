// `rca predict`: answers a folder of recorded cases with the same search for causes that serves the API, one line each.

import { closeSync, openSync, readdirSync, readFileSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Command } from "commander";
import { readCase, type CaseFile } from "../../model/cases/read-case.ts";
import { findCauses } from "../../model/causes/find-causes.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { escapeLine } from "../safe-text.ts";
import type { Runner, Session } from "../session.ts";

const CASE_BYTES_MAX = 256 * 1024 * 1024;
const CASES_MAX = 100_000;
const CASE_NAME = /\.json(\.gz)?$/;

type PredictFlags = { readonly cases: string; readonly out: string };

export function addRca(program: Command, runner: Runner): void {
  const rca = program.command("rca").description("Root causes of recorded incidents");
  rca
    .command("predict")
    .description("Name the causes of every case in a folder, as lines of JSON; works offline")
    .requiredOption("--cases <dir>", "a folder of cases, .json or .json.gz, read with its sub-folders")
    .requiredOption("--out <file>", "where the lines go; an existing file is replaced")
    .action(runner.action(predict));
}

function predict({ host, output }: Session, { cases, out }: PredictFlags): ExitCode {
  const paths = listCases(cases);
  const references = new References();
  const file = openSync(out, "w");
  let [answered, failed] = [0, 0];
  try {
    for (const path of paths) {
      if (host.interrupted.aborted) throw new CliError("interrupted");
      const line = answer(path, references);
      if (line === null) continue;
      if (typeof line === "string") {
        failed += 1;
        output.note(`${escapeLine(path)}: ${escapeLine(line)}`);
        continue;
      }
      writeSync(file, `${JSON.stringify(line)}\n`);
      answered += 1;
    }
  } finally {
    closeSync(file);
  }
  output.note(`${answered} cases answered, ${failed} could not be read`);
  return failed === 0 && answered > 0 ? EXIT.ok : EXIT.error;
}

/** Files of all sub-folders in the order of their names, so that the same folder always gives the same lines. */
function listCases(dir: string): string[] {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw new CliError(`${dir} is not a folder`);
  const names = readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((name) => CASE_NAME.test(name));
  if (names.length > CASES_MAX) throw new CliError(`${dir} holds more than ${CASES_MAX} files`);
  return names.toSorted().map((name) => join(dir, name));
}

type Line = { readonly id: string; readonly ranked: readonly object[]; readonly blastRadius: readonly string[] };

/** A line; a text that says why there is none; null for a file that is no case or asks for nothing. */
function answer(path: string, references: References): Line | string | null {
  try {
    const given = readJson(path);
    if (!isCase(given)) return null;
    const question = readCase(given, (name) => references.load(join(dirname(path), name)));
    if (question === null) return null;
    return { id: given.id, ...findCauses(question) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function isCase(given: unknown): given is CaseFile {
  const file = given as Partial<CaseFile> | null;
  return typeof file?.id === "string" && typeof file.kind === "string";
}

function readJson(path: string): unknown {
  if (statSync(path).size > CASE_BYTES_MAX) throw new CliError(`larger than ${CASE_BYTES_MAX} bytes`);
  const bytes = readFileSync(path);
  const text = path.endsWith(".gz") ? gunzipSync(bytes, { maxOutputLength: CASE_BYTES_MAX }) : bytes;
  return JSON.parse(text.toString("utf8"));
}

/** The last reference read: cases of one system follow each other, and memory stays flat. */
class References {
  #path: string | null = null;
  #value: unknown = null;

  load(path: string): unknown {
    if (this.#path !== path) {
      this.#value = readJson(path);
      this.#path = path;
    }
    return this.#value;
  }
}

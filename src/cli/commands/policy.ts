// `policy`: lint and test a bundle offline, and propose it.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { lintBundle } from "../../policy/lint.ts";
import { loadBundle, type Bundle, type Problem, type SourceFile } from "../../policy/load.ts";
import { runPolicyTests } from "../../policy/test-cases.ts";
import { apiPath } from "../api-client.ts";
import { CliError, usageError } from "../cli-error.ts";
import { EXIT, exitOfStatus, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { escapeLine } from "../safe-text.ts";
import type { Runner, Session } from "../session.ts";

const TEST_FILE_BYTES_MAX = 1024 * 1024;
const TEST_FILES_MAX = 256;

export function addPolicy(program: Command, runner: Runner): void {
  const policy = program.command("policy").description("Check, test and propose policy bundles");
  const where = "a policy folder (default: the shipped pack)";
  policy
    .command("lint")
    .description("Load a folder and tell what is wrong or never applies")
    .argument("[path]", where)
    .action(runner.action(lint));
  policy
    .command("test")
    .description("Run the cases in a folder's tests/")
    .argument("[path]", where)
    .action(runner.action(test));
  policy
    .command("propose")
    .description("Propose a folder as the new bundle; its activation waits for approval")
    .argument("<path>", "a policy folder")
    .action(runner.action(propose));
}

function lint(session: Session, path: string | undefined): ExitCode {
  const bundle = load(session, path ?? session.host.policyDir);
  if (bundle === null) return EXIT.error;
  const findings = lintBundle(bundle);
  for (const { path: file, line, code, subject, message } of findings) {
    const place = file === "" ? "" : `${escapeLine(file)}:${line}: `;
    session.output.print(`${place}${code}: ${escapeLine(subject)}: ${escapeLine(message)}\n`);
  }
  const rules = bundle.policies.reduce((count, policy) => count + policy.rules.length, 0);
  session.output.note(
    `${bundle.policies.length} policies, ${rules} rules, ${findings.length} findings; bundle ${bundle.hash}`,
  );
  return findings.length === 0 ? EXIT.ok : EXIT.error;
}

function test(session: Session, path: string | undefined): ExitCode {
  const { output } = session;
  const dir = path ?? session.host.policyDir;
  const bundle = load(session, dir);
  if (bundle === null) return EXIT.error;
  const { results, problems } = runPolicyTests(bundle, readTests(join(dir, "tests")));
  printProblems(session, problems);
  for (const { path: file, line, name, passed, difference } of results) {
    if (!passed) output.print(`${escapeLine(file)}:${line}: ${escapeLine(name)}: ${escapeLine(difference)}\n`);
  }
  const failed = results.filter((result) => !result.passed).length;
  output.note(`${results.length} cases, ${failed} failed`);
  // A folder without a single case has shown nothing.
  return failed === 0 && problems.length === 0 && results.length > 0 ? EXIT.ok : EXIT.error;
}

async function propose(session: Session, path: string): Promise<ExitCode> {
  const { api, output } = session;
  if (load(session, path) === null) return EXIT.error;
  const files = session.host.readPolicyFolder(path).map((file) => ({ path: file.path, text: file.text }));
  const answer = new Fields(
    (await api.call({ method: "POST", path: apiPath("v1", "policies"), body: { files } })).body,
  );
  output.print(`${answer.text("action")} ${answer.text("status")} bundle ${answer.text("bundleHash")}\n`);
  const status = answer.exact("status");
  if (status === "active") return EXIT.ok; // it is in force already
  if (status === "held") output.note(`next: somebody else runs \`holdpoint approve ${answer.text("action")}\``);
  return exitOfStatus(status);
}

/** The bundle, or null after telling why it does not load. */
function load(session: Session, dir: string): Bundle | null {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) throw usageError(`${dir} is no folder`);
  const { bundle, problems } = loadBundle(session.host.readPolicyFolder(dir));
  printProblems(session, problems);
  return bundle;
}

function printProblems({ output }: Session, problems: readonly Problem[]): void {
  for (const { path, line, column, message } of problems) {
    output.print(`${escapeLine(path)}:${line}:${column}: ${escapeLine(message)}\n`);
  }
}

function readTests(dir: string): readonly SourceFile[] {
  if (!existsSync(dir)) throw new CliError(`there is no folder ${dir} with test cases`);
  const names = readdirSync(dir)
    .filter((name) => name.endsWith(".yaml"))
    .toSorted();
  if (names.length > TEST_FILES_MAX) throw new CliError(`${dir} holds more than ${TEST_FILES_MAX} files`);
  return names.map((name) => {
    const path = join(dir, name);
    if (statSync(path).size > TEST_FILE_BYTES_MAX) throw new CliError(`${path} is too large`);
    return { path: `tests/${name}`, text: readFileSync(path, "utf8") };
  });
}

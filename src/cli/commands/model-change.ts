// `model change`: tells the model of a deploy, a configuration change or a flag, with the diff that says what it moved.

import { readFileSync, statSync } from "node:fs";
import { Option, type Command } from "commander";
import { CHANGE_KINDS } from "../../wire/types/model.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import type { Runner, Session } from "../session.ts";

/** The server reads no more; the beginning of a longer diff is sent. */
const DIFF_CHARS_MAX = 786_432;
const FILE_BYTES_MAX = 64 * 1024 * 1024;

export function addModelChange(model: Command, runner: Runner): void {
  model
    .command("change")
    .description("Tell of a deploy, a configuration change or a flag; a diff says which settings it moved")
    .argument("<id>", "the maker's own name of it: a commit, a release")
    .addOption(new Option("--kind <kind>", "what it is").choices([...CHANGE_KINDS]).default("deploy"))
    .requiredOption("--target <nodes...>", "what it was made to, the first above all: service:production:cart")
    .option("--at <instant>", "when it took effect (default: now)")
    .option("--diff <file>", "a unified diff, - for standard input: `git diff A B | holdpoint model change …`")
    .action(runner.action(change));
}

type ChangeFlags = {
  readonly kind: string;
  readonly target: readonly string[];
  readonly at?: string;
  readonly diff?: string;
};

async function change(session: Session, id: string, { kind, target, at, diff }: ChangeFlags): Promise<ExitCode> {
  const { api, output } = session;
  const text = diff === undefined ? undefined : await readDiff(session, diff);
  if (text !== undefined && text.length > DIFF_CHARS_MAX) output.note("the diff is long: its beginning is read");
  const body = {
    id,
    kind,
    targets: target,
    ...(at === undefined ? {} : { at }),
    ...(text === undefined ? {} : { diff: text.slice(0, DIFF_CHARS_MAX) }),
  };
  const { body: answer } = await api.call({ method: "POST", path: "/v1/model/changes", body });
  const told = new Fields(answer);
  const settings = told.number("settings") ?? 0;
  output.print(
    `${told.text("id")} ${told.isTrue("repeated") ? "is known already" : "recorded"}: ${settings} ${settings === 1 ? "setting" : "settings"}\n`,
  );
  const withheld = told.number("withheld") ?? 0;
  if (withheld > 0) output.note(`${withheld} settings of the diff are not recorded: secrets, or too many`);
  const skipped = told.number("skipped") ?? 0;
  if (skipped > 0)
    output.note(`${skipped} changed lines of the diff are not read: longer than 500 characters, or too many`);
  return EXIT.ok;
}

async function readDiff({ host }: Session, path: string): Promise<string> {
  if (path === "-") return Buffer.from(await host.stdin.readAll()).toString("utf8");
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) throw new CliError(`there is no file ${path}`);
  if (stat.size > FILE_BYTES_MAX) throw new CliError(`${path} is too large`);
  return readFileSync(path, "utf8");
}

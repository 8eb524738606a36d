// `drill`: an action and what takes it back, run where nobody is hurt, with the proof of both.

import { Option, type Command } from "commander";
import { canonicalEnvironment } from "../../core/environment.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { apiPath } from "../api-client.ts";
import { usageError } from "../cli-error.ts";
import { EXIT, exitOfStatus, isEnded, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import type { Runner, Session } from "../session.ts";
import { madeUpKey, parseWait, readArguments, send, waitForEnd, type ArgumentFlags } from "./propose.ts";

type DrillFlags = ArgumentFlags & {
  readonly environment: string;
  readonly service: string;
  readonly resource?: string;
  readonly wait: string;
  readonly output: OutputFormat;
};

const REASON = "a drill: it is taken back when it has ended";

export function addDrill(program: Command, runner: Runner): void {
  program
    .command("drill")
    .description("Run an action and then its inverse, in staging, and keep the proof that it can be taken back")
    .argument("<kind>", "such as http.call")
    .requiredOption("-e, --environment <name>", "any but production")
    .requiredOption("-s, --service <name>")
    .option("-r, --resource <name>")
    .addOption(new Option("-a, --arg <name=value...>", "an argument: name=text, or name:=JSON").conflicts("argsFile"))
    .option("--args-file <file>", "all arguments as a JSON object; - reads standard input")
    .option("--wait <seconds>", "wait this long for each of the two to end", "300")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(drill));
}

/** One of the two as it ended, or what was planned where neither was run. */
type Half = { readonly name: "plan" | "action" | "revert"; readonly shown: Fields };

async function drill(session: Session, kind: string, flags: DrillFlags): Promise<ExitCode> {
  const { environment, service, resource } = flags;
  if (canonicalEnvironment(environment) === "production") throw usageError("a drill is never in production");
  const waitMs = parseWait(flags.wait);
  const key = madeUpKey(session);
  const run = async (name: Half["name"], path: string, body: JsonObject): Promise<Half> => {
    const headers = { "idempotency-key": `${key}-${name}` };
    const decision = new Fields(await send(session, { path, body, headers }, `${key}-${name}`));
    return { name, shown: await waitForEnd(session, decision.exact("id"), waitMs) };
  };
  const proposal = {
    kind,
    target: { environment, service, ...(resource === undefined ? {} : { resource }) },
    arguments: await readArguments(session, flags),
    reason: REASON,
  };
  const plan = await run("plan", apiPath("v1", "actions"), { ...proposal, dryRun: true });
  if (plan.shown.exact("status") !== "advised") return report(session, [plan], flags.output);
  if (plan.shown.raw("reversible") !== true) {
    session.output.note("nothing takes it back: it was not run");
    return report(session, [plan], flags.output);
  }
  const action = await run("action", apiPath("v1", "actions"), proposal);
  if (action.shown.exact("status") !== "succeeded") {
    return report(session, [await withdrawn(session, action)], flags.output);
  }
  const path = apiPath("v1", "actions", action.shown.exact("id"), "revert");
  const revert = await run("revert", path, { reason: REASON }).catch(async (error: unknown) => {
    await report(session, [action], flags.output); // it stands: what is known of it is told before the error is
    throw error;
  });
  const { shown } = revert;
  if (shown.exact("status") === "held") {
    session.output.note(`the action stands until its inverse is approved: holdpoint approve ${shown.exact("id")}`);
  }
  return report(session, [action, revert], flags.output);
}

/** What has not begun when nobody waits any more would be run later, and nobody would take it back. */
async function withdrawn(session: Session, half: Half): Promise<Half> {
  const id = half.shown.exact("id");
  if (isEnded(half.shown.exact("status"))) return half;
  const cancel = apiPath("v1", "actions", id, "cancel");
  await session.api.call({ method: "POST", path: cancel, body: {} }).catch(() => undefined); // its status says so
  return { ...half, shown: await session.api.document(apiPath("v1", "actions", id)) };
}

/** Passed when both succeeded; else the exit code is that of the one that did not. */
async function report(session: Session, halves: readonly Half[], format: OutputFormat): Promise<ExitCode> {
  const { output } = session;
  const unwell = halves.find(({ shown }) => shown.exact("status") !== "succeeded");
  const passed = unwell === undefined && halves.length === 2;
  if (format === "table") {
    for (const { name, shown } of halves) {
      const code = shown.has("code") ? ` (${shown.text("code")})` : "";
      output.print(`${name.padEnd(8)}${shown.text("id")} ${shown.text("status")}${code}\n`);
    }
    output.print(passed ? "passed: it can be taken back\n" : "not passed\n");
  } else {
    output.printValue({ passed, ...(await evidence(session, halves)) }, format);
  }
  if (passed) return EXIT.ok;
  return exitOfStatus(unwell?.shown.exact("status") ?? "") || EXIT.error;
}

/** What was approved, what came of it, and the offline proof that the ledger has it. */
async function evidence({ api }: Session, halves: readonly Half[]): Promise<JsonObject> {
  const told: Record<string, Json> = {};
  for (const { name, shown } of halves) {
    const id = shown.exact("id");
    const receipt = await api.get(apiPath("v1", "actions", id, "receipt"));
    const members = ["id", "status", "code", "kind", "planHash", "proposedAt", "endedAt", "revertOf"] as const;
    told[name] = { ...Object.fromEntries(members.map((member) => [member, shown.raw(member)])), receipt };
  }
  return told;
}

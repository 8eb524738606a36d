// `approve`, `deny`, `withdraw` and `cancel`: answers to a hold, bound to the plan that was read.

import { hash } from "node:crypto";
import { Option, type Command } from "commander";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { Json } from "../../core/json.ts";
import { apiPath } from "../api-client.ts";
import { IRREVERSIBLE, REVIEW_OUTCOMES } from "../../wire/types/approvals.ts";
import { kernelPlan } from "../../wire/schemas/kernel-kinds.ts";
import { CliError, usageError } from "../cli-error.ts";
import { answerCard, holdLines } from "../describe-action.ts";
import { EXIT, exitOfStatus, isEnded, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { idOf } from "../resources.ts";
import type { Runner, Session } from "../session.ts";
import { checkWatched, statusLine, watchAction, watchOption } from "../watch-action.ts";

type AnswerFlags = {
  readonly reason?: string;
  readonly yes?: true;
  readonly planHash?: string;
  readonly confirm?: string;
  readonly watch?: true;
  readonly output: OutputFormat;
};
type ReviewFlags = { readonly outcome: string; readonly note: string; readonly output: OutputFormat };
type BackFlags = { readonly reason?: string; readonly watch?: true; readonly output: OutputFormat };
const FORMATS = ["table", "json", "yaml"] as const;
type Decision = "approve" | "deny" | "break-glass";

export function addAnswers(program: Command, runner: Runner): void {
  program
    .command("approve")
    .description("Approve exactly the plan that a held action shows")
    .argument("<action>", "its id, or action/ID", idOf("action"))
    .option("--reason <text>", "kept with the answer")
    .option("-y, --yes", "do not ask; what is on hold now is approved")
    .option("--plan-hash <sha256>", "approve this plan only, as read before; does not ask")
    .option("--confirm <name>", "the name of its target, where nothing takes the plan back")
    .addOption(watchOption())
    .addOption(outputOption(FORMATS))
    .action(
      runner.action((session: Session, id: string, flags: AnswerFlags) =>
        answer(session, id, { decision: "approve", flags }),
      ),
    );
  program
    .command("deny")
    .description("Deny a held action")
    .argument("<action>", "its id, or action/ID", idOf("action"))
    .requiredOption("--reason <text>", "kept with the answer")
    .option("-y, --yes", "do not ask")
    .option("--plan-hash <sha256>", "deny this plan only, as read before; does not ask")
    .addOption(outputOption(FORMATS))
    .action(
      runner.action((session: Session, id: string, flags: AnswerFlags) =>
        answer(session, id, { decision: "deny", flags }),
      ),
    );
  program
    .command("break-glass")
    .description("Let a held action go at once in an emergency, as its route allows; a review is owed afterwards")
    .argument("<action>", "its id, or action/ID", idOf("action"))
    .requiredOption("--reason <text>", "kept with it, for whoever reviews it")
    .option("-y, --yes", "do not ask")
    .option("--plan-hash <sha256>", "this plan only, as read before; does not ask")
    .option("--confirm <name>", "the name of its target, where nothing takes the plan back")
    .addOption(watchOption())
    .addOption(outputOption(FORMATS))
    .action(
      runner.action((session: Session, id: string, flags: AnswerFlags) =>
        answer(session, id, { decision: "break-glass", flags }),
      ),
    );
  program
    .command("review")
    .description("Say whether a glass had to be broken, as somebody who had no part in it")
    .argument("<review>", "its id, or review/ID", idOf("review"))
    .addOption(new Option("--outcome <outcome>", "what you found").choices(REVIEW_OUTCOMES).makeOptionMandatory())
    .requiredOption("--note <text>", "kept with it")
    .addOption(outputOption(FORMATS))
    .action(runner.action(review));
  program
    .command("withdraw")
    .description("Take your approval back, while others are still awaited")
    .argument("<action>", "its id, or action/ID", idOf("action"))
    .option("--reason <text>", "kept with it")
    .addOption(outputOption(FORMATS))
    .action(runner.action(withdraw));
  program
    .command("cancel")
    .description("Take back an action of which no step has started")
    .argument("<action>", "its id, or action/ID", idOf("action"))
    .option("--reason <text>")
    .addOption(watchOption())
    .addOption(outputOption(FORMATS))
    .action(runner.action(cancel));
}

async function answer(session: Session, id: string, of: { decision: Decision; flags: AnswerFlags }): Promise<ExitCode> {
  const { decision, flags } = of;
  const { api, output, host } = session;
  if (flags.watch) checkWatched(flags.output);
  const action = await api.document(apiPath("v1", "actions", id));
  const planHash = heldPlan(action);
  checkWanted(flags.planHash, planHash, action);
  const isBlind = !isPlanShown(action, planHash);
  const isAsked = flags.yes === undefined && flags.planHash === undefined;
  const card = answerCard(action, host.clock.nowMs());
  // To standard error: standard output holds the result alone.
  if (isAsked) output.warn(card);
  else output.note(card);
  if (isBlind && decision !== "deny" && flags.planHash === undefined) {
    throw new CliError("the plan cannot be read with this identity, so it cannot be approved unseen", {
      hint: "use a client with the scope payloads:read, or pass --plan-hash of a plan that you have read",
    });
  }
  if (isAsked) await confirm(session, decision);
  const typed = flags.confirm ?? (isAsked && decision !== "deny" ? await typeTarget(session, action) : undefined);
  const { reason } = flags;
  const said = {
    planHash,
    ...(reason === undefined ? {} : { reason }),
    ...(typed === undefined ? {} : { confirm: typed }),
  };
  const isGlass = decision === "break-glass";
  const path = apiPath("v1", "actions", id, isGlass ? "break-glass" : "approvals");
  const body = isGlass ? said : { decision, ...said };
  const result = new Fields((await api.call({ method: "POST", path, body })).body);
  if (flags.watch) return watchAction(session, id, { format: flags.output });
  output.printResult(result, statusLine(result), flags.output);
  if (decision === "deny") return EXIT.ok;
  if (result.exact("status") === "held") {
    const after = await api.document(apiPath("v1", "actions", id));
    output.note(`noted; it waits for others\n${holdLines(after, host.clock.nowMs())}`);
  }
  return exitOfStatus(result.exact("status"));
}

async function review({ api, output }: Session, id: string, flags: ReviewFlags): Promise<ExitCode> {
  const { outcome, note } = flags;
  const result = new Fields(
    (await api.call({ method: "POST", path: apiPath("v1", "reviews", id), body: { outcome, note } })).body,
  );
  output.printResult(result, statusLine(result), flags.output);
  return EXIT.ok;
}

async function withdraw({ api, output }: Session, id: string, flags: BackFlags): Promise<ExitCode> {
  const { reason } = flags;
  const planHash = heldPlan(await api.document(apiPath("v1", "actions", id)));
  const body = { decision: "withdraw", planHash, ...(reason === undefined ? {} : { reason }) };
  const path = apiPath("v1", "actions", id, "approvals");
  const result = new Fields((await api.call({ method: "POST", path, body })).body);
  output.printResult(result, statusLine(result), flags.output);
  return EXIT.ok;
}

function heldPlan(action: Fields): string {
  const planHash = action.exact("planHash");
  if (action.exact("status") === "held" && planHash !== "") return planHash;
  const status = action.exact("status");
  throw new CliError(`action-not-held: ${action.text("id")} is ${action.text("status")} and waits for no answer`, {
    exitCode: isEnded(status) ? exitOfStatus(status) || EXIT.error : EXIT.error,
    hint: `holdpoint describe action ${action.text("id")}`,
  });
}

function checkWanted(wanted: string | undefined, planHash: string, action: Fields): void {
  if (wanted === undefined || wanted === planHash) return;
  throw new CliError(`plan-mismatch: the plan on hold is ${action.text("planHash")}`, {
    hint: `holdpoint describe action ${action.text("id")}`,
  });
}

/**
 * Whether the plan is there to be read. A plan whose bytes have another hash than the one on hold is never answered:
 * the person would approve something else than what they see.
 */
function isPlanShown(action: Fields, planHash: string): boolean {
  const plan = action.exact("effect") === "kernel" ? ownPlan(action) : action.fields("content")?.raw("plan");
  if (plan === null || plan === undefined) return false;
  if (hash("sha256", canonicalJson(plan)) === planHash) return true;
  throw new CliError("plan-mismatch: the plan that the server shows is not the one on hold; do not answer it", {
    exitCode: EXIT.unverified,
  });
}

/** What the kernel carries out by itself is its kind and what it acts on; people approve the hash of these two. */
function ownPlan(action: Fields): Json {
  return kernelPlan(action.exact("kind"), action.exact("operand"));
}

async function confirm({ host, output }: Session, decision: Decision): Promise<void> {
  if (!host.stdin.isTTY) throw usageError("standard input is no terminal: pass --yes or --plan-hash");
  host.stderr.write(`\nType "${decision}" to ${decision} this plan: `);
  if ((await host.stdin.readLine())?.trim() !== decision) {
    output.warn("nothing was answered");
    throw new CliError("not confirmed");
  }
}

/** What nothing takes back is approved with its target's name, typed: sent as it was typed, for the server to compare. */
async function typeTarget({ host }: Session, action: Fields): Promise<string | undefined> {
  const verdicts = action.fields("evaluation")?.list("verdicts") ?? [];
  const isIrreversible = verdicts.some(
    (one) => one.exact("gate") === "kernel/signature" && one.exact("code") === IRREVERSIBLE,
  );
  if (!isIrreversible) return undefined;
  host.stderr.write("Nothing takes this back. Type the name of its service: ");
  return (await host.stdin.readLine())?.trim() ?? "";
}

async function cancel(session: Session, id: string, { reason, watch, output: format }: BackFlags): Promise<ExitCode> {
  const { api, output } = session;
  if (watch) checkWatched(format);
  const body = reason === undefined ? {} : { reason };
  const result = new Fields(
    (await api.call({ method: "POST", path: apiPath("v1", "actions", id, "cancel"), body })).body,
  );
  if (watch) await watchAction(session, id, { format });
  else output.printResult(result, statusLine(result), format);
  return EXIT.ok;
}

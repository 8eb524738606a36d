// Several proposals at once: each decided by itself and answered in its place; the worst of them is the exit code.

import { z } from "zod";
import type { Json, JsonObject } from "../core/json.ts";
import { firstProblem } from "../wire/schemas/identity.ts";
import { apiPath } from "./api-client.ts";
import { CliError, ProblemError, usageError } from "./cli-error.ts";
import { EXIT, exitOfStatus, type ExitCode } from "./exit-codes.ts";
import { Fields } from "./fields.ts";
import type { OutputFormat } from "./output.ts";
import { findResource } from "./resources.ts";
import { signIfAgent, type SignFlags } from "./signed-proposal.ts";
import type { Session } from "./session.ts";

/** As many as the server takes in one request. */
const PART = 32;
const LIST_MAX = 1_000;
/** What a script has to know first. */
const WORST_FIRST: readonly ExitCode[] = [EXIT.error, EXIT.refused, EXIT.expired, EXIT.held];

/** A proposal as `POST /v1/actions` takes it, with the key that keeps it from being made twice. */
const listSchema = z
  .array(z.looseObject({ kind: z.string(), idempotencyKey: z.string().min(1).max(128).optional() }))
  .min(1)
  .max(LIST_MAX);

type Listed = {
  readonly list: readonly Json[];
  /** Of the whole list: with its place in it, that of each proposal without one of its own. */
  readonly key: string;
  readonly flags: SignFlags & { readonly dryRun?: true; readonly output: OutputFormat };
};

export async function proposeList(session: Session, { list, key, flags }: Listed): Promise<ExitCode> {
  const parsed = listSchema.safeParse(list);
  if (!parsed.success) throw usageError(`no list of proposals: ${firstProblem(parsed.error)}`);
  const items = parsed.data.map(({ idempotencyKey = "", ...proposal }, i) => {
    const body = { ...proposal, ...(flags.dryRun === true ? { dryRun: true } : {}) } as unknown as JsonObject;
    return itemOf(session, body, { key: idempotencyKey === "" ? `${key}-${i}` : idempotencyKey, flags });
  });
  const answers: Fields[] = [];
  for (let at = 0; at < items.length; at += PART) {
    answers.push(...(await sendPart(session, { items: items.slice(at, at + PART), key })));
  }
  print(session, answers, flags.output);
  const codes = new Set(answers.map(exitOf));
  return WORST_FIRST.find((code) => codes.has(code)) ?? EXIT.ok;
}

/** One of a batch: what would stand in headers stands beside it. */
function itemOf(session: Session, body: JsonObject, of: { key: string; flags: SignFlags }): JsonObject {
  const { body: proposal, headers } = signIfAgent(session, body, of);
  const signature = headers["holdpoint-signature"];
  return signature === undefined ? { proposal, idempotencyKey: of.key } : { proposal, signature };
}

type Part = { readonly items: readonly JsonObject[]; readonly key: string };

async function sendPart({ api }: Session, { items, key }: Part): Promise<readonly Fields[]> {
  try {
    const { body } = await api.call({
      method: "POST",
      path: apiPath("v1", "actions", "batch"),
      body: { actions: items },
    });
    return new Fields(body).list("actions");
  } catch (error) {
    if (!(error instanceof CliError) || (error instanceof ProblemError && error.status < 500)) throw error;
    const hint = `run it again with --idempotency-key ${key}: nothing is proposed twice`;
    throw new CliError(error.message, { exitCode: error.exitCode, hint, cause: error });
  }
}

function exitOf(answer: Fields): ExitCode {
  const action = answer.fields("action");
  return action === null ? EXIT.error : exitOfStatus(action.exact("status"));
}

function print({ output }: Session, answers: readonly Fields[], format: OutputFormat): void {
  if (format === "json" || format === "yaml")
    return output.printValue(
      answers.map(({ value }) => value),
      format,
    );
  const actions = answers.flatMap((answer) => answer.fields("action") ?? []);
  if (format === "name") return output.printRows(findResource("action"), actions, { format });
  output.print(answers.map(lineOf).join(""));
}

/** In the order of the list, also where there is no action. */
function lineOf(answer: Fields, i: number): string {
  const action = answer.fields("action");
  const problem = answer.fields("problem");
  const said = action ?? problem;
  if (action !== null)
    return `${i + 1} ${action.text("id")} ${action.text("status")}${action.has("code") ? ` (${action.text("code")})` : ""}\n`;
  return `${i + 1} ${said?.text("code") ?? "-"}: ${said?.text("detail") ?? "-"}\n`;
}

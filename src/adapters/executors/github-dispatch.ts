// Starting a workflow at GitHub Actions: one that configuration lists, at the commit that was planned, once.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Plan, PlanRequest, StepOutcome } from "../../wire/contracts/executor.ts";
import { parseArguments } from "../../wire/schemas/executor-arguments.ts";
import { githubDispatchArguments } from "../../wire/schemas/github-arguments.ts";
import type { GithubRepository } from "../../wire/schemas/github-config.ts";
import { IRREVERSIBLE } from "../../wire/types/approvals.ts";
import { need, type PlanParts } from "./github-plans.ts";
import type { Repository } from "./github-repository.ts";

export const dispatchCallSchema = z.strictObject({
  method: z.literal("POST"),
  origin: z.string(),
  repository: z.string(),
  base: z.string(),
  commit: z.string(),
  workflow: z.string(),
  inputs: z.record(z.string(), z.string()),
});
type DispatchCall = z.output<typeof dispatchCallSchema>;

type Workflow = GithubRepository["workflows"][number];

export async function planDispatch(parts: PlanParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const { workflow: name, inputs = {} } = parseArguments(githubDispatchArguments, request.args);
  const { config, origin, repository } = parts;
  const workflow = config.workflows.find((one) => one.name === name);
  if (workflow === undefined) {
    throw new AppError("arguments-invalid", "the repository has no workflow of that name here", { workflow: name });
  }
  const unknown = Object.keys(inputs).find((input) => !workflow.inputs.includes(input));
  if (unknown !== undefined)
    throw new AppError("arguments-invalid", "the workflow takes no such input", { input: unknown });
  const commit = need(await repository.head(config.base, signal));
  if (commit === null) throw new AppError("arguments-invalid", "GitHub has no such branch", { branch: config.base });
  const { base } = config;
  const call: DispatchCall = {
    method: "POST",
    origin,
    repository: config.repository,
    base,
    commit,
    workflow: workflow.file,
    inputs,
  };
  const inverse = inverseOf(request, { config, workflow, inputs });
  return {
    kind: request.kind,
    calls: [call],
    diff: {
      starts: `${config.repository}: ${workflow.file}`,
      at: base,
      commit,
      inputs,
      ...(inverse === null ? {} : { takenBack: "changes-since-are-not-seen" }),
    },
    inverse,
    ...(inverse === null ? {} : { blind: true as const }),
    reversible: inverse !== null,
    fingerprint: commit,
    ...(inverse === null ? { signature: IRREVERSIBLE } : {}),
  };
}

type Undoing = {
  readonly config: GithubRepository;
  readonly workflow: Workflow;
  readonly inputs: Readonly<Record<string, string>>;
};

/** With those of the inputs that the other workflow takes too. */
function inverseOf({ kind, target }: PlanRequest, { config, workflow, inputs }: Undoing): Json {
  const undo = config.workflows.find(({ name }) => name === workflow.undo);
  if (undo === undefined) return null;
  const shared = Object.fromEntries(Object.entries(inputs).filter(([input]) => undo.inputs.includes(input)));
  return { kind, target: { ...target }, args: { repository: config.name, workflow: undo.name, inputs: shared } };
}

const runSchema = z.looseObject({ workflow_run_id: z.int().min(1) });

/** GitHub takes no key for it: what nobody saw the end of is for people. */
export async function executeDispatch(
  repository: Repository,
  call: DispatchCall,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const head = await repository.head(call.base, signal);
  if (head.kind === "not") return head.outcome;
  if (head.value !== call.commit) return { status: "failed", code: "target-moved", detail: null };
  const { workflow, base: ref, inputs } = call;
  const reply = await repository.dispatch(workflow, { ref, inputs }, signal);
  const run = reply.status === 200 ? runSchema.safeParse(reply.data) : undefined;
  if (run?.success !== true && reply.status !== 204) return reply.asWrite;
  const id = run?.success === true ? run.data.workflow_run_id : 0;
  return { status: "succeeded", reference: `${call.repository}/${workflow}#${id}`, detail: { run: id } };
}

/** As configuration still lists it. */
export function isListed({ workflows }: GithubRepository, { workflow, inputs }: DispatchCall): boolean {
  const found = workflows.find(({ file }) => file === workflow);
  return found !== undefined && Object.keys(inputs).every((input) => found.inputs.includes(input));
}

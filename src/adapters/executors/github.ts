// The GitHub executor: a change becomes a branch, a commit and a pull request; merged when somebody else approved it.

import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type {
  ActionKind,
  Awaited,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Reach,
  StepOutcome,
} from "../../wire/contracts/executor.ts";
import { argumentsJsonSchema } from "../../wire/schemas/executor-arguments.ts";
import {
  githubCloseArguments,
  githubDispatchArguments,
  githubMergeArguments,
  githubPullRequestArguments,
  githubRevertArguments,
} from "../../wire/schemas/github-arguments.ts";
import type { GithubConfig, GithubRepository } from "../../wire/schemas/github-config.ts";
import { boundTarget, boundTo, isFor } from "./bound-target.ts";
import { GithubApi, type GithubParts } from "./github-api.ts";
import { dispatchCallSchema, executeDispatch, isListed, planDispatch } from "./github-dispatch.ts";
import {
  awaitedMerge,
  closeCallSchema,
  executeClose,
  executeMerge,
  mergeCallSchema,
  planClose,
  planMerge,
} from "./github-merge.ts";
import { planPullRequest, planRevert, type PlanParts } from "./github-plans.ts";
import { executeOpen, readOpenCall } from "./github-proposal.ts";
import { loginRefOf, type Permissions } from "./github-login.ts";
import { Repository } from "./github-repository.ts";

// GitHub makes none of it twice, so running a step again is what settles it.
const shared = { repeat: "idempotent", planning: "reads", effect: "external" } as const;
const OPEN: ActionKind = {
  ...shared,
  kind: "github.pull-request",
  title: "Open a pull request that changes files",
  argumentsSchema: argumentsJsonSchema(githubPullRequestArguments),
  reversible: true,
  risks: [], // a proposal to people: nothing changes until they merge it
};
const MERGE: ActionKind = {
  ...shared,
  kind: "github.merge",
  title: "Merge a pull request that somebody else has approved",
  argumentsSchema: argumentsJsonSchema(githubMergeArguments),
  reversible: true,
  risks: ["configuration", "performance", "security"],
};
const REVERT: ActionKind = {
  ...OPEN,
  kind: "github.revert",
  title: "Open a pull request that takes a merged one back",
  argumentsSchema: argumentsJsonSchema(githubRevertArguments),
};
const CLOSE: ActionKind = {
  ...shared,
  kind: "github.close",
  title: "Close a pull request that Holdpoint opened, and remove its branch",
  argumentsSchema: argumentsJsonSchema(githubCloseArguments),
  reversible: false,
  risks: [],
};

const DISPATCH: ActionKind = {
  kind: "github.dispatch",
  title: "Start a configured workflow of GitHub Actions",
  argumentsSchema: argumentsJsonSchema(githubDispatchArguments),
  repeat: "neither",
  planning: "reads",
  effect: "external",
  reversible: true, // where configuration lists what takes it back
  risks: ["configuration", "performance", "security"],
};

type Planner = (parts: PlanParts, request: PlanRequest, signal: AbortSignal) => Promise<Plan>;
const PLANNERS: Readonly<Record<string, Planner>> = {
  [OPEN.kind]: planPullRequest,
  [MERGE.kind]: planMerge,
  [REVERT.kind]: planRevert,
  [CLOSE.kind]: planClose,
  [DISPATCH.kind]: planDispatch,
};

const READS: Permissions = { contents: "read", pull_requests: "read" };
const CHANGES: Permissions = { contents: "write", pull_requests: "write" };
const STARTS: Permissions = { contents: "read", actions: "write" };
const LOOKS: Permissions = { contents: "read" };

/** What a step of a kind does, and no more. */
function permissionsOf(kind: string, { paths }: GithubRepository): Permissions {
  if (kind === DISPATCH.kind) return STARTS;
  // GitHub lets nobody change a workflow who was not given that by name.
  const hasWorkflows = paths.some((path) => path.startsWith(".github/"));
  return hasWorkflows ? { ...CHANGES, workflows: "write" } : CHANGES;
}

export interface GithubExecutorParts extends GithubParts {
  readonly config: GithubConfig;
  /** Keeps this log's branches apart from those of other installations at the same repository. */
  readonly installation: string;
  /** What kind of secret a text looks like, or null. */
  readonly findSecret: (text: string) => string | null;
}

/** Offers `github.pull-request`, `github.merge`, `github.revert`, `github.close` and `github.dispatch`. */
export function createGithubExecutor(parts: GithubExecutorParts): Executor {
  const api = new GithubApi(parts);
  const { origin, installation, findSecret, config } = parts;
  return {
    kinds: [OPEN, MERGE, REVERT, CLOSE, DISPATCH],
    credentials: [loginRefOf(config)],
    probe: (signal) => Promise.all(config.repositories.map((one) => probe(api, one, signal))),
    async plan(request, signal) {
      const of = repositoryOf(config, request);
      const planner = PLANNERS[request.kind] as Planner;
      const repository = new Repository(api, of, request.kind === DISPATCH.kind ? LOOKS : READS);
      const room = { origin, installation, config: of, people: config.people, repository, findSecret };
      return bound(await planner(room, request, signal), request);
    },
    awaited(plan, signal) {
      const { known, plan: unbound } = unbind(config, plan);
      return awaited({ parts, api, known }, unbound, signal);
    },
    execute(request, outer) {
      const signal = AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
      const { known, plan } = unbind(config, request.plan);
      return execute({ parts, api, known }, { ...request, plan }, signal);
    },
    // Those that may be repeated are; of a started workflow GitHub keeps nothing that would name the action.
    reconcile: ({ plan }) =>
      Promise.resolve({
        status: "unclear",
        detail: { code: plan.kind === DISPATCH.kind ? "cannot-be-asked" : "repeat" },
      }),
  };
}

function probe(api: GithubApi, { name, repository }: GithubRepository, signal: AbortSignal): Promise<Reach> {
  return api.probe(`repository ${name}`, { repository, permissions: LOOKS }, signal);
}

/** The target binds it: what is proposed for one service changes nothing of another. */
function repositoryOf({ repositories }: GithubConfig, { args, target }: PlanRequest): GithubRepository {
  const name = args["repository"];
  const found = repositories.find((one) => one.name === name && isFor(one, target));
  if (found !== undefined) return found;
  throw new AppError("arguments-invalid", "the target has no repository of that name", {});
}

/** The one call of a plan names the target that it was approved for. */
function bound(plan: Plan, { target }: PlanRequest): Plan {
  const [call] = plan.calls;
  return { ...plan, calls: [{ ...(call as JsonObject), target: boundTo(target) }] };
}

/** The plan as it was made, and the repositories that its target has now. */
function unbind({ repositories }: GithubConfig, plan: Plan): { known: readonly GithubRepository[]; plan: Plan } {
  const { target, ...call } = (plan.calls[0] ?? {}) as JsonObject;
  const { data } = boundTarget.safeParse(target);
  return { known: repositories.filter((one) => isFor(one, data)), plan: { ...plan, calls: [call] } };
}

const PLAN_INVALID: StepOutcome = { status: "failed", code: "plan-invalid", detail: null };

type Room = {
  readonly parts: GithubExecutorParts;
  readonly api: GithubApi;
  /** Those of the target that was approved: what configuration gave to another since is not touched. */
  readonly known: readonly GithubRepository[];
};

/** Of merging alone: somebody's review. */
async function awaited(room: Room, { kind, calls }: Plan, signal: AbortSignal): Promise<Awaited> {
  if (kind !== MERGE.kind) return { status: "come" };
  const { data } = mergeCallSchema.safeParse(calls[0]);
  const found = data === undefined ? undefined : findRepository(room, data);
  if (data === undefined || found === undefined) return { status: "over", code: "plan-invalid" };
  const { people } = room.parts.config;
  return awaitedMerge({ repository: new Repository(room.api, found, READS), call: data, people }, signal);
}

async function execute(room: Room, request: ExecuteRequest, signal: AbortSignal): Promise<StepOutcome> {
  const { origin, config } = room.parts;
  const call: Json = request.plan.calls[0] ?? null;
  switch (request.plan.kind) {
    case MERGE.kind: {
      const parsed = mergeCallSchema.safeParse(call);
      const repository = parsed.success ? knownRepository(room, parsed.data, request.plan.kind) : undefined;
      if (!parsed.success || repository === undefined) return PLAN_INVALID;
      return executeMerge({ repository, call: parsed.data, people: config.people }, signal);
    }
    case DISPATCH.kind: {
      const parsed = dispatchCallSchema.safeParse(call);
      const known = parsed.success ? findRepository(room, parsed.data, (one) => isListed(one, parsed.data)) : undefined;
      if (!parsed.success || known === undefined) return PLAN_INVALID;
      return executeDispatch(stepAt(room, known, DISPATCH.kind), parsed.data, signal);
    }
    case CLOSE.kind: {
      const parsed = closeCallSchema.safeParse(call);
      const repository = parsed.success ? knownRepository(room, parsed.data, request.plan.kind) : undefined;
      return parsed.success && repository !== undefined ? executeClose(repository, parsed.data, signal) : PLAN_INVALID;
    }
    default: {
      const read = readOpenCall(request, { origin, known: room.known });
      if ("status" in read) return read;
      const repository = stepAt(room, read.config, request.plan.kind);
      return executeOpen({ repository, call: read.call, request }, signal);
    }
  }
}

/**
 * The configuration may have changed since: what it does not name any more is not touched. One repository may be there for
 * several targets, each with its part.
 */
function findRepository(
  { parts, known }: Room,
  { origin, repository, base }: Place,
  isFit: (of: GithubRepository) => boolean = () => true,
): GithubRepository | undefined {
  if (origin !== parts.origin) return undefined;
  return known.find((one) => one.repository === repository && one.base === base && isFit(one));
}

type Place = { readonly origin: string; readonly repository: string; readonly base: string };

function knownRepository(room: Room, place: Place, kind: string): Repository | undefined {
  const found = findRepository(room, place);
  return found === undefined ? undefined : stepAt(room, found, kind);
}

function stepAt({ api }: Room, of: GithubRepository, kind: string): Repository {
  return new Repository(api, of, permissionsOf(kind, of));
}

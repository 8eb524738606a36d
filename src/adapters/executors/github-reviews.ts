// Whose review of a pull request counts for its merge: somebody's who is behind neither of the two.

import { AppError } from "../../core/errors.ts";
import type { PlanRequest } from "../../wire/contracts/executor.ts";
import type { GithubConfig } from "../../wire/schemas/github-config.ts";
import { actionOfBranch } from "./github-proposal.ts";
import type { Pull, Repository } from "./github-repository.ts";

/**
 * With `people`, only who is among them counts, and nobody of `behind`. Without either, nobody can tell who a login is:
 * every one but the author's counts.
 */
export type Reviewers = { readonly people: GithubConfig["people"]; readonly behind: readonly string[] | undefined };

/** Planned by other rules than those that hold now: then it has to be planned again. */
export function isByOtherRules({ people, behind }: Reviewers): boolean {
  return (people === undefined) !== (behind === undefined);
}

/** Never the author's own approval, and never one of an earlier commit. */
export async function otherApprovals(
  repository: Repository,
  { pull, ...of }: Reviewers & { readonly pull: Pull },
  signal: AbortSignal,
) {
  const got = await repository.approvals(pull.number, pull.head.sha, signal);
  if (got.kind === "not") return got;
  return { kind: "got", value: got.value.filter((login) => counts(login, pull, of)) } as const;
}

function counts(login: string, { user }: Pull, { people, behind }: Reviewers): boolean {
  if (login === user?.login) return false;
  if (people === undefined) return behind === undefined;
  const person = personOf(people, login);
  const author = user === null ? undefined : personOf(people, user.login);
  return person !== undefined && person !== author && behind?.includes(person) === false;
}

/** GitHub tells logins apart without regard to case. */
function personOf(people: NonNullable<GithubConfig["people"]>, login: string): string | undefined {
  return Object.entries(people).find(([known]) => known.toLowerCase() === login.toLowerCase())?.[1];
}

type Asked = { readonly installation: string; readonly people: GithubConfig["people"]; readonly pull: Pull };

/**
 * The people behind the merge and, where Holdpoint opened the pull request, behind that: by its branch, which nobody can
 * change, and not by its text, which many can. Undefined where configuration does not say who reviews. Throws
 * `arguments-invalid` where nobody can tell.
 */
export async function behindMerge(
  { installation, people, pull }: Asked,
  { actionId, behind }: PlanRequest,
): Promise<readonly string[] | undefined> {
  if (people === undefined) return undefined;
  const opener = actionOfBranch(installation, pull.head.ref);
  const actions = opener === null ? [actionId] : [actionId, opener];
  const found = await Promise.all(actions.map(async (action) => (await behind?.(action)) ?? null));
  const all = found.flatMap((one, i) => {
    if (one !== null) return one;
    throw new AppError("arguments-invalid", "nobody can tell who proposed it", { action: actions[i] ?? "" });
  });
  return [...new Set(all)].toSorted();
}

/** Holdpoint opened it, and the review there may be that of whoever asked for it: another person has to look here. */
export function isUnreviewed({ installation, people, pull }: Asked): boolean {
  return people === undefined && actionOfBranch(installation, pull.head.ref) !== null;
}

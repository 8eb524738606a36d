// How two commits of the stand-in for GitHub stand to each other.

type Commits = ReadonlyMap<string, { readonly parents: readonly string[] }>;

/** `basehead` as GitHub's comparison takes it. */
export function compareCommits(commits: Commits, basehead: string): { readonly status: string } {
  const [base = "", head = ""] = basehead.split("...");
  if (base === head) return { status: "identical" };
  if (historyOf(commits, base).has(head)) return { status: "behind" };
  return { status: historyOf(commits, head).has(base) ? "ahead" : "diverged" };
}

function historyOf(commits: Commits, sha: string): ReadonlySet<string> {
  const history = new Set([sha]);
  for (const one of history) for (const parent of commits.get(one)?.parents ?? []) history.add(parent);
  return history;
}

// What changed between two commits of a configured repository, as GitHub compares them.

import { z } from "zod";
import type { DiffAnswer, DiffReader } from "../../wire/contracts/diffs.ts";
import type { GithubConfig } from "../../wire/schemas/github-config.ts";
import { GithubApi, type GithubParts } from "./github-api.ts";

const COMMIT = /^[0-9a-f]{7,64}$/i;
/** What the model takes of one change. */
const DIFF_CHARS_MAX = 786_432;
const PLAIN_PATH = /^[^\s"]{1,1024}$/;

// https://docs.github.com/en/rest/commits/commits#compare-two-commits: at most 300 files; no patch of what is binary or large.
const comparisonSchema = z.looseObject({
  files: z
    .array(z.looseObject({ filename: z.string(), patch: z.string().optional() }))
    .max(1_000)
    .default([]),
});

/** Reads the repositories that are configured, and no others. */
export function createGithubDiffs(config: GithubConfig, parts: GithubParts): DiffReader {
  const api = new GithubApi(parts);
  const known = new Map(config.repositories.map(({ repository }) => [repository.toLowerCase(), repository]));
  return {
    async compare({ repository: named, base, head }, signal) {
      const repository = known.get(named.toLowerCase());
      if (repository === undefined) return { code: "repository-not-configured" };
      if (!COMMIT.test(base) || !COMMIT.test(head)) return { code: "version-is-no-commit" };
      const [owner = "", repo = ""] = repository.split("/");
      const scope = { repository, permissions: { contents: "read" } } as const;
      const asked = { owner, repo, basehead: `${base}...${head}` };
      const reply = await api.ask(scope, "GET /repos/{owner}/{repo}/compare/{basehead}", asked, signal);
      if (reply.status !== 200) return { code: "code" in reply.asRead ? reply.asRead.code : "no-answer" };
      const compared = comparisonSchema.safeParse(reply.data);
      return compared.success ? diffOf(compared.data.files) : { code: "answer-malformed" };
    },
  };
}

type File = { readonly filename: string; readonly patch?: string | undefined };

function diffOf(files: readonly File[]): DiffAnswer {
  const parts: string[] = [];
  let length = 0;
  for (const { filename, patch } of files) {
    if (patch === undefined || !PLAIN_PATH.test(filename)) continue;
    const part = `--- a/${filename}\n+++ b/${filename}\n${patch}\n`;
    if (length + part.length > DIFF_CHARS_MAX) continue;
    length += part.length;
    parts.push(part);
  }
  return { diff: parts.join(""), unshown: files.length - parts.length };
}

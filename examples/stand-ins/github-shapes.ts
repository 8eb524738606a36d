// What the stand-in for GitHub is given, holds, and lets a test do.

import type { GithubApp, GithubAppOptions } from "./github-app.ts";
import type { Received, Reply, StandIn } from "./stand-in.ts";

export interface GithubOptions {
  readonly port?: number;
  readonly token?: string;
  /** Then nobody but the App is let in. */
  readonly app?: GithubAppOptions;
  /** `/api/v3` for one that is an Enterprise Server. */
  readonly prefix?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Logins that may be asked for a review. */
  readonly collaborators?: readonly string[];
  /** Told of each request and its answer; gives what is wrong with either, by GitHub's own description. */
  readonly check?: (request: Received, reply: Reply) => readonly string[];
}

type Review = { readonly login: string; readonly state: string; readonly commit: string };

export type StandInPull = {
  readonly number: number;
  /** The login that opened it. */
  readonly author: string;
  title: string;
  body: string;
  state: "open" | "closed";
  readonly head: string;
  headSha: string;
  readonly base: string;
  readonly baseSha: string;
  mergedAt: string | null;
  mergeSha: string | null;
  readonly labels: Set<string>;
  readonly reviewers: Set<string>;
  readonly reviews: Review[];
};

export type StandInRun = {
  readonly workflow: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly commit: string;
};

export interface GithubStandIn extends StandIn {
  readonly runs: readonly StandInRun[];
  readonly pulls: readonly StandInPull[];
  readonly branches: ReadonlyMap<string, string>;
  readonly complaints: readonly string[];
  readonly app: GithubApp | null;
  /** Files of a branch, as text. */
  filesOf(branch: string): Readonly<Record<string, string>>;
  /** Somebody commits to a branch by hand; null deletes. */
  commit(branch: string, files: Readonly<Record<string, string | null>>): string;
  /** Somebody opens a pull request from a branch of their own. */
  propose(
    branch: string,
    of: { readonly title: string; readonly files: Readonly<Record<string, string>>; readonly author?: string },
  ): StandInPull;
  /** Somebody merges it. */
  merge(number: number): void;
  review(number: number, login: string, state?: string): void;
  /** The next answer is that of a limit, and nothing is done. */
  limit(kind: "secondary" | "primary"): void;
}

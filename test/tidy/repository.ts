// What no file of the repository may say: paths of one machine, registry hosts, work left undone.

import { posix } from "node:path";
import type { Finding } from "./source.ts";

// Put together here, so that this file does not say them itself.
const MACHINE_PATHS = ["work", "tmp/brief", "home", "Users"].map((name) => `/${name}/`);
const UNDONE = ["TO" + "DO", "FIX" + "ME", "X" + "XX"];

interface Ban {
  readonly pattern: RegExp;
  readonly message: string;
}

const BANS: readonly Ban[] = [
  {
    pattern: new RegExp(`(?<![\\w./-])(${MACHINE_PATHS.join("|")})\\w`),
    message: "a path of one machine: make it relative to the project, or a setting",
  },
  {
    pattern: /https?:\/\/[^\s"'`)]*(registry|artifactory|nexus|verdaccio|deb\.debian|pypi|\bmirrors?\b)[^\s"'`)]*/i,
    message: "a registry's address: package managers know theirs from their own settings",
  },
  { pattern: new RegExp(`\\b(${UNDONE.join("|")})\\b`), message: "work left undone: do it, or write an issue" },
  {
    pattern: /@ts-(ignore|nocheck)|(eslint|oxlint)-disable(?![\w-]* [\w/@-]+ -- \S)/,
    message: "a silenced check names its rule and says why after ` -- `",
  },
];

/** Every line of a text file that says what no file may say. */
export function checkText(path: string, text: string): readonly Finding[] {
  return text
    .split("\n")
    .flatMap((content, index) =>
      BANS.filter(({ pattern }) => pattern.test(content)).map(({ message }) => ({ path, line: index + 1, message })),
    );
}

/** Links of a Markdown file that lead to no file of the repository. `exists` takes a path relative to the project. */
export function checkLinks(path: string, text: string, exists: (path: string) => boolean): readonly Finding[] {
  return text.split("\n").flatMap((content, index) =>
    [...content.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
      .map((match) => match[1] ?? "")
      .filter((target) => !/^[a-z]+:/.test(target) && !exists(posix.join(posix.dirname(path), target)))
      .map((target) => ({ path, line: index + 1, message: `${target}: the link leads nowhere` })),
  );
}

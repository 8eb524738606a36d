// What a change of code does, as far as its lines tell: whether behaviour is taken away or put in, or only written otherwise.

import type { CodeChange } from "../../wire/types/model.ts";
import type { FileDiff } from "./parse-diff.ts";

export interface CodeTrait extends CodeChange {
  /** In words, with names of the lines. */
  readonly label: string;
}

/** In words, where the lines are not known any more. */
export const TRAIT_WORDS: Readonly<Record<CodeChange["trait"], string>> = {
  inert: "nothing that runs",
  "written-otherwise": "written otherwise",
  "calls-lost": "something that it called is no longer called",
  "condition-lost": "a condition is no longer checked",
  "calls-per-element": "calls elsewhere for each element",
  "never-let-go": "keeps what it never lets go",
  renamed: "something that others name is called otherwise",
};

const INERT_FILE =
  /\.(md|css|scss|svg|png|html|txt|golden)$|(^|\/)(docs?|test|tests|testdata|__tests__|static)\/|_test\.\w+$|\.(test|spec)\.\w+$|CODEOWNERS|(^|\/)\.|go\.(mod|sum)$|lock(\.json|file)?$/i;
const CALL = /([A-Za-z_][\w.]*)\s*\(/g;
const WORDS_NOT_CALLS =
  /^(if|for|while|switch|return|func|function|catch|make|len|append|string|int|int64|float64|byte|map|range|new|defer|go|await|async|export|class|type|error|nil)$/;
const SPEAKING =
  /log|print|write(Error|JSON|Header)|json\.|errors?\.|Error$|fmt\.|span|metric|status|decode|encode|NewDecoder|Marshal|describe/i;
const COSTLY = /query|fetch|get[A-Z]|find|select|http|rpc|\bdb\.|exec|request|PutItem|load|scan/i;
const GUARDED =
  /mu\.|[Ll]ock\b|RLock|Mutex|synchronized|atomic|semaphore|acquire|release|Close$|close$|defer|register|subscribe|init|batch|flush|limit|validate|check|verify|auth/i;

const NO_TRAIT: CodeTrait = { trait: "inert", weight: 0, label: "" };

function callsOf(lines: readonly string[]): Map<string, number> {
  const calls = new Map<string, number>();
  for (const line of lines) {
    if (/^\s*(\/\/|#|\*|func |function |def |export (async )?function )/.test(line)) continue;
    for (const match of line.matchAll(CALL)) {
      const name = (match[1] ?? "").split(".").slice(-2).join(".");
      if (!WORDS_NOT_CALLS.test(name)) calls.set(name, (calls.get(name) ?? 0) + 1);
    }
  }
  return calls;
}

const tail = (name: string): string => name.split(".").at(-1) ?? name;

/** The heaviest trait of a change; files that never run do not count. */
export function findCodeTrait(files: readonly FileDiff[]): CodeTrait {
  const running = files.filter(({ path }) => !INERT_FILE.test(path));
  const linesOf = (sign: "+" | "-"): string[] =>
    running.flatMap(({ lines }) => lines.filter((line) => line.sign === sign).map(({ text }) => text));
  const removed = linesOf("-");
  const added = linesOf("+");
  if (removed.length + added.length === 0) return { trait: "inert", weight: 0, label: TRAIT_WORDS.inert };
  const before = callsOf(removed);
  const after = callsOf(added);
  const afterTails = new Set([...after.keys()].map(tail));
  const lost = [...before.keys()].filter((name) => !afterTails.has(tail(name)) && !SPEAKING.test(name));
  const beforeTails = new Set([...before.keys()].map(tail));
  const gained = [...after.keys()].filter((name) => !beforeTails.has(tail(name)) && !SPEAKING.test(name));
  const traits: CodeTrait[] = [
    traitOfLost(lost),
    traitOfGuards(removed, added),
    traitOfLoops(added, gained),
    traitOfGrowth(added),
    traitOfNames(removed, added),
    { trait: "written-otherwise", weight: gained.length + lost.length > 0 ? 0.25 : 0.05, label: "written otherwise" },
  ];
  return traits.reduce((best, trait) => (trait.weight > best.weight ? trait : best));
}

function traitOfLost(lost: readonly string[]): CodeTrait {
  const guarded = lost.filter((name) => GUARDED.test(name));
  if (guarded.length > 0) return { trait: "calls-lost", weight: 1, label: `no longer calls ${guarded.join(", ")}` };
  return { trait: "calls-lost", weight: lost.length > 0 ? 0.4 : 0, label: `no longer calls ${lost.join(", ")}` };
}

/** Conditions that are gone, and none that takes their place. */
function traitOfGuards(removed: readonly string[], added: readonly string[]): CodeTrait {
  const conditions = (lines: readonly string[]): number =>
    lines.filter((line) => /\b(if|unless|when|guard|assert)\b/.test(line)).length;
  const gone = conditions(removed) - conditions(added);
  const isEmptyCheck = removed.some(
    (line) => /\b(nil|null|undefined|None)\b|== ?""|\.length|len\(/.test(line) && /\bif\b/.test(line),
  );
  if (gone <= 0) return NO_TRAIT;
  return { trait: "condition-lost", weight: isEmptyCheck ? 0.9 : 0.5, label: TRAIT_WORDS["condition-lost"] };
}

/** A call to elsewhere for each element: once per item where it was once, or not at all. */
function traitOfLoops(added: readonly string[], gained: readonly string[]): CodeTrait {
  const isLooping = added.some((line) => /\b(for|while|forEach|map)\b/.test(line));
  const costly = gained.filter((name) => COSTLY.test(name));
  return isLooping && costly.length > 0
    ? { trait: "calls-per-element", weight: 0.9, label: `calls ${costly.join(", ")} for each element` }
    : NO_TRAIT;
}

/** Something that is added to and never taken from. */
function traitOfGrowth(added: readonly string[]): CodeTrait {
  const grows = added.some((line) => /\bappend\(|\.push\(|\.add\(|\.put\(/.test(line));
  const global = added.some(
    (line) =>
      /^(var|let|static|private static|const) |\bglobal\b/.test(line.trim()) && /\[\]|\{\}|new |list|map/i.test(line),
  );
  const code = added.filter((line) => !/^\s*(\/\/|#|\*)/.test(line));
  const bounded = code.some((line) => /\b(max|lru|limit|evict|bounded)\w*\b|\bcap\(/i.test(line));
  return grows && global && !bounded
    ? { trait: "never-let-go", weight: 1, label: TRAIT_WORDS["never-let-go"] }
    : NO_TRAIT;
}

/** A name that others rely on: a key, a field or a column that is called otherwise now. */
function traitOfNames(removed: readonly string[], added: readonly string[]): CodeTrait {
  const quoted = (lines: readonly string[]): Set<string> =>
    new Set(lines.flatMap((line) => [...line.matchAll(/^\s*"([\w.-]+)"\s*:/g)].map((match) => match[1] ?? "")));
  const [before, after] = [quoted(removed), quoted(added)];
  const renamed = [...before].filter((name) => !after.has(name));
  return renamed.length > 0 && after.size > 0
    ? { trait: "renamed", weight: 0.8, label: `${renamed.join(", ")} is called otherwise` }
    : NO_TRAIT;
}

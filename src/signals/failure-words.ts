// The words that name a failure: a title without what changes from one occurrence to the next.

import { visibleText } from "./clean-text.ts";

const TITLE_CHARS_MAX = 512;
const WORDS_MAX = 32;

export interface FailureTitle {
  readonly title: string;
  /** Names of what is affected (service, component, environment): the identity holds them already. */
  readonly subjects: readonly string[];
  /** Values known to name one instance: pods, hosts. */
  readonly instances: readonly string[];
}

/**
 * Lower-case words of the failure, joined by blanks: `HighErrorRate` and `High error rate on cart (5.2 %)` are both
 * `high error rate` for the service cart. Timestamps, durations, numbers, addresses, ports, uuids, hex and random ids
 * are left out; names of pods lose their generated parts; words of severity, state and grammar do not count. Where
 * nothing would be left, all words count.
 */
export function failureWords({ title, subjects, instances }: FailureTitle): string {
  let text = visibleText(title.slice(0, TITLE_CHARS_MAX));
  for (const instance of [...instances].sort(longestFirst)) {
    if (instance.length >= 4) text = text.replaceAll(instance, " ");
  }
  for (const [pattern, replacement] of VOLATILE) text = text.replace(pattern, replacement);
  const words = text.split(/[\s"'`()[\]{}<>,;:=|/.!?]+/u).flatMap(stableWords);
  const named = withoutSubjects(words, subjects);
  const telling = named.filter((word) => !UNIMPORTANT.has(word));
  const kept = [telling, named, words].find((list) => list.length > 0) ?? [];
  return kept.slice(0, WORDS_MAX).join(" ");
}

function longestFirst(a: string, b: string): number {
  return b.length - a.length || (a < b ? -1 : 1);
}

const MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
const VOLATILE: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, " "], // uuid
  [/\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?/gi, " "],
  [/\b\d{4}\/\d{2}\/\d{2}\b/g, " "],
  [/(?<![0-9a-z:])\[?(?:[0-9a-f]{0,4}:){2,9}[0-9a-f]{0,4}\]?(?::\d{1,5})?(?![0-9a-z])/gi, " "], // IPv6
  [/\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?\b(?:\s?(?:am|pm|utc|gmt))?/gi, " "],
  [new RegExp(`\\b(?:${MONTHS})[a-z]{0,6}\\.? \\d{1,2}\\b,?(?: \\d{4})?`, "gi"), " "],
  [/(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d{1,5})?(?![\w.])/g, " "], // IPv4, with port or prefix length
  [/(?<=[a-z0-9]):\d{2,5}\b/gi, " "], // port
  [/\bip-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}\b/gi, " "], // host names of cloud instances
  [/\b(http|status|code)([ :=_-]{1,3})([1-5]\d\d)\b/gi, "$1 status$3"], // a status code is the failure, not an id
  [/\bIPv([46])/g, "ipv$1"], // no camel case
  [/(?:(?<![a-z0-9])|(?<=http))([1-5])(?:xx|XX)(?![a-z0-9])/g, " status$1xx "],
];

// The alphabet of names that Kubernetes generates: no vowels, nothing that is mistaken for another sign.
// k8s.io/apimachinery/pkg/util/rand
const GENERATED_SHORT = /^[bcdfghjklmnpqrstvwxz2456789]{5}$/;
const GENERATED_LONG = /^[bcdfghjklmnpqrstvwxz2456789]{7,10}$/;
const NOT_GENERATED = new Set(["https", "httpd", "mssql", "pgsql", "html5", "dhcpd", "snmpd", "tmpfs", "xhtml"]);

/** The stable words of one run of characters without blanks. */
function stableWords(run: string): string[] {
  if (isRandomId(run)) return [];
  return withoutGeneratedParts(run)
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .map(stableWord)
    .filter((word) => word !== "");
}

/** `cart-7d9f8b6c5-x2x9z`, `fluentd-x2x9z`, `db-0`, `backup-28391234-bcdfg` → the name of what made them. */
function withoutGeneratedParts(run: string): string {
  const parts = run.split("-");
  while (parts.length > 1) {
    const last = parts.at(-1) ?? "";
    const isShort = GENERATED_SHORT.test(last) && !NOT_GENERATED.has(last);
    if (!isShort && !GENERATED_LONG.test(last) && !/^\d+$/.test(last)) break;
    parts.pop();
  }
  return parts.join("-");
}

function isRandomId(run: string): boolean {
  return /^[\w+/-]{16,}={0,2}$/.test(run) && /\d/.test(run) && /[A-Z]/.test(run) && /[a-z].*\d.*[a-z]/i.test(run);
}

const TELLING_NUMBERS = /^(?:p\d{2,4}|status\d(?:\d\d|xx)|ipv[46]|l[47]|s3|ec2|k8s|oauth2|http[23]|x509|h2)$/;

/** A word without its number, or nothing where the word is a number or an id. */
function stableWord(word: string): string {
  if (TELLING_NUMBERS.test(word)) return word;
  if (/^(?:p|sev)[0-5]$/.test(word)) return ""; // a severity
  if (/^\d[0-9a-z]*$/.test(word) && !/[a-z]{6}/.test(word)) return ""; // 5, 300ms, 1h30m, 12gb
  if (/^(?:0x)?[0-9a-f]+$/.test(word) && (word.length >= 8 || (word.length >= 6 && /\d/.test(word)))) return "";
  if (/^\p{L}+\d+$/u.test(word)) return word.replace(/\d+$/, ""); // node12, worker3
  if (word.length >= 6 && /\d/.test(word) && /\p{L}/u.test(word)) return ""; // 8f3kd92ks
  return /^\p{N}+$/u.test(word) ? "" : word;
}

function withoutSubjects(words: readonly string[], subjects: readonly string[]): string[] {
  let kept = [...words];
  for (const subject of subjects) {
    const sought = subject.split(/[-\s._:]+/u).flatMap(stableWords);
    if (sought.length > 0) kept = withoutSequence(kept, sought);
  }
  return kept;
}

function withoutSequence(words: readonly string[], sought: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < words.length;) {
    if (sought.every((word, offset) => words[i + offset] === word)) i += sought.length;
    else kept.push(words[i++] as string);
  }
  return kept;
}

const UNIMPORTANT: ReadonlySet<string> = new Set(
  (
    "a an the of on in at for by to from with and or is are was were has have had be been its it this that as " +
    "alert alerts alarm alarming alerting firing fired triggered trigger resolved recovered recovery " +
    "critical warning warn info sev severity priority " +
    "service environment env last past minute minutes min mins hour hours second seconds sec secs ms day days"
  ).split(" "),
);

// Redaction: secrets and personal data are replaced before anything is recorded, shown or sent to a model (S2).

import { visibleText } from "./clean-text.ts";
import { LIKELY_SECRETS } from "./likely-secrets.ts";
import { NATIONAL_NUMBERS } from "./national-numbers.ts";
import { emailAround, IP_ADDRESSES, PERSONAL } from "./personal-patterns.ts";
import {
  ASSIGNED,
  ASSIGNMENT,
  isCredentialName,
  isPasswordName,
  isSensitiveField,
  isSensitiveName,
  isSensitiveValue,
} from "./secret-names.ts";
import {
  isRandom,
  isReference,
  isWordy,
  looksSecret,
  SECRET_FAMILIES,
  type Family,
  type Sensitive,
} from "./secret-patterns.ts";

export interface Redacted {
  readonly text: string;
  /** How many places were replaced. */
  readonly count: number;
}

export interface RedactOptions {
  /** IP addresses are replaced too. */
  readonly ipAddresses: boolean;
}

/** How much of an assigned value tells whether it is a secret. */
const JUDGED_CHARS_MAX = 256;
/** What stands before a match and can say what it is. */
const BEFORE_CHARS_MAX = 64;
/** What is taken out can uncover something more; text that still does so after this many rounds goes as a whole. */
const ROUNDS_MAX = 8;

const BY_NAME = "[redacted:by-name]";
const ENTANGLED = "[redacted:entangled]";

/** The value of the field `name`, as a whole when the name says that it is sensitive, else by pattern. */
export function redactField(name: string, value: string, options: RedactOptions): Redacted {
  if (value === "" || value === BY_NAME) return { text: value, count: 0 };
  if (isSensitiveField(name, value)) return { text: BY_NAME, count: 1 };
  return redactBehind(`${name.slice(-BEFORE_CHARS_MAX)}=`, value, options);
}

/**
 * `text` with every secret and all personal data replaced by `[redacted:KIND]`; well-formed. What was redacted stays as it is
 * when it is redacted again. Linear in its length.
 */
export function redactText(text: string, options: RedactOptions): Redacted {
  return redactBehind("", text, options);
}

function redactBehind(before: string, text: string, options: RedactOptions): Redacted {
  let kept: Redacted = { text, count: 0 };
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const { text: next, count } = redactOnce(before, kept.text, options);
    if (count === 0) return kept;
    kept = { text: next.toWellFormed(), count: kept.count + count };
  }
  return { text: ENTANGLED, count: kept.count };
}

function redactOnce(before: string, text: string, { ipAddresses }: RedactOptions): Redacted {
  const work = new Work(before, text);
  work.families(SECRET_FAMILIES);
  work.families(LIKELY_SECRETS);
  work.emails();
  work.families(NATIONAL_NUMBERS);
  work.all(PERSONAL);
  work.assigned();
  work.random();
  if (ipAddresses) work.families(IP_ADDRESSES);
  return work;
}

/** A text while things are taken out of it. */
class Work implements Redacted {
  text: string;
  count = 0;
  readonly #before: string;

  constructor(before: string, text: string) {
    this.#before = before;
    this.text = text;
  }

  families(families: readonly Family[]): void {
    for (const { hint, members } of families) if (hint.test(this.text)) this.all(members);
  }

  all(patterns: readonly Sensitive[]): void {
    for (const sensitive of patterns) this.#matches(sensitive);
  }

  #matches({ kind, pattern, confirms }: Sensitive): void {
    const whole = this.text;
    this.text = whole.replace(pattern, (match: string, ...rest: readonly unknown[]) => {
      const groups = rest.at(-1);
      const stays = isGroups(groups) ? (groups["stays"] ?? "") : "";
      const offset = Number(rest.at(isGroups(groups) ? -3 : -2)) + stays.length;
      if (confirms !== undefined && !confirms(match.slice(stays.length), this.#upTo(whole, offset))) return match;
      this.count++;
      return `${stays}[redacted:${kind}]`;
    });
  }

  #upTo(whole: string, offset: number): string {
    if (offset >= BEFORE_CHARS_MAX) return whole.slice(offset - BEFORE_CHARS_MAX, offset);
    return this.#before + whole.slice(0, offset);
  }

  /** The values that are assigned to sensitive names. */
  assigned(): void {
    const whole = this.text;
    let kept = "";
    let copied = 0;
    for (const place of assignedPlaces(whole)) {
      if (place.start < copied) continue; // inside a value that is gone
      const { name, value, isQuoted, start, end } = assignmentAt(whole, place);
      if (value === "" || REDACTED.test(value) || !isSensitiveValue(name, value, isQuoted)) continue;
      kept += `${whole.slice(copied, start)}[redacted:assignment]`;
      copied = end;
      this.count++;
    }
    if (copied > 0) this.text = kept + whole.slice(copied);
  }

  /** Values of random characters behind any name at all, but names of ids and of hashes. */
  random(): void {
    const whole = this.text;
    this.text = whole.replace(ASSIGNED_RANDOM, (match: string, lead: string, value: string, offset: number) => {
      if (!isRandom(value) || isWordy(value) || ID_NAME.test(this.#upTo(whole, offset))) return match;
      this.count++;
      return `${lead}[redacted:high-entropy]`;
    });
  }

  emails(): void {
    const whole = this.text;
    if (!whole.includes("@") && !whole.includes("%40")) return;
    let kept = "";
    let copied = 0;
    for (const { index } of whole.matchAll(/@|%40/g)) {
      const place = index < copied ? undefined : emailAround(whole, index);
      if (place === undefined) continue;
      kept += `${whole.slice(copied, Math.max(copied, place.start))}[redacted:email]`;
      copied = place.end;
      this.count++;
    }
    if (copied > 0) this.text = kept + whole.slice(copied);
  }
}

function isGroups(groups: unknown): groups is Readonly<Record<string, string | undefined>> {
  return typeof groups === "object" && groups !== null;
}

const REDACTED = /^\[redacted:[a-z-]{1,40}\]$/;
const ASSIGNED_RANDOM = /([=:][ \t]{0,4}["'\\]{0,4})([A-Za-z0-9+/_-]{24,}={0,2})/g;
/** What ids, hashes and places in a log are called. */
const ID_NAME =
  /(?:^|[^A-Za-z]|[a-z])(?:[iI][dD]s?|ID|id-\d|uid|guid|[hH]ash|sha-?\d{0,3}|SHA\d{0,3}|[mM][dD]5|h1|[dD]igest|[cC]hecksum|[eE][tT]ag|[fF]ingerprint|[tT]humbprint|[iI]ntegrity|[cC]ommit|[rR]evision|rev|ref|[cC]ursor|[eE]vent|panes?|left|right|ds)["'\\]{0,4}[ \t]{0,4}$/;

/** The kind of resource in a name of Amazon's: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:`. */
const ARN_PART = /(?<![A-Za-z0-9])arn:aws[\w-]{0,16}:[\w:*-]{1,90}:$/;

type AssignedPlace = {
  readonly name: string;
  /** Where the value stands, quotes included. */
  readonly start: number;
};

type Assignment = AssignedPlace & {
  /** Without its quotes; empty where there is none. */
  readonly value: string;
  readonly isQuoted: boolean;
  readonly end: number;
};

/** Where names of fields that could hold a secret are assigned to; also inside values, which may be text or JSON again. */
function assignedPlaces(text: string): AssignedPlace[] {
  const places: AssignedPlace[] = [];
  ASSIGNMENT.lastIndex = 0;
  for (let match = ASSIGNMENT.exec(text); match !== null; match = ASSIGNMENT.exec(text)) {
    const name = match[1] ?? "";
    const start = ASSIGNMENT.lastIndex;
    if (isSensitiveName(name) && !ARN_PART.test(text.slice(Math.max(0, start - 128), start)))
      places.push({ name, start });
  }
  return places;
}

function assignmentAt(text: string, { name, start }: AssignedPlace): Assignment {
  ASSIGNED.lastIndex = start;
  const found = ASSIGNED.exec(text)?.[0] ?? "";
  const isQuoted = /^\\?["']/.test(found);
  const { opening, value } = isQuoted ? { opening: 0, value: found } : insideBrackets(found);
  const begin = start + opening;
  return { name, value: unquoted(value), isQuoted, start: begin, end: begin + value.length };
}

const WHOLE =
  /^(?:\[redacted:[a-z-]{1,40}\]|\$\{[^{}]{0,100}\}|\$\([^()]{0,100}\)|\{\{[^{}]{0,100}\}\}|<[^<>]{0,100}>)/;
const CLOSING = /(?<!\[redacted:[a-z-]{1,40})[)\]}>.]{1,8}$/;

/** Brackets around an assignment are no part of its value; those of a placeholder and of a mark are. */
function insideBrackets(found: string): { readonly opening: number; readonly value: string } {
  const whole = WHOLE.exec(found)?.[0];
  if (whole === undefined) {
    const opening = /^[{(<]{0,8}/.exec(found)?.[0].length ?? 0;
    return { opening, value: found.slice(opening).replace(CLOSING, "") };
  }
  const rest = found.slice(whole.length);
  return { opening: 0, value: whole + (/^[)\]}>.]{1,8}$/.test(rest) ? "" : rest.replace(CLOSING, "")) };
}

/**
 * The kind of the first secret in `text` (`jwt`, `aws-access-key`, `assignment` …), never the secret; null when there
 * is none. More exact than redaction, for a match refuses a proposal: prose about tokens and references to secrets
 * pass. `text` may be canonical JSON of any length.
 */
export function findSecret(text: string): string | null {
  const visible = visibleText(text);
  for (const { hint, members } of SECRET_FAMILIES) {
    if (!hint.test(visible)) continue;
    for (const { kind, pattern, confirms } of members) {
      for (const [match] of visible.matchAll(pattern)) {
        if (confirms === undefined || confirms(match, "")) return kind;
      }
    }
  }
  return assignsAnySecret(visible) ? "assignment" : null;
}

function assignsAnySecret(text: string): boolean {
  return assignedPlaces(text).some((place) => {
    if (!isCredentialName(place.name)) return false;
    const start = text.slice(place.start, place.start + JUDGED_CHARS_MAX);
    return assignsSecret(assignmentAt(start, { ...place, start: 0 }));
  });
}

function assignsSecret({ name, value, isQuoted }: Assignment): boolean {
  if (looksSecret(value)) return true;
  // Quoted, it is a value and no prose; then even a plain word can be a password.
  const isValue = isQuoted && value.length >= 4 && !isReference(value);
  return isValue && (isPasswordName(name) || /^[A-Za-z0-9]{8,}$/.test(value));
}

function unquoted(value: string): string {
  let end = value.length;
  let begin = 0;
  while (begin < end && `"'\\`.includes(value[begin] as string)) begin++;
  while (end > begin && `"'\\`.includes(value[end - 1] as string)) end--;
  return value.slice(begin, end);
}

// Redaction: secrets and personal data are replaced before anything is recorded, shown or sent to a model (S2).

import { visibleText } from "./clean-text.ts";
import {
  ASSIGNED,
  ASSIGNMENT,
  IP_ADDRESSES,
  PERSONAL,
  RANDOM,
  SECRETS,
  SECRET_HINTS,
  isCredentialName,
  isPasswordName,
  isReference,
  isSensitiveName,
  looksSecret,
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

const BY_NAME = "[redacted:by-name]";

/** The value of the field `name`, as a whole when the name says that it is sensitive, else by pattern. */
export function redactField(name: string, value: string, options: RedactOptions): Redacted {
  if (value !== "" && isSensitiveName(name)) return { text: BY_NAME, count: 1 };
  return redactText(value, options);
}

/** `text` with every secret and all personal data replaced by `[redacted:KIND]`. Linear in its length; see cleanText. */
export function redactText(text: string, options: RedactOptions): Redacted {
  let kept: Redacted = { text, count: 0 };
  for (const sensitive of SECRETS) kept = withoutMatches(kept, sensitive);
  kept = withoutAssigned(kept);
  for (const sensitive of [RANDOM, ...PERSONAL]) kept = withoutMatches(kept, sensitive);
  if (options.ipAddresses) for (const sensitive of IP_ADDRESSES) kept = withoutMatches(kept, sensitive);
  return kept;
}

function withoutMatches({ text, count }: Redacted, { kind, pattern, confirms }: Sensitive): Redacted {
  let found = 0;
  const kept = text.replace(pattern, (match: string) => {
    if (confirms !== undefined && !confirms(match)) return match;
    found++;
    return `[redacted:${kind}]`;
  });
  return { text: kept, count: count + found };
}

/** Without the values that are assigned to sensitive names. */
function withoutAssigned({ text, count }: Redacted): Redacted {
  let kept = "";
  let copied = 0;
  let found = 0;
  for (const place of assignedPlaces(text)) {
    if (place.start < copied) continue; // inside a value that is gone
    const { value, start, end } = assignmentAt(text, place);
    if (value === "" || value.startsWith("[redacted")) continue;
    kept += `${text.slice(copied, start)}[redacted:assignment]`;
    copied = end;
    found++;
  }
  return { text: kept + text.slice(copied), count: count + found };
}

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
    if (isSensitiveName(name)) places.push({ name, start: ASSIGNMENT.lastIndex });
  }
  return places;
}

function assignmentAt(text: string, { name, start }: AssignedPlace): Assignment {
  ASSIGNED.lastIndex = start;
  const assigned = ASSIGNED.exec(text)?.[0] ?? "";
  const value = unquoted(assigned);
  return { name, value, isQuoted: value !== assigned, start, end: start + assigned.length };
}

/**
 * The kind of the first secret in `text` (`jwt`, `aws-access-key`, `assignment` …), never the secret; null when there
 * is none. More exact than redaction, for a match refuses a proposal: prose about tokens and references to secrets
 * pass. `text` may be canonical JSON of any length.
 */
export function findSecret(text: string): string | null {
  const visible = visibleText(text);
  if (SECRET_HINTS.test(visible)) {
    for (const { kind, pattern, confirms } of SECRETS) {
      for (const [match] of visible.matchAll(pattern)) {
        if (confirms === undefined || confirms(match)) return kind;
      }
    }
  }
  for (const place of assignedPlaces(visible)) {
    const start = visible.slice(place.start, place.start + JUDGED_CHARS_MAX);
    if (assignsSecret(assignmentAt(start, { ...place, start: 0 }))) return "assignment";
  }
  return null;
}

function assignsSecret({ name, value, isQuoted }: Assignment): boolean {
  if (!isCredentialName(name)) return false;
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

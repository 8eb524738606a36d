// Redaction: secrets and personal data are replaced before anything is recorded, shown or sent to a model (S2).

import { visibleText } from "./clean-text.ts";
import {
  ASSIGNMENT,
  IP_ADDRESSES,
  PERSONAL,
  SECRETS,
  isCredentialName,
  isPasswordName,
  isRandom,
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

const BY_NAME = "[redacted:by-name]";

/** The value of the field `name`, as a whole when the name says that it is sensitive, else by pattern. */
export function redactField(name: string, value: string, options: RedactOptions): Redacted {
  if (value !== "" && isSensitiveName(name)) return { text: BY_NAME, count: 1 };
  return redactText(value, options);
}

/** `text` with every secret and all personal data replaced by `[redacted:KIND]`. Linear in its length; see cleanText. */
export function redactText(text: string, options: RedactOptions): Redacted {
  let count = 0;
  let kept = text;
  for (const sensitive of SECRETS) kept = replaceAll(kept, sensitive);
  kept = kept.replace(ASSIGNMENT, (whole: string, start: string, value: string) => {
    const name = fieldName(start);
    const bare = unquoted(value);
    if (bare === "" || bare.startsWith("[redacted")) return whole;
    if (!isSensitiveName(name) && !isRandom(bare)) return whole;
    count++;
    return `${start}[redacted:assignment]`;
  });
  for (const sensitive of PERSONAL) kept = replaceAll(kept, sensitive);
  if (options.ipAddresses) for (const sensitive of IP_ADDRESSES) kept = replaceAll(kept, sensitive);
  return { text: kept, count };

  function replaceAll(from: string, { kind, pattern, confirms }: Sensitive): string {
    return from.replace(pattern, (match: string) => {
      if (confirms !== undefined && !confirms(match)) return match;
      count++;
      return `[redacted:${kind}]`;
    });
  }
}

/**
 * The kind of the first secret in `text` (`jwt`, `aws-access-key`, `assignment` …), never the secret; null when there
 * is none. More exact than redaction, for a match refuses a proposal: prose about tokens and references to secrets
 * pass. `text` may be canonical JSON of any length.
 */
export function findSecret(text: string): string | null {
  const visible = visibleText(text);
  for (const { kind, pattern, confirms } of SECRETS) {
    for (const [match] of visible.matchAll(pattern)) {
      if (confirms === undefined || confirms(match)) return kind;
    }
  }
  for (const [, start, value] of visible.matchAll(ASSIGNMENT)) {
    if (assignsSecret(start ?? "", value ?? "")) return "assignment";
  }
  return null;
}

function assignsSecret(start: string, value: string): boolean {
  const name = fieldName(start);
  const bare = unquoted(value);
  if (!isCredentialName(name)) return false;
  if (looksSecret(bare)) return true;
  // Quoted, it is a value and no prose; then even a plain word can be a password.
  const isValue = bare !== value && bare.length >= 4 && !isReference(bare);
  return isValue && (isPasswordName(name) || /^[A-Za-z0-9]{8,}$/.test(bare));
}

function fieldName(start: string): string {
  return /^[\w.-]+/.exec(start)?.[0] ?? "";
}

function unquoted(value: string): string {
  let end = value.length;
  let begin = 0;
  while (begin < end && `"'\\`.includes(value[begin] as string)) begin++;
  while (end > begin && `"'\\`.includes(value[end - 1] as string)) end--;
  return value.slice(begin, end);
}

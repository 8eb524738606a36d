// Pointers: links to logs, dashboards and runbooks, without anything that opens a door.

import { findSecret, redactField, redactText } from "./redact.ts";
import { isRandom, isWordy } from "./secret-patterns.ts";

const POINTER_CHARS_MAX = 400;
const POINTERS_MAX = 6;

export interface Pointers {
  readonly urls: readonly string[];
  /** How many addresses were changed or dropped because of what they held. */
  readonly redactions: number;
}

/** The usable addresses among `candidates`: http(s) only, each once, at most six. */
export function pointersFrom(candidates: readonly string[]): Pointers {
  const urls: string[] = [];
  let redactions = 0;
  for (const candidate of candidates) {
    if (urls.length === POINTERS_MAX) break;
    const pointer = toPointer(candidate);
    redactions += pointer.redactions;
    if (pointer.url !== null && !urls.includes(pointer.url)) urls.push(pointer.url);
  }
  return { urls, redactions };
}

/** True for text that is one http(s) address and nothing else. */
export function isWebAddress(text: string): boolean {
  return text.length <= 4096 && /^https?:\/\/[^\s]+$/i.test(text) && URL.canParse(text);
}

type Pointer = { readonly url: string | null; readonly redactions: number };

function toPointer(text: string): Pointer {
  const candidate = text.trim();
  if (!isWebAddress(candidate)) return { url: null, redactions: 0 };
  const url = new URL(candidate);
  let redactions = 0;
  if (url.username !== "" || url.password !== "") {
    url.username = "";
    url.password = "";
    redactions++;
  }
  if (url.hash !== "" && isSecretFragment(url.hash)) {
    url.hash = "";
    redactions++;
  }
  for (const [name, value] of new URLSearchParams(url.search)) {
    if (!isSecretParameter(name, value)) continue;
    url.searchParams.delete(name);
    redactions++;
  }
  if (url.href.length > POINTER_CHARS_MAX) url.search = "";
  if (url.href.length > POINTER_CHARS_MAX) url.hash = "";
  if (url.href.length > POINTER_CHARS_MAX) return { url: null, redactions };
  // What is still secret sits in the path: without it the address leads nowhere.
  if (findSecret(decodedText(url.href)) !== null) return { url: null, redactions: redactions + 1 };
  return { url: url.href, redactions };
}

/** Access tokens travel in fragments; so does the place in the logs that CloudWatch and Kibana show, with `$` for `%`. */
function isSecretFragment(hash: string): boolean {
  const plain = decodedText(decodedText(decodedText(hash.replaceAll("$", "%"))));
  if ([hash, plain].some((text) => redactText(text, { ipAddresses: false }).count > 0)) return true;
  return plain.split(/[^\w+-]/).some((part) => isRandom(part) && !isWordy(part));
}

function isSecretParameter(name: string, value: string): boolean {
  if (/^(?:x-amz-|x-goog-|sv$|se$|code$)/i.test(name)) return true;
  return redactField(name, value.slice(0, 4096), { ipAddresses: false }).count > 0;
}

function decodedText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

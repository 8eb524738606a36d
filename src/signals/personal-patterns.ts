// What personal data looks like: e-mail addresses, card and phone numbers, IP addresses.

import type { Family, Sensitive } from "./secret-patterns.ts";

/** A name in front of a number that says that the number names a thing: `trace_id=`, `"order_id": "`, `orderId `. */
const OF_A_THING =
  /(?:trace|span|parent|request|req|order|transaction|txn|run|build|job|event|message|msg|correlation|process|thread|workflow|check|commit|project|operation|ticket|item|shipment|parcel|offset|sequence|bytes|resource)[\w.]{0,12}["'\\]{0,4}[ \t]{0,2}[:=#/]?[ \t]{0,2}["'\\]{0,4}$/i;

/** True where a number behind `before` is the id of a thing, and of no person. */
export function namesThing(before: string): boolean {
  return OF_A_THING.test(before);
}

/** Prefixes and lengths of card numbers (ISO/IEC 7812), as the schemes publish them. */
const CARD =
  /^(?:4\d{15}|5[0-8]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|220[0-4]\d{12}|3[47]\d{13}|6\d{15}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[689]\d)\d{11})$/;
/** Lengths that cards have seldom and other numbers often; only behind a word for a card. */
const LONG_CARD = /^(?:4\d{12}|(?:4|62|50|5[6-8]|6[37])\d{11,17})$/;
const CARD_WORD =
  /(?<![A-Za-z])(?:card|pan|visa|master|maestro|amex|credit|debit|kort|karte|payment)[\w.]{0,12}\W{0,8}(?:nr|no|number)?\W{0,6}$/i;

function isCard(match: string, before: string): boolean {
  const digits = match.replaceAll(/[ -]/g, "");
  if (!passesLuhn(digits)) return false;
  if (digits.length !== match.length) return CARD.test(digits);
  if (CARD_WORD.test(before)) return CARD.test(digits) || LONG_CARD.test(digits);
  return CARD.test(digits) && !namesThing(before);
}

/** ISO/IEC 7812-1 annex B. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = digit * 2;
    sum += i % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

const CARD_NUMBER: Sensitive = {
  kind: "card",
  pattern: /(?<![\w.])(?:[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{2,4}|3\d{3}([ -])\d{6}\2\d{4,5}|[2-6]\d{12,18})(?!\w|\.\d)/g,
  confirms: isCard,
};

/** Digits of a whole number by country code (ITU-T E.164 and national plans); other countries have 8 to 15. */
const LENGTHS: readonly (readonly [code: string, least: number, most: number])[] = [
  ["1", 11, 11],
  ["7", 11, 11],
  ["30", 12, 12],
  ["31", 11, 11],
  ["32", 10, 11],
  ["33", 11, 11],
  ["34", 11, 11],
  ["39", 8, 13],
  ["41", 11, 11],
  ["43", 8, 15],
  ["44", 11, 12],
  ["45", 10, 10],
  ["46", 9, 12],
  ["47", 10, 10],
  ["48", 11, 11],
  ["49", 8, 15],
  ["61", 11, 11],
  ["81", 11, 12],
  ["86", 11, 13],
  ["91", 12, 12],
];

/** `+1500000000` is one digit short of a number in North America, and is the rise of a metric. */
function isInternational(match: string): boolean {
  const digits = match.replaceAll("(0)", "").replaceAll(/\D/g, "");
  const plan = LENGTHS.find(([code]) => digits.startsWith(code));
  const [, least, most] = plan ?? ["", 8, 15];
  return digits.length >= least && digits.length <= most;
}

/** Neither a date nor an address, and of a length that can be dialled. */
function isDialled(match: string): boolean {
  const digits = match.replaceAll(/\D/g, "");
  if (digits.length < 7 || digits.length > 15) return false;
  return !/^\d{4}-\d\d-\d\d/.test(match) && !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(match) && !/^1[5-9]\d{8}$/.test(match);
}

const PHONES: readonly Sensitive[] = [
  {
    kind: "phone",
    pattern: /(?<![\w+.])\+[1-9](?:[ .()/-]{0,3}\d){6,14}(?!\w|\.\d)/g,
    confirms: isInternational,
  },
  {
    kind: "phone",
    pattern:
      /(?<![\w.+(-])(?:1[ .-])?(?:\([2-9]\d\d\)[ .-]?\d{3}[ .-]\d{4}|[2-9]\d\d([.-])\d{3}\1\d{4})(?![\w-]|\.\d)/g,
  },
  {
    // Behind a word for a phone a national number needs no plus.
    kind: "phone",
    pattern:
      /(?<![A-Za-z])(?<stays>(?:tel|tél|telefon|telephone|phone|mobile|mobil|mob|cell|handy|fax|call(?: back| me)?|callback|contact|ring|sms|whatsapp|msisdn|dial|reach(?:able| me)?|erreichbar|rückruf|hotline|caller)\b["'\\]{0,4}[.:= ]{0,3}(?:nr\b|no\b|number|is|at|on|to|til|under|unter|auf|vid|på|me|us)?["'\\.:= ]{0,6})\+?\(?\d(?:[ .()/-]{0,2}\d){6,14}(?!\w|[.:/-]\d)/gi,
    confirms: isDialled,
  },
];

/** Cards and phones; e-mail addresses are found by `emailIn`, from the `@` on. */
export const PERSONAL: readonly Sensitive[] = [CARD_NUMBER, ...PHONES];

const LOCAL_CHARS_MAX = 64;
const LOCAL = /[\p{L}\p{N}._%+-]/u;
const DOMAIN = /(?:@|%40)[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62}\.){1,6}\p{L}{2,24}(?![\p{L}\p{N}_-])/uy;
/** Units of systemd, files, names inside a cluster; `git@` is everybody. */
const NO_MAILBOX =
  /(?:\.(?:service|timer|socket|mount|target|slice|scope|png|jpe?g|gif|svg|webp|js|mjs|ts|json|ya?ml|css|log|gz)|\.cluster\.local|\.svc)$/i;

export type Place = { readonly start: number; readonly end: number };

/** The e-mail address around the `@` (or `%40`) at `at`, or undefined. Looks back over 64 characters at most (RFC 5321). */
export function emailAround(text: string, at: number): Place | undefined {
  DOMAIN.lastIndex = at;
  const domain = DOMAIN.exec(text)?.[0];
  if (domain === undefined || NO_MAILBOX.test(domain)) return undefined;
  let start = at;
  while (start > 0 && at - start < LOCAL_CHARS_MAX && LOCAL.test(charBefore(text, start))) {
    start -= charBefore(text, start).length;
  }
  const local = text.slice(start, at);
  const trimmed = local.replace(/^[.%-]{1,64}/, "");
  if (trimmed === "" || trimmed === "git") return undefined;
  return { start: at - trimmed.length, end: at + domain.length };
}

function charBefore(text: string, end: number): string {
  const last = text.charCodeAt(end - 1);
  return text.slice(last >= 0xdc00 && last <= 0xdfff && end >= 2 ? end - 2 : end - 1, end);
}

const OCTET = "(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)";

export const IP_ADDRESSES: readonly Family[] = [
  {
    hint: /\d\.\d{1,3}\.\d{1,3}\.\d/,
    members: [{ kind: "ip", pattern: new RegExp(`(?<![\\w.])${OCTET}(?:\\.${OCTET}){3}(?![\\w.]*\\w)`, "g") }],
  },
  {
    // As part of a name: ip-10-0-0-7.eu-central-1.compute.internal.
    hint: /ip-\d/,
    members: [{ kind: "ip", pattern: new RegExp(`(?<![A-Za-z0-9])ip-${OCTET}(?:-${OCTET}){3}(?![\\w-])`, "g") }],
  },
  {
    hint: /:[0-9A-Fa-f]{0,4}:/,
    members: [
      {
        kind: "ip",
        pattern:
          /(?<![0-9A-Za-z:.])(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,6}:(?:[0-9A-Fa-f]{1,4}:){0,5}[0-9A-Fa-f]{0,4}|::(?:[0-9A-Fa-f]{1,4}:){0,6}[0-9A-Fa-f]{1,4})(?![0-9A-Za-z:])/g,
        // `add::dec` is the name of something in a program.
        confirms: (match) => /\d/.test(match),
      },
    ],
  },
];

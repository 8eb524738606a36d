// Personal data, passwords and ids for the corpus, made from a seed after the rules of who issues them.

import { KEY_FORMS } from "./key-forms.ts";
import { fillForm, type Random } from "./random.ts";

type Maker = (random: Random) => string;

const FIRST = [
  "ada",
  "grace",
  "linus",
  "margaret",
  "søren",
  "åsa",
  "jürgen",
  "katherine",
  "o'neil",
  "maría",
  "wei",
  "priya",
];
const LAST = ["lovelace", "hopper", "nielsen", "lindgren", "müller", "johnson", "obrien", "garcia", "zhang", "patel"];
const DOMAINS = [
  "example.com",
  "mail.example.org",
  "shop.example.co.uk",
  "example.de",
  "corp.example.net",
  "firma.example",
  "example.io",
];
const WORDS = [
  "dragon",
  "winter",
  "monkey",
  "letmein",
  "correct",
  "horse",
  "battery",
  "hunter",
  "sommer",
  "trustno",
  "qwerty",
];

const ascii = (text: string): string =>
  text
    .normalize("NFD")
    .replaceAll(/[^a-z]/g, "")
    .replaceAll("ø", "o");
const digits = (random: Random, count: number): string => fillForm(`{dig:${count}}`, random);
const two = (value: number): string => String(value).padStart(2, "0");
const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);

function luhnDigit(body: string): string {
  let sum = 0;
  for (const [index, char] of [...body].reverse().entries()) {
    const doubled = Number(char) * (index % 2 === 0 ? 2 : 1);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return String((10 - (sum % 10)) % 10);
}

/** Prefix and length as the card schemes publish them. */
const SCHEMES: readonly (readonly [prefix: string, length: number])[] = [
  ["4", 16],
  ["51", 16],
  ["55", 16],
  ["2221", 16],
  ["2720", 16],
  ["34", 15],
  ["37", 15],
  ["6011", 16],
  ["65", 16],
  ["3528", 16],
  ["3589", 16],
  ["36", 14],
  ["62", 16],
];

function cardDigits(random: Random): string {
  const [prefix, length] = random.pick(SCHEMES);
  const body = prefix + digits(random, length - prefix.length - 1);
  return body + luhnDigit(body);
}

function grouped(number: string, by: string): string {
  if (number.length === 15) return [number.slice(0, 4), number.slice(4, 10), number.slice(10)].join(by);
  return (number.match(/\d{1,4}/g) ?? []).join(by);
}

function birthday(random: Random): { year: number; month: string; day: string } {
  return { year: 1940 + random.below(70), month: two(1 + random.below(12)), day: two(1 + random.below(28)) };
}

function mod97(text: string): number {
  let rest = 0;
  for (const char of text) rest = Number(String(rest) + String(Number.parseInt(char, 36))) % 97;
  return rest;
}

function iban(random: Random, country: string, form: string): string {
  const body = fillForm(form, random);
  return `${country}${two(98 - mod97(`${body}${country}00`))}${body}`;
}

const IBANS: readonly (readonly [country: string, form: string])[] = [
  ["DE", "{dig:18}"],
  ["GB", "NWBK{dig:14}"],
  ["FR", "{dig:10}{UP:11}{dig:2}"],
  ["SE", "{dig:20}"],
  ["DK", "{dig:14}"],
  ["NL", "ABNA{dig:10}"],
  ["NO", "{dig:11}"],
  ["CH", "{dig:17}"],
];

/** Ten digits of which one stands twice and one is missing, and the check digit of ISO 7064 MOD 11,10. */
function germanTaxId(random: Random): string {
  for (;;) {
    const order = [..."0123456789"].sort(() => random.below(3) - 1);
    const at = random.below(10);
    const from = random.below(10);
    order[at] = order[from] ?? "0";
    if (at === from || order[0] === "0") continue;
    let product = 10;
    for (const digit of order) {
      const sum = (Number(digit) + product) % 10;
      product = ((sum === 0 ? 10 : sum) * 2) % 11;
    }
    return order.join("") + String((11 - product) % 10);
  }
}

function weighted(body: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, index) => sum + weight * Number(body[index]), 0);
}

function germanPension(random: Random): string {
  const { year, month, day } = birthday(random);
  const letter = random.below(26);
  const body = `${two(10 + random.below(60))}${day}${month}${two(year % 100)}${two(letter + 1)}${two(random.below(99))}`;
  const weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
  const sum = weights.reduce((total, weight, index) => {
    const product = weight * Number(body[index]);
    return total + Math.floor(product / 10) + (product % 10);
  }, 0);
  return `${body.slice(0, 8)}${String.fromCharCode(65 + letter)}${body.slice(10)}${sum % 10}`;
}

function norwegian(random: Random): string {
  for (;;) {
    const { year, month, day } = birthday(random);
    const body = `${day}${month}${two(year % 100)}${digits(random, 3)}`;
    const first = 11 - (weighted(body, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11);
    const second = 11 - (weighted(body + String(first % 11), [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11);
    if (first !== 10 && second !== 10) return `${body}${first % 11}${second % 11}`;
  }
}

function danish(random: Random): string {
  for (;;) {
    const { year, month, day } = birthday(random);
    const body = `${day}${month}${two(year % 100)}${digits(random, 3)}`;
    const check = 11 - (weighted(body, [4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11);
    if (check !== 10) return `${body.slice(0, 6)}-${body.slice(6)}${check % 11}`;
  }
}

function swedish(random: Random, form: "short" | "long" | "bare"): string {
  const { year, month, day } = birthday(random);
  const body = `${two(year % 100)}${month}${day}${digits(random, 3)}`;
  const number = body + luhnDigit(body);
  if (form === "short") return `${number.slice(0, 6)}-${number.slice(6)}`;
  const century = String(Math.floor(year / 100));
  return form === "long" ? `${century}${number.slice(0, 6)}-${number.slice(6)}` : `${century}${number}`;
}

function finnish(random: Random): string {
  const { year, month, day } = birthday(random);
  const number = `${two(2 + random.below(88))}${random.below(10)}`;
  const date = `${day}${month}${two(year % 100)}`;
  const check = "0123456789ABCDEFHJKLMNPRSTUVWXY"[Number(date + number) % 31];
  return `${date}${year < 2000 ? "-" : "A"}${number}${check}`;
}

function french(random: Random): string {
  const { year, month } = birthday(random);
  const body = `${1 + random.below(2)}${two(year % 100)}${month}${two(1 + random.below(95))}${digits(random, 6)}`;
  return `${body}${two(97 - (Number(body) % 97))}`;
}

function spanish(random: Random): string {
  const number = digits(random, 8);
  return number + "TRWAGMYFPDXBNJZSQVHLCKE"[Number(number) % 23];
}

const nino: Maker = (random) =>
  `${random.pick(["AB", "CE", "JG", "LX", "PW", "SR", "YZ"])}${digits(random, 6)}${random.pick(["A", "B", "C", "D"])}`;

function spaced(text: string, ...sizes: readonly number[]): string {
  let at = 0;
  return sizes.map((size) => text.slice(at, (at += size))).join(" ");
}

export const NATIONAL: Readonly<Record<string, Maker>> = {
  "us-ssn": (random) =>
    `${1 + random.below(5)}${1 + random.below(9)}${random.below(10)}-${two(1 + random.below(99))}-${1 + random.below(9)}${digits(random, 3)}`,
  "us-itin": (random) => `9${digits(random, 2)}-7${random.below(9)}-${digits(random, 4)}`,
  "uk-nino": nino,
  "uk-nino-spaced": (random) => spaced(nino(random), 2, 2, 2, 2, 1),
  "de-tax-id": germanTaxId,
  "de-tax-id-spaced": (random) => spaced(germanTaxId(random), 2, 3, 3, 3),
  "de-pension": germanPension,
  iban: (random) => iban(random, ...random.pick(IBANS)),
  "iban-spaced": (random) => (iban(random, ...random.pick(IBANS)).match(/.{1,4}/g) ?? []).join(" "),
  "se-personnummer": (random) => swedish(random, "short"),
  "se-personnummer-long": (random) => swedish(random, "long"),
  "se-personnummer-bare": (random) => swedish(random, "bare"),
  "dk-cpr": danish,
  "no-fodselsnummer": norwegian,
  "fi-hetu": finnish,
  "fr-nir": french,
  "es-dni": spanish,
};

const PHONES: Readonly<Record<string, string>> = {
  "phone-e164": "+1{us}",
  "phone-us": "({area}) {area}-{dig:4}",
  "phone-us-dashed": "{area}-{area}-{dig:4}",
  "phone-us-dotted": "{area}.{area}.{dig:4}",
  "phone-us-long": "+1 {area} {area} {dig:4}",
  "phone-us-trunk": "1-{area}-{area}-{dig:4}",
  "phone-uk": "+44 20 79{dig:2} {dig:4}",
  "phone-uk-trunk": "+44 (0)20 79{dig:2} {dig:4}",
  "phone-uk-mobile": "077{dig:2} 900{dig:3}",
  "phone-uk-landline": "020 7946 0{dig:3}",
  "phone-de": "+49 30 {dig:6}",
  "phone-de-mobile": "0171 {dig:7}",
  "phone-de-slash": "030/{dig:6}",
  "phone-de-00": "0049 170 {dig:7}",
  "phone-se": "+46 70 {dig:3} {dig:2} {dig:2}",
  "phone-se-mobile": "070-{dig:3} {dig:2} {dig:2}",
  "phone-dk": "+45 {dig:2} {dig:2} {dig:2} {dig:2}",
  "phone-dk-compact": "+45{dig:8}",
  "phone-fr": "+33 6 {dig:2} {dig:2} {dig:2} {dig:2}",
  "phone-fr-national": "06 {dig:2} {dig:2} {dig:2} {dig:2}",
  "phone-in": "+91 98{dig:3} {dig:5}",
  "phone-ch": "+41 44 {dig:3} {dig:2} {dig:2}",
  "phone-us-bare": "{us}",
};
const US_AREAS = ["212", "415", "312", "617", "702", "206", "305", "646"];

function phone(form: string, random: Random): string {
  const us = `${random.pick(US_AREAS)}${random.pick(US_AREAS)}${digits(random, 4)}`;
  return fillForm(
    form.replaceAll("{us}", us).replaceAll("{area}", () => random.pick(US_AREAS)),
    random,
  );
}

/** Passwords as people make them and as managers make them; none with a blank or a quote. */
const PASSWORDS: readonly Maker[] = [
  (random) => `${capital(random.pick(WORDS))}20${digits(random, 2)}!`,
  (random) => `${random.pick(WORDS)}${digits(random, 3)}`,
  (random) => `${random.pick(WORDS)}-${random.pick(WORDS)}-${random.pick(WORDS)}-${digits(random, 2)}`,
  (random) => fillForm("{b62:6}#{b62:5}$" + "{b62:4}", random),
  (random) => fillForm("{b62:20}", random),
  (random) => fillForm("{b62:4}@{b62:4}!{b62:2}%", random),
  (random) => fillForm("{b62:5}({b62:3}){b62:2}*", random),
];
const password: Maker = (random) => random.pick(PASSWORDS)(random);

const email: Maker = (random) => {
  const first = random.pick(FIRST);
  const last = random.pick(LAST);
  const plain = [ascii(first), ascii(last)];
  const local = random.pick([
    plain.join("."),
    `${plain[0]}${digits(random, 2)}`,
    `${plain[0]}.${plain[1]}+oncall`,
    `${plain[0]?.slice(0, 1)}_${plain[1]}`,
    `${capital(plain[0] ?? "")}.${capital(plain[1] ?? "")}`,
    `${first}.${last}`.replaceAll("'", ""),
  ]);
  return `${local}@${random.pick(DOMAINS)}`;
};

function octet(random: Random): number {
  return 1 + random.below(254);
}

const IPS: Readonly<Record<string, Maker>> = {
  ipv4: (random) => [octet(random), random.below(256), random.below(256), octet(random)].join("."),
  ipv6: (random) => fillForm("2001:db8:{hex:4}:{hex:4}:{hex:4}:{hex:4}:{hex:4}:{hex:4}", random),
  "ipv6-short": (random) => fillForm("2001:db8::{hex:4}:1{hex:2}", random),
  "ipv6-link": (random) => fillForm("fe80::1{hex:3}:{hex:4}:fe{hex:2}:2{hex:2}", random),
};

function keyOf(kind: string, random: Random): string {
  const forms = KEY_FORMS[kind] ?? [];
  return fillForm(random.pick(forms), random).replaceAll(String.raw`\n`, "\n");
}

const OTHERS: Readonly<Record<string, Maker>> = {
  password,
  email,
  "email-encoded": (random) => email(random).replace("@", "%40"),
  "card-plain": cardDigits,
  "card-spaced": (random) => grouped(cardDigits(random), " "),
  "card-dashed": (random) => grouped(cardDigits(random), "-"),
  username: (random) => `${ascii(random.pick(FIRST))}${digits(random, 2)}`,
  "basic-pair": (random) => Buffer.from(`${ascii(random.pick(LAST))}:${password(random)}`).toString("base64"),
  "aws-secret": (random) => fillForm("{b64:40}", random),
  "azure-storage-key": (random) => fillForm("{b64:86}==", random),
  "bootstrap-token": (random) => fillForm("{letters:6}.{low:16}", random),
  cookie: (random) =>
    fillForm(random.pick(["sessionid={low:32}", "SESSION={b64u:43}", "connect.sid=s%3A{b62:32}"]), random),
  sas: (random) => fillForm("{b62:43}%3D", random),
  userinfo: (random) => `cart:${fillForm(random.pick(["{b62:14}", "{b62:24}", "{letters:9}"]), random)}`,
  "okta-token": (random) => fillForm("00{b64u:40}", random),
  "base64-key": (random) => fillForm("{b64:43}=", random),
  "laravel-key": (random) => fillForm("base64:{b64:43}=", random),
  opaque: (random) => fillForm("{b64u:43}", random),
  "hex-32": (random) => fillForm("{hex:32}", random),
  "hex-64": (random) => fillForm("{hex:64}", random),
  uuid: (random) => fillForm("{uuid}", random),
  "plain-words": (random) => [1, 2, 3, 4].map(() => random.pick(WORDS)).join(" "),
  "login-password": (random) => fillForm("{b62:9}", random) + random.pick(["!x", "$", "#9", "&z", "*%"]),
  "split-code": (random) => fillForm("{dig:3} {dig:3}", random),
  "google-code": (random) => fillForm("4/0A{b64u:40}", random),
  "cas-ticket": (random) => fillForm("ST-{dig:4}-{b62:24}", random),
  code: (random) => fillForm("{dig:6}", random),
  // Numbers that are no card although their check digit says so.
  "luhn-19": (random) => {
    const body = `4${digits(random, 17)}`;
    return body + luhnDigit(body);
  },
  "luhn-16": (random) => {
    const body = `4${digits(random, 14)}`;
    return body + luhnDigit(body);
  },
};

/** The value of `[[name]]`; a name with a colon in it is a form by itself: `[[hex:40]]`. */
export function makeValue(name: string, random: Random): string {
  const maker = OTHERS[name] ?? NATIONAL[name] ?? IPS[name];
  if (maker !== undefined) return maker(random);
  const phoneForm = PHONES[name];
  if (phoneForm !== undefined) return phone(phoneForm, random);
  if (name in KEY_FORMS) return keyOf(name, random);
  if (name.includes(":")) return fillForm(`{${name}}`, random);
  throw new Error(`no value of the name ${name}`);
}

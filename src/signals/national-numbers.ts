// Numbers that states and banks give to people, held to their check digits where they have any.

import { namesThing, passesLuhn } from "./personal-patterns.ts";
import type { Family } from "./secret-patterns.ts";

/** Years of birth that are believed of a bare number: a later one is far more often the time of a backup. */
const BORN_UNTIL = 2015;

/** Sum of the digits, each times its weight. */
function weigh(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, index) => sum + weight * (digits.charCodeAt(index) - 48), 0);
}

function isDayAndMonth(day: string, month: string): boolean {
  return Number(day) >= 1 && Number(day) <= 31 && Number(month) >= 1 && Number(month) <= 12;
}

/** Two digits of a year in which a person can be born: 00 to 15, or of the last century from 27 on. */
function isBirthYear(year: string): boolean {
  const value = Number(year);
  return value <= BORN_UNTIL % 100 || value >= 27;
}

/** Skatteverket, SKV 704: YYMMDD-NNNN, the check digit by Luhn; 60 is added to the day of a coordination number. */
function isSwedish(match: string): boolean {
  const digits = match.replaceAll(/\D/g, "");
  const short = digits.slice(-10);
  const day = Number(short.slice(4, 6)) % 60;
  if (digits.length === 12 && Number(digits.slice(0, 4)) > BORN_UNTIL) return false;
  if (digits.length === 10 && !isBirthYear(short.slice(0, 2))) return false;
  return isDayAndMonth(String(day), short.slice(2, 4)) && passesLuhn(short);
}

/** DDMMYY-NNNN with the check digit modulo 11 that numbers had until 2007. */
function isDanish(match: string): boolean {
  const digits = match.replace("-", "");
  if (digits.length !== 10 || !isDayAndMonth(digits.slice(0, 2), digits.slice(2, 4))) return false;
  return weigh(digits, [4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0;
}

/** Skatteetaten: DDMMYY and five digits, the last two of which check the others. */
function isNorwegian(match: string): boolean {
  const digits = match.replace(" ", "");
  if (!isDayAndMonth(String(Number(digits.slice(0, 2)) % 40), String(Number(digits.slice(2, 4)) % 40))) return false;
  if (weigh(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 !== 0) return false;
  return weigh(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0;
}

function isFinnish(match: string): boolean {
  if (!isDayAndMonth(match.slice(0, 2), match.slice(2, 4))) return false;
  const number = Number(match.slice(0, 6) + match.slice(7, 10));
  return "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] === match[10];
}

/**
 * Section 139b of the Abgabenordnung, check digit after ISO 7064 MOD 11,10: of the first ten digits one stands twice or
 * three times, the others at most once.
 */
function isGermanTaxId(match: string, before: string): boolean {
  const digits = match.replaceAll(" ", "");
  const body = digits.slice(0, 10);
  const distinct = new Set(body).size;
  const hasTriple = distinct === 8 && [...body].some((digit) => body.split(digit).length === 4);
  if ((distinct !== 9 && !hasTriple) || (digits.length === match.length && namesThing(before))) return false;
  let product = 10;
  for (const digit of body) {
    const sum = (Number(digit) + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - product) % 10 === Number(digits[10]);
}

/** Deutsche Rentenversicherung: area, birthday, letter, serial number, check digit. */
function isGermanPension(match: string): boolean {
  const plain = match.replaceAll(" ", "");
  const letter = String(plain.charCodeAt(8) - 64).padStart(2, "0");
  const digits = plain.slice(0, 8) + letter + plain.slice(9, 11);
  if (!isDayAndMonth(plain.slice(2, 4), plain.slice(4, 6))) return false;
  const sum = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1].reduce((total, weight, index) => {
    const product = weight * Number(digits[index]);
    return total + Math.floor(product / 10) + (product % 10);
  }, 0);
  return sum % 10 === Number(plain[11]);
}

/** INSEE: 97 minus the rest of the first thirteen digits. */
function isFrench(match: string): boolean {
  const digits = match.replaceAll(" ", "");
  return digits.length === 15 && Number(digits.slice(13)) === 97 - (Number(digits.slice(0, 13)) % 97);
}

function isSpanish(match: string): boolean {
  const plain = match.replace("-", "").replace(/^[XYZ]/, (letter) => String("XYZ".indexOf(letter)));
  return "TRWAGMYFPDXBNJZSQVHLCKE"[Number(plain.slice(0, 8)) % 23] === plain[8];
}

/** Length by country, from the IBAN registry of SWIFT. */
const IBAN_LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 " +
    "GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IS26 IT27 JO30 KW30 KZ20 LB28 LI21 LT20 LU20 LV21 MC27 MD24 ME22 " +
    "MK19 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SE24 SI19 SK24 SM27 TN24 TR26 UA29 VG24 XK20"
  )
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** ISO 13616, ISO 7064 MOD 97-10. */
function isIban(match: string): boolean {
  const plain = match.replaceAll(/[ -]/g, "");
  if (IBAN_LENGTHS[plain.slice(0, 2)] !== plain.length) return false;
  let rest = 0;
  for (const char of plain.slice(4) + plain.slice(0, 4)) {
    const value = Number.parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

const WITH_LETTERS: Family = {
  hint: /[A-Z](?:\d\d[A-Z0-9 -]| \d\d \d)/,
  members: [
    {
      // HMRC, NIM39110.
      kind: "nino",
      pattern:
        /(?<![\w-])(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?:\d{6}| \d\d \d\d \d\d )[A-D](?![\w-])/g,
    },
    {
      kind: "iban",
      pattern:
        /(?<![A-Za-z0-9])[A-Z]{2}\d\d(?:[A-Z0-9]{11,27}|(?: [A-Z0-9]{4}){2,6}(?: [A-Z0-9]{1,4})?|(?:-[A-Z0-9]{4}){2,6}(?:-[A-Z0-9]{1,4})?)(?![A-Za-z0-9])/g,
      confirms: isIban,
    },
    { kind: "national-number", pattern: /(?<![\w-])[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z](?![\w-])/g },
  ],
};

/** Of the lengths and with the separators that some of these have, so that a count or a time costs one look. */
const OF_DIGITS: Family = {
  hint: /(?<![\w.+-])(?:\d{11,12}(?!\d)|\d{15}(?!\d)|\d{6}[-+ A-FU-Y]\d|\d{8}(?:[-+A-Z]|\d{3}[A-Z])|\d\d \d{3}|[XYZ]\d{7}|[12] \d\d )/,
  members: [
    {
      kind: "national-number",
      pattern: /(?<![\w.+-])[1-9]\d(?:\d{9}|(?: \d{3}){3})(?![\w-]|[.:]\d)/g,
      confirms: isGermanTaxId,
    },
    { kind: "national-number", pattern: /(?<![\w-])\d{2} ?\d{6} ?[A-Z] ?\d{3}(?![\w-])/g, confirms: isGermanPension },
    {
      kind: "national-number",
      pattern: /(?<![\w.+-])(?:(?:18|19|20)?\d{6}[-+]\d{4}|(?:19|20)\d{10})(?![\w-]|[.:]\d)/g,
      confirms: (match, before) =>
        isDanish(match) || (isSwedish(match) && !(/^\d{12}$/.test(match) && namesThing(before))),
    },
    {
      kind: "national-number",
      pattern: /(?<![\w.+-])\d{6} ?\d{5}(?![\w-]|[.:]\d)/g,
      confirms: (match, before) => isNorwegian(match) && !namesThing(before),
    },
    {
      kind: "national-number",
      pattern: /(?<![\w-])\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y](?![\w-])/g,
      confirms: isFinnish,
    },
    {
      kind: "national-number",
      pattern: /(?<![\w.+-])[12](?:\d{14}| \d\d \d\d \d\d \d{3} \d{3} \d\d)(?![\w-]|[.:]\d)/g,
      confirms: (match, before) => isFrench(match) && !namesThing(before),
    },
    {
      kind: "national-number",
      pattern: /(?<![\w-])(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z](?![\w-])/g,
      confirms: isSpanish,
    },
  ],
};

const US_NUMBERS: Family = {
  hint: /\d\d\d-\d\d-\d/,
  members: [
    {
      // Social Security Administration; the second form is a taxpayer's number of the IRS.
      kind: "ssn",
      pattern:
        /(?<![\w-])(?:(?!000|666|9)\d{3}-(?!00)\d\d|9\d\d-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9]))-(?!0000)\d{4}(?![\w-])/g,
    },
  ],
};

/** Behind its name a number needs no check digit. */
const NAMED: Family = {
  hint: /ssn|social sec|itin|nummer|cpr|pesel|bsn|nino|ni number|insurance|steuer|tax id|national id|nif|dni|cpf|aadhaar|passport/i,
  members: [
    {
      kind: "national-number",
      pattern:
        /(?<![A-Za-z])(?<stays>(?:ssn|social security(?: no\.?| number)?|itin|personnummer|samordningsnummer|cpr(?:-nummer| nummer)?|fødselsnummer|pesel|bsn|burgerservicenummer|nino|ni number|national insurance(?: no\.?| number)?|steuer-?id(?:nr)?|steuernummer|tax id|national id|nif|dni|cpf|aadhaar|passport(?: no\.?| number)?)["'\\]{0,4}[ :=.]{1,4}["'\\]{0,4})[A-Z]{0,2}\d[\d ./-]{5,16}\d[A-Z]?(?!\w)/gi,
    },
    {
      // Of many countries with letters among the digits.
      kind: "national-number",
      pattern:
        /(?<![A-Za-z])(?<stays>passport(?: no\.?| number)?["'\\]{0,4}[ :=.]{1,4}["'\\]{0,4})[A-Z0-9]{7,10}(?![\w-])/gi,
      confirms: (value) => (value.match(/\d/g) ?? []).length >= 4,
    },
  ],
};

export const NATIONAL_NUMBERS: readonly Family[] = [US_NUMBERS, WITH_LETTERS, OF_DIGITS, NAMED];

// Names of fields that hold a secret or personal data, and where text assigns to one.

import { isMixed, isRandom, isReference, isWordy, looksSecret } from "./secret-patterns.ts";

/** Cheap first look: a name without any of these is not sensitive. Parts that separators cannot split. */
const STEMS =
  /pass|pwd|pw$|pin|secret|token|auth|key|cred|cook|sess|sid|bearer|conn|jwt|sig|saml|otp|nonce|salt|dsn|verif|mail|phone|mobile|msisdn|name|birth|dob|ssn|security|iban|card|cvv|cvc|pan|address|licen|personnummer|cpr|account|national|tax|wort|kode|senord|senha|woord|haslo/i;

const SECRET_NAME =
  /passw|passphrase|passcode|pwd|secret|token|authori[sz]ation|apikey|accesskey|privatekey|signingkey|encryptionkey|secretkey|accountkey|integrationkey|subscriptionkey|licensekey|applicationkey|appkey|sharedkey|masterkey|credential|cookie|sessionid|bearer|connectionstring|jwt|signature|saml|pincode|kennwort|adgangskode|senord|wachtwoord|otp$/;

/** Words for a secret that are also words for much else. */
const WEAK_NAMES = new Set([
  "auth",
  "key",
  "passe",
  "senha",
  "haslo",
  "pin",
  "sig",
  "session",
  "sid",
  "nonce",
  "salt",
  "dsn",
  "signature",
  "codeverifier",
  "routingkey",
]);

/** `pass`, `SMTP_PASS`, `pw`: passwords where the value looks like one. */
const SHORT_PASSWORD_NAME = /(?:^|[^a-z])p(?:ass|w)$|[a-z]P(?:ass|w)$/i;

const PERSONAL_NAME =
  /email|phone|msisdn|firstname|lastname|fullname|surname|givenname|familyname|username|customername|callername|cardholder|birth|ssn|socialsecurity|passport|iban|creditcard|cardnumber|cvv|cvc$|streetaddress|homeaddress|postaladdress|personnummer|cprnumber|nationalid|taxid|accountnumber|driverslicen|driverlicen/;
const PERSONAL_NAMES = new Set(["mail", "dob", "pan", "cpr", "usermail"]);

/** Sounds like a sensitive name, and is none. */
const OTHER_WORDS = /compass|bypass|tokeni[sz]|secretar|microphone|headphone|iphone|smartphone|keyspace/g;

/** What is said about a secret, an address or a session, not the thing itself: `token_count`, `secret_name`. */
const ABOUT =
  /(?:count|total|length|size|bytes|type|kind|policy|refs?|reference|file|path|ur[il]|endpoint|arn|version|status|state|enabled|required|supported|expiry|expires|expired|expiration|expiresat|expiresin|ttl|age|limit|budget|rate|usage|used|remaining|queue|topic|algorithm|alg|method|provider|issuer|domain|errors?|failures?|failed|rotation|rotated|rotatedat|createdat|updatedat|timeoutms|ms|seconds|service|server|host|port|max|min|format|store|manager|mount|class|space|keyid|accesskeyid|verified|sent)$/;
const ABOUT_SECRET = /(?:secret|token|key|credentials?|cookie|session|certificate)(?:name|role)$/;

/** Names in the plural can be counts: `max_tokens`. */
const PLURAL = /(?:tokens|secrets|keys|passwords|cookies|sessions|credentials|emails|phones)$/;

type NameStrength = "strong" | "weak" | "personal" | "none";

const strengths = new Map<string, NameStrength>();
const STRENGTHS_MAX = 4096;

/** How surely a field of this name holds something sensitive; remembered, because the same names come again. */
function strengthOf(name: string): NameStrength {
  const known = strengths.get(name);
  if (known !== undefined) return known;
  const strength = STEMS.test(name) ? judgeName(name) : "none";
  if (strengths.size >= STRENGTHS_MAX) strengths.clear();
  if (name.length <= 128) strengths.set(name, strength);
  return strength;
}

function judgeName(name: string): NameStrength {
  const plain = name
    .slice(-256)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "")
    .replaceAll(OTHER_WORDS, "");
  if (PERSONAL_NAMES.has(plain)) return "personal";
  if (WEAK_NAMES.has(plain) || SHORT_PASSWORD_NAME.test(name.slice(-64))) return "weak";
  const isPersonal = PERSONAL_NAME.test(plain);
  if (ABOUT.test(plain) || ABOUT_SECRET.test(plain)) return "none";
  if (SECRET_NAME.test(plain)) return "strong";
  return isPersonal ? "personal" : "none";
}

/** What can be a search of Splunk: there `sid` is the name of one. */
const SEARCH_ID = /^(?:\w{0,64}__\w{1,200}|(?:rt_)?(?:md_)?\d{10}\.\d{1,8}[\w-]{0,64})(?:[.@][\w.-]{1,64})?$/;

/** True when a field of this name and value holds a secret or personal data, whatever the value looks like. */
export function isSensitiveField(name: string, value: string): boolean {
  if (strengthOf(name) === "none") return false;
  if (/^\d{1,12}$/.test(value) && PLURAL.test(name.slice(-64).toLowerCase())) return false;
  return !(name.toLowerCase() === "sid" && SEARCH_ID.test(value));
}

/** True when a field of this name could hold something sensitive. */
export function isSensitiveName(name: string): boolean {
  return strengthOf(name) !== "none";
}

/** What people write behind a colon about a secret instead of the secret. */
const STATE =
  /^(?:expired?|expires|expiring|missing|invalid|valid|rejected|required|revoked|rotated|rotate|unknown|denied|none|null|nil|true|false|yes|no|ok|empty|unset|undefined|failed|failing|failure|closed|open|opened|enabled|disabled|present|absent|mismatch|incorrect|wrong|reused|reset|locked|changed|unchanged|unavailable|not|is|was|has|have|must|can|cannot|could|should|the|a|an|this|your|our|please|see|check|error|errors|timeout|refresh|refreshed|authentication|authorization|for|from|in|of|on|at|by|and|or|abgelaufen|falsch|ungültig)$/i;

const PLACEHOLDER =
  /^(?:\$\{[^{}]{0,100}\}|\$\([^()]{0,100}\)|\$[A-Z_][A-Z0-9_]*|\{\{[^{}]{0,100}\}\}|<[\w .:-]{0,100}>|%[A-Z_]{1,64}%|\*{3,64}|x{3,64}|…|\.{3,8}|(?:vault|arn|kms|ssm|secretref|secretsmanager):[\w/.:#@+-]{1,200})$/;

/** What is assigned stays when it is no secret: a placeholder, a word about its state, a count. */
export function isSensitiveValue(name: string, value: string, isQuoted: boolean): boolean {
  if (PLACEHOLDER.test(value) || !isSensitiveField(name, value)) return false;
  if (STATE.test(value)) return isQuoted && isPasswordName(name);
  if (!/[\p{L}\p{N}]/u.test(value)) return false; // the beginning of something nested
  if (name.toLowerCase() === "pwd" && isReference(value)) return false; // the folder that a shell is in
  const strength = strengthOf(name);
  if (strength === "personal" && !isQuoted && /mail|phone|mobile$/i.test(name)) return /[@\d]/.test(value);
  if (SHORT_PASSWORD_NAME.test(name.slice(-64)))
    return looksSecret(value) || /[a-z][A-Z]/.test(value) || (isQuoted && value.length >= 4);
  if (strength === "weak") return looksKey(value) || isPair(value) || (/pin$/i.test(name) && /^\d{4,8}$/.test(value));
  // `secret: prod/cart/db` says where a secret is.
  return isPasswordName(name) || !/^[a-z][a-z0-9-]{0,63}(?:\/[a-z0-9-]{1,64}){1,8}$/.test(value);
}

/** `user:password` in base64, as the settings of container registries have it: it can look like words. */
function isPair(value: string): boolean {
  if (!/^[A-Za-z0-9+/]{8,512}={0,2}$/.test(value)) return false;
  return /^[\x21-\x39\x3b-\x7e]{1,64}:[\x20-\x7e]{3,384}$/.test(Buffer.from(value, "base64").toString("latin1"));
}

/** Long and of letters and digits, and no name of words and numbers between separators. */
export function looksKey(value: string): boolean {
  if (value.length < 16 || isReference(value)) return false;
  if (isRandom(value)) return !isWordy(value);
  return (
    (isMixed(value) || value.endsWith("=")) &&
    !isWordy(value) &&
    !/^[a-z0-9]{1,24}(?:[-./:_][a-z0-9]{1,24})+$/.test(value)
  );
}

/**
 * What assigns to a name: `name: `, `name=`, `"name":`, also with the quotes escaped. Group 1 is the name, which is
 * looked for backwards: long texts in which nothing is assigned cost one look at each character.
 */
export const ASSIGNMENT = /(?::=|=>|[:=])(?<=([A-Za-z_][\w.-]{1,63})["'\\]{0,4}[ \t]{0,4}(?::=|=>|[:=]))[ \t]{0,4}/g;

/** Sticky: the value that begins at `lastIndex`: quoted, of an authorization scheme, or up to the next delimiter. */
export const ASSIGNED =
  /\{\{[^{}\n]{0,100}\}\}|(?:bearer|basic|digest|token|splunk|geniekey|ssws|apikey|api-token|negotiate)[ \t]{1,4}(?:token=)?[^\s"',;&]{1,4096}|\\?"[^"\n]{0,4096}"?|'[^'\n]{0,4096}'?|[^\s"',;&]{1,4096}/iy;

const STRONG_NAME =
  /(?:passw(?:or)?d|passphrase|pwd|secret|secretkey|clientsecret|apikey|accesskey|privatekey|signingkey|accountkey|authtoken|accesstoken|refreshtoken|sessiontoken|bearertoken|apitoken|token|authorization|credentials?|setcookie|cookie)$/;

/** Names of fields whose text is a secret however plain it is. */
export function isPasswordName(name: string): boolean {
  return /(?:passw(?:or)?[dt]|passphrase|pwd|kennwort|adgangskode|senord|wachtwoord|passe)$/i.test(name.slice(-64));
}

/** True when a field of this name holds a credential itself, not something about one (`token_count`, `secretRef`). */
export function isCredentialName(name: string): boolean {
  if (!STEMS.test(name)) return false;
  return STRONG_NAME.test(
    name
      .slice(-64)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, ""),
  );
}

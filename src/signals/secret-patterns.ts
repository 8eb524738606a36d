// What secrets and personal data look like, by the name of a field and by the value itself.

export type Sensitive = {
  /** Named in the replacement text: `[redacted:jwt]`. */
  readonly kind: string;
  readonly pattern: RegExp;
  /** A second look at a match that the pattern alone cannot settle. */
  readonly confirms?: (match: string) => boolean;
};

// Every pattern runs in linear time: a repetition is bounded, or what precedes it (a lookbehind, a literal) cannot
// begin again inside what it repeats over.

/** Credentials that are known by their form alone. Every text in which `pattern` matches contains `hint`. */
export const SECRETS: readonly (Sensitive & { readonly hint: string })[] = [
  {
    kind: "private-key",
    hint: "-----BEGIN",
    pattern:
      /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----END))*(?:-----END[A-Z0-9 ]{0,50}-----)?/g,
  },
  { kind: "jwt", hint: "eyJ", pattern: /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g },
  {
    kind: "aws-access-key",
    hint: "A(?:KI|SI|BI|CC)A",
    pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])/g,
  },
  {
    kind: "github-token",
    hint: "gh[oprsu]_|github_pat_",
    pattern: /(?<![A-Za-z0-9])(?:gh[oprsu]_[A-Za-z0-9]{30,255}|github_pat_\w{22,255})/g,
  },
  {
    kind: "gitlab-token",
    hint: "gl(?:pat|ptt|dt|rt|cbt|soat)-",
    pattern: /(?<![A-Za-z0-9])gl(?:pat|ptt|dt|rt|cbt|soat)-[\w-]{20,255}/g,
  },
  {
    kind: "slack-token",
    hint: "xox[abceoprs]-|xapp-",
    pattern: /(?<![A-Za-z0-9])xox[abceoprs]-[A-Za-z0-9-]{10,255}|(?<![A-Za-z0-9])xapp-[A-Za-z0-9-]{10,255}/g,
  },
  {
    kind: "slack-webhook",
    hint: "hooks\\.slack",
    pattern: /hooks\.slack\.com\/(?:services|workflows)\/[\w/]{10,200}/g,
  },
  { kind: "google-api-key", hint: "AIza", pattern: /(?<![\w-])AIza[\w-]{35}(?![\w-])/g },
  { kind: "google-oauth-token", hint: "ya29\\.", pattern: /(?<![\w-])ya29\.[\w-]{20,1000}/g },
  {
    kind: "stripe-key",
    hint: "(?:sk|rk|pk|whsec)_",
    pattern: /(?<![A-Za-z0-9])(?:sk|rk|pk|whsec)_(?:(?:live|test)_)?[A-Za-z0-9]{16,255}/g,
  },
  {
    kind: "model-api-key",
    hint: "sk-",
    pattern: /(?<![\w-])sk-(?:ant-|proj-|svcacct-|or-)?[\w-]{20,255}/g,
    confirms: isMixed,
  },
  { kind: "npm-token", hint: "npm_", pattern: /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/g },
  { kind: "vault-token", hint: "hv[bsr]\\.", pattern: /(?<![\w.])hv[bsr]\.[\w-]{20,255}/g },
  { kind: "url-credentials", hint: "://", pattern: /(?<=:\/\/)[^\s/?#@:"'<>[\]]{0,256}:[^\s/?#@"'<>[\]]{1,256}(?=@)/g },
  {
    kind: "bearer-token",
    hint: "bearer",
    pattern: /(?<![A-Za-z0-9])bearer[ \t:=]{1,4}[\w.~+/-]{8,4000}={0,4}/gi,
    confirms: (match) => isMixed(match.slice(6)) || match.length >= 32,
  },
  {
    kind: "basic-credentials",
    hint: "basic",
    pattern: /(?<![A-Za-z0-9])basic[ \t]{1,4}[A-Za-z0-9+/]{8,1000}={0,2}/gi,
    confirms: (match) => isMixed(match.slice(5)) || match.endsWith("="),
  },
];

/** Texts without any of the hints hold none of these credentials: one look instead of sixteen. */
export const SECRET_HINTS = new RegExp(SECRETS.map(({ hint }) => hint).join("|"), "i");

/** Personal data known by its form. */
export const PERSONAL: readonly Sensitive[] = [
  {
    kind: "email",
    pattern: /(?<![\w.%+-])[\w.%+-]{1,4096}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.){1,6}[A-Za-z]{2,24}(?![A-Za-z0-9])/g,
  },
  { kind: "card", pattern: /(?<![\d.])[3-6]\d{3}(?:[ -]?\d){9,15}(?!\d|\.\d)/g, confirms: passesLuhn },
  { kind: "ssn", pattern: /(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])/g },
  {
    kind: "phone",
    pattern: /(?<![\w+.])\+\d(?:[ ().-]{0,2}\d){7,14}(?!\d)|(?<![\w.-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-]|\.\d)/g,
  },
];

export const IP_ADDRESSES: readonly Sensitive[] = [
  { kind: "ip", pattern: /(?<![\w.])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?![\w.]*\w)/g },
  {
    kind: "ip",
    pattern:
      /(?<![0-9A-Za-z:.])(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,6}:(?:[0-9A-Fa-f]{1,4}:){0,5}[0-9A-Fa-f]{0,4}|::(?:[0-9A-Fa-f]{1,4}:){0,6}[0-9A-Fa-f]{1,4})(?![0-9A-Za-z:])/g,
  },
];

const SECRET_NAME =
  /passw|passphrase|passcode|pwd|secret|token|authori[sz]ation|apikey|accesskey|privatekey|signingkey|encryptionkey|secretkey|accountkey|credential|cookie|sessionid|bearer|connectionstring|jwt|signature|saml|otp$/;
const SECRET_NAMES = new Set([
  "auth",
  "key",
  "pass",
  "pin",
  "sig",
  "session",
  "sid",
  "nonce",
  "salt",
  "dsn",
  "codeverifier",
  "mail",
]);
const PERSONAL_NAME =
  /email|phone|telephone|firstname|lastname|fullname|surname|username|customername|birth|ssn|socialsecurity|passport|iban|creditcard|cardnumber|cvv|streetaddress|homeaddress|postaladdress/;

/** True when a field of this name holds a secret or personal data, whatever the value looks like. */
export function isSensitiveName(name: string): boolean {
  const plain = name
    .slice(0, 256)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "");
  return SECRET_NAMES.has(plain) || SECRET_NAME.test(plain) || PERSONAL_NAME.test(plain);
}

/**
 * What assigns to a name: `name: `, `name=`, `"name":`, also with the quotes escaped. Group 1 is the name, which is
 * looked for backwards: long texts in which nothing is assigned cost one look at each character.
 */
export const ASSIGNMENT = /(?::=|=>|[:=])(?<=([A-Za-z_][\w.-]{1,63})["'\\]{0,4}[ \t]{0,4}(?::=|=>|[:=]))[ \t]{0,4}/g;

/** Sticky: the value that begins at `lastIndex`: quoted, of an authorization scheme, or up to the next delimiter. */
export const ASSIGNED =
  /(?:bearer|basic|digest|token)[ \t]{1,4}[^\s"',;&]{1,4096}|\\?"[^"\n]{0,4096}"?|'[^'\n]{0,4096}'?|[^\s"',;&|<>(){}[\]]{1,4096}/iy;

/** A value of random characters behind any name at all. */
export const RANDOM: Sensitive = {
  kind: "high-entropy",
  pattern: /(?<=[=:][ \t]{0,4}["'\\]{0,4})[A-Za-z0-9+/_-]{24,}={0,2}/g,
  confirms: isRandom,
};

const STRONG_NAME =
  /(?:passw(?:or)?d|passphrase|pwd|secret|secretkey|clientsecret|apikey|accesskey|privatekey|signingkey|accountkey|authtoken|accesstoken|refreshtoken|sessiontoken|bearertoken|apitoken|token|authorization|credentials?|setcookie|cookie)$/;

/** Names of fields whose text is a secret however plain it is. */
export function isPasswordName(name: string): boolean {
  return /(?:passw(?:or)?d|passphrase|pwd)$/i.test(name.slice(-64));
}

/** True when a field of this name holds a credential itself, not something about one (`token_count`, `secretRef`). */
export function isCredentialName(name: string): boolean {
  return STRONG_NAME.test(
    name
      .slice(-64)
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, ""),
  );
}

// Placeholders and references: ${NAME}, $NAME, {{ name }}, <name>, %NAME%, ***, addresses and paths of secret stores.
const REFERENCE =
  /^(?:\$\{|\$\(|\$[A-Z_][A-Z0-9_]*$|\{\{|<[^>]{0,200}>$|%[A-Z_]{1,64}%$|\*{3}|x{3,}$|…|\.\.\.|\[?redacted|\[?hidden|\[?masked|(?:none|null|true|false|nil|undefined|changeme|unset|missing)$|(?:vault|secret|ref|env|file|arn|op|kms|ssm|secretref|secretsmanager):|projects\/|https?:\/\/|\/\/|\/[a-z][a-z0-9_.-]{0,64}\/)/i;

/** True for a value that can be a secret: not a reference to one, and neither a plain word nor a short number. */
export function looksSecret(value: string): boolean {
  if (value.length < 6 || isReference(value)) return false;
  return isMixed(value) || /[^\w.:/ -]/.test(value) || isRandom(value);
}

/** True for a long value of many different characters of every class, as random keys in base64 are. */
function isRandom(value: string): boolean {
  if (value.length < 24 || value.includes(" ") || isReference(value)) return false;
  const distinct = new Set(value.slice(0, 256)).size;
  return distinct >= 14 && /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value);
}

/** True for a placeholder, or for the address of a secret instead of the secret. */
export function isReference(value: string): boolean {
  return REFERENCE.test(value);
}

/** Letters and digits both. */
function isMixed(text: string): boolean {
  return /\d/.test(text) && /[A-Za-z]/.test(text);
}

/** ISO/IEC 7812-1 annex B. */
function passesLuhn(text: string): boolean {
  const digits = text.replaceAll(/[^0-9]/g, "");
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = digit * 2;
    sum += i % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return digits.length >= 13 && digits.length <= 19 && sum % 10 === 0;
}

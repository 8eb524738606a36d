// Credentials that are known by their form alone: keys and tokens of many vendors, and what carries one.

export type Sensitive = {
  /** Named in the replacement text: `[redacted:jwt]`. */
  readonly kind: string;
  /** Global. A group called `stays` at its start is context that stays. */
  readonly pattern: RegExp;
  /** A second look at what would go; `before` is the text in front of it, some of it at least. */
  readonly confirms?: (match: string, before: string) => boolean;
};

/** Patterns that begin alike: none of them matches a text in which `hint` does not. */
export type Family = { readonly hint: RegExp; readonly members: readonly Sensitive[] };

// Every pattern runs in linear time: a repetition is bounded, or what precedes it (a lookbehind, a literal) cannot
// begin again inside what it repeats over. Hints begin with something rare, so that one look at a text costs little.

const START = "(?<![A-Za-z0-9])";
const END = "(?![A-Za-z0-9])";

function token(kind: string, form: string): Sensitive {
  return { kind, pattern: new RegExp(START + form, "g") };
}

/** Of exact length: part of a longer word it is something else. */
function exactToken(kind: string, form: string): Sensitive {
  return { kind, pattern: new RegExp(START + form + END, "g") };
}

const PRIVATE_KEYS: Family = {
  hint: /---- ?BEGIN/,
  members: [
    {
      kind: "private-key",
      pattern:
        /-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}(?:[^-]|-(?!---))*(?:-{4,5} ?END[A-Z0-9 ]{0,50}-{0,5})?/g,
    },
  ],
};

const CAPITALS: Family = {
  hint: /eyJ|A(?:KIA|SIA|BIA|CCA|BSK|Iza|KCp|TATT|TCTT|TBB|GE-SEC)|EAAA|dapi|GOCSPX/,
  members: [
    { kind: "jwt", pattern: /(?<![\w-])eyJ[\w-]{8,}\.(?:[\w-]{8,}\.[\w-]*|\.[\w-]{8,}\.[\w-]{1,}\.[\w-]*)/g },
    token("vendor-token", "(?:ops|glc|sntrys)_eyJ[\\w+/-]{20,2000}={0,2}"),
    token("grafana-token", "eyJrIjoi[\\w+/-]{40,2000}={0,2}"),
    exactToken("aws-access-key", "(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"),
    token("aws-bedrock-key", "ABSK[A-Za-z0-9+/]{60,400}={0,2}"),
    { kind: "google-api-key", pattern: /(?<![\w-])AIza[\w-]{35}(?![\w-])/g },
    token("google-oauth-secret", "GOCSPX-[\\w-]{28}"),
    exactToken("jfrog-key", "AKCp[A-Za-z0-9]{60,80}"),
    token("atlassian-token", "AT[AC]TT3[\\w-]{20,500}={0,2}(?:[0-9A-F]{8})?"),
    exactToken("bitbucket-password", "ATBB[A-Za-z0-9]{32}"),
    token("square-token", "EAAA[\\w-]{56,64}"),
    token("databricks-token", "dapi[0-9a-f]{32}(?:-\\d)?"),
    exactToken("age-key", "AGE-SECRET-KEY-1[0-9A-Z]{58}"),
  ],
};

const UNDERSCORES: Family = {
  hint: /_[A-Za-z0-9]{16}/,
  members: [
    token("github-token", "(?:gh[oprsu]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9]{22}\\w{0,233})"),
    token("stripe-key", "(?:sk|rk|pk|whsec)_(?:(?:live|test)_)?[A-Za-z0-9]{16,255}"),
    exactToken("npm-token", "npm_[A-Za-z0-9]{36}"),
    exactToken("model-api-key", "(?:gsk_[A-Za-z0-9]{40,64}|hf_[A-Za-z]{34}|r8_[A-Za-z0-9]{37})"),
    exactToken(
      "vendor-token",
      "(?:rubygems_[0-9a-f]{48}|do[opr]_v1_[0-9a-f]{64}|lin_api_[A-Za-z0-9]{40}|ntn_[A-Za-z0-9]{40,60}|" +
        "sbp_[0-9a-f]{40}|shp(?:at|ca|pa|ss)_[0-9a-f]{32}|glsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|sntryu_[0-9a-f]{64}|" +
        "sq[apu]_[0-9a-f]{40})",
    ),
  ],
};

const NAMED_UNDERSCORES: Family = {
  hint: /(?:_pat|cale_(?:tkn|pw|oauth)|figd|fm[12]|hp[cs])_/,
  members: [
    // Holdpoint's own: secrets of sources, and codes of sign-in links.
    { kind: "holdpoint-secret", pattern: /(?<![A-Za-z0-9])(?:hps_[\w-]{43}|hpc_[\w-]{27})(?![\w-])/g },
    token(
      "vendor-token",
      "(?:dckr_pat_[\\w-]{20,64}|pscale_(?:tkn|pw|oauth)_[\\w.-]{31,63}[\\w-]|figd_[\\w-]{30,64}|fm[12]_[\\w+/-]{40,2000}={0,2})",
    ),
  ],
};

const DASHES: Family = {
  hint: /(?:gl[a-z]{2,5}|xox[a-z]|xapp|sk|xai|pplx|pypi|key|NR[AIJR][A-Z]|HRKU|PMAK|pul|sq0[a-z]{3})-[\w-]{10}/,
  members: [
    token(
      "gitlab-token",
      "gl(?:pat|ptt|dt|rt|cbt|soat|ft|imt|agent|oas|ffct)-[\\w-]{20,255}(?:\\.\\d\\d\\.[a-z0-9]{9})?",
    ),
    token("slack-token", "(?:xox[abceoprsd](?:\\.xox[bp])?|xapp)-[A-Za-z0-9-]{10,255}"),
    {
      kind: "model-api-key",
      pattern:
        /(?<![\w-])(?:sk-(?:ant-|proj-|svcacct-|or-)?[\w-]{20,255}|xai-[A-Za-z0-9]{60,100}|pplx-[A-Za-z0-9]{40,64})/g,
      confirms: (match) => isMixed(match) && !isWordy(match),
    },
    exactToken("mailgun-key", "key-[0-9a-f]{32}"),
    exactToken("newrelic-key", "NR(?:AK|II|IQ|AA|RA|JS)-[\\w-]{19,40}"),
    token(
      "vendor-token",
      "(?:pypi-[\\w-]{85,300}|HRKU-[\\w-]{36,80}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|pul-[0-9a-f]{40}|sq0[a-z]{3}-[\\w-]{22,43})",
    ),
  ],
};

const DOTS: Family = {
  hint: /(?:hv[bsr]|ya29|SG|dp\.[a-z]{2,5}|dt0[a-z]\d\d|asv1)\.[\w-]{2}/,
  members: [
    { kind: "vault-token", pattern: /(?<![\w.])hv[bsr]\.[\w-]{20,255}/g },
    { kind: "google-oauth-token", pattern: /(?<![\w-])ya29\.[\w-]{3}[\w.-]{16,999}[\w-]/g },
    token("sendgrid-key", "SG\\.[\\w-]{16,32}\\.[\\w-]{32,64}"),
    exactToken("doppler-token", "dp\\.(?:pt|st|ct|sa|scim|audit)\\.(?:[a-z0-9_-]{2,35}\\.)?[A-Za-z0-9]{40,44}"),
    exactToken("dynatrace-token", "dt0[a-z]\\d\\d\\.[A-Z0-9]{8,24}\\.[A-Z0-9]{64}"),
    token("terraform-token", "[A-Za-z0-9]{14}\\.atlasv1\\.[\\w-]{60,90}"),
  ],
};

const TAILS: Family = {
  hint: /-us\d|NRAL|8Q~|SK[0-9a-f]{32}|:AA[\w-]{30}|pat[A-Za-z0-9]{14}\./,
  members: [
    exactToken("mailchimp-key", "[0-9a-f]{32}-us\\d{1,2}"),
    exactToken("newrelic-key", "[0-9a-zA-Z]{36}NRAL"),
    token("azure-client-secret", "[\\w.~-]{3}8Q~[\\w.~-]{31,34}"),
    exactToken("twilio-key", "SK[0-9a-f]{32}"),
    { kind: "telegram-token", pattern: /(?<!\d)\d{8,10}:AA[\w-]{30,40}/g },
    exactToken("airtable-token", "pat[A-Za-z0-9]{14}\\.[0-9a-f]{64}"),
  ],
};

const WEBHOOKS: Family = {
  hint: /hooks\.slack|webhook/,
  members: [
    {
      kind: "slack-webhook",
      pattern: /(?:https:\/\/)?hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/]{10,200}/g,
    },
    { kind: "webhook", pattern: /(?:https:\/\/)?discord(?:app)?\.com\/api\/webhooks\/\d{15,22}\/[\w-]{60,80}/g },
    { kind: "webhook", pattern: /(?:https:\/\/[\w-]{0,63}\.?)?webhook\.office\.com\/webhookb2\/[\w@/-]{40,300}/g },
  ],
};

const ADDRESSES: Family = {
  hint: /:\/\/[^\s/?#"'<>[\]]{1,512}@/,
  members: [{ kind: "url-credentials", pattern: /(?<=:\/\/)[^\s/?#@:"'<>[\]]{0,256}:[^\s/?#"'<>[\]]{1,256}(?=@)/g }],
};

const SCHEMES: Family = {
  hint: /(?:[Bb][Ee][Aa][Rr][Ee][Rr]|[Bb][Aa][Ss][Ii][Cc])[ \t:=]/,
  members: [
    {
      kind: "bearer-token",
      pattern: /(?<![A-Za-z0-9])bearer[ \t:=]{1,4}[\w.~+/-]{8,4000}={0,4}/gi,
      confirms: (match) => isMixed(match.slice(6)) || match.length >= 32,
    },
    {
      kind: "basic-credentials",
      pattern: /(?<![A-Za-z0-9])basic[ \t]{1,4}[A-Za-z0-9+/]{8,1000}={0,2}/gi,
      confirms: (match) => isMixed(match.slice(5)) || match.endsWith("="),
    },
  ],
};

/** Exact enough to refuse a proposal for: a form that nothing else has. */
export const SECRET_FAMILIES: readonly Family[] = [
  PRIVATE_KEYS,
  CAPITALS,
  UNDERSCORES,
  NAMED_UNDERSCORES,
  DASHES,
  DOTS,
  TAILS,
  WEBHOOKS,
  ADDRESSES,
  SCHEMES,
];

// Placeholders and references: ${NAME}, $NAME, {{ name }}, <name>, %NAME%, ***, addresses and paths of secret stores.
const REFERENCE =
  /^(?:\$\{|\$\(|\$[A-Z_][A-Z0-9_]*$|\{\{|<[^>]{0,200}>$|%[A-Z_]{1,64}%$|\*{3}|x{3,}$|…|\.\.\.|\[?redacted|\[?hidden|\[?masked|(?:none|null|true|false|nil|undefined|changeme|unset|missing)$|(?:vault|secret|ref|env|file|arn|op|kms|ssm|secretref|secretsmanager):|projects\/|https?:\/\/|\/\/)/i;
const PATH = /^\/(?:[a-z][a-z0-9_.-]{0,64}|[A-Z][a-z]{1,32})\//;

/** True for a placeholder, or for the address of a secret instead of the secret. */
export function isReference(value: string): boolean {
  return REFERENCE.test(value) || PATH.test(value);
}

/** True for a value that can be a secret: not a reference to one, and neither a plain word nor a short number. */
export function looksSecret(value: string): boolean {
  if (value.length < 6 || isReference(value)) return false;
  return isMixed(value) || /[^\w.:/ -]/.test(value) || isRandom(value);
}

/** True for a long value of many different characters of every class, as random keys in base64 are. */
export function isRandom(value: string): boolean {
  if (value.length < 24 || value.includes(" ") || isReference(value)) return false;
  if (!/[A-Z]/.test(value) || !/[a-z]/.test(value) || !/\d/.test(value)) return false;
  return new Set(value.slice(0, 256)).size >= 14;
}

/** True for what is made of words, as names are: `FailedToUpdateEndpointSlicesV1`, `task-runner-2-controller`. */
export function isWordy(value: string): boolean {
  const start = value.slice(0, 256);
  const words = start.match(/[A-Z]?[a-z]{4,}/g) ?? [];
  return words.join("").length * 2 > start.length;
}

/** Letters and digits both. */
export function isMixed(text: string): boolean {
  return /\d/.test(text) && /[A-Za-z]/.test(text);
}

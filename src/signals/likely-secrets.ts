// Secrets that only their surroundings give away: good enough to redact, too vague to refuse a proposal for.

import { looksKey } from "./secret-names.ts";
import { isMixed, isReference, isWordy, looksSecret, type Family } from "./secret-patterns.ts";

// In each pattern `stays` is context, and what follows it goes.

const ARGUMENTS: Family = {
  hint: /--?(?:[a-z]{1,12}-){0,2}(?:pass|pwd|token|secret|api|access|private|store|key)/i,
  members: [
    {
      kind: "argument",
      pattern:
        /(?<![\w-])(?<stays>--?(?:[a-z]{1,12}-){0,2}(?:password|passwd|passphrase|pass|pwd|token|secret|apikey|api-key|secret-key|access-key|private-key|storepass|keypass)[ =]{1,2}["'\\]{0,2})[^\s"'\\]{4,256}/gi,
      confirms: (value) => !isReference(value) && !value.startsWith("-"),
    },
  ],
};

/** Arguments of programs that take a password under a short name. */
const PROGRAMS: Family = {
  hint: / -(?:[upaw]|-user)|net user /,
  members: [
    {
      kind: "argument",
      pattern: /(?<![\w-])(?<stays>(?:-u|--user)[ =]?["'\\]{0,2}[\w.@-]{1,64}:)[^\s"']{1,256}/g,
      confirms: (value) => !/^\d{1,10}$/.test(value) && !isReference(value),
    },
    { kind: "argument", pattern: /(?<stays>net user [\w.-]{1,64} )(?!\*)[^\s/]{4,128}/g, confirms: isNoReference },
    {
      kind: "argument",
      pattern: /(?<![\w-])(?<stays>mysql\w{0,8} (?:[^\n|;]{0,200}? )?-p)(?!assword)[^\s"']{4,128}/g,
      confirms: isNoReference,
    },
    {
      kind: "argument",
      pattern:
        /(?<![\w-])(?<stays>(?:sshpass [^\n|;]{0,40}?-p|redis-cli [^\n|;]{0,200}? -a|ldap[a-z]{2,10} [^\n|;]{0,200}? -w) ?["'\\]{0,2})[^\s"']{3,128}/g,
      confirms: isNoReference,
    },
  ],
};

function isNoReference(value: string): boolean {
  return !isReference(value);
}

/** A password that a sentence tells, and neither the next word of the sentence nor the name of a machine. */
function isTold(value: string): boolean {
  return looksSecret(value) && !/^(?:[a-z]{1,16}[-.]\d{1,3}|\p{L}{1,64})$/u.test(value);
}

/** What makes a sentence of words: said about a passphrase, it is none. */
const OF_SENTENCES =
  /^(?:is|was|are|be|been|must|may|can|cannot|could|should|does|has|have|for|from|to|of|and|or|in|on|at|by|with|the|a|an|this|not|no|too|required|invalid|expired|short|weak|failed|incorrect|wrong|missing)$/i;

function isPassphrase(value: string): boolean {
  const words = value.split(/[ _-]/);
  return words.length >= 3 && words.every((word) => /^[\p{L}\d]{2,24}$/u.test(word) && !OF_SENTENCES.test(word));
}

const TOLD_PASSWORDS: Family = {
  hint: /pass|pwd|kennwort|senord|adgangskode|contrase|senha|wachtwoord|has[lł]o|пароль|密[码碼]|パスワード|비밀번호/i,
  members: [
    {
      // Several words, which quotes hold together.
      kind: "password",
      pattern:
        /(?<![A-Za-z])(?<stays>(?:password|passwort|passphrase|passcode|kennwort)(?:(?: (?:is|was|to|now|ist|lautet)){1,2} ?:?|:) ?)(?:"[^"\n]{6,128}"|'[^'\n]{6,128}'|`[^`\n]{6,128}`)/gi,
      confirms: (value) => value.includes(" ") && !isReference(value.slice(1)),
    },
    {
      // Without a verb: words that make no sentence.
      kind: "password",
      pattern:
        /(?<![A-Za-z])(?<stays>(?:password|passwort|passphrase|passcode|kennwort) )(?:"[^"\n]{6,128}"|'[^'\n]{6,128}'|`[^`\n]{6,128}`)(?![\w-])/gi,
      confirms: (value) => isPassphrase(value.slice(1, -1)),
    },
    {
      // Of a connection string, in which a value goes on to the next semicolon.
      kind: "password",
      pattern: /(?<stays>(?:^|[;"'] ?)(?:password|pwd) ?= ?)[^\s;"'[{$<*][^;"'\n]{0,127}(?=;)/gi,
      confirms: (value) => value.includes(" "),
    },
    {
      kind: "password",
      pattern:
        /(?<stays>(?:contraseña|senha|wachtwoord|hasło|пароль|密码|密碼|パスワード|비밀번호) ?[:：=] ?["']?)[^\s"']{4,256}/gi,
      confirms: isTold,
    },
    {
      kind: "password",
      pattern:
        /(?<![A-Za-z])(?<stays>(?:password|passwort|passphrase|passcode|passwd|pwd|kennwort|lösenord|adgangskode|mot de passe)(?: (?:for|of|on|to|für|för|til) [\w .@/-]{1,40}?(?= ?:| is | was ))?(?:,? (?:is|was|to|ist|är|er|lautet|now|set|changed|reset)){0,2}["'\\]{0,2}(?: ?: ?| )["'`(\\]{0,2})(?:[^\s"'`<>\\]|\\(?!["'])){3,255}[^\s"'`<>.,;:)\\]/gi,
      confirms: isTold,
    },
  ],
};

const TOLD_KEYS: Family = {
  hint: /secret|token|key|credential|(?:splunk|ssws) /i,
  members: [
    {
      kind: "key",
      pattern:
        /(?<![A-Za-z])(?<stays>(?:(?:api[ _-]?key|access[ _-]?key|secret(?:[ _]access)?[ _]?key|secret|token|credentials?)(?: (?:is|was|to|now))?|key (?:is|was))(?: ?[:=] ?| )["'`<(\\]{0,2})[\w.~+/-]{16,512}={0,2}/gi,
      confirms: looksKey,
    },
    {
      kind: "key",
      pattern: /(?<![A-Za-z])(?<stays>(?:Api-Token|ApiKey|GenieKey|SSWS|Splunk) )[\w.~+/-]{16,512}={0,2}/gi,
      confirms: (value) => isMixed(value) && !isWordy(value),
    },
  ],
};

const ELEMENTS: Family = {
  hint: /(?:<[\w:-]{0,24}|name["'\\]{0,4} ?[:=] ?["'\\]{0,4}\w{0,64})(?:pass|pwd|secret|token|key)/i,
  members: [
    {
      // A variable of a container: `name: DB_PASSWORD`, and then its value.
      kind: "variable",
      pattern:
        /(?<stays>name["'\\]{0,4} ?[:=] ?["'\\]{0,4}\w{0,64}(?:password|passwd|passphrase|pass|pwd|secret|token|api_?key|secret_?key|access_?key)["'\\]{0,4},?\s{0,8}["'\\]{0,4}value["'\\]{0,4} ?[:=] ?["'\\]{0,4})[^\s"'\\]{1,1024}/gi,
      confirms: isNoReference,
    },
    {
      kind: "element",
      pattern: /(?<stays><[\w:-]{0,24}(?:password|passwd|passphrase|pwd|secret|token|api-?key)>)[^<\s]{1,1024}/gi,
      confirms: isNoReference,
    },
  ],
};

/** `https://TOKEN@host`, as programs that clone repositories take it. */
const USERS: Family = {
  hint: /:\/\/[\w%.~+-]{16,256}@/,
  members: [{ kind: "url-credentials", pattern: /(?<=:\/\/)[\w%.~+-]{16,256}(?=@)/g, confirms: isMixed }],
};

/** `user:password@host` without a scheme. What could be an address of e-mail behind a colon is taken for that. */
const LOGINS: Family = {
  hint: /:[^\s:@/"']{3,128}@[A-Za-z]/,
  members: [
    {
      kind: "url-credentials",
      pattern:
        /(?<![\w/.:-])(?<stays>(?!(?:mailto|sips?|xmpp|acct|npm|tel):)[\w.-]{0,64}:)[^\s:@/"'<>[\]{}]{3,128}(?=@(?:localhost\b|[A-Za-z][\w-]{0,62}(?:\.[A-Za-z][\w-]{0,62}){1,8}|[A-Za-z][\w-]{0,62}:\d{2,5}\b))/g,
      confirms: (value) => !isReference(value) && (/[^\p{L}\p{N}_.%+'-]/u.test(value) || isMixedCase(value)),
    },
  ],
};

/** Letters of both cases and digits, as in made-up passwords, and in no version. */
function isMixedCase(value: string): boolean {
  return value.length >= 6 && /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value);
}

/** What a sign-in hands over in an address: good for a token as long as nobody used it. */
const HANDED_OVER: Family = {
  hint: /[?&#](?:code|ticket)=/i,
  members: [
    {
      kind: "sign-in-code",
      pattern: /(?<stays>[?&#](?:code|ticket)=)[\w.~%/-]{12,1024}/gi,
      confirms: (value) => isMixed(value) && !isWordy(value),
    },
  ],
};

const CODES: Family = {
  hint: /code|kod|otp|pin|(?:use|enter|type) \d/i,
  members: [
    {
      kind: "one-time-code",
      pattern:
        /(?<![A-Za-z])(?<stays>(?:(?:one[-_ ]?time|verification|security|log-?in|sign-?in|access|authentication|auth|2fa|mfa|two-factor|confirmation|recovery|backup|sms|your|door)[-_ ]?(?:pass ?code|password|code|pin)|pass ?code|t?otp|best[äa]tigungscode|sicherheitscode|engangskode|engångskod|code de (?:vérification|sécurité|confirmation))(?: (?:for|of|von|til|för|pour) [\w.@-]{1,40})?(?:,? (?:is|was|said|lautet|ist|er|är|est))?(?: ?[:=] ?| )["'(]?)(?:\d{3}[ -]\d{3}|\d{4,8})(?![\w%-]|[.,:]\d| (?:ms|s|seconds|minutes|times|calls|failures|users|requests|today|is|are)\b)/gi,
    },
    {
      kind: "one-time-code",
      pattern:
        /(?<![\w.,:-])(?:\d{3}[ -]\d{3}|\d{4,8})(?= (?:is your|is the|as (?:your|the)) [\w -]{0,30}?(?:code|pin|otp|password)\b)/gi,
    },
    {
      kind: "one-time-code",
      pattern:
        /(?<![A-Za-z])(?<stays>(?:use|enter|type) (?:(?:the )?code )?)(?:\d{3}[ -]\d{3}|\d{4,8})(?= (?:to|for) (?:log|sign|verif|confirm|authenticat))/gi,
    },
  ],
};

export const LIKELY_SECRETS: readonly Family[] = [
  ARGUMENTS,
  PROGRAMS,
  TOLD_PASSWORDS,
  TOLD_KEYS,
  ELEMENTS,
  USERS,
  LOGINS,
  HANDED_OVER,
  CODES,
];

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

export const LIKELY_SECRETS: readonly Family[] = [ARGUMENTS, PROGRAMS, TOLD_PASSWORDS, TOLD_KEYS, ELEMENTS, USERS];

// Codes of verdicts in words, for those that people meet most; every other code stands for itself.

const WORDS: Readonly<Record<string, string>> = {
  "rule-allow": "the rule allows it",
  "rule-hold": "the rule asks for people",
  "rule-refuse": "the rule refuses it",
  "no-rule": "no rule is about it",
  "condition-error": "a rule could not be evaluated",
  "policy-error": "a rule or gate failed",
  "within-limit": "within the limit",
  "rate-limited": "over the limit",
  first: "nothing like it lately",
  duplicate: "it repeats another",
  worse: "it has become worse since",
  storm: "many services fail at once",
  calm: "no storm lasts",
  confirmed: "independent signals agree",
  "not-confirmed": "no independent signals agree",
  paused: "a pause lasts",
  approved: "people approved it",
};

/** The words for a code, or null where the code has to stand for itself. */
export function verdictWords(code: string): string | null {
  return Object.hasOwn(WORDS, code) ? (WORDS[code] ?? null) : null;
}

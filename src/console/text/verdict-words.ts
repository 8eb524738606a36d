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
  "within-blast-radius": "the share of traffic at stake is small enough",
  "blast-radius-exceeded": "it puts too much traffic at stake",
  "within-boundary": "it stays within its trust zone",
  "boundary-crossed": "it reaches into another trust zone",
  "zone-undeclared": "nobody declared its trust zone",
  "model-stale": "the telemetry behind the model is too old",
  "model-unavailable": "the runtime model is not there",
  "target-unknown": "the runtime model does not know the target",
  unmeasured: "the runtime model has no telemetry",
  "image-signed": "what it would run is signed",
  "image-unpinned": "an image is named without its digest",
  "image-missing": "nobody signed for an image",
  "image-altered": "a signature over an image does not hold",
  "image-untrusted": "an image is signed by nobody who is named here",
  paused: "a pause lasts",
  approved: "people approved it",
};

/** The words for a code, or null where the code has to stand for itself. */
export function verdictWords(code: string): string | null {
  return Object.hasOwn(WORDS, code) ? (WORDS[code] ?? null) : null;
}

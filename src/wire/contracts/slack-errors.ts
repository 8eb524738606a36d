// What an answer of Slack's Web API means for the next attempt (https://docs.slack.dev/reference/methods).

/**
 * `unsure`: Slack says that some of it may have been done, or says nothing about that. `passing`: nothing was done, and
 * trying again may help. `refused`: nothing was done, and the same call gets the same answer.
 */
export type SlackError = {
  readonly meaning: "unsure" | "passing" | "credential" | "refused";
  readonly code: string;
};

const ERROR = /^[a-z0-9_]{1,64}$/;
const UNSURE: ReadonlySet<string> = new Set([
  "internal_error",
  "fatal_error",
  "service_unavailable",
  "request_timeout",
]);
const PASSING: ReadonlySet<string> = new Set(["ratelimited", "rate_limited", "team_added_to_org"]);
const CREDENTIAL: ReadonlySet<string> = new Set([
  "invalid_auth",
  "not_authed",
  "account_inactive",
  "token_revoked",
  "token_expired",
]);

/**
 * The error of an answer that is not `ok`. What Slack says goes no further than `ERROR`: nothing that it repeats of a
 * call can pass.
 */
export function slackErrorOf(body: Readonly<Record<string, unknown>> | undefined): SlackError {
  const error = body?.["error"];
  if (body?.["ok"] !== false || typeof error !== "string" || !ERROR.test(error)) {
    return { meaning: "unsure", code: "answer-unexpected" };
  }
  if (CREDENTIAL.has(error)) return { meaning: "credential", code: "credential-refused" };
  return { meaning: UNSURE.has(error) ? "unsure" : PASSING.has(error) ? "passing" : "refused", code: error };
}

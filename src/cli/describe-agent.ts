// An agent in words: whose it is, what it may do, its keys, and how it stands.

import { type Fields, NONE } from "./fields.ts";
import { formatInstant } from "./instants.ts";
import { pairLines } from "./paragraphs.ts";

export function describeAgent(agent: Fields): string {
  const models = agent.list("models").map((model) => `${model.text("provider")}/${model.text("name")}`);
  const reads = agent.list("reads").map((read) => `${read.text("source")} (${read.texts("classes")})`);
  const last = agent.fields("lastRefusal");
  return pairLines([
    ["Agent", agent.text("id")],
    ["Status", agent.text("status")],
    ["Owner", agent.text("owner")],
    ["Acts for", agent.texts("parents") === NONE ? null : agent.texts("parents")],
    ["Purpose", agent.text("purpose")],
    ["Models", models.join(", ")],
    ["Kinds", agent.texts("kinds")],
    ["Environments", agent.texts("environments")],
    ["Services", agent.texts("services")],
    ["At most", `${agent.text("volumePerHour")} proposals in an hour`],
    ["Reads", reads.length === 0 ? null : reads.join(", ")],
    ["Scopes", agent.texts("scopes")],
    ["Roles", agent.texts("roles")],
    ["Keys", agent.texts("keys")],
    ["Bound tokens", agent.isTrue("dpop") ? "yes" : null],
    [
      "Registered",
      `${formatInstant(agent.number("registeredAt"))}, approved by ${agent.text("approvedBy")} in ${agent.text("action")}`,
    ],
    ["Refused", last === null ? null : `${agent.text("refusals")} proposals, last ${last.text("code")}`],
    [
      "Revoked",
      agent.has("revokedAt") ? `${formatInstant(agent.number("revokedAt"))} by ${agent.text("revokedBy")}` : null,
    ],
  ]);
}

// The Slack executor: one message into a configured channel, found by its metadata before it would be written twice.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type {
  ActionKind,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Reconciliation,
  StepOutcome,
} from "../../wire/contracts/executor.ts";
import { argumentsJsonSchema, parseArguments, slackMessageArguments } from "../../wire/schemas/executor-arguments.ts";
import type { SlackConfig } from "../../wire/schemas/executors-config.ts";
import { SlackApi, type SlackParts } from "./slack-api.ts";
import { findMessage, messageMetadata } from "./slack-message.ts";
import type { NotDone } from "./slack-parts.ts";
import { cut, escapeText } from "./slack-text.ts";
import { UnsettledWrites } from "./unsettled-writes.ts";

const PATH = "/api/chat.postMessage";
const TYPE = "holdpoint_message";
/** Slack cuts a message at 40,000 characters; escaping makes five of one at most. */
const TEXT_CHARS_MAX = 36_000;

const MESSAGE: ActionKind = {
  kind: "slack.message",
  title: "Write a message into a Slack channel",
  argumentsSchema: argumentsJsonSchema(slackMessageArguments),
  repeat: "conditional",
  // It asks nobody, but its plan names the action, which has no id before it is proposed.
  planning: "reads",
  effect: "external",
  reversible: false,
  risks: [],
};

const callSchema = z.strictObject({
  method: z.literal("POST"),
  origin: z.string(),
  path: z.literal(PATH),
  authorization: z.strictObject({ secretRef: z.string() }),
  body: z.looseObject({
    channel: z.string(),
    text: z.string(),
    metadata: z.strictObject({ event_type: z.literal(TYPE), event_payload: z.strictObject({ key: z.string() }) }),
  }),
});
type Call = z.infer<typeof callSchema>;

export interface SlackPostParts extends SlackParts {
  readonly config: SlackConfig;
  /** Keeps this log's actions apart from those of other installations in the same workspace. */
  readonly installation: string;
}

type Room = { readonly parts: SlackPostParts; readonly api: SlackApi; readonly writes: UnsettledWrites };

/** Offers `slack.message`. */
export function createSlackExecutor(parts: SlackPostParts): Executor {
  const writes = new UnsettledWrites({ clock: parts.clock, settleMs: parts.config.settleMs });
  const room: Room = { parts, api: new SlackApi(parts), writes };
  const within = (request: ExecuteRequest, outer: AbortSignal): AbortSignal =>
    AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
  return {
    kinds: [MESSAGE],
    credentials: [parts.tokenRef],
    probe: async (signal) => [await room.api.probe("slack", signal)],
    plan: async (request) => planMessage(parts, request),
    execute: (request, outer) => executeMessage(room, request, within(request, outer)),
    reconcile: (request, outer) => reconcileMessage(room, request, within(request, outer)),
  };
}

function planMessage({ config, origin, installation, tokenRef }: SlackPostParts, request: PlanRequest): Plan {
  const { channel: name, text } = parseArguments(slackMessageArguments, request.args);
  const channel = Object.hasOwn(config.channels, name) ? config.channels[name] : undefined;
  if (channel === undefined) {
    throw new AppError("arguments-invalid", `no channel is called ${name} here`, { channel: name });
  }
  const { environment, service } = request.target;
  const { agent } = request.context;
  const head = escapeText(`${service} (${environment}), by ${typeof agent === "string" ? agent : "nobody"}`);
  const body = {
    channel,
    text: cut(`*${head.replaceAll("*", "")}*\n${escapeText(text)}`, TEXT_CHARS_MAX),
    unfurl_links: false,
    unfurl_media: false,
    metadata: messageMetadata(`${installation}:${request.actionId}`, TYPE),
  };
  return {
    kind: request.kind,
    calls: [{ method: "POST", origin, path: PATH, authorization: { secretRef: tokenRef }, body }],
    diff: { channel: name, writes: body.text },
    inverse: null,
    reversible: false,
    fingerprint: null,
  };
}

function readCall({ parts }: Room, { plan }: ExecuteRequest): Call | undefined {
  const parsed = callSchema.safeParse(plan.calls[0]);
  if (!parsed.success || plan.calls.length !== 1) return undefined;
  const { origin, authorization, body } = parsed.data;
  // The configuration may have changed since: a channel that it does not name any more is not written to.
  const isNamed = Object.values(parts.config.channels).includes(body.channel);
  return isNamed && origin === parts.origin && authorization.secretRef === parts.tokenRef ? parsed.data : undefined;
}

async function executeMessage(room: Room, request: ExecuteRequest, signal: AbortSignal): Promise<StepOutcome> {
  const call = readCall(room, request);
  if (call === undefined) return { status: "failed", code: "plan-invalid", detail: null };
  const { api, writes } = room;
  const { channel, metadata } = call.body;
  const { key } = metadata.event_payload;
  const found = await findMessage(api, { channel, key, type: TYPE }, signal);
  const isOpen = writes.isOpen(key); // no await from here to `open`: two calls at once would both pass
  if (found.kind === "not" && !isOpen) return outcomeOf(found);
  if (found.kind === "looked" && found.ts !== null) {
    writes.settle(key);
    return written(channel, found.ts, { foundBefore: true });
  }
  if (isOpen) return { status: "unknown", code: "earlier-attempt-unsettled", detail: null };
  writes.open(key);
  const text = `${call.body.text}\n_${request.idempotencyKey}, granted as ${request.grantId}_`;
  const said = await api.write("chat.postMessage", { ...(call.body as unknown as JsonObject), text }, signal);
  if (said.kind === "unsure") writes.open(key);
  else writes.settle(key);
  if (said.kind === "unsure") return { status: "unknown", code: said.code, detail: null };
  if (said.kind === "no") return outcomeOf(said);
  const { ts } = said.body;
  return written(channel, typeof ts === "string" && /^\d{1,12}\.\d{1,10}$/.test(ts) ? ts : "", {});
}

/** Of what had no effect for certain. */
function outcomeOf({ code, passing, afterMs }: Pick<NotDone, "code" | "passing" | "afterMs">): StepOutcome {
  return passing
    ? { status: "retry", afterMs: Math.max(afterMs, 1_000), code, detail: null }
    : { status: "failed", code, detail: null };
}

function written(channel: string, ts: string, more: JsonObject): Extract<StepOutcome, { status: "succeeded" }> {
  const detail: Json = { channel, message: ts, ...more };
  return { status: "succeeded", reference: `${channel}:${ts}`, detail };
}

async function reconcileMessage(room: Room, request: ExecuteRequest, signal: AbortSignal): Promise<Reconciliation> {
  const call = readCall(room, request);
  if (call === undefined) return { status: "unclear", detail: { code: "plan-invalid" } };
  const { channel, metadata } = call.body;
  const { key } = metadata.event_payload;
  // Read before the look-up: what was settled when it was asked is settled when it answers.
  const remainingMs = room.writes.remainingMs(key);
  const found = await findMessage(room.api, { channel, key, type: TYPE }, signal);
  if (found.kind === "not") {
    const detail = { code: found.code };
    return found.passing ? { status: "unclear", detail, afterMs: found.afterMs } : { status: "unclear", detail };
  }
  if (found.ts !== null) {
    room.writes.settle(key);
    const { reference, detail } = written(channel, found.ts, { foundBefore: true });
    return { status: "happened", reference, detail };
  }
  if (remainingMs > 0) return { status: "unclear", detail: { code: "may-still-arrive" }, afterMs: remainingMs };
  return { status: "absent", detail: null };
}

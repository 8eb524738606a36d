// Slack's interactions: proof that they are Slack's, and what somebody asked for by a button or a form.
// https://docs.slack.dev/authentication/verifying-requests-from-slack

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import { findSecret } from "../../wire/contracts/deliveries.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type { AnswerForm, Interaction, SignedRequest } from "../../wire/contracts/interaction.ts";
import type { NotifiersConfig, SlackConfig } from "../../wire/schemas/notifiers-config.ts";
import { parseOrigin } from "../../wire/schemas/origin.ts";
import {
  slackFormSchema,
  slackInteractionSchema,
  type SlackInteraction,
} from "../../wire/schemas/slack-interaction.ts";
import { APPROVE, DENY, FORM, isReasonNeeded, REASON, toForm, toNotice } from "./slack-blocks.ts";
import { SlackCalls } from "./slack-calls.ts";

const WINDOW_S = 300;
const SIGNATURE = /^v0=[0-9a-f]{64}$/;
const TIMESTAMP = /^\d{1,12}$/;
const VALUE = /^(act_[0-9a-z.]{9,16}) ([0-9a-f]{64})$/;
/** Signatures that are remembered; as many are not made within the window by any people. */
const SEEN_MAX = 20_000;
/** Slack waits for three seconds. */
const OPEN_TIMEOUT_MS = 2_000;

export interface SlackInteractionsParts {
  readonly notifiers: NotifiersConfig;
  readonly egress: Egress;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

export class SlackInteractions {
  readonly #parts: SlackInteractionsParts;
  /** Signatures by when they came; the oldest first. */
  readonly #seen = new Map<string, number>();

  constructor(parts: SlackInteractionsParts) {
    this.#parts = parts;
  }

  /**
   * What a request asks for. Throws `signature-invalid` for one that is not Slack's, not of now, or that came before, and
   * `request-invalid` for one that is no interaction.
   */
  async receive(request: SignedRequest): Promise<Interaction> {
    const config = await this.#prove(request);
    const interaction = parseInteraction(request.bytes);
    if (interaction === null) return { kind: "other" };
    const { user, team } = interaction;
    if (config.teamId !== undefined && team?.id !== config.teamId) {
      throw new AppError("not-eligible", "this Slack workspace is not the one that is configured");
    }
    const person = Object.hasOwn(config.people, user.id) ? (config.people[user.id] ?? null) : null;
    return interaction.type === "block_actions"
      ? this.#pressed(config, { interaction, person })
      : submitted(interaction, person);
  }

  #pressed(
    config: SlackConfig,
    {
      interaction,
      person,
    }: { readonly interaction: Extract<SlackInteraction, { type: "block_actions" }>; person: string | null },
  ): Interaction {
    const pressed = interaction.actions.find(({ action_id: id }) => id === APPROVE || id === DENY);
    const [, action, planHash] = VALUE.exec(pressed?.value ?? "") ?? [];
    if (pressed === undefined || action === undefined || planHash === undefined) return { kind: "other" };
    const form: AnswerForm = { decision: pressed.action_id === APPROVE ? "approve" : "deny", action, planHash };
    const open = (view: ReturnType<typeof toForm>): Promise<boolean> =>
      this.#open(config, interaction.trigger_id, view);
    return {
      kind: "pressed",
      person,
      form,
      open: (about) => open(toForm({ ...form, about })),
      tell: (text) => open(toNotice(text)),
    };
  }

  /** False when Slack did not open it. */
  async #open(config: SlackConfig, triggerId: string, view: ReturnType<typeof toForm>): Promise<boolean> {
    const { egress, credentials, clock } = this.#parts;
    const origin = parseOrigin(config.baseUrl);
    const calls = new SlackCalls({ config, origin, call: egress.callTo(origin), credentials, clock });
    const signal = AbortSignal.timeout(OPEN_TIMEOUT_MS);
    return (await calls.write("views.open", { trigger_id: triggerId, view }, signal)).kind === "ok";
  }

  /** The notifier whose signing secret made the signature. */
  async #prove({ bytes, signature = "", timestamp = "" }: SignedRequest): Promise<SlackConfig> {
    const nowS = Math.floor(this.#parts.clock.nowMs() / 1_000);
    const isCurrent = TIMESTAMP.test(timestamp) && Math.abs(nowS - Number(timestamp)) <= WINDOW_S;
    if (!SIGNATURE.test(signature) || !isCurrent) {
      throw new AppError("signature-invalid", "the signature is missing, or not of now");
    }
    const config = await this.#signer({ bytes, signature, timestamp });
    if (config === null) throw new AppError("signature-invalid", "the signature is not that of the body");
    if (!this.#isNew(signature, nowS)) throw new AppError("signature-invalid", "this request came before");
    return config;
  }

  async #signer({
    bytes,
    signature,
    timestamp,
  }: Required<{ bytes: Uint8Array; signature: string; timestamp: string }>) {
    for (const config of Object.values(this.#parts.notifiers)) {
      if (config.kind !== "slack" || config.signingSecretRef === undefined) continue;
      const secret = await findSecret(this.#parts.credentials, config.signingSecretRef);
      if (secret === null) continue;
      const mac = createHmac("sha256", secret).update(`v0:${timestamp}:`).update(bytes).digest();
      if (timingSafeEqual(mac, Buffer.from(signature.slice("v0=".length), "hex"))) return config;
    }
    return null;
  }

  /** Remembered for as long as its timestamp would pass, on either side of now. */
  #isNew(signature: string, nowS: number): boolean {
    for (const [old, atS] of this.#seen) {
      if (nowS - atS <= 2 * WINDOW_S && this.#seen.size < SEEN_MAX) break;
      this.#seen.delete(old);
    }
    if (this.#seen.has(signature)) return false;
    this.#seen.set(signature, nowS);
    return true;
  }
}

/** The one form field `payload` holds JSON; null for an interaction of another type. */
function parseInteraction(bytes: Uint8Array): SlackInteraction | null {
  const payload = new URLSearchParams(Buffer.from(bytes).toString("utf8")).getAll("payload");
  let value: unknown;
  try {
    value = JSON.parse(payload.length === 1 ? (payload[0] ?? "") : "");
  } catch {
    throw new AppError("request-invalid", "the payload is not JSON");
  }
  const parsed = slackInteractionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const type = (value as { type?: unknown } | null)?.type;
  if (type !== "block_actions" && type !== "view_submission") return null;
  throw new AppError("request-invalid", "the payload is not the interaction that it says it is");
}

function submitted(
  { view }: Extract<SlackInteraction, { type: "view_submission" }>,
  person: string | null,
): Interaction {
  if (view.callback_id !== FORM) return { kind: "other" };
  let metadata: unknown;
  try {
    metadata = JSON.parse(view.private_metadata);
  } catch {
    metadata = null;
  }
  const form = slackFormSchema.safeParse(metadata);
  if (!form.success) throw new AppError("request-invalid", "the form does not say what it answers");
  const { decision } = form.data;
  const text = view.state.values[REASON]?.[REASON]?.value?.trim() ?? "";
  return {
    kind: "submitted",
    person,
    form: form.data,
    reason: text === "" ? null : text,
    missingReason: (reversible) => (text === "" ? reasonProblem(decision, reversible) : null),
    // Shown below the field, and the form stays open.
    refusal: (why) => ({ response_action: "errors", errors: { [REASON]: why } }),
  };
}

function reasonProblem(decision: "approve" | "deny", reversible: boolean): string | null {
  if (!isReasonNeeded(decision, reversible)) return null;
  return decision === "deny" ? "Say why you deny it." : "It cannot be undone: say why you approve it.";
}

// The route of Slack's interactions: answers to holds by people whose Slack user configuration gives an identity.

import { z } from "zod";
import { ERRORS, isAppError, type AppError } from "../../core/errors.ts";
import type { Interaction } from "../../wire/contracts/interaction.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { answerCommand } from "../answers.ts";
import { admitWrite, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";

const BODY_BYTES_MAX = 64 * 1024;

type Pressed = Extract<Interaction, { kind: "pressed" }>;
type Submitted = Extract<Interaction, { kind: "submitted" }>;

/** Slack waits three seconds for an answer, and reads a problem document as a failure of the app. */
async function interact({ services, request, reply }: RouteContext): Promise<unknown> {
  const { "x-slack-signature": signature, "x-slack-request-timestamp": timestamp } = request.headers;
  const interaction = await services.slack.receive({
    bytes: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    signature: textOf(signature),
    timestamp: textOf(timestamp),
  });
  const answer = await answerTo(services, interaction);
  return answer ?? reply.code(200).send();
}

async function answerTo(services: Services, interaction: Interaction): Promise<unknown> {
  if (interaction.kind === "pressed") {
    if (!(await show(services, interaction)))
      services.log.info({ action: interaction.form.action }, "no form was opened");
    return null;
  }
  return interaction.kind === "submitted" ? take(services, interaction) : null;
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}

const STRANGER =
  "Your Slack user is not linked to an identity of Holdpoint. Whoever configures its notifiers can do that.";
const OVER = "It waits for nobody any more.";
const CHANGED = "The plan is another now. Read it in Holdpoint before you answer.";

/** The form, or why there is none. */
async function show(services: Services, pressed: Pressed): Promise<boolean> {
  if (personOf(services, pressed) === undefined) return pressed.tell(STRANGER);
  const { action: id, planHash } = pressed.form;
  if (services.actions.hold(id) === null) return pressed.tell(OVER);
  // As the views are: whoever waited for them would miss Slack's three seconds. The answer itself is judged by the kernel.
  const action = services.views.reader.find("actions", id);
  if (action !== null && action.planHash !== null && action.planHash !== planHash) return pressed.tell(CHANGED);
  const { kind = id, environment = "", service = "", reversible = false } = action ?? {};
  return pressed.open({ kind, target: `${environment}/${service}`, reversible });
}

function personOf({ identity }: Services, { person }: { readonly person: string | null }): Identity | undefined {
  return person === null ? undefined : identity.person(person);
}

/** Null when it was taken: the form closes, and the message is edited once that is durable. */
async function take(services: Services, submitted: Submitted): Promise<unknown> {
  const identity = personOf(services, submitted);
  if (identity === undefined) return submitted.refusal(STRANGER);
  try {
    return await answer(services, { identity, submitted });
  } catch (error) {
    if (!isAppError(error)) throw error;
    services.refused(identity.id, error.code);
    return submitted.refusal(wordsFor(error));
  }
}

type Answering = { readonly identity: Identity; readonly submitted: Submitted };

async function answer(services: Services, { identity, submitted }: Answering): Promise<unknown> {
  const { action, decision, planHash } = submitted.form;
  requireScope(identity, "actions:approve");
  admitWrite(services, identity);
  const reversible = services.views.reader.find("actions", action)?.reversible ?? false;
  const missing = submitted.missingReason(reversible);
  if (missing !== null) return submitted.refusal(missing);
  const given = { decision, planHash, reason: submitted.reason };
  await services.submit(answerCommand(services, { identity, action, answer: given }));
  return null;
}

function wordsFor({ code, message }: AppError): string {
  if (code === "action-not-held") return OVER;
  if (code === "plan-mismatch") return CHANGED;
  return `${ERRORS[code].title}: ${message}`.slice(0, 300);
}

export const slackRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/notifiers/slack/interactions",
    operationId: "takeSlackInteraction",
    summary:
      "Slack's interactions: signed by Slack, answered as the person that configuration gives to the Slack user.",
    auth: "none",
    body: { schema: z.object({ payload: z.string() }), type: "application/x-www-form-urlencoded" },
    bodyBytesMax: BODY_BYTES_MAX,
    isRaw: true,
    response: { status: 200, what: "Taken, or for a form what is wrong with it" },
    errors: ["signature-invalid", "not-eligible", "request-invalid", "body-too-large"],
    handle: interact,
  },
];

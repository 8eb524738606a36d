// What people see in Slack: a message that is a view of the record, and the form behind its buttons. What somebody else
// wrote is plain text or preformatted: Slack reads no mention, link or formatting out of it.
// https://docs.slack.dev/reference/block-kit/blocks

import type { Json, JsonObject } from "../../core/json.ts";
import type { Notification, NotifiedAction } from "../../wire/contracts/notifier.ts";
import { answerLine, factsOf, headline, oneLine, visible } from "./wording.ts";

const HEADER_CHARS_MAX = 150;
const FIELD_CHARS_MAX = 1_000;
const SECTION_CHARS_MAX = 2_900;
const FIELDS_MAX = 10;
const ANSWERS_SHOWN_MAX = 5;

export const APPROVE = "holdpoint_approve";
export const DENY = "holdpoint_deny";
export const FORM = "holdpoint_answer";
export const REASON = "holdpoint_reason";

export interface MessageOf {
  readonly link: string | null;
  /** Whether people may answer from here. */
  readonly withButtons: boolean;
  /** The Slack user whom it concerns most; null for nobody. */
  readonly mention: string | null;
}

/** What a message says: a text for where blocks are not shown, and its blocks. */
export function toMessage(notification: Notification, { link, withButtons, mention }: MessageOf): JsonObject {
  const { action, actor } = notification;
  const title = headline(notification);
  const blocks: Json[] = [{ type: "header", text: plain(title, HEADER_CHARS_MAX) }];
  if (mention !== null) blocks.push({ type: "section", text: { type: "mrkdwn", text: `For <@${mention}>` } });
  if (action === null) blocks.push(section(`By ${oneLine(actor)}`));
  else blocks.push(...actionBlocks(action));
  const isOpen = action?.status === "held" && action.hold?.isFrozen === false && action.planHash !== null;
  const buttons = [
    ...(isOpen && withButtons ? answerButtons(action) : []),
    ...(link === null ? [] : [{ type: "button", action_id: "holdpoint_open", text: plain("Open", 75), url: link }]),
  ];
  if (buttons.length > 0) blocks.push({ type: "actions", block_id: "holdpoint_actions", elements: buttons });
  blocks.push({
    type: "context",
    elements: [plain(`${notification.ledger.origin} event ${notification.ledger.seq}`, 200)],
  });
  return { text: escaped(title), blocks };
}

function actionBlocks(action: NotifiedAction): readonly Json[] {
  const fields = factsOf(action).map(([name, value]) => plain(`${name}\n${value}`, FIELD_CHARS_MAX));
  const { reason, diff, hold } = action;
  const answers = (hold?.answers ?? []).slice(-ANSWERS_SHOWN_MAX).map((answer) => {
    const text = answerLine(answer);
    return section(answer.reason === null ? text : `${text}\n${visible(answer.reason)}`);
  });
  return [
    { type: "section", fields: fields.slice(0, FIELDS_MAX) },
    ...(reason === null ? [] : [section(`Reason given\n${visible(reason)}`)]),
    ...(diff === null ? [] : [preformatted(visible(diff))]),
    ...answers,
  ];
}

function answerButtons(action: NotifiedAction): readonly JsonObject[] {
  const value = `${action.id} ${action.planHash ?? ""}`;
  return [
    { type: "button", action_id: APPROVE, text: plain("Approve…", 75), value },
    { type: "button", action_id: DENY, style: "danger", text: plain("Deny…", 75), value },
  ];
}

export interface FormOf {
  readonly decision: "approve" | "deny";
  readonly action: string;
  readonly planHash: string;
  /** What the action is, in words. */
  readonly about: { readonly kind: string; readonly target: string; readonly reversible: boolean };
}

/** The form that an answer is given in: a button alone answers nothing. */
export function toForm({ decision, action, planHash, about }: FormOf): JsonObject {
  const needsReason = isReasonNeeded(decision, about.reversible);
  const verb = decision === "approve" ? "Approve" : "Deny";
  const lines = [`${oneLine(about.kind)} on ${oneLine(about.target)}`, `Plan ${planHash.slice(0, 16)}…`];
  if (!about.reversible) lines.push("This cannot be undone.");
  return {
    type: "modal",
    callback_id: FORM,
    private_metadata: JSON.stringify({ decision, action, planHash }),
    title: plain(`${verb} ${action}`, 24),
    submit: plain(verb, 24),
    close: plain("Back", 24),
    blocks: [
      section(lines.join("\n")),
      {
        type: "input",
        block_id: REASON,
        optional: !needsReason,
        label: plain(needsReason ? "Reason" : "Reason, if there is one", 200),
        element: { type: "plain_text_input", action_id: REASON, multiline: true, max_length: 2_000 },
      },
    ],
  };
}

/** In place of the form, for who cannot answer here. */
export function toNotice(text: string): JsonObject {
  return { type: "modal", title: plain("Holdpoint", 24), close: plain("Close", 24), blocks: [section(text)] };
}

/** A denial says why, and so does an approval of what cannot be undone. */
export function isReasonNeeded(decision: "approve" | "deny", reversible: boolean): boolean {
  return decision === "deny" || !reversible;
}

function plain(text: string, charsMax: number): JsonObject {
  return { type: "plain_text", text: cut(text, charsMax), emoji: false };
}

function section(text: string): JsonObject {
  return { type: "section", text: plain(text, SECTION_CHARS_MAX) };
}

function preformatted(text: string): JsonObject {
  const element = { type: "rich_text_preformatted", elements: [{ type: "text", text: cut(text, SECTION_CHARS_MAX) }] };
  return { type: "rich_text", elements: [element] };
}

function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).toWellFormed()}…`;
}

/** Of a message's `text`, which is read as formatted: https://docs.slack.dev/messaging/formatting-message-text */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

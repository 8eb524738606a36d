// What Slack sends when somebody presses a button or submits a form, as far as it is used here.
// https://docs.slack.dev/reference/interaction-payloads

import { z } from "zod";

const id = z.string().min(1).max(64);
const team = z.looseObject({ id }).nullable().optional();
const user = z.looseObject({ id });

const blockActionsSchema = z.looseObject({
  type: z.literal("block_actions"),
  user,
  team,
  trigger_id: z.string().min(1).max(256),
  actions: z
    .array(z.looseObject({ action_id: z.string().max(255), value: z.string().max(2_000).optional() }))
    .min(1)
    .max(25),
});

const viewSubmissionSchema = z.looseObject({
  type: z.literal("view_submission"),
  user,
  team,
  view: z.looseObject({
    callback_id: z.string().max(255),
    private_metadata: z.string().max(3_000),
    state: z.looseObject({
      values: z.record(
        z.string().max(255),
        z.record(z.string().max(255), z.looseObject({ value: z.string().max(3_000).nullable().optional() })),
      ),
    }),
  }),
});

export const slackInteractionSchema = z.discriminatedUnion("type", [blockActionsSchema, viewSubmissionSchema]);
export type SlackInteraction = z.infer<typeof slackInteractionSchema>;

/** What a form carries of the question that it answers. */
export const slackFormSchema = z.strictObject({
  decision: z.enum(["approve", "deny"]),
  action: z.string().regex(/^act_[0-9a-z.]{9,16}$/),
  planHash: z.string().regex(/^[0-9a-f]{64}$/),
});

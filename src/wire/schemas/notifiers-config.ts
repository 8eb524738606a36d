// Configuration of the notifiers: which ways lead to people, what each is told of, and which secrets open them.

import { z } from "zod";
import { secretRefSchema } from "./credentials-config.ts";
import { identitiesBy, personSchema, withinBounds } from "./people-config.ts";
import { NOTIFICATION_KINDS } from "../contracts/notifier.ts";

const NOTIFIERS_MAX = 16;

const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "a notifier's name is lower-case letters, digits and -");
const plainSchema = z.string().min(1).max(128);

const shared = {
  /** Reasons and what would change, beside the facts. */
  content: z.enum(["none", "full"]).default("full"),
  /** Of what it tells; everything unless given. */
  tells: z.array(z.enum(NOTIFICATION_KINDS)).min(1).optional(),
  /** Holds on these routes alone. */
  routes: z.array(plainSchema).min(1).max(64).optional(),
  /** Actions in these environments alone. */
  environments: z.array(plainSchema).min(1).max(64).optional(),
  /** Who is told instead when this one has failed for so long. */
  fallback: nameSchema.optional(),
  fallbackAfterMs: z.int().min(0).max(3_600_000).default(60_000),
  timeoutMs: z.int().min(1_000).max(60_000).default(10_000),
};

const webhookSchema = z.strictObject({
  ...shared,
  kind: z.literal("webhook"),
  /** https://hooks.example.com */
  baseUrl: z.string().max(256),
  path: z
    .string()
    .regex(/^\/(?!\/)[\x21\x23-\x5b\x5d-\x7e]{0,511}$/, "a path begins with one / and is plain")
    .default("/"),
  /** A secret as Standard Webhooks writes it, `whsec_` and base64; several, by spaces, while one replaces another. */
  secretRef: secretRefSchema,
});
export type WebhookConfig = z.infer<typeof webhookSchema>;

const addressSchema = z
  .string()
  .max(254)
  .regex(/^[^\s@<>"(),:;[\]\\\p{Cc}]+@[A-Za-z0-9.-]+$/u, "an address is like sre@example.com");
const addressesSchema = z.array(addressSchema).min(1).max(64);

const emailSchema = z.strictObject({
  ...shared,
  kind: z.literal("email"),
  /** The mail server that takes what is sent: smtp.example.com */
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535).default(587),
  /** `starttls` refuses a server without it. `none` only on this machine. */
  security: z.enum(["starttls", "tls", "none"]).default("starttls"),
  user: plainSchema.optional(),
  passwordRef: secretRefSchema.optional(),
  from: addressSchema,
  to: z.strictObject({
    /** Who is told where no role says otherwise. */
    default: addressesSchema,
    /** Who is told of a hold that asks this role. */
    roles: z.record(plainSchema, addressesSchema).default({}),
    /** Who is told, beside those, how it ended what this person proposed, or is behind. */
    people: withinBounds(z.record(personSchema, addressesSchema)).default({}),
  }),
});
export type EmailConfig = z.infer<typeof emailSchema>;

const slackSchema = z.strictObject({
  ...shared,
  kind: z.literal("slack"),
  baseUrl: z.string().max(256).default("https://slack.com"),
  /** The channel's id; the app has to be in it. */
  channel: z.string().regex(/^[CG][A-Z0-9]{6,20}$/, "a channel's id is like C0123456789"),
  /** The workspace whose people may answer; any that the app is installed in unless given. */
  teamId: z
    .string()
    .regex(/^[TE][A-Z0-9]{6,20}$/, "a workspace's id is like T0123456789")
    .optional(),
  tokenRef: secretRefSchema.default("slack/token"),
  /** With it messages have buttons, and Slack's interactions are taken. */
  signingSecretRef: secretRefSchema.optional(),
  /** Who answers: the identity of each Slack user. */
  people: identitiesBy(z.string().regex(/^[UW][A-Z0-9]{6,20}$/, "a user's id is like U0123456789")).default({}),
});
export type SlackConfig = z.infer<typeof slackSchema>;

const notifierConfigSchema = z.discriminatedUnion("kind", [webhookSchema, emailSchema, slackSchema]);
export type NotifierConfig = z.infer<typeof notifierConfigSchema>;

/** By a name of one's own, which metrics and the position file carry. */
export const notifiersConfigSchema = z
  .record(nameSchema, notifierConfigSchema)
  .refine((notifiers) => Object.keys(notifiers).length <= NOTIFIERS_MAX, `at most ${NOTIFIERS_MAX} notifiers`)
  .refine(
    (notifiers) =>
      Object.entries(notifiers).every(
        ([name, { fallback }]) => fallback === undefined || (fallback !== name && Object.hasOwn(notifiers, fallback)),
      ),
    "a fallback is another notifier that is configured",
  );
export type NotifiersConfig = z.infer<typeof notifiersConfigSchema>;

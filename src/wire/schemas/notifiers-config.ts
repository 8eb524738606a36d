// Configuration of the notifiers: which ways lead to people, what each is told of, and which secrets open them.

import { z } from "zod";
import { NOTIFICATION_KINDS } from "../contracts/notifier.ts";

const NOTIFIERS_MAX = 16;

const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "a notifier's name is lower-case letters, digits and -");
const secretRefSchema = z.string().regex(/^[a-z0-9][a-z0-9/._-]{0,127}$/);
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
  }),
});
export type EmailConfig = z.infer<typeof emailSchema>;

const notifierConfigSchema = z.discriminatedUnion("kind", [webhookSchema, emailSchema]);
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

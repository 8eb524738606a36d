// Configuration of the executors: which systems they reach and which secrets they use, by reference.

import { z } from "zod";
import { argocdConfigSchema } from "./argocd-executor.ts";
import { githubConfigSchema } from "./github-config.ts";
import { secretRefSchema } from "./credentials-config.ts";
import { kubernetesConfigSchema } from "./kubernetes-config.ts";
import { runbookConfigSchema } from "./runbook-config.ts";
import { terraformConfigSchema } from "./terraform-config.ts";

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const sysIdSchema = z.string().regex(/^[0-9a-f]{32}$/);
const principalSchema = z.string().regex(/^[\x21-\x39\x3b-\x7e]{1,128}$/); // no colon: it ends the name in Basic

const pagerdutyIdSchema = z.string().regex(/^[A-Z0-9]{6,32}$/, "a PagerDuty id, such as PT20YPA");

const pagerdutyApiSchema = z.strictObject({
  /** EU: https://api.eu.pagerduty.com */
  baseUrl: z.string().max(256).default("https://api.pagerduty.com"),
  /** A key of the REST API that may write incidents. */
  tokenRef: secretRefSchema.default("pagerduty/api-token"),
  /** In whose name incidents are worked on: a user of its own is best. */
  user: z.strictObject({ id: pagerdutyIdSchema, email: z.email().max(254) }),
  /** Policies that incidents may be escalated to. */
  escalationPolicies: z.record(nameSchema, pagerdutyIdSchema).default({}),
  /** Whom proposals may call in, by name. */
  responders: z
    .record(
      nameSchema,
      z
        .strictObject({
          users: z.array(pagerdutyIdSchema).max(50).default([]),
          escalationPolicies: z.array(pagerdutyIdSchema).max(10).default([]),
        })
        .refine(({ users, escalationPolicies }) => users.length + escalationPolicies.length > 0, "names nobody"),
    )
    .default({}),
  /** How long a call that nobody saw the end of may still take effect. */
  settleMs: z.int().min(0).max(600_000).default(60_000),
});
export type PagerdutyApiConfig = z.infer<typeof pagerdutyApiSchema>;

export const pagerdutyConfigSchema = z.strictObject({
  /** https://events.pagerduty.com, or https://events.eu.pagerduty.com for the EU region. */
  baseUrl: z.string().max(256).default("https://events.pagerduty.com"),
  /** Integration names; the routing key of `x` is the secret `pagerduty/x`. A service without its own uses `default`. */
  integrations: z.array(nameSchema).min(1).max(1000),
  /** The REST API: notes, escalation, responders, status updates and snoozing of incidents. */
  api: pagerdutyApiSchema.optional(),
});
export type PagerdutyConfig = z.infer<typeof pagerdutyConfigSchema>;

const changeControlSchema = z.strictObject({
  /** What runs in these only under an approved change … */
  environments: z.array(z.string().min(1).max(128)).min(1).max(64),
  /** … of these kinds, or classes of them: `kubernetes.*`. */
  kinds: z
    .array(
      z
        .string()
        .regex(
          /^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*\.(?:\*|[a-z][a-z0-9-]*)$/,
          "a kind, or a class such as kubernetes.*",
        ),
    )
    .min(1)
    .max(64),
  /** Values of the change's `state` in which it may be carried out: Scheduled and Implement, unless an instance changed them. */
  states: z.array(z.int().min(-99).max(99)).min(1).max(10).default([-2, -1]),
  /**
   * sys_ids of the configuration items of each service: a change covers a service when it is about one of them (`cmdb_ci`).
   * Without, any change that is approved covers whatever names it.
   */
  configurationItems: z.record(z.string().min(1).max(128), z.array(sysIdSchema).min(1).max(64)).optional(),
});
export type ChangeControl = z.infer<typeof changeControlSchema>;

export const servicenowConfigSchema = z.strictObject({
  /** https://example.service-now.com */
  baseUrl: z.string().max(256),
  auth: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("oauth"),
      clientId: principalSchema,
      clientSecretRef: secretRefSchema.default("servicenow/client-secret"),
    }),
    z.strictObject({
      kind: z.literal("basic"),
      user: principalSchema,
      passwordRef: secretRefSchema.default("servicenow/password"),
    }),
  ]),
  /** sys_id of the user that new incidents name as their caller. */
  caller: sysIdSchema.optional(),
  /** sys_id of the assignment group of each team. */
  assignmentGroups: z.record(z.string().min(1).max(64), sysIdSchema).default({}),
  /** Value of `state` for a canceled incident, where an instance has changed it. */
  canceledState: z.int().min(-99).max(99).default(8),
  /** How triage resolves the ticket of an incident that is over: `state`, and a choice of `close_code`. */
  resolvedState: z.int().min(-99).max(99).default(6),
  closeCode: z.string().min(1).max(40).default("Resolved by caller"),
  /**
   * How long a write that nobody saw the end of may still take effect. ServiceNow ends a Table API transaction after
   * 60 s (quota rule "REST Table API request timeout"); the rest is for waiting in its queue.
   */
  settleMs: z.int().min(0).max(600_000).default(120_000),
  changeControl: changeControlSchema.optional(),
  /** sys_id of the template of each standard change that proposals may ask for. */
  changeTemplates: z.record(nameSchema, sysIdSchema).default({}),
  /** Value of `state` for a canceled change, where an instance has changed it. */
  changeCanceledState: z.int().min(-99).max(99).default(4),
});
export type ServicenowConfig = z.infer<typeof servicenowConfigSchema>;

const slackUserSchema = z.string().regex(/^[UW][A-Z0-9]{5,20}$/, "a Slack user id, such as U0123ABCD");
const slackGroupSchema = z.string().regex(/^S[A-Z0-9]{5,20}$/, "the id of a Slack user group, such as S0123ABCD");
const respondersSchema = z
  .strictObject({
    users: z.array(slackUserSchema).max(100).default([]),
    groups: z.array(slackGroupSchema).max(10).default([]),
  })
  .refine(({ users, groups }) => users.length + groups.length > 0, "names nobody");

/** Holdpoint sets these itself. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "correlation_id",
  "correlation_display",
  "short_description",
  "description",
  "work_notes",
]);
const recordFieldsSchema = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,79}$/), z.string().max(1_000))
  .refine(
    (fields) => Object.keys(fields).every((field) => !OWN_FIELDS.has(field)),
    "Holdpoint sets one of these itself",
  )
  .refine((fields) => Object.keys(fields).length <= 16, "more than 16 fields");

export const majorIncidentConfigSchema = z.strictObject({
  /** What makes a ServiceNow incident a major one: the fields of the plugin Major Incident Management by default. */
  record: z
    .strictObject({
      fields: recordFieldsSchema.default({ major_incident_state: "accepted" }),
      /** What takes it back. */
      retractFields: recordFieldsSchema.default({ major_incident_state: "canceled" }),
    })
    .prefault({}),
  bridge: z.strictObject({
    kind: z.literal("slack"),
    baseUrl: z.string().max(256).default("https://slack.com"),
    /** A bot token: channels:manage, channels:read, channels:history, chat:write, usergroups:read (and groups:* if private). */
    tokenRef: secretRefSchema.default("slack/token"),
    channelPrefix: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,19}$/)
      .default("inc"),
    isPrivate: z.boolean().default(false),
    /** Where people talk; `{incident}` stands for the incident's id. */
    callUrl: z
      .string()
      .max(512)
      .regex(/^https:\/\/[^\s<>|{}]+(?:\{incident\}[^\s<>|{}]*)?$/, "an https address, at most {incident} to fill in")
      .optional(),
    /** How long a message that nobody saw the end of may still arrive. */
    settleMs: z.int().min(0).max(120_000).default(30_000),
  }),
  /** Who is called to the bridge, by the team that the classification recommends. */
  responders: z.strictObject({
    default: respondersSchema,
    teams: z.record(z.string().min(1).max(64), respondersSchema).default({}),
  }),
});
export type MajorIncidentConfig = z.infer<typeof majorIncidentConfigSchema>;

export const slackConfigSchema = z.strictObject({
  baseUrl: z.string().max(256).default("https://slack.com"),
  /** A bot token: chat:write, and channels:history or groups:history for the channels below, which it is a member of. */
  tokenRef: secretRefSchema.default("slack/token"),
  /** Where may be written, by the name that proposals use: ids, since names change hands. */
  channels: z
    .record(nameSchema, z.string().regex(/^[CG][A-Z0-9]{5,20}$/, "the id of a Slack channel, such as C0123ABCD"))
    .refine((channels) => Object.keys(channels).length <= 200, "more than 200 channels"),
  /** How long a message that nobody saw the end of may still arrive. */
  settleMs: z.int().min(0).max(120_000).default(30_000),
});
export type SlackConfig = z.infer<typeof slackConfigSchema>;

export const httpOperationSchema = z.strictObject({
  name: nameSchema,
  /** The one target that it is offered for. */
  environment: z.string().min(1).max(128),
  service: z.string().min(1).max(128),
  baseUrl: z.string().max(256),
  method: z.enum(["POST", "PATCH"]).default("POST"),
  path: z
    .string()
    .max(512)
    .regex(/^\/(?!\/)[\x21-\x7e]*$/, "a path"),
  /** The secret that is sent as a bearer token. */
  tokenRef: secretRefSchema.optional(),
  /** `idempotent`: the other side takes a repeat with the same `Idempotency-Key` once, or a repeat does no harm. */
  repeat: z.enum(["idempotent", "neither"]).default("neither"),
  /** The operation that takes it back. */
  undo: nameSchema.optional(),
  /** Nothing takes it back, and that matters: each call waits for people, one of whom types the name of the target. */
  irreversible: z.boolean().default(false),
  /**
   * Its answers carry an `ETag` of what it left, and what takes it back heeds `If-Match`: a change since then is seen, and
   * not overwritten.
   */
  etag: z.boolean().default(false),
  /**
   * Carried out in several goes, of so much each, rising: the body's `percent`. The service is checked before the next
   * one, so policy has to have a Verification for it.
   */
  phases: z
    .array(z.int().min(1).max(100))
    .min(2)
    .max(20)
    .refine((all) => all.every((percent, n) => n === 0 || percent > (all[n - 1] ?? 0)), "phases have to rise")
    .optional(),
});
export type HttpOperation = z.infer<typeof httpOperationSchema>;

type NamedOperation = Pick<HttpOperation, "name" | "environment" | "service" | "undo">;

/** What takes an operation back is one of the same target. */
function undoesItsOwn(operations: readonly NamedOperation[]): boolean {
  const known = new Map(operations.map((one) => [one.name, one]));
  return operations.every(({ undo, environment, service }) => {
    const undone = undo === undefined ? undefined : known.get(undo);
    return undo === undefined || (undone?.environment === environment && undone.service === service);
  });
}

/** What takes something back runs without a person, which what is irreversible never does. */
function isUndoneUnattended(operations: readonly Pick<HttpOperation, "name" | "undo" | "irreversible">[]): boolean {
  const forGood = new Set(operations.filter(({ irreversible }) => irreversible).map(({ name }) => name));
  return operations.every(({ undo }) => undo === undefined || !forGood.has(undo));
}

export const httpConfigSchema = z.strictObject({
  operations: z
    .array(httpOperationSchema)
    .min(1)
    .max(1_000)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "an operation is named twice")
    .refine(undoesItsOwn, "an operation is undone by none of the same target")
    .refine(isUndoneUnattended, "an undo is irreversible: it would run without a person")
    .refine((all) => all.every((one) => one.phases === undefined || one.undo !== undefined), "phases need an undo")
    .refine(
      (all) => all.every((one) => !one.irreversible || one.undo === undefined),
      "what has an undo is not irreversible",
    ),
});
export type HttpConfig = z.infer<typeof httpConfigSchema>;

const identifierSchema = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, "a plain lower-case name");

export const sqlDatabaseSchema = z.strictObject({
  name: nameSchema,
  /** The one target whose migrations run here: what is asked for another never reaches this database. */
  environment: z.string().min(1).max(128),
  service: z.string().min(1).max(128),
  host: z.string().min(1).max(253),
  port: z.int().min(1).max(65_535).default(5432),
  database: z.string().min(1).max(63),
  user: z.string().min(1).max(63),
  passwordRef: secretRefSchema,
  /** `off` is for this machine alone. */
  tls: z.enum(["verify-full", "off"]).default("verify-full"),
  searchPath: z.array(identifierSchema).min(1).max(16).default(["public"]),
  /** How long a migration waits for a lock: everything else waits behind it. */
  lockTimeoutMs: z.int().min(1).max(60_000).default(2_000),
  statementTimeoutMs: z.int().min(1).max(3_600_000).default(30_000),
});
export type SqlDatabaseConfig = z.infer<typeof sqlDatabaseSchema>;

const namesOnce = (databases: readonly { readonly name: string }[]): boolean =>
  new Set(databases.map(({ name }) => name)).size === databases.length;

export const sqlConfigSchema = z.strictObject({
  databases: z.array(sqlDatabaseSchema).min(1).max(200).refine(namesOnce, "a database is named twice"),
});
export type SqlConfig = z.infer<typeof sqlConfigSchema>;

export const executorsConfigSchema = z
  .strictObject({
    kubernetes: kubernetesConfigSchema.optional(),
    runbook: runbookConfigSchema.optional(),
    terraform: terraformConfigSchema.optional(),
    http: httpConfigSchema.optional(),
    sql: sqlConfigSchema.optional(),
    pagerduty: pagerdutyConfigSchema.optional(),
    servicenow: servicenowConfigSchema.optional(),
    majorIncident: majorIncidentConfigSchema.optional(),
    slack: slackConfigSchema.optional(),
    github: githubConfigSchema.optional(),
    argocd: argocdConfigSchema.optional(),
  })
  .refine(({ majorIncident, servicenow }) => majorIncident === undefined || servicenow !== undefined, {
    path: ["majorIncident"],
    message: "needs executors.servicenow: the record of a major incident is opened there",
  });
export type ExecutorsConfig = z.infer<typeof executorsConfigSchema>;

// Bodies and answers of the HTTP API.

import { z } from "zod";
import { REVIEW_OUTCOMES } from "../types/approvals.ts";
import { FAULTS, LABELS } from "../types/label.ts";
import { WAIT_CODES } from "../types/waits-view.ts";
import { seqFromId } from "../../core/ids.ts";
import { agentId, modelText } from "./agents.ts";
import { grantCreateArguments } from "./grant-set.ts";

const id = z.string().min(1).max(64);
const name = z.string().min(1).max(128);

const targetSchema = z.strictObject({
  environment: name,
  service: name,
  resource: z.string().min(1).max(256).optional(),
});

const instant = z.string().max(64).describe("RFC 3339");

const windowSchema = z
  .strictObject({ notBefore: instant.optional(), notAfter: instant })
  .describe("When it may begin: it waits until the one, and expires at the other");

const EVIDENCE = { signal: "sig", run: "run", incident: "inc", action: "act" } as const;

const evidenceSchema = z
  .strictObject({ kind: z.enum(["signal", "run", "incident", "action"]), id })
  .refine(({ kind, id: text }) => seqFromId(EVIDENCE[kind], text) !== undefined, "no id of that kind");

export const actionKindText = z
  .string()
  .regex(/^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/, "a kind is like pagerduty.trigger")
  .max(64);

export const proposalSchema = z
  .strictObject({
    kind: actionKindText,
    target: targetSchema,
    arguments: z.record(z.string().max(128), z.unknown()),
    reason: z.string().max(4_000).optional(),
    evidence: z.array(evidenceSchema).max(32).optional().describe("What it rests on: ids that Holdpoint gave out"),
    confidence: z.number().min(0).max(1).optional().describe("How sure the proposer is; kept to a millionth"),
    window: windowSchema.optional(),
    dryRun: z.boolean().optional().describe("Planned and decided, with every verdict; nobody is asked, nothing runs"),
    context: z
      .record(z.string().max(128), z.unknown())
      .optional()
      .describe("Prompts, retrieved text, reasoning: kept as erasable payload, at most 65,536 characters"),
    agent: agentId.optional().describe("Of agents, as what follows: they sign each proposal"),
    model: z.strictObject({ provider: modelText, name: modelText, version: modelText }).optional(),
    promptHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "the prompt's SHA-256 in lower-case hex")
      .optional(),
    iat: z.int().min(0).max(253_402_300_799).optional().describe("When it was signed, seconds since the epoch"),
    jti: z
      .string()
      .regex(/^[A-Za-z0-9_-]{16,64}$/, "16 to 64 of A-Z, a-z, 0-9, - and _")
      .optional()
      .describe("The proposal's own id: the same again is the same action"),
  })
  .meta({ id: "Proposal" });

export const decisionSchema = z
  .object({
    id,
    status: z.string(),
    repeated: z.boolean(),
    href: z.string(),
    decision: z
      .enum(["allow", "hold", "refuse"])
      .nullable()
      .optional()
      .describe("Of a proposal; null while its plan is awaited"),
    code: z.string().nullable().optional().describe("Why it is refused, or only advice"),
    would: z.enum(["allow", "hold"]).nullable().optional().describe("Of advice and dry runs: what policy came to"),
    verdicts: z.array(z.unknown()).optional(),
    duplicateOf: id.nullable().optional(),
    prediction: z
      .record(z.string(), z.unknown())
      .optional()
      .describe("What the runtime model predicted, in parts of a million, where policy asked for it"),
    waits: z
      .object({
        code: z.enum(WAIT_CODES).describe("`outside`: an approved change, a review"),
        until: z.number(),
        behind: z.array(id),
        because: z.string().optional().describe("Of `outside`: why it had not come when it was asked about last"),
      })
      .optional()
      .describe("While it waits: for what, behind which actions, and until when at the latest"),
    next: z
      .object({ who: z.string(), roles: z.array(z.string()), until: z.number() })
      .nullable()
      .optional()
      .describe("Who must answer, and until when (milliseconds since the epoch) before the next are asked, or it ends"),
  })
  .meta({ id: "Decision" });

const BATCH_MAX = 32;

/** One proposal of several, with what stands in headers where it comes alone. */
const batchItem = z.strictObject({
  proposal: proposalSchema,
  signature: z.string().max(4_096).optional().describe("Of agents: the detached JWS, as in Holdpoint-Signature"),
  idempotencyKey: z.string().max(128).optional(),
});

export const batchSchema = z
  .strictObject({ actions: z.array(batchItem).min(1).max(BATCH_MAX) })
  .meta({ id: "ProposalBatch" });

/** As it is read: each proposal is judged by itself, so that one that is none does not sink the others. */
export const batchEnvelopeSchema = z.strictObject({
  actions: z
    .array(batchItem.extend({ proposal: z.unknown().refine((value) => value !== undefined, "is missing") }))
    .min(1)
    .max(BATCH_MAX),
});

/** The name of the target, typed; needed where nothing takes the plan back. */
const confirm = z.string().max(256).optional();

export const answerSchema = z
  .strictObject({
    decision: z.enum(["approve", "deny", "withdraw"]),
    planHash: z.string().regex(/^[0-9a-f]{64}$/, "the plan's SHA-256 in lower-case hex"),
    reason: z.string().max(4_000).optional(),
    confirm,
  })
  .meta({ id: "Answer" });

const planHash = z.string().regex(/^[0-9a-f]{64}$/, "the plan's SHA-256 in lower-case hex");

export const breakGlassSchema = z
  .strictObject({ planHash, reason: z.string().min(1).max(4_000), confirm })
  .meta({ id: "BreakGlass" });

export const reviewSchema = z
  .strictObject({ outcome: z.enum(REVIEW_OUTCOMES), note: z.string().min(1).max(4_000) })
  .meta({ id: "Review" });

export const labelSchema = z
  .strictObject({
    label: z.enum(LABELS),
    faults: z.array(z.enum(FAULTS)).max(FAULTS.length).default([]),
    reason: z.string().min(1).max(4_000),
  })
  .refine(({ label, faults }) => label === "disagree" || faults.length === 0, "faults are of what you disagree with")
  .refine(({ faults }) => new Set(faults).size === faults.length, "a fault is named once")
  .meta({ id: "Label" });

export const cancelSchema = z.strictObject({ reason: z.string().max(4_000).optional() }).meta({ id: "Cancellation" });

export const revertSchema = z.strictObject({ reason: z.string().min(1).max(4_000) }).meta({ id: "RevertRequest" });

export const grantRequest = grantCreateArguments
  .extend({ reason: z.string().max(4_000).optional() })
  .meta({ id: "GrantRequest" });

export const revocationSchema = z.strictObject({ reason: z.string().max(4_000).optional() }).meta({ id: "Revocation" });

/** A kind or a class of kinds; `*` alone would except everything. */
const kindPattern = z
  .string()
  .max(128)
  .regex(/^[a-z0-9-]+(?:\.[a-z0-9_-]+)*(?:\.\*)?$/, "a kind or a class of kinds");
export const commandSchema = z
  .strictObject({
    /** Those that the incident names, and comes to name, when empty. */
    services: z.array(name).max(64).default([]),
    except: z
      .strictObject({ agents: z.array(agentId).max(32).default([]), kinds: z.array(kindPattern).max(32).default([]) })
      .prefault({}),
    reason: z.string().max(4_000).optional(),
  })
  .meta({ id: "IncidentCommand" });

export const splitSchema = z
  .strictObject({ services: z.array(name).min(1).max(64), reason: z.string().max(4_000).optional() })
  .meta({ id: "Split" });

export const silenceSchema = z
  .strictObject({
    environment: name,
    /** By default every service of the environment. */
    service: name.optional(),
    /** By default every failure. */
    signature: z.string().max(64).optional(),
    /** RFC 3339; now where absent. */
    startsAt: z.string().max(64).optional(),
    /** One of these: an instant, or how many minutes after its start. */
    endsAt: z.string().max(64).optional(),
    minutes: z.int().min(1).max(10_080).optional(),
    reason: z.string().min(1).max(4_000),
  })
  .meta({ id: "Silence" });

export const silenceEndSchema = z.strictObject({ reason: z.string().max(4_000).optional() }).meta({ id: "SilenceEnd" });

const brakeScopeSchema = z
  .strictObject({
    agent: name.optional(),
    /** The person behind what is proposed: the owner of an agent, or who proposed it. */
    owner: name.optional(),
    /** A kind, or a class of them: `servicenow.*`. */
    kind: name.optional(),
    environment: name.optional(),
    service: name.optional(),
  })
  .meta({ id: "BrakeScope" });

export const killswitchSchema = z
  .strictObject({
    mode: z.enum(["run", "dry-run", "pause"]),
    scope: brakeScopeSchema.default({}),
    /** Which brake to release, for `run`; all of that scope when absent. */
    brake: id.optional(),
    reason: z.string().max(4_000).optional(),
  })
  .meta({ id: "KillswitchRequest" });

export const killswitchQuerySchema = z.strictObject({ preview: z.enum(["true", "false"]).default("false") });

export const policyFilesSchema = z
  .strictObject({
    files: z
      .array(z.strictObject({ path: z.string().min(1).max(256), text: z.string().max(262_144) }))
      .min(1)
      .max(256),
  })
  .meta({ id: "PolicyFiles" });

export const erasureSchema = z
  .strictObject({ subject: id, retention: z.enum(["content", "evidence"]) })
  .meta({ id: "Erasure" });

export const listQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(64).optional(),
  status: z.string().max(32).optional(),
  environment: name.optional(),
  service: name.optional(),
  agent: name.optional(),
  kind: name.optional(),
  incident: id.optional(),
  run: id.optional(),
  source: name.optional(),
  owner: name.optional(),
  /** The id that pages, tickets, exports and receipts carry: an incident's, or that of an action without one. */
  correlationId: id.optional(),
});

export const peopleQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(128).optional(),
  kind: z.enum(["person", "group"]).optional(),
  role: name.optional(),
  status: z.enum(["active", "inactive", "revoked"]).optional(),
});

export const eventsQuerySchema = z.strictObject({
  from: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
  type: z.string().max(64).optional(),
  subject: name.optional(),
});

export const documentSchema = z.record(z.string(), z.unknown()).meta({ id: "Document" });
export const pageSchema = z
  .object({ items: z.array(documentSchema), cursor: z.string().nullable() })
  .meta({ id: "Page" });

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    facts: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: "Problem" });

export const batchAnswerSchema = z
  .object({
    actions: z
      .array(
        z.union([
          z.object({ status: z.literal([200, 202]), action: decisionSchema }),
          z.object({ status: z.int(), problem: problemSchema }),
        ]),
      )
      .describe("In the order of the proposals: what became of each, with the status that it would have had alone"),
  })
  .meta({ id: "ProposalBatchAnswer" });

// A proposal on its way to the kernel: what it asks is checked, planned where that needs nobody, and submitted.

import { hash } from "node:crypto";
import type { z } from "zod";
import { canonicalJson, inCanonicalOrder } from "../core/canonical-json.ts";
import { canonicalEnvironment } from "../core/environment.ts";
import { AppError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { instantFromRfc3339 } from "../core/rfc3339.ts";
import { plainName } from "../core/names.ts";
import type { Command, Reply } from "../kernel/command.ts";
import { proposalSchema } from "../wire/schemas/api.ts";
import { isRegistration } from "../wire/schemas/registrations.ts";
import { KERNEL_KINDS } from "../wire/schemas/kernel-kinds.ts";
import type { ActionWindow } from "../kernel/proposal-facts.ts";
import type { ActionKind, Target } from "../wire/contracts/executor.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { ClientScope } from "../wire/types/scopes.ts";
import type { ActionView } from "../wire/types/views.ts";
import { waitFor, waitMsOf } from "./action-waits.ts";
import { decisionNow, decisionOf, type Decision } from "./decision.ts";
import { kernelProposal } from "./kernel-proposals.ts";
import { checkEvidence } from "./evidence.ts";
import { admitWrite, idempotencyKey, identify, parseWith, requireScope } from "./request.ts";
import { checkSigned, checkUnsigned, recordRefusal, SIGNATURE_HEADER } from "./signed-proposals.ts";
import type { RouteContext } from "./route.ts";
import type { ActionService, Services } from "./services.ts";

const PERSON_KINDS = { person: "person", agent: "agent" } as const;

/** 200 when it is decided, 202 while a plan or a person is awaited. */
const DECIDED: ReadonlySet<string> = new Set(["advised", "refused", "suppressed", "succeeded", "failed"]);

/** Proposes what the body says and answers what became of it. */
export async function propose(context: RouteContext, asked: unknown): Promise<Decision> {
  const { services, request } = context;
  const known = identify(services, request);
  const identity = known instanceof Promise ? await known : known;
  if (identity.kind !== "agent") return proposeAs(identity, context, asked);
  try {
    return await proposeAs(identity, context, asked);
  } catch (error) {
    await recordRefusal(services, identity, error);
    throw error;
  }
}

/** What a proposal undoes, how that left the target (null: nobody knows), and whether nobody sees what changed since. */
export type Undoing = { readonly action: string; readonly left?: string | null; readonly blind?: true };

/** As whoever asks, who was identified before; `undoing` is read from the ledger and never from a request. */
export async function proposeAs(
  identity: Identity,
  { services, request, reply }: RouteContext,
  asked: unknown,
  undoing?: Undoing,
): Promise<Decision> {
  const { headers } = request;
  const sent = { jws: headers[SIGNATURE_HEADER], idempotencyKey: headers["idempotency-key"] };
  const answer = await services.submit(await readyProposal(services, { identity, asked, sent, undoing }));
  const decision = await settled(services, answer, waitMsOf(request, reply));
  reply.code(statusOf(decision));
  return decision;
}

/** What came with a proposal, in its headers or beside it: `unknown`, for nothing of it has been checked. */
type Sent = { readonly jws: unknown; readonly idempotencyKey: unknown };

type Asked = {
  readonly identity: Identity;
  readonly asked: unknown;
  readonly sent: Sent;
  readonly undoing?: Undoing | undefined;
};

/** Everything about a proposal that can be said without the kernel's state; rejects with what is wrong with it. */
export async function readyProposal(
  services: Services,
  { identity, asked, sent, undoing }: Asked,
): Promise<Command<"propose-action">> {
  const body = parseWith(proposalSchema, asked, "request-invalid");
  requireScope(identity, `actions:propose:${body.kind}` as ClientScope);
  admitWrite(services, identity);
  const said = { identity, body, raw: asked as JsonObject, sent };
  const signed = identity.kind === "agent" ? await checkSigned(services, said) : checkUnsigned(body, sent);
  const kind = services.actions.kinds.get(body.kind);
  const kernelKind = KERNEL_KINDS.get(body.kind);
  if (kind === undefined && kernelKind === undefined)
    throw new AppError("action-kind-unknown", `no executor offers ${body.kind}`, { kind: body.kind });
  const target = checkTarget(body.target);
  const args = inCanonicalOrder(body.arguments as JsonObject); // they are written three times
  const window = body.window === undefined ? undefined : readWindow(body.window);
  const undone = undoing === undefined ? {} : { undoes: undoing.action };
  const requestText = canonicalJson({
    arguments: args,
    kind: body.kind,
    target: target as unknown as Json,
    ...undone,
    ...(window === undefined ? {} : { window }),
  });
  checkSecrets(services, requestText, body);
  // What takes something back and compares is planned where it is known how that was left.
  const isLater = kind === undefined || undoing?.left !== undefined;
  const planned = isLater ? null : await planAtOnce(services, { kind, target, args, agent: identity.id });
  if (isRegistration(body.kind)) await services.agents.checkPossession(body.kind, args);
  const own = kernelKind === undefined ? null : kernelProposal({ kind: kernelKind, target, args });
  const { repeat, effect, reversible } = own ?? (kind as ActionKind);
  return {
    type: "propose-action",
    actor: identity.id,
    input: {
      kind: body.kind,
      environment: target.environment,
      service: target.service,
      resource: target.resource ?? null,
      agentKind: PERSON_KINDS[identity.kind],
      person: identity.person,
      requestHash: hash("sha256", requestText),
      planHash: (own ?? planned)?.planHash ?? null,
      repeat,
      effect,
      reversible: planned === null ? reversible : planned.inverse !== undefined,
      idempotencyKey: keyOf(body, signed?.key ?? idempotencyKey(sent.idempotencyKey, identity)),
      ...(body.confidence === undefined ? {} : { confidencePpm: Math.round(body.confidence * 1_000_000) }),
      ...(body.dryRun === true ? { dryRun: true } : {}),
      ...(own === null ? {} : { operand: own.operand }),
      ...(planned === null ? {} : factsOf(planned)),
      ...(identity.actsFor === undefined ? {} : { actsFor: identity.actsFor }),
      ...(signed === null ? {} : { signed: signed.signature }),
      ...(undoing === undefined ? {} : { undoes: undoing.action }),
      ...(undoing?.blind === undefined ? {} : { blind: undoing.blind }),
      ...(await restsOn(services, identity, body)),
      ...(window === undefined ? {} : { window }),
    },
    content: {
      args,
      ...(planned === null ? {} : { plan: planned.plan as unknown as Json }),
      reason: body.reason ?? null,
      ...backgroundOf(body),
      ...(signed === null ? {} : { signed: signed.record }),
      ...(undoing?.left === undefined ? {} : { left: undoing.left }),
    },
  };
}

type ToPlan = Parameters<ActionService["plan"]>[0];

/** Null for what is planned later, with what that has to read. So is what only a person may let through: its plan says so there. */
async function planAtOnce({ actions }: Services, { kind, ...of }: Omit<ToPlan, "kind"> & { kind: ActionKind }) {
  if (kind.planning !== "pure" || !actions.plansAtOnce(kind, of.target)) return null;
  const planned = await actions.plan({ kind: kind.kind, ...of });
  return planned.plan.signature === undefined ? planned : null;
}

async function restsOn(
  services: Services,
  identity: Identity,
  { evidence = [] }: Proposal,
): Promise<{ readonly evidence?: readonly string[] }> {
  return evidence.length === 0 ? {} : { evidence: await checkEvidence(services, identity, evidence) };
}

/** What a plan puts at risk, what takes it back, in how many goes it is carried out, and how much it does. */
export function factsOf({ plan, findings, inverse, phases }: Awaited<ReturnType<ActionService["plan"]>>) {
  const { size } = plan;
  return {
    ...(findings === undefined ? {} : { findings }),
    ...(inverse === undefined ? {} : { inverse }),
    ...(phases === undefined ? {} : { phases }),
    ...(size === undefined ? {} : { size }),
  };
}

/** What became of it; waits where its plan is awaited. */
export async function settled(services: Services, answer: Reply, waitMs: number): Promise<Decision> {
  const isOpen = answer.repeated || (waitMs > 0 && answer.result === "evaluating");
  return isOpen ? decisionLater(services, answer, waitMs) : decisionOf(answer);
}

export function statusOf({ status }: Decision): 200 | 202 {
  return DECIDED.has(status) ? 200 : 202;
}

/** A dry run and the proposal that follows it may have the same key. */
function keyOf({ dryRun }: Proposal, key: string | null): string | null {
  return key === null || dryRun !== true ? key : `${key} dry-run`;
}

/** What the proposal rests on, for those who decide; no rule reads it. */
function backgroundOf({ evidence, confidence, context }: Proposal): JsonObject | null {
  if (evidence === undefined && confidence === undefined && context === undefined) return null;
  return {
    ...(evidence === undefined ? {} : { evidence }),
    ...(confidence === undefined ? {} : { confidence }),
    ...(context === undefined ? {} : { context: context as JsonObject }),
  };
}

/** What became of it by now: of an earlier request with the same key, or of one that waits for its decision. */
async function decisionLater(services: Services, { subject, repeated }: Reply, waitMs: number): Promise<Decision> {
  const isThere = ({ status }: ActionView): boolean => status !== "evaluating";
  return decisionNow(await waitFor(services, { id: subject, isThere, waitMs }), repeated);
}

function checkTarget(target: { environment: string; service: string; resource?: string | undefined }): Target {
  const environment = canonicalEnvironment(checkName("environment", target.environment));
  const service = checkName("service", target.service);
  const { resource } = target;
  if (resource !== undefined && !/^[\x21-\x7e]+$/.test(resource)) {
    throw new AppError("name-suspicious", "target.resource has characters that cannot be seen", { field: "resource" });
  }
  return resource === undefined ? { environment, service } : { environment, resource, service };
}

/** As it is written: lower-casing first would make an ordinary letter of one that only looks like it. */
function checkName(field: "environment" | "service", text: string): string {
  const name = plainName(text);
  if (name === undefined) throw new AppError("name-suspicious", `target.${field} is not a plain name`, { field });
  return name;
}

function readWindow({ notBefore, notAfter }: NonNullable<Proposal["window"]>): ActionWindow {
  const until = readInstant("notAfter", notAfter);
  return notBefore === undefined
    ? { notAfter: until }
    : { notAfter: until, notBefore: readInstant("notBefore", notBefore) };
}

function readInstant(name: string, text: string): number {
  const instant = instantFromRfc3339(text);
  if (instant === undefined) throw new AppError("request-invalid", `/window/${name}: not an RFC 3339 instant`);
  return instant;
}

type Proposal = z.output<typeof proposalSchema>;

const CONTEXT_CHARS_MAX = 65_536;

/** Throws `secret-detected`: what is proposed is kept, and shown to those who decide. */
function checkSecrets(services: Services, request: string, { reason = "", context }: Proposal): void {
  const background = context === undefined ? "" : canonicalJson(context as JsonObject);
  if (background.length > CONTEXT_CHARS_MAX)
    throw new AppError("request-invalid", `/context: longer than ${CONTEXT_CHARS_MAX} characters of canonical JSON`);
  const found = services.actions.findSecret(`${reason}\n${request}${background === "" ? "" : `\n${background}`}`);
  if (found !== null) {
    throw new AppError("secret-detected", "name the secret by reference instead of its value", { kind: found });
  }
}

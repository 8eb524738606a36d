// Routes of control: the kill switch, policies, the clock.

import { hash } from "node:crypto";
import { canonicalJson } from "../../core/canonical-json.ts";
import { canonicalEnvironment } from "../../core/environment.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { plainName } from "../../core/names.ts";
import type { Reply } from "../../kernel/command.ts";
import type { BrakeScope } from "../../kernel/events.ts";
import { documentSchema, killswitchQuerySchema, killswitchSchema, policyFilesSchema } from "../../wire/schemas/api.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { admitWrite, identify, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { PolicyFile, Services } from "../services.ts";

async function readKillswitch({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "killswitch:read");
  return killswitchNow(services);
}

function killswitchNow({ killswitch }: Services): Record<"flagged" | "brakes" | "mode" | "closed", unknown> {
  const brakes = [...killswitch.brakes()];
  const flagged = killswitch.flagged();
  const whole = brakes.find((brake) => Object.keys(brake.scope).length === 0);
  return { mode: flagged ? "pause" : (whole?.mode ?? "run"), flagged, brakes, closed: killswitch.closed() };
}

async function changeKillswitch({ services, request, reply }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  const { preview } = parseWith(killswitchQuerySchema, request.query, "query-invalid");
  const body = parseWith(killswitchSchema, request.body, "request-invalid");
  const scope = canonicalScope(body.scope);
  if (preview === "true") {
    requireScope(identity, "killswitch:read");
    const { counts, items } = services.killswitch.covered(scope);
    return { preview: true, counts, wouldStop: items };
  }
  admitWrite(services, identity);
  if (body.mode === "run") {
    requireScope(identity, "killswitch:resume");
    return resume(services, { identity, scope, brake: body.brake });
  }
  requireScope(identity, "killswitch:pause");
  const stopped = services.killswitch.covered(scope);
  if (body.mode === "pause") services.killswitch.pull(scope); // before the record: stopping never waits for a store
  const command = { type: "apply-brake", actor: identity.id, input: { mode: body.mode, scope } } as const;
  const answer = await services
    .submit({ ...command, content: { reason: body.reason ?? null } })
    .catch((error: unknown) => {
      // Refused for good: a brake that no list shows could never be released. One whose fate is unknown holds.
      if (isAppError(error, "killswitch-conflict")) services.killswitch.letGo(scope);
      throw error;
    });
  reply.code(200);
  const { counts, items } = stopped;
  return { brake: answer.subject, repeated: answer.repeated, counts, stopped: items, ...killswitchNow(services) };
}

/**
 * The scope in the names that actions have: a brake on `Prod` that did not hold back `production` would be none.
 * Throws `name-suspicious` for what no action can be named.
 */
function canonicalScope(scope: Readonly<Record<string, string | undefined>>): BrakeScope {
  const named = Object.entries(scope).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(named.map(([part, value]) => [part, canonicalPart(part, value)]));
}

const PRINTABLE = /^[\x21-\x7e]+$/;

/** A kind or a class of them, as an action can be called; `*` alone would be no narrower than no scope at all. */
const KIND = /^[a-z0-9-]+(?:\.[a-z0-9_-]+)*(?:\.\*)?$/;
const PERSON = "person:";

function canonicalPart(part: string, value: string): string {
  const isName = part === "environment" || part === "service";
  const name = isName ? plainName(value) : value.trim();
  if (name === undefined || !PRINTABLE.test(name)) {
    throw new AppError("name-suspicious", `scope.${part} is not a plain name`, { field: part });
  }
  if (part === "kind" && !KIND.test(name)) {
    throw new AppError("name-suspicious", "scope.kind is neither a kind nor a class of kinds (`servicenow.*`)", {
      field: part,
    });
  }
  if (part === "owner" && name.startsWith(PERSON)) return name.slice(PERSON.length);
  return part === "environment" ? canonicalEnvironment(name) : name;
}

type Resume = { identity: Identity; scope: BrakeScope; brake: string | undefined };

/** Resuming is an action: policy holds it, and somebody else approves it. */
async function resume(services: Services, { identity, scope, brake }: Resume): Promise<unknown> {
  const wanted = canonicalJson(scope);
  const brakes = services.killswitch
    .brakes()
    .filter((one) => (brake === undefined ? canonicalJson(one.scope) === wanted : one.id === brake));
  if (brakes.length === 0) throw new AppError("killswitch-conflict", "no brake of that scope is applied");
  const replies: Reply[] = [];
  for (const one of brakes) {
    const requestHash = hash("sha256", canonicalJson({ brake: one.id, kind: "killswitch.resume" }));
    const input = { brake: one.id, person: identity.person, requestHash };
    replies.push(await services.submit({ type: "release-brake", actor: identity.id, input }));
  }
  return {
    resumes: replies.map(({ subject, result }) => ({ id: subject, status: result, href: `/v1/actions/${subject}` })),
  };
}

async function readPolicies({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "policies:read");
  await services.views.caughtUp();
  const { items } = services.views.reader.list("policies", { filters: {}, cursor: null, limit: 50 });
  return { active: services.policies.active(), items };
}

async function lintPolicies({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "policies:read");
  // It writes nothing, but is as much work as what does.
  const files = admitPolicies(services, { identity, body: request.body });
  return services.policies.lint(files);
}

const CHARS_PER_WRITE = 8_192;

/** The files of a bundle. Loading one takes up to a second, in which nothing else is decided: its length counts too. */
function admitPolicies(
  services: Services,
  { identity, body }: { identity: Identity; body: unknown },
): readonly PolicyFile[] {
  admitWrite(services, identity);
  const { files } = parseWith(policyFilesSchema, body, "request-invalid");
  const chars = files.reduce((sum, { text }) => sum + text.length, 0);
  if (chars > CHARS_PER_WRITE) admitWrite(services, identity, Math.floor(chars / CHARS_PER_WRITE));
  return files;
}

/** A proposed bundle becomes an action that policy holds for approval. */
async function proposePolicy({ services, request, reply }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "policies:propose");
  const files = admitPolicies(services, { identity, body: request.body });
  const loaded = services.policies.load(files);
  if (loaded.hash === null) {
    throw new AppError("policy-invalid", "the bundle does not load", { problems: loaded.problems.slice(0, 20) });
  }
  const requestHash = hash("sha256", canonicalJson({ bundle: loaded.hash, kind: "policy.activate" }));
  const answer = await services.submit({
    type: "propose-policy",
    actor: identity.id,
    input: { bundleHash: loaded.hash, mode: "governed", person: identity.person, requestHash },
    content: bundleContent(files),
  });
  reply.code(202);
  return {
    bundleHash: loaded.hash,
    action: answer.subject,
    status: answer.result,
    href: `/v1/actions/${answer.subject}`,
  };
}

function bundleContent(files: readonly PolicyFile[]): Json {
  return { files: files.map(({ path, text }) => ({ path, text })) };
}

async function confirmClock({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "admin");
  services.confirmClock();
  return { confirmed: true };
}

const document = { status: 200, schema: documentSchema, what: "The document" } as const;

export const controlRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/killswitch",
    operationId: "getKillswitch",
    summary: "Which brakes are applied.",
    auth: { scope: "killswitch:read" },
    response: document,
    errors: [],
    handle: readKillswitch,
  },
  {
    method: "PUT",
    path: "/v1/killswitch",
    operationId: "putKillswitch",
    summary: "Pause or dry-run at once; `run` proposes the release for approval. `?preview=true` changes nothing.",
    auth: { scope: "killswitch:pause" },
    query: killswitchQuerySchema,
    body: { schema: killswitchSchema, type: "application/json" },
    response: document,
    errors: ["query-invalid", "name-suspicious", "killswitch-conflict"],
    handle: changeKillswitch,
  },
  {
    method: "GET",
    path: "/v1/policies",
    operationId: "listPolicies",
    summary: "The active bundle and those proposed.",
    auth: { scope: "policies:read" },
    response: document,
    errors: [],
    handle: readPolicies,
  },
  {
    method: "POST",
    path: "/v1/policies",
    operationId: "proposePolicy",
    summary: "Propose a policy bundle; its activation is an action that waits for approval.",
    auth: { scope: "policies:propose" },
    body: { schema: policyFilesSchema, type: "application/json" },
    response: { status: 202, schema: documentSchema, what: "The activation that waits" },
    errors: ["policy-invalid"],
    handle: proposePolicy,
  },
  {
    method: "POST",
    path: "/v1/policies/lint",
    operationId: "lintPolicies",
    summary: "Problems and findings of a bundle; nothing changes.",
    auth: { scope: "policies:read" },
    body: { schema: policyFilesSchema, type: "application/json" },
    response: document,
    errors: ["request-invalid"],
    handle: lintPolicies,
  },
  {
    method: "POST",
    path: "/v1/clock/confirm",
    operationId: "confirmClock",
    summary: "Say that the wall clock is right after a jump.",
    auth: { scope: "admin" },
    response: document,
    errors: [],
    handle: confirmClock,
  },
];

// The OpenAPI 3.1 description, made from the same route table that the server mounts.

import { z } from "zod";
import { ERRORS, type ErrorCode } from "../core/errors.ts";
import type { ActionKind } from "../wire/contracts/executor.ts";
import { problemSchema } from "../wire/schemas/api.ts";
import { PLAIN_SCOPES } from "../wire/types/scopes.ts";
import { PROOF_ERRORS } from "./problem.ts";
import type { Route } from "./route.ts";

type Doc = Record<string, unknown>;

type About = { readonly version: string; readonly kinds: readonly Pick<ActionKind, "kind" | "argumentsSchema">[] };

/**
 * The whole description; schemas come from wire, the problems from the table of errors. The schema of the arguments of
 * a kind is the component `arguments.<kind>`.
 */
export function openApiDocument(routes: readonly Route[], { version, kinds }: About): Doc {
  const schemas = new Schemas();
  schemas.of(problemSchema);
  for (const { kind, argumentsSchema } of kinds) schemas.add(`arguments.${kind}`, argumentsSchema);
  const paths: Record<string, Doc> = {};
  for (const route of routes) {
    const path = route.path.replace(/:([a-z]+)/g, "{$1}").replace("*", "{path}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, { path, schemas }) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Holdpoint",
      version,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      description: "The control plane for AI agents that act in production.",
    },
    servers: [{ url: "/" }],
    paths,
    components: { schemas: schemas.named, securitySchemes: securityOf(kinds) },
  };
}

function securityOf(kinds: About["kinds"]): Doc {
  const scopes = {
    ...Object.fromEntries(PLAIN_SCOPES.map((scope) => [scope, ""])),
    "actions:propose:<kind>": "Propose actions of that kind; `actions:propose:*` of any.",
    ...Object.fromEntries(kinds.map(({ kind }) => [`actions:propose:${kind}`, ""])),
  };
  const flows = { clientCredentials: { tokenUrl: "/oauth/token", scopes } };
  const description = "Client credentials with private_key_jwt at /oauth/token.";
  return { token: { type: "oauth2", description, flows }, session: SESSION_SCHEME, ...SOURCE_SCHEMES };
}

const SESSION_SCHEME = {
  type: "apiKey",
  in: "cookie",
  name: "holdpoint_session",
  description:
    "A person's session in a browser (`__Host-holdpoint_session` behind https). Writes need `x-holdpoint-csrf: 1` as well.",
};

const SOURCE_SCHEMES = {
  sourceSecret: {
    type: "http",
    scheme: "bearer",
    description: "A source's own secret; it can create signals and nothing else.",
  },
  sourceSecretHeader: {
    type: "apiKey",
    in: "header",
    name: "X-Holdpoint-Source-Secret",
    description: "The same secret, for senders that keep Authorization for themselves.",
  },
  sourceSecretAddress: {
    type: "apiKey",
    in: "query",
    name: "secret",
    description: "The same secret, for a source of kind splunk alone.",
  },
  githubSignature: {
    type: "apiKey",
    in: "header",
    name: "X-Hub-Signature-256",
    description: "HMAC with SHA-256 of the body, as GitHub signs it, for a source of kind github.",
  },
  pagerdutySignature: {
    type: "apiKey",
    in: "header",
    name: "X-PagerDuty-Signature",
    description: "HMAC with SHA-256 of the body, as PagerDuty signs it, for a source of kind pagerduty.",
  },
  snsSignature: {
    type: "apiKey",
    in: "header",
    name: "X-Amz-SNS-Message-Type",
    description: "Announces a message that Amazon SNS has signed in itself, for a source of kind sns.",
  },
};
const SOURCE_SECURITY = Object.keys(SOURCE_SCHEMES).map((name) => ({ [name]: [] }));

/** JSON Schemas with every named one among the components, where references from anywhere find it. */
class Schemas {
  readonly named: Record<string, Doc> = {};

  of(schema: z.ZodType): Doc {
    return this.#hoist(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
  }

  add(name: string, schema: Doc): void {
    this.named[name] = this.#hoist(schema);
  }

  #hoist(schema: Doc): Doc {
    const text = JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/');
    const { $schema: _dialect, $defs = {}, ...rest } = JSON.parse(text) as Doc & { $defs?: Record<string, Doc> };
    Object.assign(this.named, $defs);
    return rest;
  }
}

type At = { readonly path: string; readonly schemas: Schemas };

function operation(route: Route, { path, schemas }: At): Doc {
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...security(route),
    parameters: [...pathParameters(path), ...queryParameters(route, schemas)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { [route.body.type]: { schema: schemas.of(route.body.schema) } } } }),
    responses: {
      ...answers(route, schemas),
      ...problems(route),
    },
  };
}

function security(route: Route): Doc {
  if (route.auth === "none") return { security: [] };
  if (route.auth === "source") return { security: SOURCE_SECURITY };
  return { security: [{ token: route.auth.scope === "" ? [] : [route.auth.scope] }, { session: [] }] };
}

function answers({ response: { status, also, schema, type, what } }: Route, schemas: Schemas): Doc {
  const content = schema === undefined ? {} : schemas.of(schema);
  const answer = { description: what, content: { [type ?? "application/json"]: { schema: content } } };
  return { [status]: answer, ...(also === undefined ? {} : { [also.status]: { ...answer, description: also.what } }) };
}

const DOOR_ERRORS = [
  "token-missing",
  "token-invalid",
  ...PROOF_ERRORS,
  "session-invalid",
  "scope-insufficient",
] as const;

/** What every route of its sort may answer, beside what it names itself. */
function commonErrors({ method, auth, body }: Route): readonly ErrorCode[] {
  const door = typeof auth === "object" ? DOOR_ERRORS : [];
  const session = typeof auth === "object" && method !== "GET" ? (["csrf-refused"] as const) : [];
  const asking = typeof auth === "object" && method === "GET" ? (["rate-limited"] as const) : [];
  if (body === undefined) return [...door, ...session, ...asking, "internal"];
  const reading = ["body-malformed", "body-too-large", "content-type-unsupported", "request-invalid"] as const;
  const writing = typeof auth === "object" ? (["rate-limited", "overloaded", "commit-unknown"] as const) : [];
  return [...door, ...session, ...reading, ...writing, "internal"];
}

function problems(route: Route): Doc {
  const byStatus: Record<string, string[]> = {};
  for (const code of new Set([...commonErrors(route), ...route.errors])) {
    (byStatus[ERRORS[code].status] ??= []).push(code);
  }
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes]) => [
      status,
      {
        description: codes.join(", "),
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    ]),
  );
}

function pathParameters(path: string): readonly Doc[] {
  return [...path.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(route: Route, schemas: Schemas): readonly Doc[] {
  if (route.query === undefined) return [];
  const schema = schemas.of(route.query) as { properties?: Record<string, unknown> };
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    in: "query",
    required: false,
    schema: property,
  }));
}

// The OpenAPI 3.1 description, made from the same route table that the server mounts.

import { z } from "zod";
import { ERRORS } from "../core/errors.ts";
import { problemSchema } from "../wire/schemas/api.ts";
import type { Route } from "./route.ts";

type Doc = Record<string, unknown>;

/** The whole description; schemas come from wire, the problems from the table of errors. */
export function openApiDocument(routes: readonly Route[], version: string): Doc {
  const paths: Record<string, Doc> = {};
  for (const route of routes) {
    const path = route.path.replace(/:([a-z]+)/g, "{$1}").replace("*", "{path}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, path) };
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
    components: { schemas: { Problem: jsonSchema(problemSchema) }, securitySchemes: SECURITY },
  };
}

const SECURITY = {
  token: {
    type: "oauth2",
    description: "Client credentials with private_key_jwt at /oauth/token.",
    flows: { clientCredentials: { tokenUrl: "/oauth/token", scopes: {} } },
  },
  sourceSecret: {
    type: "http",
    scheme: "bearer",
    description: "A source's own secret; it can create signals and nothing else.",
  },
};

function operation(route: Route, path: string): Doc {
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...security(route),
    parameters: [...pathParameters(path), ...queryParameters(route)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { [route.body.type]: { schema: jsonSchema(route.body.schema) } } } }),
    responses: {
      [route.response.status]: response(route),
      ...problems(route),
    },
  };
}

function security(route: Route): Doc {
  if (route.auth === "none") return { security: [] };
  if (route.auth === "source") return { security: [{ sourceSecret: [] }] };
  return { security: [{ token: route.auth.scope === "" ? [] : [route.auth.scope] }] };
}

function response({ response: { schema, type, what } }: Route): Doc {
  const content = schema === undefined ? {} : jsonSchema(schema);
  return { description: what, content: { [type ?? "application/json"]: { schema: content } } };
}

function problems(route: Route): Doc {
  const byStatus: Record<string, string[]> = {};
  const always = route.auth === "none" ? [] : (["token-missing", "token-invalid", "scope-insufficient"] as const);
  for (const code of new Set([...always, ...route.errors, "internal" as const])) {
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

function queryParameters(route: Route): readonly Doc[] {
  if (route.query === undefined) return [];
  const schema = jsonSchema(route.query) as { properties?: Record<string, unknown> };
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    in: "query",
    required: false,
    schema: property,
  }));
}

function jsonSchema(schema: z.ZodType): Doc {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Doc;
  return rest;
}

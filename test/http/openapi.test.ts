// The description of the API: valid OpenAPI 3.1, complete, and true of what the server takes and answers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { ERRORS, type ErrorCode } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { ROUTES } from "../../src/http/server.ts";
import { BAD_REQUESTS, type BadRequest } from "./bad-input.ts";
import { delivery, note, startServer, type Answer } from "./fixture.ts";

type Operation = {
  readonly operationId: string;
  readonly security: readonly Record<string, readonly string[]>[];
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: JsonObject }> };
  readonly responses: Record<string, { readonly description: string; readonly content: Record<string, unknown> }>;
};
type Description = {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly schemas: Record<string, JsonObject>;
    readonly securitySchemes: { readonly token: { flows: { clientCredentials: { scopes: JsonObject } } } };
  };
};

let server: Awaited<ReturnType<typeof startServer>>;
let description: Description;
let ajv: Ajv2020;

before(async () => {
  server = await startServer();
  const { json, headers } = await server.ask("/openapi.json");
  assert.match(headers.get("content-type") ?? "", /^application\/json/);
  description = json as unknown as Description;
  ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: "api:", ...description });
});
after(() => server.stop());

const operations = (): readonly { path: string; method: string; operation: Operation }[] =>
  Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

/** A schema inside the description, so that its references resolve there and nowhere else. */
function schemaAt(...parts: readonly string[]): ValidateFunction {
  const pointer = parts.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"));
  return ajv.compile({ $ref: `api:#/${pointer.map(encodeURIComponent).join("/")}` });
}

const bodySchema = (path: string, method: string): ValidateFunction =>
  schemaAt("paths", path, method, "requestBody", "content", "application/json", "schema");

describe("the description", () => {
  it("is valid against the schema that OpenAPI 3.1 publishes", async () => {
    const { valid, errors } = await new Validator().validate({ ...description });
    assert.ok(valid, JSON.stringify(errors, null, 1));
    assert.match(description.openapi, /^3\.1\./);
  });

  it("has every route that is mounted and no other, each under a name of its own", () => {
    const described = operations().map(({ path, method, operation }) => `${operation.operationId} ${method} ${path}`);
    const mounted = ROUTES.map(
      ({ operationId, method, path }) =>
        `${operationId} ${method.toLowerCase()} ${path.replace(/:([a-z]+)/g, "{$1}").replace("*", "{path}")}`,
    );
    const sorted = (list: readonly string[]): string[] => list.toSorted((a, b) => (a < b ? -1 : 1));
    assert.deepEqual(sorted(described), sorted([...mounted, "getDescription get /openapi.json"]));
    assert.equal(new Set(operations().map(({ operation }) => operation.operationId)).size, described.length);
  });

  it("has no two paths that differ in the names of parameters alone", () => {
    const shapes = Object.keys(description.paths).map((path) => path.replace(/\{[a-z]+\}/g, "{}"));
    assert.equal(new Set(shapes).size, shapes.length);
  });

  it("is answered where it says: every path and method leads to its route", async () => {
    for (const { path, method, operation } of operations()) {
      const url = path.replace("{id}", "act_00000000z").replace("{path}", "0/000");
      const answer = await server.ask(url, { method: method.toUpperCase() });
      assert.ok(!["route-unknown", "method-not-allowed"].includes(String(codeOf(answer))), operation.operationId);
      assert.ok(String(answer.status) in operation.responses, `${operation.operationId} ${answer.status}`);
    }
  });

  it("resolves every reference and compiles every schema", () => {
    const text = JSON.stringify(description);
    for (const [, reference] of text.matchAll(/"\$ref":"([^"]*)"/g)) {
      const name = /^#\/components\/schemas\/(.+)$/.exec(reference ?? "")?.[1];
      assert.ok(name !== undefined && name in description.components.schemas, reference);
    }
    for (const name of Object.keys(description.components.schemas)) schemaAt("components", "schemas", name);
    for (const { path, method, operation } of operations()) {
      for (const type of Object.keys(operation.requestBody?.content ?? {})) {
        schemaAt("paths", path, method, "requestBody", "content", type, "schema");
      }
    }
  });

  it("asks for no scope that it does not list, and names the parameters of every path", () => {
    const { scopes } = description.components.securitySchemes.token.flows.clientCredentials;
    for (const { path, operation } of operations()) {
      for (const scope of operation.security.flatMap(({ token = [] }) => token)) assert.ok(scope in scopes, scope);
      const named = operation.parameters.filter((parameter) => parameter.in === "path").map(({ name }) => `{${name}}`);
      assert.deepEqual(named, path.match(/\{[a-z]+\}/g) ?? []);
    }
  });

  it("has the arguments of every kind that can be proposed", async () => {
    const validate = schemaAt("components", "schemas", "arguments.record.note");
    assert.equal(validate(note("staging")["arguments"]), true);
    assert.equal(validate({ text: 1 }), false);
  });

  it("has the same kinds that an agent can ask for, each with what it may put at risk", async () => {
    const { json } = await server.ask("/v1/kinds", { as: await server.bearer("ada") });
    type Kind = { kind: string; argumentsSchema: JsonObject; risks: unknown; credentials: unknown };
    const items = json?.["items"] as readonly Kind[];
    assert.ok(items.some(({ kind }) => kind === "record.note") && items.some(({ kind }) => kind === "stage.set"));
    for (const { kind, argumentsSchema, risks, credentials } of items) {
      assert.ok(Array.isArray(risks) && Array.isArray(credentials), kind);
      const { $schema: _dialect, ...schema } = argumentsSchema;
      assert.deepEqual(schema, description.components.schemas[`arguments.${kind}`]);
    }
  });
});

const codeOf = ({ json }: Answer): unknown => json?.["code"];

/** Path template of what a bad request was sent to. */
function templateOf({ path }: BadRequest): string | undefined {
  const plain = path.split("?")[0] ?? "";
  return Object.keys(description.paths).find((template) =>
    new RegExp(
      `^${template
        .replaceAll(".", "\\.")
        .replace("{path}", ".+")
        .replace(/\{[a-z]+\}/g, "[^/]*")}$`,
    ).test(plain),
  );
}

describe("the published schemas", () => {
  const parsed = (body: BadRequest["body"]): unknown => (typeof body === "string" ? JSON.parse(body) : body);

  it("refuse what the server refuses for its shape", () => {
    const shaped = BAD_REQUESTS.filter(({ bySchema }) => bySchema === true);
    assert.ok(shaped.length >= 10);
    for (const one of shaped) {
      const validate = bodySchema(templateOf(one) ?? "", (one.method ?? "POST").toLowerCase());
      assert.equal(validate(parsed(one.body)), false, one.name);
    }
  });

  it("name the code of every refusal of the table among the answers of its route", () => {
    const anywhere: readonly ErrorCode[] = ["headers-too-large", "route-unknown", "method-not-allowed"];
    for (const one of BAD_REQUESTS) {
      if (anywhere.includes(one.code)) continue;
      const method = (one.method ?? (one.body === undefined ? "GET" : "POST")).toLowerCase();
      const operation = description.paths[templateOf(one) ?? ""]?.[method];
      const named = operation?.responses[ERRORS[one.code].status]?.description.split(", ") ?? [];
      assert.ok(named.includes(one.code), `${one.name}: ${method} ${one.path} does not name ${one.code}`);
    }
  });

  it("take what the server takes", async () => {
    const as = await server.bearer("deployer");
    for (const body of [note("staging"), { ...note("production"), reason: "asked for" }]) {
      assert.equal(bodySchema("/v1/actions", "post")(body), true);
      const answer = await server.ask("/v1/actions", { as, body });
      assert.ok([200, 202].includes(answer.status));
      const content = ["responses", String(answer.status), "content", "application/json", "schema"];
      assert.equal(schemaAt("paths", "/v1/actions", "post", ...content)(answer.json), true, answer.text);
    }
    const body = delivery({});
    assert.equal(bodySchema("/v1/signals/{id}", "post")(body), true);
    assert.equal((await server.ask("/v1/signals/alertmanager", { as: `Bearer ${server.secret}`, body })).status, 202);
  });

  it("describe every problem", async () => {
    const problem = schemaAt("components", "schemas", "Problem");
    for (const path of ["/nothing", "/v1/actions", "/v1/signals?x=1"]) {
      const { json } = await server.ask(path);
      assert.equal(problem(json), true, JSON.stringify(problem.errors));
    }
  });
});

describe("the manual", () => {
  const manual = readFileSync(new URL("../../docs/api.md", import.meta.url), "utf8");

  it("has every route, and no other", () => {
    const told = new Set(
      [...manual.matchAll(/^\| `([A-Z]+) (\/[^`]*)`/gm)].map(([, method, path]) => `${method} ${path}`),
    );
    const described = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    assert.deepEqual(told, new Set(described));
  });

  it("proposes what the server takes", async () => {
    const as = await server.bearer("ada");
    const examples = [...manual.matchAll(/```json (POST|PUT) (\S+)\n([^]*?)```/g)];
    assert.ok(examples.length >= 2);
    for (const [, method = "", path = "", text = ""] of examples) {
      const body = JSON.parse(text) as JsonObject;
      const template = templateOf({ path } as BadRequest) ?? "";
      assert.equal(bodySchema(template, method.toLowerCase())(body), true, text);
      if (path.includes("act_")) continue; // an example's id
      const { status } = await server.ask(path, { as, method, body });
      assert.ok(status === 200 || status === 202, `${method} ${path}: ${status}`);
    }
  });
});

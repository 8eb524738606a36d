// Which places of the configuration can name a secret, from its schema, and whether each has one planted.

import assert from "node:assert/strict";
import { z } from "zod";
import { fileSchema } from "../../src/main/config.ts";
import { secretRefSchema } from "../../src/wire/schemas/credentials-config.ts";

type Shape = { readonly [key: string]: unknown };

/** Where the configuration can name a secret, as `executors.sql.databases.*.passwordRef`. */
function placesOfSecrets(): readonly string[] {
  const { pattern } = z.toJSONSchema(secretRefSchema) as { pattern: string };
  const found = new Set<string>();
  const walk = (shape: unknown, path: string): void => {
    if (typeof shape !== "object" || shape === null) return;
    const { properties = {}, additionalProperties, items, anyOf, oneOf, allOf, ...own } = shape as Shape;
    const isNamed = own["type"] === "string" && /(?:^|\.)(?:\w*[sS]ecret|\w+Ref)$/.test(path);
    if (own["pattern"] === pattern || isNamed) found.add(path);
    for (const [name, one] of Object.entries(properties as Shape)) walk(one, path === "" ? name : `${path}.${name}`);
    for (const one of [additionalProperties, items]) walk(one, `${path}.*`);
    for (const one of [anyOf, oneOf, allOf].flat()) walk(one, path);
  };
  walk(z.toJSONSchema(fileSchema, { io: "input", unrepresentable: "any" }), "");
  return [...found];
}

function namesAt(settings: unknown, [first, ...rest]: readonly string[]): readonly unknown[] {
  if (first === undefined) return [settings];
  if (typeof settings !== "object" || settings === null) return [];
  const members = first === "*" ? Object.values(settings) : [(settings as Shape)[first]];
  return members.flatMap((member) => namesAt(member, rest)).filter((name) => name !== undefined);
}

/** Fails for a place of the configuration that names no secret in any of `settings`. */
export function assertAllNamed(...settings: readonly object[]): void {
  const places = placesOfSecrets();
  assert.ok(places.length > 30, "the schema was read");
  for (const place of places) {
    assert.ok(
      settings.some((one) => namesAt(one, place.split(".")).length > 0),
      `nothing is planted at ${place}`,
    );
  }
}

// The settings that docs/identity.md gives for Okta, Entra ID and Keycloak, against tokens as each vendor documents them.

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import type { Client } from "../../src/adapters/identity/clients.ts";
import { parseCompactJws } from "../../src/adapters/identity/compact-jws.ts";
import { identityOf, verifyExternal } from "../../src/adapters/identity/external-tokens.ts";
import { governIssuer } from "../../src/adapters/identity/rights-in-force.ts";
import { issuersConfigSchema, type IssuerConfig } from "../../src/wire/schemas/issuers-config.ts";
import { subjectDigest } from "../../src/wire/schemas/rights.ts";
import { PERSON_SCOPES } from "../../src/wire/types/scopes.ts";
import { TestClock } from "./fixture.ts";
import { rsaKey, sign } from "./issuer-stand-in.ts";

const manual = readFileSync(new URL("../../docs/identity.md", import.meta.url), "utf8");
const blocks = [...manual.matchAll(/```yaml\n(issuers:\n[\s\S]*?)```/g)].map(([, text = ""]) => text);
const configs = new Map(
  blocks
    .flatMap((text) => issuersConfigSchema.parse((parse(text) as { issuers: unknown }).issuers))
    .map((one) => [one.name, one]),
);
const KEY = rsaKey("vendor");
const clock = new TestClock();
const nowS = Math.floor(clock.nowMs() / 1000);
const times = { iat: nowS, nbf: nowS, exp: nowS + 3_900 };

type Sample = {
  readonly claims: Record<string, unknown>;
  readonly typ: string | undefined;
  readonly kind: Client["kind"];
  /** What the token says here, whoever is registered with everything. */
  readonly subject: string;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
};

const ENTRA = {
  aud: "99999999-8888-7777-6666-555555555555",
  iss: "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
  azp: "21212121-4343-6565-8787-090909090909",
  azpacr: "2",
  tid: "11111111-2222-3333-4444-555555555555",
  uti: "kqF1",
  rh: "0.AAAA",
  ver: "2.0",
};

const SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
  okta: [
    {
      claims: {
        ver: 1,
        jti: "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
        cid: "0oa1agent",
        scp: ["actions:read", "openid"],
        sub: "0oa1agent",
      },
      typ: undefined,
      kind: "agent",
      subject: "0oa1agent",
      roles: [],
      scopes: ["actions:read"],
    },
    {
      claims: {
        ver: 1,
        jti: "AT.1",
        cid: "0oa1cli",
        uid: "00uid4",
        scp: ["openid", "actions:approve"],
        sub: "ada@example.com",
        groups: ["Everyone", "sre"],
      },
      typ: undefined,
      kind: "person",
      subject: "ada@example.com",
      roles: ["on-call", "sre"],
      scopes: ["actions:approve"],
    },
  ],
  entra: [
    {
      claims: {
        ...ENTRA,
        idtyp: "app",
        oid: "aaaaaaaa-0000-0000-0000-000000000001",
        sub: "aaaaaaaa-0000-0000-0000-000000000001",
        roles: ["Action.Propose", "Other.Role"],
      },
      typ: "JWT",
      kind: "agent",
      subject: "aaaaaaaa-0000-0000-0000-000000000001",
      roles: [],
      scopes: ["actions:propose:*"],
    },
    {
      claims: {
        ...ENTRA,
        name: "Ada",
        oid: "aaaaaaaa-0000-0000-0000-000000000002",
        sub: "pairwise-of-this-application",
        preferred_username: "ada@corp.example",
        scp: "access_as_user",
        roles: ["Action.Read"],
        groups: ["0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "00000000-0000-0000-0000-000000000000"],
      },
      typ: "JWT",
      kind: "person",
      subject: "aaaaaaaa-0000-0000-0000-000000000002",
      roles: ["on-call", "sre"],
      scopes: ["actions:read"],
    },
  ],
  keycloak: [
    {
      claims: {
        jti: "trrtcc:1",
        aud: ["holdpoint", "account"],
        sub: "f1b2c3d4-0000-4000-8000-000000000001",
        typ: "Bearer",
        azp: "deployer",
        acr: "1",
        realm_access: { roles: ["default-roles-prod", "sre"] },
        resource_access: { account: { roles: ["view-profile"] } },
        scope: "profile email actions:read",
        clientHost: "10.0.0.1",
        preferred_username: "service-account-deployer",
      },
      typ: "JWT",
      kind: "person",
      subject: "f1b2c3d4-0000-4000-8000-000000000001",
      roles: ["on-call", "sre"],
      scopes: ["actions:read"],
    },
  ],
};

function registered(kind: Client["kind"], subject: string, { url }: IssuerConfig): Client {
  const scopes = [...PERSON_SCOPES, "actions:propose:*"] as const;
  const of = { owner: null, keys: [], parents: [], disabled: false, dpopBound: false, roles: [] };
  return { ...of, id: `${kind}:one`, kind, person: null, scopes, subjects: [subjectDigest({ issuer: url, subject })] };
}

for (const [name, samples] of Object.entries(SAMPLES)) {
  test(`tokens of ${name} mean what the manual's settings say`, async () => {
    const config = configs.get(name) ?? assert.fail(`the manual has settings for ${name}`);
    const issuer = { config: governIssuer(config, null), keys: { find: async () => createPublicKey(KEY.privateKey) } };
    for (const { claims, typ, kind, subject, roles, scopes } of samples) {
      const all = { iss: config.url, aud: config.audience, ...times, ...claims };
      const text = await sign({ key: KEY, claims: all, header: { typ } });
      const token = await verifyExternal(parseCompactJws(text), issuer, clock);
      assert.equal(token.subject, subject);
      const identity = identityOf(token, [registered(kind, subject, config)]);
      assert.deepEqual([identity.roles, identity.scopes], [roles, scopes], subject);
      const elsewhere = { ...all, aud: config.signIn?.clientId };
      const identityToken = await sign({ key: KEY, claims: elsewhere, header: { typ: "JWT" } });
      await assert.rejects(verifyExternal(parseCompactJws(identityToken), issuer, clock), /another server/);
    }
  });
}

test("every vendor that the manual has settings for is tried", () => {
  const vendors = [...configs.keys()].filter((name) => name !== "corp");
  assert.deepEqual(vendors.toSorted(), Object.keys(SAMPLES).toSorted());
});

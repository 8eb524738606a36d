// People whom another issuer vouches for: found by who they are there, registered here at their first sign-in.

import { hash } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import type { Client, ClientRegistry } from "./clients.ts";
import { registerSubject } from "./clients.ts";
import { givenByGroups } from "./issuer-claims.ts";
import type { Memberships } from "./memberships.ts";
import type { Given } from "./rights-in-force.ts";
import type { SignedIn } from "./sign-ins.ts";

const NAME_CHARS_MAX = 50;
const SUFFIX_CHARS = 8;

/**
 * The client that a person is here, with what their groups give now; registered when they never were. Whoever was disabled,
 * or has a file that cannot be read, is not registered a second time. Throws `sign-in-refused`.
 */
export function admitPerson(clients: ClientRegistry, memberships: Memberships, signedIn: SignedIn): Client {
  const { config, issuer, subject, groups } = signedIn;
  const given = givenByGroups(config, groups);
  const known = clients.findBySubject(issuer, subject);
  if (known?.kind === "agent") throw new AppError("sign-in-refused", "only people sign in");
  const id = known?.id ?? registerPerson(clients, signedIn, given);
  // Before anything is refused: a group that was left is left at once, in other browsers too.
  memberships.remember(id, { issuer, subject, groups });
  const client = clients.find(id);
  if (client === undefined) throw new AppError("sign-in-refused", "no more people can be registered here");
  if (client.roles.length === 0 && client.scopes.length === 0) throw noGroup();
  return client;
}

function registerPerson(clients: ClientRegistry, { issuer, subject, name }: SignedIn, given: Given): string {
  if (given.roles.length === 0 && given.scopes.length === 0) throw noGroup();
  const suffix = `-${suffixOf(issuer, subject)}`;
  if (clients.hasEver({ issuer, subject }, suffix))
    throw new AppError("sign-in-refused", "this person is disabled here");
  const id = `person:${slugOf(name)}${suffix}`;
  registerSubject(clients.dir, { id, kind: "person", roles: [], scopes: [], subjects: [{ issuer, subject }] });
  clients.reload();
  return id;
}

function noGroup(): AppError {
  return new AppError("sign-in-refused", "none of this person's groups may sign in here");
}

/** Readable, ASCII, and no proof of anything: the suffix tells people of one name apart. */
function slugOf(name: string): string {
  const slug = (name.split("@", 1)[0] ?? "").toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return slug.slice(0, NAME_CHARS_MAX).replaceAll(/^-+|-+$/g, "") || "user";
}

function suffixOf(issuer: string, subject: string): string {
  const number = BigInt(`0x${hash("sha256", `${issuer}\n${subject}`, "hex")}`);
  return number.toString(36).padStart(SUFFIX_CHARS, "0").slice(-SUFFIX_CHARS);
}

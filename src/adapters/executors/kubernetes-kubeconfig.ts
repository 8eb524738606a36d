// Reading a kubeconfig: one context of it, with everything in the file itself. What would run a program or open a file
// of its choice is refused.

import { parseDocument } from "yaml";
import { z } from "zod";
import type { TlsTerms } from "../../wire/contracts/egress.ts";
import { AccessProblem, type Access } from "./kubernetes-identity.ts";

const base64Schema = z
  .string()
  .max(65_536)
  .regex(/^[A-Za-z0-9+/\s]+={0,2}\s*$/);

/** Members that are not named here (`insecure-skip-tls-verify`, `proxy-url`) change where or how: the file is refused. */
const clusterSchema = z.strictObject({
  server: z.string(),
  "certificate-authority-data": base64Schema.optional(),
  "tls-server-name": z.string().max(253).optional(),
  "insecure-skip-tls-verify": z.literal(false).optional(),
  "disable-compression": z.boolean().optional(),
  extensions: z.unknown().optional(),
});

/** Likewise `exec`, `auth-provider`, `username`, `as` and names of files. */
const userSchema = z.strictObject({
  token: z
    .string()
    .regex(/^[\x21-\x7e]{1,16384}$/)
    .optional(),
  "client-certificate-data": base64Schema.optional(),
  "client-key-data": base64Schema.optional(),
  extensions: z.unknown().optional(),
});

const fileSchema = z.object({
  "current-context": z.string().optional(),
  contexts: z
    .array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) }))
    .max(256),
  clusters: z.array(z.object({ name: z.string(), cluster: z.unknown() })).max(256),
  users: z.array(z.object({ name: z.string(), user: z.unknown() })).max(256),
});

type Wanted = { readonly context: string | undefined; readonly server: string };

/** Throws AccessProblem, which names what is wrong and never what stands there. */
export function readKubeconfig(text: string, { context: wanted, server }: Wanted): Access {
  const file = parse(fileSchema, readYaml(text), "the kubeconfig has another form");
  const name = wanted ?? file["current-context"];
  const context = file.contexts.find((one) => one.name === name)?.context;
  if (context === undefined) throw new AccessProblem("the kubeconfig has no such context");
  const stated = file.clusters.find((one) => one.name === context.cluster)?.cluster;
  const cluster = parse(clusterSchema, stated, "the cluster of the kubeconfig");
  if (!isSameServer(cluster.server, server)) throw new AccessProblem("the kubeconfig names another server");
  const user = parse(
    userSchema,
    file.users.find((one) => one.name === context.user)?.user,
    "the user of the kubeconfig",
  );
  return accessOf(cluster, user);
}

function accessOf(cluster: z.infer<typeof clusterSchema>, user: z.infer<typeof userSchema>): Access {
  const { token, "client-certificate-data": cert, "client-key-data": key } = user;
  if ((cert === undefined) !== (key === undefined) || (token === undefined && cert === undefined)) {
    throw new AccessProblem("the user of the kubeconfig has neither a token nor a certificate with its key");
  }
  const { "certificate-authority-data": ca, "tls-server-name": serverName } = cluster;
  const tls: TlsTerms = {
    ...(ca === undefined ? {} : { ca: decode(ca) }),
    ...(cert === undefined || key === undefined ? {} : { cert: decode(cert), key: decode(key) }),
    ...(serverName === undefined ? {} : { serverName }),
  };
  return { tls, token: token ?? null };
}

function readYaml(text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true });
  if (document.errors.length > 0) throw new AccessProblem("the kubeconfig is not YAML");
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw new AccessProblem("the kubeconfig has aliases");
  }
}

/** What is wrong is said by the names of members alone: the file is a secret. */
function parse<T extends z.ZodType>(schema: T, value: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const member = issue?.code === "unrecognized_keys" ? issue.keys[0] : issue?.path.join("/");
  throw new AccessProblem(`${what}: ${String(member ?? "")} is not accepted`);
}

function isSameServer(one: string, other: string): boolean {
  return URL.parse(one)?.href === URL.parse(other)?.href;
}

function decode(data: string): string {
  return Buffer.from(data, "base64").toString("utf8");
}

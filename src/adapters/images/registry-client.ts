// One OCI registry over the way out: what a tag stands for, and the Sigstore bundles about a digest. Nothing of it is trusted
// before its bytes have the digest that they were asked for by.

import { hash } from "node:crypto";
import { z } from "zod";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Egress, OutboundFetch } from "../../wire/contracts/egress.ts";
import type { ImageRegistry } from "../../wire/schemas/images-config.ts";
import { parseOrigin } from "../../wire/schemas/origin.ts";

const ANSWER_BYTES_MAX = 1_048_576;
const BUNDLES_MAX = 32;

const MANIFESTS = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");
const BUNDLE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.\d+)?\+json/;
const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** Why a registry gave no answer that can be used. */
export type RegistryCode = "not-found" | "forbidden" | "unavailable";

export class RegistryProblem extends Error {
  readonly code: RegistryCode;

  constructor(code: RegistryCode) {
    super(code);
    this.code = code;
  }
}

export interface RegistryClient {
  /** The digest, in hex, of what a tag stands for. Throws a RegistryProblem. */
  digestOf(repository: string, tag: string, signal: AbortSignal): Promise<string>;
  /** Texts of the bundles that refer to a digest. Throws a RegistryProblem. */
  bundlesAbout(repository: string, digest: string, signal: AbortSignal): Promise<readonly string[]>;
}

export interface RegistryParts {
  readonly config: ImageRegistry;
  readonly egress: Egress;
  readonly credentials: Credentials;
}

/** Every origin that a registry needs: itself, who gives its tokens, where it keeps its blobs. */
export function registryOrigins({ host, baseUrl, tokenServer, blobOrigins }: ImageRegistry): readonly string[] {
  const own = parseOrigin(baseUrl ?? `https://${host}`);
  return [own, ...(tokenServer === undefined ? [] : [parseOrigin(tokenServer)]), ...blobOrigins.map(parseOrigin)];
}

const descriptorSchema = z.object({
  mediaType: z.string().max(256).default(""),
  artifactType: z.string().max(256).default(""),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
});
const indexSchema = z.object({ manifests: z.array(descriptorSchema).max(1_000) });
const artifactSchema = z.object({ layers: z.array(descriptorSchema).max(16).default([]) });

export function createRegistryClient(parts: RegistryParts): RegistryClient {
  const ask = createAsk(parts);
  const must = async (path: string, signal: AbortSignal): Promise<string> => {
    const text = await ask(path, signal);
    if (text === null) throw new RegistryProblem("not-found");
    return text;
  };
  return {
    digestOf: async (repository, tag, signal) =>
      hash("sha256", await must(`/v2/${repository}/manifests/${tag}`, signal)),
    bundlesAbout: async (repository, digest, signal) => {
      const query = new URLSearchParams({ artifactType: BUNDLE_TYPE }).toString();
      // Registries from before the referrers API keep the same list under a tag.
      const listed =
        (await ask(`/v2/${repository}/referrers/sha256:${digest}?${query}`, signal)) ??
        (await ask(`/v2/${repository}/manifests/sha256-${digest}`, signal));
      const index = listed === null ? { manifests: [] } : parsed(indexSchema, listed);
      const found = index.manifests.filter(({ artifactType }) => BUNDLE.test(artifactType)).slice(0, BUNDLES_MAX);
      const read = async (kind: "manifests" | "blobs", named: string): Promise<string> => {
        const text = await must(`/v2/${repository}/${kind}/${named}`, signal);
        if (`sha256:${hash("sha256", text)}` !== named) throw new RegistryProblem("unavailable");
        return text;
      };
      const artifacts = await Promise.all(found.map(async (one) => read("manifests", one.digest)));
      const layers = artifacts.flatMap((text) => parsed(artifactSchema, text).layers);
      const bundles = layers.filter(({ mediaType }) => BUNDLE.test(mediaType)).slice(0, BUNDLES_MAX);
      return Promise.all(bundles.map((one) => read("blobs", one.digest)));
    },
  };
}

function parsed<T>(schema: z.ZodType<T>, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new RegistryProblem("unavailable");
  }
}

/** The text that stands at a path; null where nothing does. */
type Ask = (path: string, signal: AbortSignal) => Promise<string | null>;

function createAsk({ config, egress, credentials }: RegistryParts): Ask {
  const [own = "", ...others] = registryOrigins(config);
  const ways = new Map(
    [own, ...others].map((origin) => [origin, egress.fetchTo(origin, { answerBytesMax: ANSWER_BYTES_MAX })]),
  );
  const home = ways.get(own) as OutboundFetch;
  return async (path, signal) => {
    const get = (authorization: string | null): Promise<Response> =>
      home(`${own}${path}`, { headers: headersOf(authorization), signal });
    try {
      let answer = await get(null);
      if (answer.status === 401) {
        const challenge = answer.headers.get("www-authenticate") ?? "";
        answer = await get(await answerTo(challenge, { config, credentials, ways, signal }));
      }
      const location = answer.headers.get("location");
      if (answer.status >= 300 && answer.status < 400 && location !== null) {
        // Elsewhere nobody is told who asks; what comes from there has to have the digest that was asked for.
        const url = new URL(location, own);
        const way = ways.get(url.origin);
        if (way === undefined) throw new RegistryProblem("unavailable");
        answer = await way(url, { signal });
      }
      return await textOf(answer);
    } catch (error) {
      throw error instanceof RegistryProblem ? error : new RegistryProblem("unavailable");
    }
  };
}

function headersOf(authorization: string | null): Record<string, string> {
  return authorization === null ? { accept: MANIFESTS } : { accept: MANIFESTS, authorization };
}

async function textOf(answer: Response): Promise<string | null> {
  if (answer.status === 200) return answer.text();
  if (answer.status === 404) return null;
  throw new RegistryProblem(answer.status === 401 || answer.status === 403 ? "forbidden" : "unavailable");
}

type Asking = Omit<RegistryParts, "egress"> & {
  readonly ways: ReadonlyMap<string, OutboundFetch>;
  readonly signal: AbortSignal;
};

const tokenSchema = z.object({
  token: z.string().max(16_384).optional(),
  access_token: z.string().max(16_384).optional(),
});

/** What to say to a challenge: name and password, or a token that a server which configuration names gives for them. */
async function answerTo(challenge: string, { config, credentials, ways, signal }: Asking): Promise<string | null> {
  const { user, passwordRef } = config;
  const password = passwordRef === undefined ? "" : await credentials.get(passwordRef, signal);
  const isNamed = user !== undefined && passwordRef !== undefined;
  const basic = isNamed ? `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` : null;
  if (/^basic/i.test(challenge)) return basic;
  const terms = new Map(
    [...challenge.matchAll(/(\w+)="([^"]{0,1000})"/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  const realm = URL.parse(terms.get("realm") ?? "");
  const way = realm === null ? undefined : ways.get(realm.origin);
  if (realm === null || way === undefined || !/^bearer/i.test(challenge)) throw new RegistryProblem("forbidden");
  for (const name of ["service", "scope"]) {
    const value = terms.get(name);
    if (value !== undefined) realm.searchParams.set(name, value);
  }
  const answer = await way(realm, { signal, ...(basic === null ? {} : { headers: { authorization: basic } }) });
  const text = await textOf(answer);
  const { token, access_token: other } = parsed(tokenSchema, text ?? "");
  const given = token ?? other;
  if (given === undefined || !/^[\x21-\x7e]+$/.test(given)) throw new RegistryProblem("forbidden");
  return `Bearer ${given}`;
}

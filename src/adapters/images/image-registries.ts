// The registries that configuration names: tags become digests there, and bundles about a digest are found there.

import { AppError, type ErrorCode } from "../../core/errors.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type { ImageRegistries } from "../../wire/contracts/images.ts";
import type { ImagesConfig } from "../../wire/schemas/images-config.ts";
import { parseImageName } from "./image-name.ts";
import { createRegistryClient, RegistryProblem, registryOrigins, type RegistryCode } from "./registry-client.ts";

/** Where none are configured, tags stay tags. */
export const NO_REGISTRIES: ImageRegistries = {
  pin: (image) => Promise.resolve(image),
  findBundles: () => Promise.resolve([]),
};

/** Throws `config-invalid` for an address that may not leave this machine. */
export function createImageRegistries(
  { registries }: ImagesConfig,
  ways: { readonly egress: Egress; readonly credentials: Credentials },
): ImageRegistries {
  const clients = new Map(registries.map((config) => [config.host, createRegistryClient({ config, ...ways })]));
  return {
    pin: async (image, signal) => {
      const name = parseImageName(image);
      const client = name === null ? undefined : clients.get(name.host);
      if (name === null || client === undefined || name.digest !== null) return image;
      const tag = name.tag ?? "latest";
      try {
        const digest = await client.digestOf(name.repository, tag, signal);
        return `${image}${name.tag === null ? `:${tag}` : ""}@sha256:${digest}`;
      } catch (error) {
        throw problemOf(error, name.host);
      }
    },
    findBundles: async (image, signal) => {
      const name = parseImageName(image);
      const client = name === null ? undefined : clients.get(name.host);
      if (name === null || client === undefined || name.digest === null) return [];
      try {
        return await client.bundlesAbout(name.repository, name.digest, signal);
      } catch (error) {
        if (!(error instanceof RegistryProblem)) throw error;
        return error.code === "not-found" ? [] : undefined;
      }
    },
  };
}

/** Where images may be asked about. Throws `config-invalid`. */
export function imageOrigins({ registries }: ImagesConfig): readonly string[] {
  return registries.flatMap(registryOrigins);
}

const CODES: Readonly<Record<RegistryCode, ErrorCode>> = {
  "not-found": "target-not-found",
  forbidden: "target-forbidden",
  unavailable: "target-unavailable",
};

function problemOf(error: unknown, host: string): unknown {
  if (!(error instanceof RegistryProblem)) return error;
  return new AppError(CODES[error.code], "the registry does not say what the tag stands for", { registry: host });
}

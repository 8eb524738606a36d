// Configuration of image verification: where bundles are, whom they may be from, and the pinned root of trust.

import { z } from "zod";
import { secretRefSchema } from "./credentials-config.ts";

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const signerSchema = z
  .strictObject({
    name: z.string().regex(NAME, "lower-case letters, digits and dashes"),
    /** A public key in PEM, of whoever signs with a key of their own. */
    publicKey: z.string().max(8_192).optional(),
    /** Of a certificate: the identity it was given to, `*` for anything but a slash, `**` for anything. */
    identity: z.string().min(1).max(512).optional(),
    /** Who vouched for that identity: `https://token.actions.githubusercontent.com`. */
    issuer: z.string().min(1).max(256).optional(),
    /** Of its provenance: the `builder.id`; without it provenance by this signer counts for nothing. */
    builder: z.string().min(1).max(512).optional(),
  })
  .refine(
    ({ publicKey, identity, issuer }) =>
      publicKey === undefined ? identity !== undefined && issuer !== undefined : (identity ?? issuer) === undefined,
    "needs a public key, or an identity with its issuer",
  );

const originSchema = z.string().max(256);

const registrySchema = z
  .strictObject({
    /** As names of images begin: `ghcr.io`, `registry.example.com:5000`; `docker.io` for names without one. */
    host: z
      .string()
      .max(255)
      .regex(/^[a-z0-9][a-z0-9.-]*(?::\d{1,5})?$/, "a host, with its port where it has one"),
    /** Where it is, if not at https://<host>. */
    baseUrl: originSchema.optional(),
    user: z.string().min(1).max(256).optional(),
    passwordRef: secretRefSchema.optional(),
    /** Who gives its tokens, if not itself: `https://auth.docker.io`. */
    tokenServer: originSchema.optional(),
    /** Where it sends those who ask for a blob: `https://pkg-containers.githubusercontent.com`. */
    blobOrigins: z.array(originSchema).max(8).default([]),
  })
  .refine(
    ({ user, passwordRef }) => (user === undefined) === (passwordRef === undefined),
    "a user has a password, and a password a user",
  );
export type ImageRegistry = z.output<typeof registrySchema>;

export const imagesConfigSchema = z
  .strictObject({
    /** A folder with one of `sha256-<hex>` for each image, which has the Sigstore bundles about it as `*.json`. */
    bundles: z.string().min(1).max(1_024).optional(),
    /** Asked what tags stand for, and for bundles; what an image of another registry is, its digest alone says. */
    registries: z
      .array(registrySchema)
      .max(32)
      .refine((all) => new Set(all.map(({ host }) => host)).size === all.length, "a registry is named twice")
      .default([]),
    /** A Sigstore `trusted_root.json`: certificate authorities, transparency logs, timestamps. Nothing else is asked. */
    trustedRoot: z.string().min(1).max(1_024).optional(),
    /** False for an authority of one's own that logs no certificates. */
    certificateTransparency: z.boolean().default(true),
    signers: z
      .array(signerSchema)
      .min(1)
      .max(64)
      .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "a signer is named twice"),
  })
  .refine(
    ({ signers, trustedRoot }) => trustedRoot !== undefined || signers.every(({ identity }) => identity === undefined),
    "identities need a trustedRoot",
  );
export type ImagesConfig = z.output<typeof imagesConfigSchema>;
export type ImageSigner = ImagesConfig["signers"][number];

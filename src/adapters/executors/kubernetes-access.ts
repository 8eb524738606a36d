// Who Holdpoint is at a cluster: a kubeconfig, a token, or the service account of the pod it runs in, read for each call.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { KubernetesConnection } from "../../wire/schemas/kubernetes-config.ts";
import { AccessProblem, type Access } from "./kubernetes-identity.ts";
import { readKubeconfig } from "./kubernetes-kubeconfig.ts";
import { readSecretText } from "./secret-reading.ts";

/** Printable ASCII: nothing that could end a header line. */
const TOKEN = /^[\x21-\x7e]{1,16384}$/;

/** The access as it is now: tokens are replaced while we run. Rejects with an AccessProblem. */
export async function readAccess(
  connection: KubernetesConnection,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<Access> {
  const secretOf = async (ref: string): Promise<string> => {
    const secret = await readSecretText(credentials, ref, signal);
    if (secret === undefined) throw new AccessProblem(`the secret ${ref} is missing or cannot be used`);
    return secret;
  };
  switch (connection.kind) {
    case "kubeconfig":
      return readKubeconfig(await secretOf(connection.secretRef), {
        server: connection.server,
        context: connection.context,
      });
    case "token": {
      const token = checkToken(await secretOf(connection.tokenRef));
      const { certificateAuthority: ca } = connection;
      return { token, tls: ca === undefined ? {} : { ca } };
    }
    case "in-cluster": {
      const [token, ca] = await Promise.all([fileOf(connection.path, "token"), fileOf(connection.path, "ca.crt")]);
      return { token: checkToken(token.trim()), tls: { ca } };
    }
  }
}

async function fileOf(folder: string, name: string): Promise<string> {
  try {
    return await readFile(join(folder, name), "utf8");
  } catch {
    throw new AccessProblem(`the service account has no ${name}`);
  }
}

function checkToken(token: string): string {
  if (TOKEN.test(token)) return token;
  throw new AccessProblem("the token holds what a header cannot carry");
}

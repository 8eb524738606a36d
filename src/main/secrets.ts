// Secrets for executors: one file each below the data folder's `secrets/`, readable by their owner alone.

import { readFile, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { AppError } from "../core/errors.ts";
import type { Credentials } from "../wire/contracts/credentials.ts";

const BYTES_MAX = 16_384;

/** `pagerduty/default` is the file `secrets/pagerduty/default`; one line end at its end is not part of it. */
export function fileSecrets(dir: string): Credentials {
  const root = resolve(dir);
  return {
    async get(ref) {
      const path = resolve(join(root, ref));
      if (!path.startsWith(root + sep))
        throw new AppError("config-invalid", "a secret's name leaves its folder", { ref });
      const file = await stat(path).catch(() => null);
      if (file === null) throw new AppError("config-invalid", `there is no secret ${ref}`, { ref });
      if ((file.mode & 0o077) !== 0) throw new AppError("config-invalid", `others may read the secret ${ref}`, { ref });
      if (file.size > BYTES_MAX) throw new AppError("config-invalid", `the secret ${ref} is too large`, { ref });
      return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
    },
  };
}

// Whether settings can be used, as far as this machine can tell without calling anybody.

import type { Config } from "./config.ts";
import { checkSecret } from "./secrets.ts";

/** What stands in the way of `work`, in words, or null. */
export function problemIn(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : "unusable";
  }
}

/** The first secret that `settings` name and that cannot be read, in words, or null. */
export async function badSecret(config: Config, settings: object): Promise<string | null> {
  for (const ref of secretRefsOf(settings)) {
    try {
      await checkSecret(config, ref);
    } catch (error) {
      return error instanceof Error ? error.message : `the secret ${ref} cannot be read`;
    }
  }
  return null;
}

/** Every member whose name ends in `Ref` names a secret. */
function secretRefsOf(settings: object): readonly string[] {
  const members = [
    ...Object.entries(settings),
    ...("auth" in settings ? Object.entries(settings.auth as object) : []),
  ] as readonly (readonly [string, unknown])[];
  return members.flatMap(([name, value]) => (name.endsWith("Ref") && typeof value === "string" ? [value] : []));
}

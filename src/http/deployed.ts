// What a source of changes tells the model: a deploy that ended is a change of the service that it was made to.

import type { Change } from "../wire/types/model.ts";
import type { Signal } from "../wire/types/signal.ts";

/** What failed midway may have changed things too; what is only queued, or running, has not yet. */
const ENDED = /^(?:success|succeeded|failure|failed|error)$/i;
const VERSION_CHARS_MAX = 40;
const SERVICE_CHARS_MAX = 64;

export interface Deploy {
  readonly change: Change;
  /** Where its versions are: `owner/name`; null where nobody said. */
  readonly repository: string | null;
  readonly version: string;
}

const REPOSITORY = /^[A-Za-z0-9-]{1,39}\/[A-Za-z0-9_.-]{1,100}$/;

/** Null for what is no deploy: a build, a deployment that is still to come, a version that nobody named. */
export function deployOf({ nature, detector, environment, service, labels, startedAt }: Signal): Deploy | null {
  const { version = "", phase = "", repository = "" } = labels;
  const isDeploy = detector.startsWith("argocd:") || detector.startsWith("github:deployment");
  if (nature !== "change" || !isDeploy || !ENDED.test(phase)) return null;
  const short = (text: string, charsMax: number): string =>
    text.replaceAll(/[^A-Za-z0-9._/-]/g, "-").slice(0, charsMax);
  if (!/^[A-Za-z0-9]/.test(version)) return null;
  const change: Change = {
    // One version may be deployed again, later: its time is part of its name.
    id: `${short(service, SERVICE_CHARS_MAX)}@${short(version, VERSION_CHARS_MAX)}/${Math.floor(startedAt / 1000)}`,
    kind: "deploy",
    at: startedAt,
    targets: [{ kind: "service", environment, name: service }],
    settings: [],
  };
  return { change, repository: REPOSITORY.test(repository) ? repository : null, version };
}

/** The version that a change's id, as made above, names; null for any other. */
export function versionOf(id: string): string | null {
  return /@([^@]{1,40})\/\d+$/.exec(id)?.[1] ?? null;
}

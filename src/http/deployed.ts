// What a source of changes tells the model: a deploy that ended is a change of the service that it was made to.

import type { Change } from "../wire/types/model.ts";
import type { Signal } from "../wire/types/signal.ts";

/** What failed midway may have changed things too; what is only queued, or running, has not yet. */
const ENDED = /^(?:success|succeeded|failure|failed|error)$/i;
const VERSION_CHARS_MAX = 40;
const SERVICE_CHARS_MAX = 64;

/** Null for what is no deploy: a build, a deployment that is still to come, a version that nobody named. */
export function deployOf({ nature, detector, environment, service, labels, startedAt }: Signal): Change | null {
  const { version = "", phase = "" } = labels;
  const isDeploy = detector.startsWith("argocd:") || detector.startsWith("github:deployment");
  if (nature !== "change" || !isDeploy || !ENDED.test(phase)) return null;
  const short = (text: string, charsMax: number): string =>
    text.replaceAll(/[^A-Za-z0-9._/-]/g, "-").slice(0, charsMax);
  if (!/^[A-Za-z0-9]/.test(version)) return null;
  return {
    // One version may be deployed again, later: its time is part of its name.
    id: `${short(service, SERVICE_CHARS_MAX)}@${short(version, VERSION_CHARS_MAX)}/${Math.floor(startedAt / 1000)}`,
    kind: "deploy",
    at: startedAt,
    targets: [{ kind: "service", environment, name: service }],
    settings: [],
  };
}

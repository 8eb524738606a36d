// The error signature (S3): one fingerprint for one failure, whoever saw it and whenever.

import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { failureWords } from "./failure-words.ts";

export interface FailureIdentity {
  readonly environment: string;
  readonly service: string;
  readonly component: string | null;
  /** Name of the rule that fired, or the title where there is none. */
  readonly title: string;
  /** Label values that tell two failures of one name apart: the queue, the objective, the mount point. */
  readonly distinguishing: readonly string[];
  /** Values known to name one instance (pod, host): they never count. */
  readonly instances: readonly string[];
}

const VERSION = 1;

/**
 * Lower-case hex SHA-256 over environment, service, component and the words that name the failure. Independent of the
 * source: neither its name nor its vocabulary of severities counts. Two environments are two failures, so that what is
 * known from staging never hides what happens in production.
 */
export function failureSignature(identity: FailureIdentity): string {
  const { environment, service, component, distinguishing, instances } = identity;
  const words = (text: string): string => failureWords({ title: text, subjects: [], instances });
  const facts = {
    version: VERSION,
    environment,
    service,
    component,
    failure: ownWords(identity),
    distinguishing: [...new Set(distinguishing.map(words))].filter((text) => text !== "").sort(),
  };
  return hash("sha256", canonicalJson(facts));
}

/**
 * Lower-case hex SHA-256 over the words that name the failure and nothing else: the same for two services that fail the
 * same way, which is how one cause is recognised in many places.
 */
export function failureName(identity: FailureIdentity): string {
  return hash("sha256", canonicalJson({ version: VERSION, failure: ownWords(identity) }));
}

/** The words of the title without the names of what is affected. */
function ownWords({ environment, service, component, title, instances }: FailureIdentity): string {
  const subjects = [service, component ?? "", environment].filter((name) => name !== "");
  return failureWords({ title, subjects, instances });
}

// What a source delivers, made into signals: one reader per kind of source.

import type { SourceKind } from "../wire/types/source-kinds.ts";
import type { NormalizedSignal } from "../wire/types/signal.ts";
import { normalizeAlert, type NormalizeOptions } from "./normalize-alert.ts";
import { readAlertmanager } from "./sources/alertmanager.ts";
import { readArgocd } from "./sources/argocd.ts";
import { readCloudEvents } from "./sources/cloudevents.ts";
import { readDatadog } from "./sources/datadog.ts";
import type { SourceDelivery, SourceReader } from "./sources/delivery.ts";
import { readDynatrace } from "./sources/dynatrace.ts";
import { readEventbridge } from "./sources/eventbridge.ts";
import { readGithub } from "./sources/github.ts";
import { readKubernetes } from "./sources/kubernetes.ts";
import { readNewrelic } from "./sources/newrelic.ts";
import { readOtlp } from "./sources/otlp.ts";
import { readPagerduty } from "./sources/pagerduty.ts";
import { readServicenow } from "./sources/servicenow.ts";
import { readSns } from "./sources/sns.ts";
import { readSplunk } from "./sources/splunk.ts";

const READERS: Readonly<Record<SourceKind, SourceReader>> = {
  alertmanager: readAlertmanager,
  argocd: readArgocd,
  cloudevents: readCloudEvents,
  datadog: readDatadog,
  dynatrace: readDynatrace,
  eventbridge: readEventbridge,
  github: readGithub,
  kubernetes: readKubernetes,
  newrelic: readNewrelic,
  otlp: readOtlp,
  pagerduty: readPagerduty,
  servicenow: readServicenow,
  sns: readSns,
  splunk: readSplunk,
};

/**
 * One result per alert, in order; none where the delivery tells of nothing. Each alert stands on its own: that one is
 * kept aside loses none of the others. Throws `request-invalid` for what is not a payload of that kind.
 */
export function normalizeDelivery(
  kind: SourceKind,
  delivery: SourceDelivery,
  options: NormalizeOptions,
): NormalizedSignal[] {
  return READERS[kind](delivery).map((alert) => normalizeAlert(alert, options));
}

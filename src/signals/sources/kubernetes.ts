// Kubernetes Events: warnings are signals; what is normal is not.

import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import { kubernetesEventSchema, type KubernetesEvent } from "../../wire/schemas/kubernetes-event.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";

/** What an Event counts within one of these is one signal: it goes on, and nobody says when it has ended. */
const WINDOW_MS = 5 * 60_000;

export function readKubernetes({ body, receivedAtMs }: SourceDelivery): readonly RawAlert[] {
  const event = parsePayload(kubernetesEventSchema, body, "a Kubernetes Event");
  if (event.type !== "Warning") return [];
  const { metadata, involvedObject } = event;
  const times = [event.lastTimestamp, event.eventTime, event.firstTimestamp, metadata.creationTimestamp];
  const at = times.find((time) => time !== "") ?? "";
  const id = metadata.uid === "" ? `${involvedObject.uid} ${event.reason}` : metadata.uid;
  return [
    {
      detectorKind: "kubernetes",
      name: event.reason,
      status: "firing",
      labels: labelsOfEvent(event),
      annotations: new Map([["description", event.message]]),
      startsAt: at,
      endsAt: "",
      links: [],
      fingerprint: id,
      occurrence: `${id} ${Math.floor((instantFromRfc3339(at) ?? receivedAtMs) / WINDOW_MS)}`,
      isEndless: true,
    },
  ];
}

/** The object's own labels first, then what it is: `pod`, `deployment`, `node`. */
function labelsOfEvent({ involvedObject, metadata, reason, clusterName, source }: KubernetesEvent) {
  const kind = involvedObject.kind.toLowerCase();
  const namespace = involvedObject.namespace === "" ? metadata.namespace : involvedObject.namespace;
  const own = Object.entries(involvedObject.labels ?? {});
  const said: readonly (readonly [string, string])[] = [
    ["severity", "warning"],
    ["namespace", namespace],
    ["reason", reason],
    ["cluster", clusterName],
    ["node", source?.host ?? ""],
    ...(/^[a-z]{1,64}$/.test(kind) ? [[kind, involvedObject.name] as const] : []),
  ];
  return new Map([...said.filter(([, value]) => value !== ""), ...own]);
}

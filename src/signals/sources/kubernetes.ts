// Kubernetes Events: warnings are signals; what is normal is not.

import { kubernetesEventSchema, type KubernetesEvent } from "../../wire/schemas/kubernetes-event.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";

/** An Event that counts on is the same Event, and known; Kubernetes never says that something has ended. */
export function readKubernetes({ body }: SourceDelivery): readonly RawAlert[] {
  const event = parsePayload(kubernetesEventSchema, body, "a Kubernetes Event");
  if (event.type !== "Warning") return [];
  const { metadata, involvedObject } = event;
  const times = [event.lastTimestamp, event.eventTime, event.firstTimestamp, metadata.creationTimestamp];
  const id = metadata.uid === "" ? `${involvedObject.uid} ${event.reason}` : metadata.uid;
  return [
    {
      detectorKind: "kubernetes",
      name: event.reason,
      status: "firing",
      labels: labelsOfEvent(event),
      annotations: new Map([["description", event.message]]),
      startsAt: times.find((time) => time !== "") ?? "",
      endsAt: "",
      links: [],
      fingerprint: id,
      occurrence: id,
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

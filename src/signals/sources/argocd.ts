// Argo CD's notifications: a sync is a change, whatever came of it.

import { argocdSchema } from "../../wire/schemas/argocd.ts";
import { parsePayload } from "../../wire/schemas/payload.ts";
import type { RawAlert } from "../raw-alert.ts";
import type { SourceDelivery } from "./delivery.ts";
import { labelsOf } from "./tags.ts";

/** `https://github.com/shop/cart.git`, `ssh://git@…` or `git@github.com:shop/cart.git`: owner and name. */
const REPOSITORY =
  /^(?:https:\/\/|ssh:\/\/|git@)[^/\s]{1,255}?[/:]([A-Za-z0-9-]{1,39}\/[A-Za-z0-9_.-]{1,100}?)(?:\.git)?\/?$/;

export function readArgocd({ body }: SourceDelivery): readonly RawAlert[] {
  const sync = parsePayload(argocdSchema, body, "the payload of examples/sources/argocd.yaml");
  const at = sync.finishedAt === "" ? sync.startedAt : sync.finishedAt;
  return [
    {
      detectorKind: "argocd",
      name: `sync ${sync.phase}`,
      status: "firing",
      labels: labelsOf({
        environment: sync.environment,
        service: sync.service === "" ? sync.app : sync.service,
        version: sync.revision,
        phase: sync.phase,
        repository: REPOSITORY.exec(sync.repository)?.[1] ?? "",
      }),
      annotations: new Map([["description", `${sync.app} (${sync.project}): ${sync.phase}, health ${sync.health}`]]),
      startsAt: at,
      endsAt: "",
      links: [sync.url],
      fingerprint: `${sync.project} ${sync.app} ${sync.revision} ${sync.phase} ${at}`,
      occurrence: "change",
      isChange: true,
    },
  ];
}

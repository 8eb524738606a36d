// What explains an incident: each cause with its chain hop by hop, and what spoke for it.

import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { IncidentView } from "../../wire/types/incident-views.ts";
import type { CauseKind } from "../../wire/types/model-views.ts";
import { ApiError } from "../api/api-client.ts";
import { causesQuery, explanationQuery, MEASURES, type Measure } from "../api/incident-queries.ts";
import { plainText } from "../text/visible-text.ts";
import { Badge } from "../ui/Badge.tsx";
import { Choice } from "../ui/Field.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Clock } from "../ui/Instant.tsx";
import { ErrorNote, Loading, Panel } from "../ui/Panel.tsx";
import { Chain } from "./Chain.tsx";

export function Causes({ incident }: { readonly incident: IncidentView }): ReactNode {
  return incident.explained === null ? <Asked incident={incident} /> : <Recorded incident={incident} />;
}

const MISSING_WORDS = {
  erased: "What spoke for it was erased.",
  withheld: "What spoke for it is shown to those who may read contents.",
};

/** What was recorded when it ended. */
function Recorded({ incident }: { readonly incident: IncidentView }): ReactNode {
  const { explained, openedAt } = incident;
  const { data } = useQuery(explanationQuery(incident.id));
  if (explained === null) return null;
  const words = (i: number): readonly string[] | null => data?.causes[i]?.evidence ?? null;
  return (
    <Panel
      title="What explains it"
      aside={
        <span>
          about its {explained.measure ?? "errors"}, recorded at <Clock ms={explained.at} />, version{" "}
          {explained.modelVersion} of the model
        </span>
      }
    >
      {explained.causes.length === 0 && (
        <p className="text-muted">Nothing that the model knew when it ended explains it.</p>
      )}
      <ol className="divide-y divide-line">
        {explained.causes.map(({ kind, cause, changeKind, scorePpm, chain }, i) => (
          <Cause
            key={cause}
            cause={{ kind, cause, changeKind, score: scorePpm / 1_000_000, chain, evidence: words(i) }}
            at={openedAt}
          />
        ))}
      </ol>
      {data !== undefined && (data.evidence === "erased" || data.evidence === "withheld") && (
        <p className="mt-2 text-xs text-muted">{MISSING_WORDS[data.evidence]}</p>
      )}
    </Panel>
  );
}

/** While it lasts the model is asked, about any of its services. */
function Asked({ incident }: { readonly incident: IncidentView }): ReactNode {
  const search = useSearch({ from: "/incidents/$id" });
  const navigate = useNavigate();
  const service = incident.services.find((one) => one === search.service) ?? incident.service;
  const measure: Measure = MEASURES.find((one) => one === search.measure) ?? "errors";
  const node = `service:${incident.environment}:${service}`;
  const { data, error } = useQuery(causesQuery({ node, measure, at: incident.openedAt, knownAt: null }));
  const choose = (more: { service?: string; measure?: string }): void => {
    void navigate({ to: "/incidents/$id", params: { id: incident.id }, search: { ...search, ...more }, replace: true });
  };
  const services = [...new Set([incident.service, ...incident.services])].map(
    (name) => [name, plainText(name)] as const,
  );
  return (
    <Panel title="What explains it" aside={<span>asked now, of what is known so far</span>}>
      <div className="mb-3 grid max-w-md grid-cols-2 gap-3">
        <Choice label="Service" value={service} options={services} onChange={(value) => choose({ service: value })} />
        <Choice
          label="Symptom"
          value={measure}
          options={MEASURES.map((name) => [name, name])}
          onChange={(value) => choose({ measure: value })}
        />
      </div>
      {error !== null && (isUnknown(error) ? <UnknownNode node={node} /> : <ErrorNote error={error} />)}
      {data === undefined && error === null && <Loading what="causes" />}
      {data?.none === true && <p className="mb-2 text-muted">No change that the model knows of explains it.</p>}
      {data !== undefined && data.unjudged.length > 0 && (
        <p className="mb-2 text-muted">
          Nothing was measured to judge these changes by: <Foreign mono text={data.unjudged.join(", ")} />
        </p>
      )}
      <ol className="divide-y divide-line">
        {data?.causes.map((cause) => (
          <Cause key={`${cause.kind} ${cause.cause}`} cause={{ ...cause, changeKind: null }} at={incident.openedAt} />
        ))}
      </ol>
    </Panel>
  );
}

function isUnknown(error: unknown): boolean {
  return error instanceof ApiError && error.problem.code === "model-node-not-found";
}

function UnknownNode({ node }: { readonly node: string }): ReactNode {
  return (
    <p className="text-muted">
      The model does not know <Foreign mono text={node} />: no telemetry or declaration names it.
    </p>
  );
}

type Explaining = {
  readonly kind: CauseKind;
  readonly cause: string;
  readonly changeKind: string | null;
  readonly score: number;
  readonly chain: readonly string[];
  /** Null while it is asked for, or where it cannot be. */
  readonly evidence: readonly string[] | null;
};

function Cause({ cause, at }: { readonly cause: Explaining; readonly at: number }): ReactNode {
  return (
    <li className="py-2.5 first:pt-0 last:pb-0">
      <p className="flex flex-wrap items-baseline gap-2">
        <Badge tone={cause.kind === "change" ? "warn" : "plain"}>{cause.changeKind ?? cause.kind}</Badge>
        <span className="font-medium">
          <Foreign text={cause.cause} />
        </span>
        <span className="text-xs text-faint">score {cause.score.toFixed(2)}</span>
      </p>
      <Chain hops={cause.chain} at={at} />
      {cause.evidence !== null && cause.evidence.length > 0 && (
        <ul aria-label="Evidence" className="mt-1.5 list-disc pl-5 text-xs text-muted">
          {cause.evidence.map((text, i) => (
            <li key={i}>
              <Foreign text={text} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

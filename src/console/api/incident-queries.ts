// What the page of an incident reads: itself, what is of it, what explains it, and what is remembered of others like it.

import { queryOptions } from "@tanstack/react-query";
import type { ExplainedCause, Explanation } from "../../wire/types/explanation.ts";
import type { DraftTrial, IncidentExplanationView, IncidentView } from "../../wire/types/incident-views.ts";
import type { ModelCausesView, ModelGraphView } from "../../wire/types/model-views.ts";
import type { ActionView, RunView, SignalView } from "../../wire/types/views.ts";
import { queryText, readDocument, write } from "./api-client.ts";
import type { Page } from "./documents.ts";

const PAGE = 50;
/** The longest page that the API gives. */
const LISTED = 200;

export const incidentsQuery = ({ status, cursor }: { readonly status: string; readonly cursor?: string | undefined }) =>
  queryOptions({
    queryKey: ["incidents", "list", status, cursor],
    queryFn: ({ signal }) => {
      const query = queryText({ status, cursor, limit: status === "open" ? LISTED : PAGE });
      return readDocument<Page<IncidentView>>(`/v1/incidents${query}`, signal);
    },
  });

export const incidentQuery = (id: string) =>
  queryOptions({
    queryKey: ["incidents", "one", id],
    queryFn: ({ signal }) => readDocument<IncidentView>(`/v1/incidents/${encodeURIComponent(id)}`, signal),
  });

/** What explained one that is over, as it was recorded. */
export const explanationQuery = (id: string) =>
  queryOptions({
    queryKey: ["incidents", "explanation", id],
    queryFn: ({ signal }) =>
      readDocument<IncidentExplanationView>(`/v1/incidents/${encodeURIComponent(id)}/explanation`, signal),
    staleTime: 60_000,
  });

type Of = { readonly signals: SignalView; readonly runs: RunView; readonly actions: ActionView };

/** The newest of what names the incident. */
export const ofIncidentQuery = <K extends keyof Of>(kind: K, incident: string) =>
  queryOptions({
    queryKey: ["incidents", "of", incident, kind],
    queryFn: ({ signal }) => readDocument<Page<Of[K]>>(`/v1/${kind}${queryText({ incident, limit: LISTED })}`, signal),
  });

export const MEASURES = ["errors", "latency", "traffic"] as const;
export type Measure = (typeof MEASURES)[number];
type Symptom = {
  readonly node: string;
  readonly measure: Measure;
  readonly at: number;
  readonly knownAt: number | null;
};

/** A question that is posted: nothing is recorded by it. Not asked again by itself, for its answer moves with each window. */
export const causesQuery = ({ node, measure, at, knownAt }: Symptom) =>
  queryOptions({
    queryKey: ["causes", node, measure, at, knownAt],
    queryFn: () => {
      const times = { at: String(at), ...(knownAt === null ? {} : { knownAt: String(knownAt) }) };
      return write<ModelCausesView>({ method: "POST", path: "/v1/model/causes", body: { node, measure, ...times } });
    },
    staleTime: 60_000,
  });

/** What the model measured around a node then: what the hops of a chain rest on. */
export const surroundingsQuery = (around: string, { depth, at }: { readonly depth: number; readonly at: number }) =>
  queryOptions({
    queryKey: ["model", "surroundings", around, depth, at],
    queryFn: ({ signal }) =>
      readDocument<ModelGraphView>(`/v1/model${queryText({ around, depth, at, limit: 2_000 })}`, signal),
    staleTime: 60_000,
  });

export type ShortAction = Pick<ActionView, "id" | "kind" | "status" | "code" | "agent">;
export type FollowedPolicy = { readonly id: string; readonly status: string; readonly activatedAt: number | null };

export type SimilarIncident = Pick<
  IncidentView,
  "id" | "status" | "services" | "openedAt" | "resolvedAt" | "resolution"
> & {
  /** Parts of a hundred. */
  readonly score: number;
  readonly by: readonly string[];
  readonly cause: ExplainedCause | null;
  readonly actions: readonly ShortAction[];
  readonly policies: readonly FollowedPolicy[];
};

type IncidentMemory = {
  readonly explained: Explanation | null;
  readonly actions: readonly ShortAction[];
  readonly policies: readonly FollowedPolicy[];
  readonly similar: readonly SimilarIncident[];
  readonly draft: string | null;
  /** Null where nothing is drafted. */
  readonly trial: DraftTrial | null;
};

/** `mark` changes when the incident does: what is remembered is looked for over all of the past, and no event asks for it. */
export const memoryQuery = (id: string, mark: string) =>
  queryOptions({
    queryKey: ["incident-memory", id, mark],
    queryFn: ({ signal }) => readDocument<IncidentMemory>(`/v1/incidents/${encodeURIComponent(id)}/memory`, signal),
    staleTime: 60_000,
  });

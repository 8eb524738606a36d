// What the pages read, each under the key by which live updates find it again.

import { queryOptions } from "@tanstack/react-query";
import type { ReviewView } from "../../wire/types/approval-views.ts";
import type { ApproverView } from "../../wire/types/approver-views.ts";
import type { GrantView, LevelView } from "../../wire/types/grant-views.ts";
import type { PersonView } from "../../wire/types/rights.ts";
import type { ActionView, AgentView } from "../../wire/types/views.ts";
import { ApiError, isSignedOut, queryText, readDocument, readText } from "./api-client.ts";
import type {
  ActionDocument,
  AgentDocument,
  ReviewDocument,
  Explanation,
  SignInProviders,
  StopReport,
  StopReportDocument,
  Killswitch,
  LedgerKeys,
  LedgerPage,
  Page,
  PoliciesDocument,
  Session,
  StageDocument,
} from "./documents.ts";

/** The longest page that the API gives. */
const LISTED = 200;

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }) => {
    try {
      return await readDocument<Session>("/v1/session", signal);
    } catch (error) {
      if (isSignedOut(error)) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

export type ActionFilters = Readonly<Partial<Record<"status" | "environment" | "service" | "kind" | "agent", string>>>;

export const actionsQuery = (filters: ActionFilters & { readonly cursor?: string }, limit = 100) =>
  queryOptions({
    queryKey: ["actions", "list", filters, limit],
    queryFn: ({ signal }) => readDocument<Page<ActionView>>(`/v1/actions${queryText({ ...filters, limit })}`, signal),
  });

const HELD_PAGES_MAX = 10;
const HELD_PAGE = 200;

/** Whatever waits: lists begin with the newest, and what ends first may be on the last of the pages. */
export const heldQuery = (filters: ActionFilters) =>
  queryOptions({
    queryKey: ["actions", "held", filters],
    queryFn: async ({ signal }) => {
      const items: ActionView[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < HELD_PAGES_MAX; page++) {
        const query = queryText({ ...filters, status: "held", limit: HELD_PAGE, cursor });
        const found = await readDocument<Page<ActionView>>(`/v1/actions${query}`, signal);
        items.push(...found.items);
        if (found.cursor === null) return { items, isWhole: true };
        cursor = found.cursor;
      }
      return { items, isWhole: false };
    },
  });

export const actionQuery = (id: string) =>
  queryOptions({
    queryKey: ["actions", "one", id],
    queryFn: ({ signal }) => readDocument<ActionDocument>(`/v1/actions/${encodeURIComponent(id)}`, signal),
  });

export const levelsQuery = (filters: { readonly status?: string | undefined; readonly agent?: string | undefined }) =>
  queryOptions({
    queryKey: ["levels", "list", filters],
    queryFn: ({ signal }) =>
      readDocument<Page<LevelView>>(`/v1/levels${queryText({ ...filters, limit: LISTED })}`, signal),
  });

export const grantsQuery = (filters: { readonly status?: string | undefined }) =>
  queryOptions({
    queryKey: ["grants", "list", filters],
    queryFn: ({ signal }) =>
      readDocument<Page<GrantView>>(`/v1/grants${queryText({ ...filters, limit: LISTED })}`, signal),
  });

export const peopleQuery = (filters: { readonly status?: string | undefined }) =>
  queryOptions({
    queryKey: ["people", "list", filters],
    queryFn: ({ signal }) =>
      readDocument<Page<PersonView>>(`/v1/people${queryText({ ...filters, limit: LISTED })}`, signal),
  });

/** Null for who is not registered. */
export const personQuery = (id: string) =>
  queryOptions({
    queryKey: ["people", "one", id],
    queryFn: async ({ signal }) => {
      try {
        return await readDocument<PersonView>(`/v1/people/${encodeURIComponent(id)}`, signal);
      } catch (error) {
        if (error instanceof ApiError && error.problem.code === "rights-not-found") return null;
        throw error;
      }
    },
  });

export const approversQuery = (filters: { readonly status?: string | undefined }) =>
  queryOptions({
    queryKey: ["approvers", "list", filters],
    queryFn: ({ signal }) =>
      readDocument<Page<Omit<ApproverView, "recent">>>(
        `/v1/approvers${queryText({ ...filters, limit: LISTED })}`,
        signal,
      ),
  });

export const approverQuery = (person: string) =>
  queryOptions({
    queryKey: ["approvers", "one", person],
    queryFn: ({ signal }) => readDocument<ApproverView>(`/v1/approvers/${encodeURIComponent(person)}`, signal),
  });

export const reviewsQuery = (filters: { readonly status?: string | undefined }) =>
  queryOptions({
    queryKey: ["reviews", "list", filters],
    queryFn: ({ signal }) =>
      readDocument<Page<ReviewView>>(`/v1/reviews${queryText({ ...filters, limit: LISTED })}`, signal),
  });

export const reviewQuery = (id: string) =>
  queryOptions({
    queryKey: ["reviews", "one", id],
    queryFn: ({ signal }) => readDocument<ReviewDocument>(`/v1/reviews/${encodeURIComponent(id)}`, signal),
  });

export const killswitchQuery = queryOptions({
  queryKey: ["killswitch"],
  queryFn: ({ signal }) => readDocument<Killswitch>("/v1/killswitch", signal),
  // The brake file is beside the ledger: no event tells of it while the store is down.
  refetchInterval: 10_000,
});

export const agentsQuery = (filters: { readonly status?: string; readonly owner?: string }) =>
  queryOptions({
    queryKey: ["agents", "list", filters],
    queryFn: ({ signal }) =>
      readDocument<Page<AgentView>>(`/v1/agents${queryText({ ...filters, limit: 200 })}`, signal),
  });

/** Null for an identity that nobody has registered as an agent. */
export const agentQuery = (id: string) =>
  queryOptions({
    queryKey: ["agents", "one", id],
    queryFn: async ({ signal }) => {
      try {
        return await readDocument<AgentDocument>(`/v1/agents/${encodeURIComponent(id)}`, signal);
      } catch (error) {
        if (error instanceof ApiError && error.problem.code === "agent-not-found") return null;
        throw error;
      }
    },
  });

export const explanationQuery = (id: string, mark: string) =>
  queryOptions({
    queryKey: ["actions", "explained", id, mark],
    queryFn: ({ signal }) => readDocument<Explanation>(`/v1/actions/${encodeURIComponent(id)}/explain`, signal),
  });

export const stopReportsQuery = queryOptions({
  queryKey: ["killswitch", "reports"],
  queryFn: ({ signal }) => readDocument<Page<StopReport>>("/v1/killswitch/reports?limit=50", signal),
});

export const stopReportQuery = (id: string) =>
  queryOptions({
    queryKey: ["killswitch", "reports", id],
    queryFn: ({ signal }) =>
      readDocument<StopReportDocument>(`/v1/killswitch/reports/${encodeURIComponent(id)}`, signal),
  });

/** Where people may sign in beside a code; none where the server has no such list. */
export const providersQuery = queryOptions({
  queryKey: ["providers"],
  queryFn: ({ signal }) =>
    readDocument<SignInProviders>("/v1/session/providers", signal).catch((): SignInProviders => ({ items: [] })),
  staleTime: Infinity,
});

export const stageQuery = queryOptions({
  queryKey: ["stage"],
  queryFn: ({ signal }) => readDocument<StageDocument>("/v1/stage", signal),
});

export const policiesQuery = queryOptions({
  queryKey: ["policies"],
  queryFn: ({ signal }) => readDocument<PoliciesDocument>("/v1/policies", signal),
});

/** `mark` changes with what the receipt is about. */
export const receiptQuery = ({ path, mark }: { readonly path: string; readonly mark: string }) =>
  queryOptions({
    queryKey: ["receipt", path, mark],
    queryFn: ({ signal }) => readDocument<unknown>(path, signal),
    staleTime: 0,
  });

export const ledgerKeysQuery = queryOptions({
  queryKey: ["ledger", "keys"],
  queryFn: ({ signal }) => readDocument<LedgerKeys>("/v1/ledger/keys", signal),
  staleTime: 60_000,
});

/** `seq`: the last event known of; the head is asked for again behind it. */
export const checkpointQuery = (seq: number) =>
  queryOptions({
    queryKey: ["ledger", "checkpoint", seq],
    queryFn: ({ signal }) => readText("/v1/ledger/checkpoint", signal),
    placeholderData: (before) => before,
  });

export type EventFilters = {
  readonly from: number;
  readonly limit: number;
  readonly type?: string;
  readonly subject?: string;
};

export const eventsQuery = (filters: EventFilters) =>
  queryOptions({
    queryKey: ["ledger", "events", filters],
    queryFn: ({ signal }) => readDocument<LedgerPage>(`/v1/ledger/events${queryText(filters)}`, signal),
    // What is in the ledger stays as it is; only a page that ends with the log can grow.
    staleTime: 5_000,
  });

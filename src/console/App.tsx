// The application: who is signed in decides between the sign-in page and the rest.

import { CSPProvider } from "@base-ui/react/csp-provider";
import {
  MutationCache,
  QueryCache,
  QueryClient,
  QueryClientProvider,
  useQuery,
  type Query,
} from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { ApiError, isSignedOut } from "./api/api-client.ts";
import { sessionQuery } from "./api/queries.ts";
import { readAgain } from "./api/read-again.ts";
import { createConsoleRouter } from "./Routes.tsx";
import { LiveUpdates } from "./shell/LiveUpdates.tsx";
import { Notices } from "./shell/Notices.tsx";
import { SignIn } from "./sign-in/SignIn.tsx";
import { ErrorNote, Loading } from "./ui/Panel.tsx";

const RETRIES = 2;
/** What could not be read, once its retries are spent: no page goes on with what is old. */
const AGAIN_MS = 5_000;
const TOO_MANY_REQUESTS = 429;

function isRefused(error: Error): boolean {
  return error instanceof ApiError && error.problem.status >= 400 && error.problem.status < 500;
}

/** What the server has refused is not asked again; what did not reach it is, and what it had no time for later. */
function createQueries(): QueryClient {
  const retry = (failures: number, error: Error): boolean => failures < RETRIES && !isRefused(error);
  // A session that has ended is found out by whatever asks next.
  const onError = (error: Error): void => {
    if (isSignedOut(error)) void queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
  };
  const onUnread = (error: Error, { queryKey }: Pick<Query, "queryKey">): void => {
    onError(error);
    const isBusy = error instanceof ApiError && error.problem.status === TOO_MANY_REQUESTS;
    if (isBusy || !isRefused(error)) setTimeout(() => readAgain(queries, { queryKey, exact: true }), AGAIN_MS);
  };
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError: onUnread }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: { queries: { retry, staleTime: 10_000, refetchOnWindowFocus: true } },
  });
  return queries;
}

export function App(): ReactNode {
  const [queries] = useState(createQueries);
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <Notices>
          <Entrance />
        </Notices>
      </QueryClientProvider>
    </CSPProvider>
  );
}

function Entrance(): ReactNode {
  const { data: session, error } = useQuery(sessionQuery);
  const [router] = useState(createConsoleRouter);
  if (session === undefined) {
    return error === null ? (
      <Loading what="Holdpoint" />
    ) : (
      <div className="mx-auto max-w-md p-8">{<ErrorNote error={error} />}</div>
    );
  }
  if (session === null) return <SignIn />;
  return (
    <LiveUpdates>
      <RouterProvider router={router} context={{ session }} />
    </LiveUpdates>
  );
}

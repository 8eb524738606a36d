// The pages by path; what a filter says stands in the address, so that a link shows the same to somebody else.

import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  Link,
  Outlet,
  redirect,
  useRouteContext,
} from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ActionList } from "./actions/ActionList.tsx";
import { ActionPage } from "./actions/ActionPage.tsx";
import { ActivityPage } from "./activity/ActivityPage.tsx";
import { AgentList } from "./agents/AgentList.tsx";
import { AgentPage } from "./agents/AgentPage.tsx";
import { ApproverPage } from "./approvers/ApproverPage.tsx";
import { ApproversPage } from "./approvers/ApproversPage.tsx";
import type { Session } from "./api/documents.ts";
import { GrantsPage } from "./grants/GrantsPage.tsx";
import { HoldCard } from "./holds/HoldCard.tsx";
import { HoldsPage, NoHoldChosen } from "./holds/HoldsPage.tsx";
import { IncidentPage } from "./incidents/IncidentPage.tsx";
import { IncidentsPage } from "./incidents/IncidentsPage.tsx";
import { EventPage } from "./ledger/EventPage.tsx";
import { StopPage } from "./killswitch/StopPage.tsx";
import { StopsPage } from "./killswitch/StopsPage.tsx";
import { LedgerPage } from "./ledger/LedgerPage.tsx";
import { LevelsPage } from "./levels/LevelsPage.tsx";
import { ModelPage } from "./model/ModelPage.tsx";
import { PeoplePage } from "./people/PeoplePage.tsx";
import { ReviewPage } from "./reviews/ReviewPage.tsx";
import { ReviewsPage } from "./reviews/ReviewsPage.tsx";
import { MorePage } from "./shell/MorePage.tsx";
import { Shell } from "./shell/Shell.tsx";
import { Empty, ErrorNote } from "./ui/Panel.tsx";

type Context = { readonly session: Session };

/** A node of the model has the longest name of all that an address holds. */
const VALUE_MAX = 400;

/** Keeps of an address's query what a page knows, as text. */
function searchOf<const Names extends readonly string[]>(names: Names) {
  return (search: Record<string, unknown>): { [Name in Names[number]]?: string } => {
    const kept = names.flatMap((name) => {
      const value = search[name];
      return typeof value === "string" || typeof value === "number"
        ? [[name, String(value).slice(0, VALUE_MAX)] as const]
        : [];
    });
    return Object.fromEntries(kept) as { [Name in Names[number]]?: string };
  };
}

const root = createRootRouteWithContext<Context>()({
  component: RootPage,
  notFoundComponent: () => (
    <Empty title="There is no such page">
      <Link to="/holds" className="text-accent underline">
        To the holds
      </Link>
    </Empty>
  ),
  errorComponent: ({ error }) => (
    <div className="mx-auto max-w-2xl p-6">
      <ErrorNote error={error} />
    </div>
  ),
});

function RootPage(): ReactNode {
  const { session } = useRouteContext({ from: "__root__" });
  return <Shell session={session} />;
}

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    redirect({ to: "/holds", replace: true, throw: true });
  },
});
const holds = createRoute({
  getParentRoute: () => root,
  path: "/holds",
  validateSearch: searchOf(["environment", "service", "kind"]),
  component: HoldsPage,
});
const holdsIndex = createRoute({ getParentRoute: () => holds, path: "/", component: NoHoldChosen });
const hold = createRoute({ getParentRoute: () => holds, path: "/$id", component: HoldCard });
const actions = createRoute({
  getParentRoute: () => root,
  path: "/actions",
  validateSearch: searchOf(["status", "environment", "service", "kind", "agent", "cursor"]),
  component: Outlet,
});
const actionsIndex = createRoute({ getParentRoute: () => actions, path: "/", component: ActionList });
const action = createRoute({ getParentRoute: () => actions, path: "/$id", component: ActionPage });
const activity = createRoute({
  getParentRoute: () => root,
  path: "/activity",
  validateSearch: searchOf(["family"]),
  component: ActivityPage,
});
const agents = createRoute({ getParentRoute: () => root, path: "/agents", component: Outlet });
const agentsIndex = createRoute({
  getParentRoute: () => agents,
  path: "/",
  validateSearch: searchOf(["status"]),
  component: AgentList,
});
const agent = createRoute({ getParentRoute: () => agents, path: "/$id", component: AgentPage });
const stops = createRoute({ getParentRoute: () => root, path: "/stops", component: Outlet });
const stopsIndex = createRoute({ getParentRoute: () => stops, path: "/", component: StopsPage });
const stop = createRoute({ getParentRoute: () => stops, path: "/$id", component: StopPage });
const levels = createRoute({
  getParentRoute: () => root,
  path: "/levels",
  validateSearch: searchOf(["status", "agent"]),
  component: LevelsPage,
});
const grants = createRoute({
  getParentRoute: () => root,
  path: "/grants",
  validateSearch: searchOf(["status"]),
  component: GrantsPage,
});
const people = createRoute({
  getParentRoute: () => root,
  path: "/people",
  validateSearch: searchOf(["status"]),
  component: PeoplePage,
});
const approvers = createRoute({ getParentRoute: () => root, path: "/approvers", component: Outlet });
const approversIndex = createRoute({
  getParentRoute: () => approvers,
  path: "/",
  validateSearch: searchOf(["status"]),
  component: ApproversPage,
});
const approver = createRoute({ getParentRoute: () => approvers, path: "/$person", component: ApproverPage });
const reviews = createRoute({ getParentRoute: () => root, path: "/reviews", component: Outlet });
const reviewsIndex = createRoute({
  getParentRoute: () => reviews,
  path: "/",
  validateSearch: searchOf(["status"]),
  component: ReviewsPage,
});
const review = createRoute({ getParentRoute: () => reviews, path: "/$id", component: ReviewPage });
const incidents = createRoute({ getParentRoute: () => root, path: "/incidents", component: Outlet });
const incidentsIndex = createRoute({
  getParentRoute: () => incidents,
  path: "/",
  validateSearch: searchOf(["status", "cursor"]),
  component: IncidentsPage,
});
const incident = createRoute({
  getParentRoute: () => incidents,
  path: "/$id",
  validateSearch: searchOf(["service", "measure"]),
  component: IncidentPage,
});
const model = createRoute({
  getParentRoute: () => root,
  path: "/model",
  validateSearch: searchOf(["node", "at", "view", "depth", "show", "from"]),
  component: ModelPage,
});
const more = createRoute({ getParentRoute: () => root, path: "/more", component: MorePage });
const ledger = createRoute({ getParentRoute: () => root, path: "/ledger", component: Outlet });
const ledgerIndex = createRoute({
  getParentRoute: () => ledger,
  path: "/",
  validateSearch: searchOf(["from", "type", "subject"]),
  component: LedgerPage,
});
const event = createRoute({ getParentRoute: () => ledger, path: "/$seq", component: EventPage });

const tree = root.addChildren([
  home,
  holds.addChildren([holdsIndex, hold]),
  actions.addChildren([actionsIndex, action]),
  activity,
  agents.addChildren([agentsIndex, agent]),
  incidents.addChildren([incidentsIndex, incident]),
  model,
  levels,
  grants,
  people,
  approvers.addChildren([approversIndex, approver]),
  reviews.addChildren([reviewsIndex, review]),
  more,
  stops.addChildren([stopsIndex, stop]),
  ledger.addChildren([ledgerIndex, event]),
]);

/** A router whose session is given when it is mounted. */
export function createConsoleRouter() {
  return createRouter({ routeTree: tree, basepath: "/console", context: { session: undefined as unknown as Session } });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}

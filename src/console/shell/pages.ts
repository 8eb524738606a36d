// The pages that navigation leads to, and the key that goes there after `g`.

import type { IconName } from "../ui/Icons.tsx";

export type PageLink = {
  readonly to: string;
  readonly name: string;
  readonly icon: IconName;
  readonly key: string;
  readonly about: string;
  /** In the bar of a narrow screen too. */
  readonly isFirst: boolean;
};

const first = (page: Omit<PageLink, "isFirst">): PageLink => ({ ...page, isFirst: true });
const later = (page: Omit<PageLink, "isFirst">): PageLink => ({ ...page, isFirst: false });

export const PAGES: readonly PageLink[] = [
  first({ to: "/holds", name: "Holds", icon: "holds", key: "h", about: "What waits for an answer" }),
  first({ to: "/actions", name: "Actions", icon: "actions", key: "a", about: "All that was proposed" }),
  first({ to: "/activity", name: "Activity", icon: "activity", key: "v", about: "What happens now" }),
  first({ to: "/agents", name: "Agents", icon: "agents", key: "e", about: "Who is registered, with which bounds" }),
  later({ to: "/incidents", name: "Incidents", icon: "incident", key: "i", about: "What broke, and why" }),
  later({ to: "/model", name: "Model", icon: "model", key: "m", about: "How production hangs together, then and now" }),
  later({ to: "/levels", name: "Levels", icon: "levels", key: "t", about: "How far agents go by themselves" }),
  later({ to: "/grants", name: "Grants", icon: "lock", key: "n", about: "What may be done outside right now" }),
  later({ to: "/people", name: "People", icon: "people", key: "u", about: "Who holds which roles" }),
  later({ to: "/approvers", name: "Approvers", icon: "check", key: "p", about: "How people decide" }),
  later({ to: "/reviews", name: "Reviews", icon: "shield", key: "r", about: "Glass that was broken" }),
  later({ to: "/stops", name: "Stops", icon: "stop", key: "s", about: "What was stopped, and what became of it" }),
  later({ to: "/ledger", name: "Ledger", icon: "ledger", key: "l", about: "Every event, with its proof" }),
];

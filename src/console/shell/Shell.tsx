// The frame of every page: where to go, who is signed in, whether what is shown is live, and the kill switch.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { write } from "../api/api-client.ts";
import type { Session } from "../api/documents.ts";
import { heldQuery, killswitchQuery, sessionQuery } from "../api/queries.ts";
import { KillswitchDialog } from "../killswitch/KillswitchDialog.tsx";
import { utcClock } from "../text/instants.ts";
import { Button } from "../ui/Button.tsx";
import { Icon, Mark, type IconName } from "../ui/Icons.tsx";
import { Keyboard } from "./Keyboard.tsx";
import { useLive } from "./LiveUpdates.tsx";
import { ModeBanner } from "./ModeBanner.tsx";
import { PAGES } from "./pages.ts";
import { currentTheme, toggleTheme } from "./theme.ts";

export function Shell({ session }: { readonly session: Session }): ReactNode {
  const [isStopOpen, setStopOpen] = useState(false);
  const openStop = (): void => setStopOpen(true);
  return (
    <div className="flex h-dvh flex-col">
      <a href="#page" className="sr-only rounded bg-raised px-3 py-2 focus:not-sr-only focus:absolute focus:z-50">
        Skip to the page
      </a>
      <Header session={session} onKillswitch={openStop} />
      <ModeBanner />
      <div className="flex min-h-0 flex-1">
        <SideNavigation />
        <main id="page" tabIndex={-1} className="min-w-0 flex-1 overflow-y-auto outline-none">
          <Outlet />
        </main>
      </div>
      <BottomNavigation />
      <Keyboard onKillswitch={openStop} />
      <KillswitchDialog isOpen={isStopOpen} onClose={() => setStopOpen(false)} session={session} />
    </div>
  );
}

function Header({
  session,
  onKillswitch,
}: {
  readonly session: Session;
  readonly onKillswitch: () => void;
}): ReactNode {
  return (
    <header className="flex h-12 shrink-0 items-center gap-3 border-b border-line bg-surface px-4">
      <Link to="/holds" className="flex items-center gap-2 rounded">
        <Mark />
        <span className="text-[0.9375rem] font-semibold tracking-tight text-ink max-sm:sr-only">Holdpoint</span>
      </Link>
      <Connection />
      <div className="ml-auto flex items-center gap-1.5">
        <KillswitchButton onOpen={onKillswitch} />
        <ThemeButton />
        <Person session={session} />
      </div>
    </header>
  );
}

function KillswitchButton({ onOpen }: { readonly onOpen: () => void }): ReactNode {
  const { data } = useQuery(killswitchQuery);
  const isStopped = data !== undefined && data.mode !== "run";
  const parts = isStopped ? 0 : (data?.brakes.length ?? 0);
  return (
    <Button tone="danger" onClick={onOpen} aria-haspopup="dialog">
      <Icon name="stop" />
      <span>{isStopped ? "Stopped" : "Kill switch"}</span>
      {parts > 0 && (
        <span className="rounded bg-bad-solid px-1 text-2xs text-accent-ink">
          {parts}
          <span className="sr-only"> in force</span>
        </span>
      )}
    </Button>
  );
}

const STATE = {
  live: { dot: "bg-ok-solid", text: "Live" },
  connecting: { dot: "bg-warn", text: "Connecting" },
  lost: { dot: "bg-bad-solid", text: "Disconnected" },
} as const;

function Connection(): ReactNode {
  const { state, since } = useLive();
  const { dot, text } = STATE[state];
  return (
    <p role="status" className="flex items-center gap-1.5 text-xs text-muted" data-connection={state}>
      <span aria-hidden="true" className={`size-2 rounded-full ${dot}`} />
      {text}
      {state === "lost" && <span className="text-bad">· as of {utcClock(since)} UTC</span>}
    </p>
  );
}

function ThemeButton(): ReactNode {
  const [theme, setTheme] = useState(currentTheme);
  const other = theme === "dark" ? "light" : "dark";
  return (
    <Button
      tone="quiet"
      className="px-2"
      aria-label={`Show the ${other} theme`}
      onClick={() => setTheme(toggleTheme())}
    >
      <Icon name={theme === "dark" ? "sun" : "moon"} />
    </Button>
  );
}

function Person({ session }: { readonly session: Session }): ReactNode {
  const queries = useQueryClient();
  const signOut = async (): Promise<void> => {
    await write({ method: "DELETE", path: "/v1/session" }).catch(() => undefined);
    queries.setQueryData(sessionQuery.queryKey, null);
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
  };
  return (
    <div className="flex items-center gap-2 border-l border-line pl-2.5">
      <span
        className="max-w-40 truncate text-xs text-muted max-sm:hidden"
        title={`${session.identity}, roles: ${session.roles.join(", ")}`}
      >
        {session.identity}
      </span>
      <Button tone="quiet" size="sm" onClick={() => void signOut()}>
        Sign out
      </Button>
    </div>
  );
}

const LINK =
  "flex items-center gap-2.5 rounded-md text-muted hover:bg-sunken hover:text-ink data-[status=active]:bg-sunken data-[status=active]:font-medium data-[status=active]:text-ink";

function SideNavigation(): ReactNode {
  return (
    <nav aria-label="Pages" className="w-48 shrink-0 border-r border-line bg-surface p-2.5 max-md:hidden">
      <ul className="flex flex-col gap-0.5">
        {PAGES.map(({ to, name, icon }) => (
          <li key={to}>
            <Link to={to} className={`${LINK} h-8 px-2.5`}>
              <Icon name={icon} />
              {name}
              {name === "Holds" && <HeldCount />}
            </Link>
          </li>
        ))}
      </ul>
      <p className="mt-4 px-2.5 text-2xs text-faint">
        Press <kbd className="rounded border border-line px-1 font-mono">?</kbd> for keys
      </p>
    </nav>
  );
}

const MORE = { to: "/more", name: "More", icon: "more" as IconName };

function BottomNavigation(): ReactNode {
  return (
    <nav aria-label="Pages" className="shrink-0 border-t border-line bg-surface md:hidden">
      <ul className="grid grid-cols-5">
        {[...PAGES.filter(({ isFirst }) => isFirst), MORE].map(({ to, name, icon }) => (
          <li key={to}>
            <Link
              to={to}
              className="flex h-13 flex-col items-center justify-center gap-0.5 text-2xs text-muted data-[status=active]:font-semibold data-[status=active]:text-accent"
            >
              <Icon name={icon} />
              <span>{name}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function HeldCount(): ReactNode {
  const { data } = useQuery(heldQuery({}));
  if (data === undefined || data.items.length === 0) return null;
  return (
    <span className="ml-auto rounded bg-warn-soft px-1.5 text-2xs font-semibold text-warn">
      {data.items.length}
      {data.isWhole ? "" : "+"}
      <span className="sr-only"> waiting</span>
    </span>
  );
}

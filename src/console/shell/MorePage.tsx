// Where a narrow screen finds the pages that its bar has no room for.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Icon } from "../ui/Icons.tsx";
import { PAGES } from "./pages.ts";

export function MorePage(): ReactNode {
  return (
    <div className="mx-auto max-w-2xl px-4 py-4 sm:px-6">
      <h1 className="mb-3 text-lg font-semibold tracking-tight">More</h1>
      <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
        {PAGES.filter(({ isFirst }) => !isFirst).map(({ to, name, icon, about }) => (
          <li key={to}>
            <Link to={to} className="flex items-center gap-3 px-4 py-3 hover:bg-sunken">
              <Icon name={icon} />
              <span>
                <span className="block font-medium">{name}</span>
                <span className="block text-xs text-muted">{about}</span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

// Choices of what a list shows, kept in the address.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { buttonClass } from "./Button.tsx";

type Props = {
  readonly label: string;
  readonly to: "/levels" | "/grants" | "/people" | "/approvers" | "/reviews" | "/incidents";
  /** The value in the address, and what is shown for it; without a value it is all of them. */
  readonly choices: readonly (readonly [status: string | undefined, text: string])[];
  readonly chosen: string | undefined;
};

export function Tabs({ label, to, choices, chosen }: Props): ReactNode {
  return (
    <nav aria-label={label} className="ml-auto flex flex-wrap gap-1">
      {choices.map(([status, text]) => (
        <Link
          key={text}
          to={to}
          search={status === undefined ? {} : { status }}
          activeProps={{}}
          aria-current={status === chosen ? "true" : undefined}
          className={buttonClass(status === chosen ? "plain" : "quiet", "sm")}
        >
          {text}
        </Link>
      ))}
    </nav>
  );
}

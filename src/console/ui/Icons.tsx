// The icons of the console: sixteen by sixteen, in the colour of the text around them.

import type { ReactNode } from "react";

const PATHS = {
  holds: "M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5M6.25 5.5v5M9.75 5.5v5",
  actions: "M9 1.5 3 9h4.5L7 14.5 13 7H8.5z",
  activity: "M1.5 8h3l2-5 3 10 2-5h3",
  agents:
    "M4 6.5h8a1 1 0 0 1 1 1V12a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V7.5a1 1 0 0 1 1-1M8 6.5v-3M8 3.5h.01M6 9.5v.75M10 9.5v.75",
  levels: "M2.5 13.5h11M4 13.5v-3M7 13.5V8M10 13.5V5M13 13.5v-11",
  model:
    "M3 5.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5M13 9.75a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5M3 14.25a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5M4.6 4.2l6.8 3M4.6 11.8l6.8-3",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  ledger: "M3 3h10v10H3zM3 6.5h10M3 9.75h10M6.5 6.5V13",
  stop: "M5.3 1.75h5.4l3.55 3.55v5.4l-3.55 3.55H5.3L1.75 10.7V5.3zM5.5 8h5",
  incident: "M8 2 14.25 13.25H1.75zM8 6.25v3.25M8 11.5h.01",
  lock: "M4 7h8v6.25H4zM5.5 7V5a2.5 2.5 0 0 1 5 0v2",
  check: "m3 8.5 3.25 3.25L13 5",
  cross: "m4 4 8 8m0-8-8 8",
  back: "M9.5 3.5 5 8l4.5 4.5",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1.25v1.5M8 13.25v1.5M1.25 8h1.5M13.25 8h1.5M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1",
  moon: "M13 9.6A5.5 5.5 0 0 1 6.4 3 5.5 5.5 0 1 0 13 9.6",
  people:
    "M6 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M1.75 13.5a4.25 4.25 0 0 1 8.5 0M10.5 2.7a2.5 2.5 0 0 1 0 4.6M11.75 9.6a4.25 4.25 0 0 1 2.5 3.9",
  shield: "M8 1.5 2.75 3.5v4c0 3.25 2.2 5.6 5.25 7 3.05-1.4 5.25-3.75 5.25-7v-4z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }): ReactNode {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 16 16"
      className="size-4 shrink-0"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of Holdpoint. */
export function Mark(): ReactNode {
  return (
    <svg aria-hidden="true" viewBox="0 0 32 32" className="size-6 shrink-0">
      <rect width="32" height="32" rx="8" fill="#4f46e5" />
      <path d="M10 8v16M22 8v16M10 16h12" stroke="#fff" strokeWidth="3.5" strokeLinecap="round" />
    </svg>
  );
}

// Tables of a list: a head for each column, rows that light up, and the whole of it scrolls sideways where it is narrow.

import type { ReactNode } from "react";

type Props = {
  readonly label: string;
  readonly heads: readonly string[];
  readonly children: ReactNode;
};

export function Table({ label, heads, children }: Props): ReactNode {
  return (
    <div
      className="overflow-x-auto rounded-lg border border-line bg-surface"
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <table className="w-full text-left">
        <thead className="text-2xs text-faint">
          <tr>
            {heads.map((name) => (
              <th key={name} scope="col" className="px-3 py-2 font-medium whitespace-nowrap first:pl-4">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export function Row({ children }: { readonly children: ReactNode }): ReactNode {
  return <tr className="border-t border-line align-top hover:bg-sunken">{children}</tr>;
}

export function Cell({
  children,
  muted = false,
}: {
  readonly children: ReactNode;
  readonly muted?: boolean;
}): ReactNode {
  return <td className={`max-w-72 px-3 py-1.5 first:pl-4 max-sm:min-w-28 ${muted ? "text-muted" : ""}`}>{children}</td>;
}

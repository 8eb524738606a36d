// The boxes that pages are made of: panels with a heading, pairs of a name and a value, what stands where nothing is.

import type { ReactNode } from "react";
import { ApiError } from "../api/api-client.ts";

type PanelProps = {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  /** Without padding: for tables. */
  readonly flush?: boolean;
};

export function Panel({ title, aside, children, flush = false }: PanelProps): ReactNode {
  return (
    <section aria-label={title} className="overflow-hidden rounded-lg border border-line bg-surface">
      <header className="flex min-h-9 items-center justify-between gap-3 border-b border-line px-4 py-1.5">
        <h2 className="text-xs font-semibold text-ink">{title}</h2>
        {aside !== undefined && <div className="flex items-center gap-2 text-xs text-faint">{aside}</div>}
      </header>
      <div className={flush ? "overflow-x-auto" : "px-4 py-3"}>{children}</div>
    </section>
  );
}

export function Pairs({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <dl className="grid content-start grid-cols-[7.5rem_minmax(0,1fr)] gap-x-4 gap-y-1.5 max-sm:grid-cols-[5.5rem_minmax(0,1fr)]">
      {children}
    </dl>
  );
}

export function Pair({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactNode {
  return (
    <>
      <dt className="text-faint">{name}</dt>
      <dd className="min-w-0 text-ink">{children}</dd>
    </>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }): ReactNode {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-14 text-center">
      <p className="font-medium text-ink">{title}</p>
      {children !== undefined && <div className="max-w-md text-muted">{children}</div>}
    </div>
  );
}

export function Command({ children }: { readonly children: string }): ReactNode {
  return (
    <code className="rounded border border-line bg-sunken px-1.5 py-0.5 font-mono text-xs text-ink select-all">
      {children}
    </code>
  );
}

export function ErrorNote({ error }: { readonly error: unknown }): ReactNode {
  const problem = error instanceof ApiError ? error.problem : null;
  const title = problem?.title ?? "Something went wrong in this page";
  const detail = problem === null ? String(error) : problem.detail;
  return (
    <div role="alert" className="rounded-md border border-bad/30 bg-bad-soft px-3 py-2 text-bad">
      <p className="font-medium">{title}</p>
      {detail !== "" && <p className="mt-0.5 text-xs">{detail}</p>}
      {problem?.code !== undefined && problem.code !== "" && (
        <p className="mt-0.5 font-mono text-2xs">{problem.code}</p>
      )}
    </div>
  );
}

export function Loading({ what }: { readonly what: string }): ReactNode {
  return (
    <p role="status" className="px-4 py-10 text-center text-faint">
      Loading {what} …
    </p>
  );
}

// The three governance answers about an action, from the ledger alone: whose authority, what constrained it, how it was decided.

import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import type { ActionDocument } from "../api/documents.ts";
import { explanationQuery } from "../api/queries.ts";
import { Button } from "../ui/Button.tsx";
import { ForeignLines } from "../ui/Foreign.tsx";
import { ErrorNote, Panel } from "../ui/Panel.tsx";

export function Explained({ action }: { readonly action: ActionDocument }): ReactNode {
  const [isAsked, setAsked] = useState(false);
  const mark = String(action.timeline.at(-1)?.seq ?? "");
  const { data, error } = useQuery({ ...explanationQuery(action.id, mark), enabled: isAsked });
  return (
    <Panel title="Explained">
      {!isAsked && (
        <div className="flex flex-wrap items-center gap-3">
          <p className="min-w-0 flex-1 text-muted">
            Whose authority it had, what constrained it, and how it was decided, from the ledger alone.
          </p>
          <Button size="sm" onClick={() => setAsked(true)}>
            Explain
          </Button>
        </div>
      )}
      {error !== null && <ErrorNote error={error} />}
      {isAsked && data === undefined && error === null && <p className="text-faint">Reading the ledger …</p>}
      {isAsked && data !== undefined && <ForeignLines mono text={data.text.trimEnd()} />}
    </Panel>
  );
}

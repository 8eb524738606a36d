// What is flagged of a person's way to decide, in words.

import type { ReactNode } from "react";
import type { Behaviour, StampReason } from "../../wire/types/approver-views.ts";
import { Badge } from "../ui/Badge.tsx";

const REASONS: Readonly<Record<StampReason, string>> = {
  hasty: "approves all, and fast",
  burst: "approves in bursts",
};

export function Flags({ of }: { readonly of: Pick<Behaviour, "status" | "reasons"> }): ReactNode {
  if (of.status === "clear") return <Badge tone="ok">clear</Badge>;
  return (
    <span className="flex flex-wrap gap-1">
      {of.reasons.map((reason) => (
        <Badge key={reason} tone="bad">
          {REASONS[reason]}
        </Badge>
      ))}
    </span>
  );
}

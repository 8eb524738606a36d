// Revoking an agent: at once, with all below it, and without an approval.

import type { ReactNode } from "react";
import { write } from "../api/api-client.ts";
import { RevokeDialog, withReason } from "../shell/RevokeDialog.tsx";
import { plainText } from "../text/visible-text.ts";

export function RevokeButton({ id }: { readonly id: string }): ReactNode {
  const path = `/v1/agents/${encodeURIComponent(id)}/revoke`;
  return (
    <RevokeDialog
      className="ml-auto"
      title={`Revoke ${plainText(id)}?`}
      description="Its tokens end at once, and so do those of all agents below it. What they proposed and has not begun will not run."
      queryKey="agents"
      revoke={({ reason }) => write({ method: "POST", path, body: withReason(reason) })}
      said={() => `${plainText(id)} is revoked.`}
    />
  );
}
